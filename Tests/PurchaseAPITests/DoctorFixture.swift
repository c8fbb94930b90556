import AppStoreClient
import AppStoreSimulator
import AsyncHTTPClient
import PurchaseCore
import TestSupport
import Testing

@testable import vouch

/// A deployment over a database of its own and a simulated store: right as it stands, to be broken by a test.
struct DoctorFixture {
    let stack: TestStack
    let files: SettingsFixture
    /// What a correct service is started with.
    let environment: [String: String]

    /// The password that the database's URI carries; the test cluster asks for none.
    static let password = "hunter2-of-the-database"

    static func with(
        _ changes: [String: String?] = [:], file: String? = nil,
        _ body: @escaping @Sendable (DoctorFixture) async throws -> Void
    ) async throws {
        try await TestStack.with(changes, file: file) { stack in try await body(try DoctorFixture(stack)) }
    }

    private init(_ stack: TestStack) throws {
        self.stack = stack
        files = try SettingsFixture()
        var environment = files.environment
        environment["VOUCH_DATABASE_URL"] = stack.settings.databaseURL.replacing(
            "://postgres@", with: "://postgres:\(Self.password)@")
        environment["VOUCH_APP_PRIVATE_KEY_FILE"] = try files.write(
            stack.simulator.keys.privateKeyPEM, to: "AuthKey_SIMULATOR1.p8")
        environment["VOUCH_TRUSTED_ROOTS_FILE"] = try files.write(
            try stack.simulator.keys.rootPEM(), to: "simulator-root.pem")
        environment["VOUCH_APP_STORE_PRODUCTION_URL"] = stack.settings.appStore.productionURL.description
        environment["VOUCH_APP_STORE_SANDBOX_URL"] = stack.settings.appStore.sandboxURL.description
        environment["VOUCH_APP_STORE_REQUESTS_PER_SECOND"] = "2000"
        environment["VOUCH_OCSP"] = "off"
        self.environment = environment
        try files.protect("AuthKey_SIMULATOR1.p8")
    }

    /// Examines the deployment with changes on top of the correct environment; a `nil` takes a name away.
    ///
    /// This machine's clock is `ahead`; `onPause` happens in place of each pause between two questions about a test notification.
    func examine(
        _ changes: [String: String?] = [:], file: String? = nil,
        limits: DoctorExamination.Limits = DoctorExamination.Limits(), ahead: Span = .zero,
        onPause: @escaping @Sendable () async throws -> Void = {}
    ) async throws -> DoctorReport {
        var environment = environment
        for (name, value) in changes { environment[name] = value }
        let configPath = try file.map { try files.write($0, to: "config.yaml") }
        let report = try await Self.examine(
            environment, configPath: configPath, limits: limits, ahead: ahead, onPause: onPause)
        // Whatever a test breaks, nothing secret is shown.
        for text in [report.json, report.lines.joined(separator: "\n")] {
            #expect(!text.contains(Self.password))
            #expect(!text.contains("eyJ"), "a token")
            for line in stack.simulator.keys.privateKeyPEM.split(separator: "\n") where !line.contains("-----") {
                #expect(!text.contains(line), "the key")
            }
        }
        return report
    }

    /// The same without a deployment.
    static func examine(
        _ environment: [String: String], configPath: String? = nil,
        limits: DoctorExamination.Limits = DoctorExamination.Limits(), ahead: Span = .zero,
        onPause: @escaping @Sendable () async throws -> Void = {}
    ) async throws -> DoctorReport {
        let settings = DoctorSettings.load(environment: environment, configPath: configPath)
        var configuration = AppStoreHTTPClient.configuration(requestsPerSecond: 50)
        // Tests never leave this machine, whatever host the settings name.
        configuration.dnsOverride = Dictionary(
            uniqueKeysWithValues: ["api.storekit.apple.com", "api.storekit-sandbox.apple.com", "ocsp.apple.com"].map {
                ($0, "127.0.0.1")
            })
        let httpClient = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let continuous = ClientTime.continuous(wall: { UTCTime.now + ahead })
        let pause = limits.pause
        let time = ClientTime(
            wall: continuous.wall, monotonic: continuous.monotonic,
            sleep: { duration in
                if duration == pause { try await onPause() } else { try await continuous.sleep(duration) }
            })
        let examination = DoctorExamination(
            settings: settings, httpClient: httpClient, time: time, logger: TestDatabase.silent, limits: limits)
        let report = await examination.run()
        try await httpClient.shutdown()
        return report
    }
}

extension DoctorReport {
    /// The one finding of a check; records an issue if there is another number of them.
    func finding(
        _ check: DoctorCheck, at location: SourceLocation = #_sourceLocation
    ) throws -> DoctorFinding {
        let found = findings(of: check)
        #expect(found.count == 1, "\(found)", sourceLocation: location)
        return try #require(found.first, sourceLocation: location)
    }

    /// Expects a check to have ended in one way, with texts that its detail or fix holds.
    func expect(
        _ check: DoctorCheck, _ result: DoctorResult, _ texts: String...,
        at location: SourceLocation = #_sourceLocation
    ) throws {
        let finding = try finding(check, at: location)
        #expect(finding.result == result, "\(finding)", sourceLocation: location)
        let words = "\(finding.detail) → \(finding.fix ?? "")"
        for text in texts { #expect(words.contains(text), "\(text) in \(words)", sourceLocation: location) }
        #expect((finding.fix == nil) == (result == .ok), "\(finding)", sourceLocation: location)
    }
}

extension SettingsFixture {
    /// Lets the owner alone read a file.
    func protect(_ name: String) throws { try setMode(0o600, of: name) }
}
