import Testing

@testable import AppStoreSimulator

@Suite("Notification history and test notifications")
struct NotificationHistoryTests {
    private static let day: Int64 = 86_400_000

    private let clock = TestClock()
    private let simulator: AppStoreSimulator

    init() throws {
        var configuration = AppStoreSimulator.Configuration()
        configuration.requiresAuthentication = false
        simulator = try AppStoreSimulator(configuration: configuration, clock: clock.simulatorClock)
    }

    private struct Page {
        let answer: StoreAnswer
        let uuids: [String?]
        let attempts: [[String?]]
        let signedPayloads: [String]
        let token: String?
        let hasMore: Bool

        var errorCode: Int64? { (try? SimulatorJSON(parsing: answer.body))?.objectValue?["errorCode"]?.integerValue }
    }

    /// The whole span that the history can have.
    private func span(_ changes: SimulatorJSONObject = [:]) -> SimulatorJSONObject {
        var body: SimulatorJSONObject = [
            "startDate": .integer(clock.now - 29 * Self.day), "endDate": .integer(clock.now + Self.day),
        ]
        body.apply(changes)
        return body
    }

    private func history(
        _ body: SimulatorJSONObject, in environment: SimulatedEnvironment = .production, token: String? = nil
    ) throws -> Page {
        let answer = simulator.respond(
            to: StoreCall(
                method: "POST", environment: environment, path: "/inApps/v1/notifications/history",
                query: token.map { [("paginationToken", $0)] } ?? [], body: body.bytes))
        let object = try SimulatorJSON(parsing: answer.body).objectValue ?? SimulatorJSONObject()
        let items = object["notificationHistory"]?.arrayValue ?? []
        let payloads = items.compactMap { $0.objectValue?["signedPayload"]?.stringValue }
        return Page(
            answer: answer, uuids: try payloads.map { try SignedInspection($0).string("notificationUUID") },
            attempts: items.map { item in
                (item.objectValue?["sendAttempts"]?.arrayValue ?? [])
                    .map { $0.objectValue?["sendAttemptResult"]?.stringValue }
            },
            signedPayloads: payloads, token: object["paginationToken"]?.stringValue,
            hasMore: object["hasMore"] == true)
    }

    @discardableResult
    private func buy(
        _ count: Int = 1, _ type: SimulatedProductType = .consumable, in environment: SimulatedEnvironment = .production
    ) throws -> [SimulatedReceipt] {
        try (0..<count).map { _ in
            try simulator.purchase(SimulatedPurchase(productID: "product", type: type, environment: environment))
        }
    }

    private func code(_ body: SimulatorJSONObject, token: String? = nil) throws -> Int64? {
        try history(body, token: token).errorCode
    }

    @Test("twenty a page, in the order in which they were made, dropped ones too, as they were sent")
    func pages() async throws {
        try simulator.injectNotificationFault(NotificationFault(.drop(), times: 5))
        try buy(45)
        try buy(3, .consumable, in: .sandbox)
        var seen: [String?] = []
        var payloads: [String] = []
        var sizes: [Int] = []
        var token: String?
        repeat {
            let page = try history(span(), token: token)
            #expect(page.hasMore == (page.token != nil))
            sizes.append(page.uuids.count)
            seen += page.uuids
            payloads += page.signedPayloads
            token = page.token
        } while token != nil && sizes.count < 10
        #expect(sizes == [20, 20, 5])
        let made = try simulator.notifications(in: .production)
        #expect(seen == made.map(\.notificationUUID))
        #expect(payloads == made.map(\.signedPayload))
        #expect(try history(span(), in: .sandbox).uuids.count == 3)
    }

    @Test("a page that is just full has no other")
    func fullPage() throws {
        try buy(20)
        let page = try history(span())
        #expect(page.uuids.count == 20)
        #expect(!page.hasMore && page.token == nil)
    }

    @Test("only what happened between the dates")
    func dates() throws {
        try buy()
        clock.advance(by: 1000)
        try buy(2)
        let made = try simulator.notifications(in: .production)
        let start = SimulatorJSON.integer(made[1].createdAt)
        #expect(try history(span(["startDate": start])).uuids == made[1...].map(\.notificationUUID))
        #expect(try history(span(["endDate": start])).uuids == made[..<1].map(\.notificationUUID), "the end is open")
    }

