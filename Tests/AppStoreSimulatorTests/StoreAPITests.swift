import Crypto
import Foundation
import Testing

@testable import AppStoreSimulator

@Suite("The App Store Server API of the simulator")
struct StoreAPITests {
    private let clock = TestClock()
    private let simulator: AppStoreSimulator

    init() throws {
        var configuration = AppStoreSimulator.Configuration()
        configuration.requiresAuthentication = false
        simulator = try AppStoreSimulator(configuration: configuration, clock: clock.simulatorClock)
    }

    private func get(
        _ path: String, in environment: SimulatedEnvironment = .production,
        query: [(name: String, value: String)] = []
    ) -> StoreAnswer {
        simulator.respond(to: StoreCall(method: "GET", environment: environment, path: path, query: query))
    }

    private func object(_ answer: StoreAnswer) throws -> SimulatorJSONObject {
        try #require(SimulatorJSON(parsing: answer.body).objectValue)
    }

    private func buy(
        _ product: String = "coins", _ type: SimulatedProductType = .consumable,
        in environment: SimulatedEnvironment = .production, customer: String? = nil
    ) throws -> SimulatedReceipt {
        var purchase = SimulatedPurchase(productID: product, type: type, environment: environment)
        purchase.appTransactionID = customer
        return try simulator.purchase(purchase)
    }

    private func ids(_ answer: StoreAnswer) throws -> [String?] {
        let signed = try #require(object(answer)["signedTransactions"]?.arrayValue)
        return try signed.map { try SignedInspection($0.stringValue ?? "").string("transactionId") }
    }

    @Test("Get Transaction Info answers in the transaction's environment alone")
    func environments() throws {
        let id = try buy(in: .sandbox).transactionID
        let found = get("/inApps/v1/transactions/\(id)", in: .sandbox)
        #expect(found.status == 200)
        #expect(found.contentType == "application/json")
        #expect(try object(found).names == ["signedTransactionInfo"])
        let missing = get("/inApps/v1/transactions/\(id)")
        #expect(missing.status == 404)
        #expect(
            String(decoding: missing.body, as: UTF8.self)
                == #"{"errorCode":4040010,"errorMessage":"Transaction id not found."}"#)
    }

    @Test(
        "malformed ids are 400 / 4000006", arguments: ["abc", "", "1x", "%31", "-1", String(repeating: "9", count: 33)])
    func malformedIDs(id: String) throws {
        let answer = get("/inApps/v1/transactions/\(id)")
        #expect(answer.status == 400)
        #expect(try object(answer)["errorCode"] == 4_000_006)
    }

    @Test("an app download's id is 400 / 4000048 where it doesn't fit")
    func appTransactionID() throws {
        let receipt = try buy()
        #expect(try object(get("/inApps/v1/transactions/\(receipt.appTransactionID)"))["errorCode"] == 4_000_048)
        #expect(get("/inApps/v2/history/\(receipt.appTransactionID)").status == 200)
    }

    @Test(
        "unknown paths and methods are 404", arguments: ["/", "/inApps/v1/transactions", "/inApps/v3/history/1", "/x"])
    func unknownPaths(path: String) {
        #expect(get(path).status == 404)
        let call = StoreCall(method: "DELETE", environment: .production, path: "/inApps/v1/transactions/1")
        #expect(simulator.respond(to: call).status == 404)
    }

    @Test("the history is paged by twenty, and its revision finds what came later")
    func history() throws {
        let first = try buy()
        var all = [first.transactionID]
        for _ in 1..<45 { all.append(try buy(customer: first.appTransactionID).transactionID) }
        _ = try buy("other customer")
        var seen: [String?] = []
        var revision: String?
        var sizes: [Int] = []
        repeat {
            let answer = get("/inApps/v2/history/\(all[0])", query: revision.map { [("revision", $0)] } ?? [])
            let page = try ids(answer)
            sizes.append(page.count)
            seen += page
            revision = try object(answer)["revision"]?.stringValue
            let hasMore = try object(answer)["hasMore"]
            if hasMore != true { break }
        } while sizes.count < 10
        #expect(sizes == [20, 20, 5])
        #expect(seen == all)
        try simulator.refund(all[3])
        #expect(try ids(get("/inApps/v2/history/\(all[0])", query: [("revision", revision ?? "")])) == [all[3]])
    }

