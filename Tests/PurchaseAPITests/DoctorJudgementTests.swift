import AppStoreClient
import Foundation
import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import Synchronization
import TestSupport
import Testing

@testable import vouch

@Suite("vouch doctor: what answers mean")
struct DoctorJudgementTests {
    private static let answers: [DoctorTokenAnswer] = [
        .accepted, .unauthorized, .refused(status: 404, errorCode: 4_040_003), .throttled, .unavailable(.timedOut),
        .notApple("HTTP 302"), .notAsked("not looked at"),
    ]

    private func finding(
        _ check: DoctorCheck, production: DoctorTokenAnswer, sandbox: DoctorTokenAnswer, unreleased: Bool = false,
        skew: Duration? = nil
    ) throws -> DoctorFinding {
        let facts = DoctorTokenFacts(
            answers: [.production: production, .sandbox: sandbox], isUnreleased: unreleased, skew: skew)
        return try DoctorReport(facts.findings).finding(check)
    }

    // MARK: The key

    @Test("the diagnosis of every pair of answers", arguments: [false, true])
    func tokenTable(unreleased: Bool) throws {
        for production in Self.answers {
            for sandbox in Self.answers {
                let ofProduction = try finding(
                    .appStoreProduction, production: production, sandbox: sandbox, unreleased: unreleased)
                let ofSandbox = try finding(
                    .appStoreSandbox, production: production, sandbox: sandbox, unreleased: unreleased)
                let expected: DoctorResult =
                    switch (production, sandbox) {
                    case (.accepted, _): unreleased ? .warning : .ok
                    case (.unauthorized, .accepted): unreleased ? .ok : .fault
                    case (.unauthorized, .unauthorized): .fault
                    case (.unauthorized, _): unreleased ? .unknown : .fault
                    case (.refused, _): .fault
                    case (.throttled, _), (.unavailable, _), (.notApple, _), (.notAsked, _): .unknown
                    }
                #expect(ofProduction.result == expected, "\(production), \(sandbox), unreleased \(unreleased)")
                let expectedOfSandbox: DoctorResult =
                    switch sandbox {
                    case .accepted: .ok
                    case .unauthorized, .refused: .fault
                    case .throttled, .unavailable, .notApple, .notAsked: .unknown
                    }
                #expect(ofSandbox.result == expectedOfSandbox, "\(production), \(sandbox)")
            }
        }
    }

    @Test("Sandbox refuses what Production accepts: no advice to change the key's inputs")
    func sandboxAlone() throws {
        let finding = try finding(.appStoreSandbox, production: .accepted, sandbox: .unauthorized)
        #expect(finding.detail.contains("Production accepts") && finding.fix?.contains("VOUCH_APP_KEY_ID") == false)
    }

    @Test("a 401 under a wrong clock says that the clock is reason enough")
    func clockOfToken() throws {
        for skew in [Duration.seconds(-61), .seconds(61)] {
            let finding = try finding(
                .appStoreProduction, production: .unauthorized, sandbox: .unauthorized, skew: skew)
            #expect(finding.detail.contains("clock is wrong"))
        }
        let right = try finding(
            .appStoreProduction, production: .unauthorized, sandbox: .unauthorized, skew: .seconds(59))
        #expect(!right.detail.contains("clock"))
    }

    @Test(
        "any of Apple's codes but those about the app prove that the token was accepted",
        arguments: [
            (AppStoreReply<Int>.answered(1), DoctorTokenAnswer.accepted), (.notFound(errorCode: 4_040_010), .accepted),
            (.refusedRequest(status: 404, errorCode: 4_040_010), .accepted),
            (.refusedRequest(status: 400, errorCode: 4_000_006), .accepted),
            (.unavailable(.notFoundRetryable(errorCode: 4_040_002)), .accepted),
            (.refusedRequest(status: 404, errorCode: 4_040_003), .refused(status: 404, errorCode: 4_040_003)),
            (.refusedRequest(status: 400, errorCode: 4_000_002), .refused(status: 400, errorCode: 4_000_002)),
            (.refusedRequest(status: 403, errorCode: nil), .refused(status: 403, errorCode: nil)),
            (.unauthorized, .unauthorized), (.throttled(retryAt: nil), .throttled),
            (.unavailable(.timedOut), .unavailable(.timedOut)),
            (.refusedRequest(status: 400, errorCode: nil), .notApple("HTTP 400 without one of Apple's codes")),
            (.unavailable(.notFoundRetryable(errorCode: nil)), .notApple("HTTP 404 without one of Apple's codes")),
        ])
    func replies(reply: AppStoreReply<Int>, answer: DoctorTokenAnswer) {
        #expect(DoctorTokenAnswer(reply) == answer)
    }

