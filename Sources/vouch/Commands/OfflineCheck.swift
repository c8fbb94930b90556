import AppStoreJWS
import FoundationEssentials
import PurchaseCore

/// Verifies one JWS of any kind without a network, and says in lines how each step went.
///
/// A notification carries JWS of its own, signed apart from the envelope; they are verified too.
struct OfflineCheck: Sendable {
    /// The roots that a chain may end in.
    var trustedRoots: TrustedRoots
    /// The app that it must be about; `nil` for any.
    var bundleID: BundleID?
    /// The store that it must be from; `nil` for any.
    var environment: StoreEnvironment?

    /// What is printed, and how it ends.
    struct Result: Equatable {
        var lines: [String] = []
        var exit = VerifyExit.verified
    }

    /// Checks a text.
    func run(on jws: String, now: Instant) async -> Result {
        let verifier = JWSVerifier(trustedRoots: trustedRoots, ocsp: nil)
        let report = await verifier.report(on: jws, now: now)
        var result = describe(report)
        guard let evidence = report.evidence, evidence.kind == .notification else { return result }
        let inner = Facts(reading: evidence.payload).data
        var parts = 0
        for (name, kind, text) in [
            ("data.signedTransactionInfo", SignedPayloadKind.transaction, inner?.signedTransactionInfo),
            ("data.signedRenewalInfo", .renewalInfo, inner?.signedRenewalInfo),
        ] {
            guard let text else { continue }
            parts += 1
            let part = describe(await verifier.report(on: text, as: kind, now: now))
            result.lines += ["", "\(name):"] + part.lines
            result.exit = max(result.exit, part.exit)
        }
        if parts > 0 { result.lines += ["", Self.line("all together", result.exit.word)] }
        return result
    }

    private func describe(_ report: VerificationReport) -> Result {
        var result = Result()
        result.lines = report.lines.map { Self.line($0.step.rawValue, $0.result.rawValue, Printable.escape($0.detail)) }
        let conclusion: String
        switch report.conclusion {
        case .verified:
            (conclusion, result.exit) = ("", .verified)
        case .invalid(let failure):
            (conclusion, result.exit) = (failure.refusal.rawValue, .refused)
        case .undetermined(let doubt):
            (conclusion, result.exit) = (doubt.code.rawValue, .undetermined)
        }
        if let evidence = report.evidence { compare(evidence, into: &result) }
        if let evidence = report.evidence {
            result.lines += ["", Self.line("kind", evidence.kind.rawValue)] + Self.facts(of: evidence)
        }
        result.lines.append(Self.line("result", result.exit.word, conclusion))
        return result
    }

    /// What the operator asked for beyond the signature; a payload that doesn't say is neither right nor wrong.
    private func compare(_ evidence: VerificationReport.Evidence, into result: inout Result) {
        if let bundleID {
            add("bundle_id", expected: bundleID.rawValue, found: evidence.bundleID?.rawValue, to: &result)
        }
        if let environment {
            add("environment", expected: environment.rawValue, found: evidence.environment, to: &result)
        }
    }

    private func add(_ step: String, expected: String, found: String?, to result: inout Result) {
        let exit: VerifyExit
        switch found {
        case .none:
            result.lines.append(Self.line(step, "undetermined", "the payload names none"))
            exit = .undetermined
        case .some(expected):
            result.lines.append(Self.line(step, "passed", Printable.escape(expected)))
            exit = .verified
        case .some(let found):
            let detail = "it says \(Printable.quote(found)), expected was \(Printable.quote(expected))"
            result.lines.append(Self.line(step, "failed", detail))
            exit = .refused
        }
        result.exit = max(result.exit, exit)
    }

    /// What identifies the evidence; nothing that identifies a person, so no appAccountToken and no appTransactionId.
    private static func facts(of evidence: VerificationReport.Evidence) -> [String] {
        let facts = Facts(reading: evidence.payload)
        var pairs: [(String, String?)] = []
        switch evidence.kind {
        case .transaction:
            pairs = [
                ("transactionId", facts.transactionId), ("originalTransactionId", facts.originalTransactionId),
                ("productId", facts.productId),
            ]
        case .renewalInfo:
            pairs = [("originalTransactionId", facts.originalTransactionId), ("productId", facts.productId)]
        case .notification:
            pairs = [
                ("notificationType", facts.notificationType), ("subtype", facts.subtype),
                ("notificationUUID", facts.notificationUUID),
            ]
        case .appTransaction: pairs = []
        }
        pairs += [
            ("bundleId", evidence.bundleID?.rawValue), ("environment", evidence.environment),
            ("signedDate", UTCTime.text(evidence.signedDate)),
            ("revocationDate", facts.revocationDate.map { UTCTime.text($0) }),
        ]
        return pairs.compactMap { name, value in value.map { line(name, Printable.escape($0)) } }
    }

    private static func line(_ name: String, _ words: String...) -> String {
        let label = name + String(repeating: " ", count: max(1, 23 - name.utf8.count))
        guard words.count > 1 else { return label + words.joined() }
        let first = words[0] + String(repeating: " ", count: max(1, 14 - words[0].utf8.count))
        return (label + first + words[1]).trimmedAtEnd
    }

    /// The members of a payload that are shown, each read for itself, so that an odd one hides no other.
    private struct Facts: Decodable {
        var transactionId: String?
        var originalTransactionId: String?
        var productId: String?
        var revocationDate: Instant?
        var notificationType: String?
        var subtype: String?
        var notificationUUID: String?
        var data: Inner?

        struct Inner: Decodable {
            var signedTransactionInfo: String?
            var signedRenewalInfo: String?
        }

        enum CodingKeys: String, CodingKey {
            case transactionId, originalTransactionId, productId, revocationDate, notificationType, subtype
            case notificationUUID, data
        }

        init(reading payload: String) {
            self = (try? JSONDecoder().decode(Facts.self, from: Data(payload.utf8))) ?? Facts()
        }

        init() {}

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            func text(_ key: CodingKeys) -> String? { try? container.decodeIfPresent(String.self, forKey: key) }
            transactionId = text(.transactionId)
            originalTransactionId = text(.originalTransactionId)
            productId = text(.productId)
            notificationType = text(.notificationType)
            subtype = text(.subtype)
            notificationUUID = text(.notificationUUID)
            // Apple's dates may carry fractions of milliseconds.
            let date = try? container.decodeIfPresent(Double.self, forKey: .revocationDate)
            revocationDate = date.flatMap { Int64(exactly: $0.rounded(.down)) }.map {
                Instant(millisecondsSince1970: $0)
            }
            data = try? container.decodeIfPresent(Inner.self, forKey: .data)
        }
    }
}

extension VerifyExit {
    /// As it is printed.
    fileprivate var word: String {
        switch self {
        case .verified: "verified"
        case .refused: "refused"
        case .undetermined: "undetermined"
        }
    }
}

extension String {
    fileprivate var trimmedAtEnd: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