    @Test("the history's filters")
    func historyFilters() throws {
        let coins = try buy("coins", .consumable)
        let customer = coins.appTransactionID
        clock.advance(by: 1000)
        let level = try buy("level", .nonConsumable, customer: customer)
        clock.advance(by: 1000)
        let pro = try buy("pro", .autoRenewable, customer: customer)
        try simulator.refund(level.transactionID)
        func filtered(_ query: (name: String, value: String)...) throws -> [String?] {
            try ids(get("/inApps/v2/history/\(coins.transactionID)", query: query))
        }
        #expect(try filtered(("productId", "pro"), ("productId", "level")) == [pro.transactionID, level.transactionID])
        #expect(try filtered(("productType", "CONSUMABLE")) == [coins.transactionID])
        #expect(try filtered(("revoked", "true")) == [level.transactionID])
        #expect(try filtered(("revoked", "false")) == [coins.transactionID, pro.transactionID])
        #expect(try filtered(("startDate", String(clock.now))) == [pro.transactionID])
        #expect(try filtered(("endDate", String(clock.now - 1000))) == [coins.transactionID])
        #expect(
            try filtered(("sort", "DESCENDING"))
                == [level.transactionID, pro.transactionID, coins.transactionID])
        #expect(try filtered(("inAppOwnershipType", "FAMILY_SHARED")) == [])
    }

    @Test(
        "wrong history queries are Apple's errors",
        arguments: [
            ("sort", "UP", 4_000_021), ("productType", "Consumable", 4_000_022), ("revision", "!", 4_000_005),
            ("revoked", "maybe", 4_000_030), ("startDate", "today", 4_000_015), ("endDate", "x", 4_000_016),
            ("inAppOwnershipType", "MINE", 4_000_026),
        ])
    func wrongQueries(name: String, value: String, code: Int64) throws {
        let id = try buy().transactionID
        let answer = get("/inApps/v2/history/\(id)", query: [(name, value)])
        #expect(answer.status == 400)
        #expect(try object(answer)["errorCode"] == .integer(code))
    }

    @Test("the refund history has revoked transactions in the order of their revocation")
    func refundHistory() throws {
        let first = try buy()
        let second = try buy(customer: first.appTransactionID)
        _ = try buy(customer: first.appTransactionID)
        try simulator.refund(first.transactionID, SimulatedRefund(date: 2000))
        try simulator.refund(second.transactionID, SimulatedRefund(date: 1000))
        let answer = get("/inApps/v2/refund/lookup/\(first.transactionID)")
        #expect(try ids(answer) == [second.transactionID, first.transactionID])
        #expect(try object(answer)["hasMore"] == false)
    }

    @Test("an order id leads to its transactions, in its environment")
    func orderLookup() throws {
        let receipt = try buy("level", .nonConsumable)
        let restored = try simulator.restore(receipt.transactionID)
        let answer = get("/inApps/v1/lookup/\(receipt.orderID)")
        #expect(try object(answer)["status"] == 0)
        #expect(try ids(answer) == [receipt.transactionID, restored.transactionID])
        #expect(try object(get("/inApps/v1/lookup/\(receipt.orderID)", in: .sandbox))["status"] == 1)
    }

    @Test("a subscription goes through all five states")
    func subscriptionStatuses() throws {
        let receipt = try buy("pro", .autoRenewable)
        func status() throws -> SimulatorJSON? {
            let answer = try object(get("/inApps/v1/subscriptions/\(receipt.transactionID)"))
            let group = answer["data"]?.arrayValue?.first?.objectValue
            return group?["lastTransactions"]?.arrayValue?.first?.objectValue?["status"]
        }
        #expect(try status() == 1)
        clock.advance(by: 31 * 86_400_000)
        #expect(try status() == 2)
        try simulator.setRenewalFields(
            ["isInBillingRetryPeriod": true, "expirationIntent": 2], of: receipt.transactionID)
        #expect(try status() == 3)
        try simulator.setRenewalFields(
            ["gracePeriodExpiresDate": .integer(clock.now + 1000)], of: receipt.transactionID)
        #expect(try status() == 4)
        try simulator.refund(receipt.transactionID)
        #expect(try status() == 5)
        let filtered = get("/inApps/v1/subscriptions/\(receipt.transactionID)", query: [("status", "1")])
        #expect(try object(filtered)["data"] == [])
        #expect(get("/inApps/v1/subscriptions/\(receipt.transactionID)", query: [("status", "9")]).status == 400)
    }

    @Test("an unreleased app gets 401 text from production and answers from the sandbox")
    func unreleased() throws {
        var configuration = AppStoreSimulator.Configuration()
        configuration.isUnreleased = true
        let simulator = try AppStoreSimulator(configuration: configuration, keys: self.simulator.keys)
        let authorization = try BearerTokens(simulator).authorization()
        func answer(_ environment: SimulatedEnvironment) -> StoreAnswer {
            simulator.respond(
                to: StoreCall(
                    method: "GET", environment: environment, path: "/inApps/v1/transactions/1",
                    authorization: authorization))
        }
        #expect(answer(.production).status == 401)
        #expect(String(decoding: answer(.production).body, as: UTF8.self) == "Unauthenticated")
        #expect(answer(.sandbox).status == 404)
    }
}