    @Test("key ids and file names that don't go together")
    func keyIDs() {
        func findings(_ keyID: String, _ name: String) -> [DoctorFinding] {
            DoctorFinding.keyIDs(
                keyID: keyID, issuerID: "i", file: DoctorKeyFile(name: name, permissions: 0o600, isSEC1: false),
                faults: [])
        }
        #expect(findings("ABCDE12345", "SubscriptionKey_ABCDE12345.p8").map(\.result) == [.ok])
        #expect(findings("ABCDE12345", "key.p8").map(\.result) == [.ok])
        #expect(findings("abcde12345", "key.p8").map(\.result) == [.warning])
        #expect(findings("ABCDE1234", "SubscriptionKey_ABCDE12345.p8").map(\.result) == [.warning, .warning])
        let sec1 = DoctorKeyFile(name: "key.pem", permissions: 0o604, isSEC1: true)
        #expect(DoctorFinding.privateKey(sec1, faults: []).map(\.result) == [.warning, .warning])
    }

    // MARK: Notifications

    @Test(
        "every result of an attempt that Apple documents has a meaning and a fix, and success has none",
        arguments: [
            ("TIMED_OUT", "too long"), ("TLS_ISSUE", "TLS 1.2"), ("CIRCULAR_REDIRECT", "redirect"),
            ("NO_RESPONSE", "17.0.0.0/8"), ("SOCKET_ISSUE", "17.0.0.0/8"), ("UNSUPPORTED_CHARSET", "UTF-8"),
            ("INVALID_RESPONSE", "valid HTTP"), ("PREMATURE_CLOSE", "time-outs"),
            ("UNSUCCESSFUL_HTTP_RESPONSE_CODE", "/v1/notifications/apple"), ("OTHER", "no cause"),
            ("A_NEW_WORD\n", "A_NEW_WORD\\n"),
        ])
    func attempts(word: String, part: String) throws {
        #expect(Set(DoctorAttemptResult.documented.keys).count == 11)
        let result = DoctorAttemptResult(appleValue: word)
        #expect(result.appleValue == word)
        let finding = DoctorFinding.notifications(.sandbox, .attempted(.init(result: result)))
        #expect(finding.result == .fault && finding.check == .notificationsSandbox)
        #expect("\(finding.detail) \(finding.fix ?? "")".contains(part), "\(finding)")
        let arrived = DoctorFinding.notifications(.sandbox, .attempted(.init(result: result, arrived: true)))
        #expect(arrived.result == .fault && arrived.detail.contains("Vouch has it"))
    }

    @Test("a delivered notification counts only if this deployment has it")
    func delivered() {
        func finding(_ attempted: DoctorNotificationAnswer.Attempted) -> DoctorFinding {
            .notifications(.production, .attempted(attempted))
        }
        #expect(finding(.init(result: .success, arrived: true)).result == .ok)
        #expect(finding(.init(result: .success, arrived: nil)).result == .unknown)
        let elsewhere = finding(.init(result: .success, arrived: false))
        #expect(elsewhere.result == .fault && elsewhere.detail.contains("another server"))
        let forged = finding(.init(result: .success, arrived: true, refusal: "chain/root_untrusted"))
        #expect(forged.result == .fault && forged.detail.contains("root_untrusted"))
        let other = finding(.init(result: .success, arrived: false, otherBundleID: "com.example.other"))
        #expect(other.result == .fault && other.fix?.contains("VOUCH_APP_BUNDLE_ID") == true)
        let number = finding(.init(result: .success, arrived: false, otherAppAppleID: 7))
        #expect(number.result == .fault && number.fix?.contains("VOUCH_APP_APPLE_ID") == true)
    }

