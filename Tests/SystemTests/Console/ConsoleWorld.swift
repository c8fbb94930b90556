import Foundation
import NIOHTTP1
import TestSupport
import Testing

/// What the console's browser tests share: the real programs with a small, known past, and one browser.
///
/// Starting it takes longer than any of the tests, so that it is made once for their suite.
struct ConsoleWorld: Sendable {
    let vouch: Installation
    let server: String
    let browser: Browser
    /// The text of a key for each purpose.
    let keys: Keys
    let purchases: Purchases

    /// Keys by what they are for.
    struct Keys: Sendable {
        let support: String
        let finance: String
        /// Has both roles.
        let both: String
        /// Is revoked by a test.
        let leaver: String
    }

    /// The transactions and what else the tests look for.
    struct Purchases: Sendable {
        /// The order of a purchase that nobody posted.
        let lostOrder: String
        /// Its transaction.
        let lost: String
        /// Paid, and the account `ada`'s.
        let paid: String
        /// Refunded, and the account `ada`'s.
        let refunded: String
        /// Unknown to Apple so far.
        let pending: String
        /// Held by `ada`, claimed by `bob`.
        let disputed: String
        /// The dispute about it.
        let caseID: String
        /// The dispute about another one, for the keyboard.
        let otherCaseID: String
    }

    @TaskLocal static var current: ConsoleWorld?

    /// The world of the suite that runs.
    static func ofThisSuite() throws -> ConsoleWorld { try #require(current) }

    /// A page of the console.
    func address(_ path: String) -> String { server + "/console" + path }

    /// Lets somebody else sit down at the browser, and sign in.
    func signIn(_ key: String, scripts: Bool = true) async throws {
        try await browser.begin()
        try await browser.allowScripts(scripts)
        try await browser.go(to: address(""))
        try await browser.wait(forPath: "/console/sign-in")
        try await browser.type(key, into: "#key")
        try await browser.click("button", named: "Sign in")
        try await browser.wait(forPath: "/console")
    }

    /// What the policy refused or a page failed at, apart from answers of 400 and above, which a test asks for.
    func expectNothingInTheLog(at location: SourceLocation = #_sourceLocation) async throws {
        let entries = try await browser.takeLog().filter { entry in
            entry.source == "security" || (entry.level == "SEVERE" && entry.source != "network")
        }
        #expect(entries.isEmpty, "\(entries.map(\.message))", sourceLocation: location)
    }
}

/// Makes the world for a suite, once, and ends it after the last test.
struct WithConsole: SuiteTrait, TestScoping {
    @concurrent func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await TestDatabase.withDatabase(migrated: false) { database in
            try await Installation.with(database: database.uri, ["VOUCH_SANDBOX_ACCOUNTS": "ada"]) { vouch in
                let server = try await vouch.startNotifiedServer()
                let keys = try ConsoleWorld.Keys(
                    support: vouch.consoleKey("support-desk", "support"),
                    finance: vouch.consoleKey("bookkeeping", "finance"),
                    both: vouch.consoleKey("head-office", "support", "finance"),
                    leaver: vouch.consoleKey("leaver", "support"))
                let purchases = try await vouch.makeThePast(server)
                try await Browser.with { browser in
                    let world = ConsoleWorld(
                        vouch: vouch, server: server, browser: browser, keys: keys, purchases: purchases)
                    try await ConsoleWorld.$current.withValue(world) { try await function() }
                }
            }
        }
    }
}

extension Trait where Self == WithConsole {
    /// The real programs with a small past, and a browser, for all tests of the suite.
    static var console: Self { Self() }
}

extension Installation {
    fileprivate func consoleKey(_ name: String, _ roles: String...) throws -> String {
        try Self.vouch(["keys", "create", "--name", name] + roles.flatMap { ["--role", $0] }, environment)
    }

    /// A month of purchases in three currencies, refunds, a dispute, something that waits, and something lost.
    fileprivate func makeThePast(_ server: String) async throws -> ConsoleWorld.Purchases {
        let prices = [("USD", 4_990, "USA"), ("EUR", 5_490, "DEU"), ("JPY", 800_000, "JPN")]
        for day in 1...12 {
            let (currency, price, storefront) = prices[day % 3]
            let more = #""price":\#(price * (1 + day % 4)),"currency":"\#(currency)","storefront":"\#(storefront)","#
            let id = try await consolePurchase("coins.100", daysAgo: day * 2, more)
            let posted = try await post("player-\(day)", id, to: server)
            try #require(posted.status == 200)
            if day % 5 == 0 { try await control("transactions/\(id)/refund") }
        }
        let paid = try await consolePurchase("coins.500", daysAgo: 1)
        let refunded = try await consolePurchase("hat", daysAgo: 3)
        let sandboxed = try await consolePurchase("coins.100", daysAgo: 0, #""environment":"Sandbox","#)
        for id in [paid, refunded, sandboxed] { try #require(try await post("ada", id, to: server).status == 200) }
        try await control("transactions/\(refunded)/refund")
        _ = try await poll("\(server)/v1/transactions/\(refunded)") { $0.state == "refunded" }
        var disputes: [(id: String, caseID: String)] = []
        for product in ["pro", "studio"] {
            let id = try await consolePurchase(product, daysAgo: 5, type: "Non-Consumable")
            try #require(try await post("ada", id, to: server).status == 200)
            let claimed = try await post("bob", id, to: server)
            disputes.append((id, try #require(claimed.body["caseId"]?.text)))
        }
        let pending = "390999999999999"
        _ = try await post("carol", pending, to: server)
        let lost = try await send(
            .POST, simulator.url + "/control/purchases",
            #"{"productId":"lamp","type":"Consumable","orderId":"MQ2LOST7XY"}"#)
        return ConsoleWorld.Purchases(
            lostOrder: try #require(lost.body["orderId"]?.text), lost: try #require(lost.body["transactionId"]?.text),
            paid: paid, refunded: refunded, pending: pending, disputed: disputes[0].id, caseID: disputes[0].caseID,
            otherCaseID: disputes[1].caseID)
    }

    private func consolePurchase(
        _ product: String, daysAgo: Int, _ more: String = "", type: String = "Consumable"
    ) async throws -> String {
        let moment = Int64(Date().timeIntervalSince1970 * 1_000) - Int64(daysAgo) * 86_400_000
        let answer = try await send(
            .POST, simulator.url + "/control/purchases",
            #"{\#(more)"productId":"\#(product)","type":"\#(type)","purchaseDate":\#(moment),"originalPurchaseDate":\#(moment)}"#
        )
        return try #require(answer.body["transactionId"]?.text)
    }
}