    @Test("filters by type, subtype and customer")
    func filters() throws {
        let coin = try buy()[0]
        let pro = try buy(1, .autoRenewable)[0]
        try simulator.renew(pro.transactionID)
        try simulator.refund(coin.transactionID)
        try simulator.notify(SimulatedNotificationRequest("TYPE_OF_TOMORROW"))
        func types(_ filter: SimulatorJSONObject) throws -> [String?] {
            try history(span(filter)).signedPayloads.map { try SignedInspection($0).string("notificationType") }
        }
        #expect(try types(["notificationType": "REFUND"]) == ["REFUND"])
        #expect(try types(["notificationType": "SUBSCRIBED", "notificationSubtype": "INITIAL_BUY"]) == ["SUBSCRIBED"])
        #expect(try types(["notificationType": "SUBSCRIBED", "notificationSubtype": "RESUBSCRIBE"]) == [])
        #expect(try types(["notificationType": "TYPE_OF_TOMORROW"]) == ["TYPE_OF_TOMORROW"])
        #expect(try types(["transactionId": .string(pro.transactionID)]) == ["SUBSCRIBED", "DID_RENEW"])
        #expect(try types(["transactionId": .string(coin.transactionID)]) == ["ONE_TIME_CHARGE", "REFUND"])
        #expect(try types(["transactionId": "1"]) == [])
    }

    @Test("onlyFailures has what nobody took, also while it is being tried again")
    func onlyFailures() async throws {
        try simulator.setNotificationURL("https://app.example/n", in: .production)
        try simulator.injectNotificationFault(NotificationFault(.drop()))
        try buy(3)
        let uuids = try simulator.notifications(in: .production).map(\.notificationUUID)
        try await simulator.deliverDue { $0.notificationUUID == uuids[1] ? .success : .circularRedirect }
        let failures = try history(span(["onlyFailures": true]))
        #expect(failures.uuids == [uuids[0], uuids[2]])
        #expect(failures.attempts == [[], ["CIRCULAR_REDIRECT"]])
        clock.advance(by: 3_600_000)
        try await simulator.deliverDue { _ in .success }
        #expect(try history(span(["onlyFailures": true])).uuids == [uuids[0]])
        #expect(try history(span(["onlyFailures": false])).attempts[2] == ["CIRCULAR_REDIRECT", "SUCCESS"])
    }

