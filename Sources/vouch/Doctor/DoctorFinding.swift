import FoundationEssentials

/// What `vouch doctor` looks at, in the order of its report; the raw values are a contract (`docs/commands.md`).
enum DoctorCheck: String, CaseIterable, Sendable, Codable {
    case settings
    case privateKey = "private_key"
    case keyIDs = "key_ids"
    case trustedRoots = "trusted_roots"
    case ocsp
    case database
    case databaseVersion = "database_version"
    case databaseTLS = "database_tls"
    case databaseSchema = "database_schema"
    case databasePrivileges = "database_privileges"
    case secrets
    case clockDatabase = "clock_database"
    case clockAppStore = "clock_app_store"
    case appStoreProduction = "app_store_production"
    case appStoreSandbox = "app_store_sandbox"
    case notificationsProduction = "notifications_production"
    case notificationsSandbox = "notifications_sandbox"
    case products
    case unknownProducts = "unknown_products"
    case userKeys = "user_keys"
}

/// How one check ended.
enum DoctorResult: String, CaseIterable, Sendable, Codable {
    /// As it should be.
    case ok
    /// Works, and will surprise somebody.
    case warning
    /// Could not be looked at.
    case unknown
    /// Something does not work, or must not be so.
    case fault
}

/// One line of the report.
struct DoctorFinding: Equatable, Sendable {
    /// More than any sentence of ours; what came from outside is cut earlier.
    static let scalarsMax = 2_000

    /// What was looked at; several findings may share it.
    let check: DoctorCheck
    /// How it ended.
    let result: DoctorResult
    /// What was found: one line, and no secret in it.
    let detail: String
    /// What to do; `nil` when there is nothing to do.
    let fix: String?

    private init(_ check: DoctorCheck, _ result: DoctorResult, _ detail: String, fix: String?) {
        self.check = check
        self.result = result
        self.detail = Printable.escape(detail, scalarsMax: Self.scalarsMax)
        self.fix = fix.map { Printable.escape($0, scalarsMax: Self.scalarsMax) }
    }

    /// Nothing to do.
    static func ok(_ check: DoctorCheck, _ detail: String) -> Self { Self(check, .ok, detail, fix: nil) }

    /// Works, with a catch.
    static func warning(_ check: DoctorCheck, _ detail: String, fix: String) -> Self {
        Self(check, .warning, detail, fix: fix)
    }

    /// Must be mended.
    static func fault(_ check: DoctorCheck, _ detail: String, fix: String) -> Self {
        Self(check, .fault, detail, fix: fix)
    }

    /// Could not be looked at; the fix says what makes it possible.
    static func unknown(_ check: DoctorCheck, _ detail: String, fix: String) -> Self {
        Self(check, .unknown, detail, fix: fix)
    }
}

extension DoctorFinding: Encodable {
    private enum Key: String, CodingKey { case check, result, detail, fix }

    /// The four members, a missing fix as `null`.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(check, forKey: .check)
        try container.encode(result, forKey: .result)
        try container.encode(detail, forKey: .detail)
        try container.encode(fix, forKey: .fix)
    }
}

/// How `vouch doctor` ends.
enum DoctorExit: Int32, Error, CaseIterable {
    /// Everything was looked at, and nothing is at fault; there may be warnings.
    case well = 0
    /// At least one fault.
    case fault = 1
    /// No fault was found, and something could not be looked at.
    case unknown = 2
}

/// Everything that `vouch doctor` found.
struct DoctorReport: Equatable, Sendable {
    /// In the order of ``DoctorCheck``.
    let findings: [DoctorFinding]

    /// Takes findings in any order; those of one check keep theirs.
    init(_ findings: [DoctorFinding]) {
        self.findings = DoctorCheck.allCases.flatMap { check in findings.filter { $0.check == check } }
    }

    /// The exit code that follows.
    var exit: DoctorExit {
        if findings.contains(where: { $0.result == .fault }) { return .fault }
        return findings.contains { $0.result == .unknown } ? .unknown : .well
    }

    /// The findings of one check.
    func findings(of check: DoctorCheck) -> [DoctorFinding] { findings.filter { $0.check == check } }

    /// For people: a block for each finding, its fix on a line of its own, and a last line that counts.
    var lines: [String] {
        let checkWidth = DoctorCheck.allCases.map(\.rawValue.count).max() ?? 0
        let resultWidth = DoctorResult.allCases.map(\.rawValue.count).max() ?? 0
        let indent = String(repeating: " ", count: checkWidth + resultWidth + 4)
        var lines: [String] = []
        for finding in findings {
            let check = Self.padded(finding.check.rawValue, checkWidth)
            lines.append("\(check)  \(Self.padded(finding.result.rawValue, resultWidth))  \(finding.detail)")
            if let fix = finding.fix { lines.append("\(indent)→ \(fix)") }
        }
        return lines + ["", summary]
    }

    /// For programs: `{"checks": […], "exitCode": n}`.
    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(Document(checks: findings, exitCode: exit.rawValue)) else {
            preconditionFailure("texts and numbers always encode")
        }
        return String(decoding: data, as: UTF8.self)
    }

    private struct Document: Encodable {
        let checks: [DoctorFinding]
        let exitCode: Int32
    }

    private var summary: String {
        func count(_ result: DoctorResult, _ one: String, _ many: String) -> String {
            let count = findings.count { $0.result == result }
            return "\(count) \(count == 1 ? one : many)"
        }
        return [
            count(.fault, "fault", "faults"), count(.warning, "warning", "warnings"),
            count(.unknown, "unknown", "unknown"),
            count(.ok, "ok", "ok"),
        ].joined(separator: ", ")
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