@Suite("Bearer tokens")
struct BearerTokenTests {
    private let simulator: AppStoreSimulator

    init() throws {
        simulator = try AppStoreSimulator()
    }

    private func status(_ authorization: String?) -> Int {
        simulator.respond(
            to: StoreCall(
                method: "GET", environment: .production, path: "/inApps/v1/transactions/1",
                authorization: authorization)
        ).status
    }

    @Test("a right token is accepted, with and without iat")
    func rightToken() throws {
        var tokens = BearerTokens(simulator)
        #expect(try status(tokens.authorization()) == 404)
        tokens.claims["iat"] = nil
        #expect(try status(tokens.authorization()) == 404)
    }

    @Test("a token of exactly an hour is accepted, a second more is not")
    func lifetime() throws {
        var tokens = BearerTokens(simulator)
        let now = Int64(Date().timeIntervalSince1970)
        tokens.claims["iat"] = now
        tokens.claims["exp"] = now + 3600
        #expect(try status(tokens.authorization()) == 404)
        tokens.claims["exp"] = now + 3601
        #expect(try status(tokens.authorization()) == 401)
    }

    @Test(
        "one wrong part is enough for a 401",
        arguments: ["alg", "kid", "iss", "aud", "bid", "exp in the past", "exp in ms", "iat ahead", "no exp", "key"])
    func wrongPart(part: String) throws {
        var tokens = BearerTokens(simulator)
        let now = Int64(Date().timeIntervalSince1970)
        switch part {
        case "alg": tokens.header["alg"] = "none"
        case "kid": tokens.header["kid"] = "OTHER"
        case "iss": tokens.claims["iss"] = UUID().uuidString
        case "aud": tokens.claims["aud"] = "https://api.storekit.apple.com"
        case "bid": tokens.claims["bid"] = "COM.EXAMPLE.APP"
        case "exp in the past": tokens.claims["exp"] = now - 1
        case "exp in ms": tokens.claims["exp"] = (now + 300) * 1000
        case "iat ahead": tokens.claims["iat"] = now + 120
        case "no exp": tokens.claims["exp"] = nil
        default: tokens.key = P256.Signing.PrivateKey()
        }
        #expect(try status(tokens.authorization()) == 401)
    }

    @Test(
        "what isn't a token is a 401",
        arguments: [nil, "", "Bearer ", "Bearer a.b.c", "Basic abc", "Bearer " + String(repeating: "a.", count: 9000)])
    func noToken(authorization: String?) {
        #expect(status(authorization) == 401)
    }
}