    @Test("wrong requests are Apple's errors")
    func errors() throws {
        let now = SimulatorJSON.integer(clock.now)
        let cases: [(SimulatorJSONObject, Int64)] = [
            (span(["startDate": .null]), 4_000_015), (span(["startDate": "yesterday"]), 4_000_015),
            (span(["endDate": .null]), 4_000_016), (span(["startDate": now, "endDate": now]), 4_000_013),
            (span(["notificationType": "NO_SUCH_TYPE"]), 4_000_018), (span(["notificationType": 1]), 4_000_018),
            (span(["notificationSubtype": "INITIAL_BUY"]), 4_000_018), (span(["transactionId": "x"]), 4_000_006),
            (span(["transactionId": "1", "notificationType": "REFUND"]), 4_000_019),
            (span(["onlyFailures": "yes"]), 4_000_000),
        ]
        for (body, expected) in cases { #expect(try code(body) == expected, "\(body.names)") }
        let call = StoreCall(method: "POST", environment: .production, path: "/inApps/v1/notifications/history")
        #expect(simulator.respond(to: call).status == 400)
    }

    @Test("production goes back 180 days, the sandbox 30", arguments: SimulatedEnvironment.allCases)
    func horizon(environment: SimulatedEnvironment) throws {
        let days: Int64 = environment == .production ? 180 : 30
        try buy(1, .consumable, in: environment)
        let edge = clock.now - days * Self.day
        #expect(try history(span(["startDate": .integer(edge)]), in: environment).answer.status == 200)
        #expect(try history(span(["startDate": .integer(edge - 1)]), in: environment).errorCode == 4_000_012)
        clock.advance(by: 1)
        #expect(try history(span(["startDate": .integer(edge)]), in: environment).errorCode == 4_000_012)
    }

    @Test("a token is for the same body, for a while")
    func tokens() throws {
        try buy(41)
        let first = try history(span())
        #expect(try code(span(["onlyFailures": true]), token: first.token) == 4_000_014)
        for wrong in ["!", "", "bm90aWZpY2F0aW9ucw"] { #expect(try code(span(), token: wrong) == 4_000_014) }
        #expect(try history(span(), token: first.token).uuids.count == 20)
        simulator.expirePaginationTokens()
        #expect(try code(span(), token: first.token) == 4_000_017)
        let again = try history(span())
        #expect(try history(span(), token: again.token).answer.status == 200)
    }

    @Test("what comes in while pages are turned neither shifts them nor is lost")
    func growing() throws {
        try buy(25)
        let first = try history(span())
        try buy(10)
        let second = try history(span(), token: first.token)
        let made = try simulator.notifications(in: .production).map(\.notificationUUID)
        #expect(first.uuids + second.uuids == made.map(Optional.some))
    }

    @Test("the faults of all calls happen to these, too")
    func faults() async throws {
        let receipt = try buy()[0]
        try simulator.refund(receipt.transactionID)
        try simulator.inject(SimulatedFault(.throttled(retryAfterMilliseconds: 5000), endpoint: .notificationHistory))
        let throttled = try history(span())
        #expect(throttled.answer.status == 429)
        #expect(throttled.answer.retryAfter == clock.now + 5000, "an absolute time in milliseconds")
        for kind in [SimulatedFault.Kind.cutBody, .slowBody(bytesPerSecond: 1)] {
            try simulator.inject(SimulatedFault(kind, endpoint: .notificationHistory))
            #expect(try history(span()).answer.delivery != .whole)
        }
        try simulator.inject(SimulatedFault(.serverError(errorCode: 5_000_000, status: 500)))
        #expect(try code(span()) == 5_000_000)
        try simulator.inject(SimulatedFault(.forged(.foreignRoot), endpoint: .notificationHistory))
        for signed in try history(span()).signedPayloads {
            #expect(try await NotificationInspection(signed).defects(simulator) == ["envelope": [.path]])
        }
        try simulator.inject(SimulatedFault(.stale(oldSignedDate: false), endpoint: .notificationHistory))
        let stale = try NotificationInspection(#require(history(span()).signedPayloads.last))
        #expect(stale.envelope.string("notificationType") == "REFUND")
        #expect(stale.transaction?.integer("revocationDate") == nil)
        #expect(try history(span()).answer.delivery == .whole)
    }

    private func requestTest(in environment: SimulatedEnvironment = .production) throws -> SimulatorJSONObject {
        let answer = simulator.respond(
            to: StoreCall(method: "POST", environment: environment, path: "/inApps/v1/notifications/test"))
        return try #require(SimulatorJSON(parsing: answer.body).objectValue)
    }

    private func testStatus(
        _ token: String, in environment: SimulatedEnvironment = .production
    ) throws -> SimulatorJSONObject {
        let path = "/inApps/v1/notifications/test/\(token)"
        let answer = simulator.respond(to: StoreCall(method: "GET", environment: environment, path: path))
        return try #require(SimulatorJSON(parsing: answer.body).objectValue)
    }

    @Test("a test notification needs the environment's URL, and tells what became of it")
    func testNotification() async throws {
        try simulator.setNotificationURL("https://app.example/sandbox", in: .sandbox)
        #expect(try requestTest()["errorCode"] == 4_040_007)
        try simulator.setNotificationURL("https://app.example/production", in: .production)
        let token = try #require(requestTest()["testNotificationToken"]?.stringValue)
        #expect(try testStatus(token)["errorCode"] == 4_040_008, "nothing is known before the first attempt")
        for hours: Int64 in [0, 1, 12, 24, 48, 72, 72] {
            clock.advance(by: hours * 3_600_000)
            try await simulator.deliverDue { _ in .tlsIssue }
        }
        let status = try testStatus(token)
        let attempts = try #require(status["sendAttempts"]?.arrayValue)
        #expect(attempts.count == 6)
        #expect(attempts.allSatisfy { $0.objectValue?["sendAttemptResult"] == "TLS_ISSUE" })
        let seen = try NotificationInspection(#require(status["signedPayload"]?.stringValue))
        #expect(seen.envelope.string("notificationType") == "TEST")
        #expect(seen.transaction == nil)
        #expect(try await seen.defects(simulator).isEmpty)
        #expect(try testStatus(token, in: .sandbox)["errorCode"] == 4_040_008)
    }

    @Test(
        "what isn't a test notification's token is 4000020, and an unknown one 4040008",
        arguments: [
            ("abc", 4_000_020), ("a_1", 4_000_020), ("ce3af791-365e-4c60-841b-1674b43c1609", 4_000_020),
            ("ce3af791-365e-4c60-841b-1674b43c1609_x", 4_000_020),
            ("ce3af791-365e-4c60-841b-1674b43c1609_1656711590221", 4_040_008),
        ])
    func tokensOfTests(token: String, code: Int64) throws {
        #expect(try testStatus(token)["errorCode"] == .integer(code))
    }

    @Test("another notification's UUID is no test notification's token")
    func notATest() async throws {
        try simulator.setNotificationURL("https://app.example/n", in: .production)
        try buy()
        try await simulator.deliverDue { _ in .success }
        let made = try #require(simulator.notifications(in: .production).first)
        #expect(try testStatus("\(made.notificationUUID)_\(made.createdAt)")["errorCode"] == 4_040_008)
    }
}