    @Test("what became of the request for a test notification")
    func requests() {
        func result(_ answer: DoctorNotificationAnswer) -> DoctorResult {
            DoctorFinding.notifications(.production, answer).result
        }
        #expect(result(.noURL) == .fault && result(.noAttempt) == .unknown && result(.notAsked("x")) == .unknown)
        #expect(result(.notDue("x")) == .ok)
        for answer in Self.answers { #expect(result(.refused(answer)) == .unknown) }
    }

    @Test("a success decides, else the newest attempt")
    func decidingAttempt() throws {
        func deciding(_ json: String) throws -> DoctorAttemptResult? {
            DoctorExamination.decidingResult(
                of: try JSONDecoder().decode([SentNotification.Attempt].self, from: Data(json.utf8)))
        }
        #expect(try deciding("[]") == nil)
        #expect(
            try deciding(
                #"[{"attemptDate":2,"sendAttemptResult":"TLS_ISSUE"},{"attemptDate":1,"sendAttemptResult":"OTHER"}]"#)
                == .tlsIssue)
        #expect(
            try deciding(
                #"[{"attemptDate":2,"sendAttemptResult":"TLS_ISSUE"},{"attemptDate":1,"sendAttemptResult":"SUCCESS"}]"#)
                == .success)
        #expect(try deciding(#"[{"attemptDate":2}]"#) == nil)
    }

    // MARK: Clocks and database

    @Test(
        "clocks: more than 30 s is a warning, more than 5 min a fault, in either direction",
        arguments: [
            (0, DoctorResult.ok), (30_000, .ok), (30_001, .warning), (-30_001, .warning), (300_000, .warning),
            (300_001, .fault), (-300_001, .fault),
        ] as [(Int64, DoctorResult)])
    func clocks(milliseconds: Int64, result: DoctorResult) {
        let skew = Duration.milliseconds(milliseconds)
        #expect(DoctorFinding.clock(.clockDatabase, skew: skew, against: "it").result == result)
        #expect(DoctorFinding.clockAppStore(skews: [.zero, skew]).result == result)
        #expect(DoctorFinding.clockAppStore(skews: []).result == .unknown)
    }

    @Test(
        "PostgreSQL: 15 or newer, and TLS where the connection comes from elsewhere",
        arguments: [
            (140_099, false, false, DoctorResult.fault, DoctorResult.ok), (150_000, true, false, .ok, .warning),
            (160_001, true, true, .ok, .ok),
        ] as [(Int64, Bool, Bool, DoctorResult, DoctorResult)])
    func servers(version: Int64, isRemote: Bool, isEncrypted: Bool, ofVersion: DoctorResult, ofTLS: DoctorResult) throws
    {
        var facts = DoctorDatabaseFacts.notAsked("x")
        facts.server = .given(
            DatabaseExamination.Server(
                versionNumber: version, version: "x", clock: Instant(millisecondsSince1970: 0), login: "l",
                database: "d",
                isEncrypted: isEncrypted, isRemote: isRemote))
        let report = DoctorReport(facts.findings)
        #expect(try report.finding(.databaseVersion).result == ofVersion)
        #expect(try report.finding(.databaseTLS).result == ofTLS)
    }

    @Test("a list of unknown products is cut at 20, and its texts can't break a line")
    func manyProducts() {
        let seen = ["a\nb"] + (0..<20).map { "product\($0)" }
        let finding = DoctorFinding.unknownProducts(
            Catalogue(products: [ProductID("x"): .init(kind: .consumable, entitlements: [])]), seen: .given(seen))
        #expect(finding.result == .warning && finding.detail.contains("and others"))
        #expect(finding.detail.contains("a\\nb") && !finding.detail.contains("product19"))
    }

    // MARK: The budget

    @Test("without the shared budget, calls are made at the rate of the terms, and not more than the bound")
    func budget() async throws {
        /// The database is away.
        struct Broken: RequestBudgetPort {
            func takeTokens(_ request: BudgetRequest) async throws -> BudgetBlock { throw CancellationError() }
        }
        let now = Mutex(Duration.zero)
        let time = ClientTime(
            wall: { Instant(millisecondsSince1970: 0) }, monotonic: { now.withLock { $0 } }, sleep: { _ in })
        let budget = DoctorBudget(shared: Broken(), time: time)
        let request = BudgetRequest(
            environment: .sandbox, endpointClass: .test, count: 1, tokensPerHour: 360, capacity: 1)
        #expect(try await budget.takeTokens(request) == BudgetBlock(count: 1, nextTokenIn: .seconds(10)))
        now.withLock { $0 += .seconds(4) }
        #expect(try await budget.takeTokens(request) == BudgetBlock(count: 0, nextTokenIn: .seconds(6)))
        var taken = 1
        for _ in 0..<200 {
            now.withLock { $0 += .seconds(10) }
            taken += try await budget.takeTokens(request).count
        }
        #expect(taken == DoctorBudget.callsMax)
    }

    // MARK: The report

    @Test("the exit code: a fault before everything, then what is unknown; warnings don't count")
    func exits() {
        let ok = DoctorFinding.ok(.settings, "x")
        let warning = DoctorFinding.warning(.ocsp, "x", fix: "y")
        let unknown = DoctorFinding.unknown(.database, "x", fix: "y")
        let fault = DoctorFinding.fault(.products, "x", fix: "y")
        #expect(DoctorReport([ok, warning]).exit == .well)
        #expect(DoctorReport([ok, unknown, warning]).exit == .unknown)
        #expect(DoctorReport([unknown, fault]).exit == .fault)
        for exit in DoctorExit.allCases {
            #expect(Vouch.Outcome(of: exit, arguments: ["doctor"]).code == exit.rawValue)
            #expect(Vouch.Outcome(of: exit, arguments: ["doctor"]).complaint == nil)
        }
    }

    @Test("text is aligned with the fix on its own line, JSON has four members each, and both keep the order")
    func forms() throws {
        let report = DoctorReport([
            .fault(.products, "bad\nthing", fix: "do \"this\""), .ok(.settings, "fine"),
        ])
        #expect(report.findings.map(\.check) == [.settings, .products])
        let lines = report.lines
        #expect(lines.count == 5 && lines.last == "1 fault, 0 warnings, 0 unknown, 1 ok")
        #expect(lines[0].hasPrefix("settings ") && lines[0].hasSuffix(" fine"))
        let column = try #require(lines[0].range(of: "fine")).lowerBound.utf16Offset(in: lines[0])
        #expect(lines[1].range(of: "bad\\nthing")?.lowerBound.utf16Offset(in: lines[1]) == column)
        #expect(lines[2].trimmed == "→ do \"this\"")
        let json = try JSONValue(parsing: Array(report.json.utf8))
        #expect(json["exitCode"] == .integer(1))
        let checks = try #require(json["checks"]?.items)
        #expect(checks.map { $0["check"]?.text } == ["settings", "products"])
        #expect(checks[0]["fix"] == .null && checks[1]["fix"]?.text == "do \"this\"")
        #expect(checks[1]["result"]?.text == "fault" && checks[1]["detail"]?.text == "bad\\nthing")
        for check in checks { #expect(check.members?.count == 4) }
    }

    @Test("doctor takes --json and --config, and what can't be understood ends with 64")
    func parsing() async throws {
        let doctor = try #require(try await Vouch.command(for: ["doctor", "--json", "--config", "f"]) as? Doctor)
        #expect(doctor.json && doctor.config.path == "f")
        #expect(try #require(await Vouch.run(["doctor", "--jsn"])).code == 64)
    }
}
