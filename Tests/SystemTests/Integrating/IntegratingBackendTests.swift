import Foundation
import NIOHTTP1
import StoreKit
import TestSupport
import Testing

@testable import IntegrationExamples

@Suite("docs/integrating.md: the backend in Swift", .timeLimit(.minutes(5)))
struct IntegratingBackendTests {
    @Test("rights and balances follow purchases and refunds, also when steps are repeated or lost")
    func follows() async throws {
        try await TestDatabase.withDatabase(migrated: false) { database in
            try await Installation.with(database: database.uri) { vouch in
                let server = try await vouch.startNotifiedServer()
                let follower = Follower(url: try #require(URL(string: server)), key: vouch.key)
                let now = Date()
                var mirror = Mirror()

                let coins = String(try await vouch.sell("coins", type: "Consumable", quantity: 5).id)
                let pro = String(try await vouch.sell("pro").id)
                for id in [coins, pro] { #expect(try await vouch.post("ada", id, to: server).status == 200) }
                let beforeReading = mirror
                try await follower.step(&mirror)
                #expect(mirror.balance(of: "ada", "coins") == 5)
                #expect(mirror.mayUse("pro", "ada", at: now) && !mirror.mayUse("pro", "bob", at: now))
                #expect(mirror.open.isEmpty)
                let grants = try await vouch.send(.GET, "\(server)/v1/accounts/ada/grants")
                #expect(grants.body["grants"]?.items?.isEmpty == true, "acknowledged")

                // The step was made, and what it stored was lost.
                var again = beforeReading
                try await follower.step(&again)
                #expect(again.balance(of: "ada", "coins") == 5 && again.open.isEmpty)
                // What was stored was applied, and its cursor was lost.
                mirror.cursor = "0"
                try await follower.step(&mirror)
                #expect(mirror.balance(of: "ada", "coins") == 5)

                for id in [coins, pro] { try await vouch.control("transactions/\(id)/refund") }
                for id in [coins, pro] {
                    _ = try await vouch.poll("\(server)/v1/transactions/\(id)") { $0.state == "refunded" }
                }
                try await follower.step(&mirror)
                #expect(mirror.balance(of: "ada", "coins") == 0)
                #expect(!mirror.mayUse("pro", "ada", at: now))
                // Acknowledging the reversal was a change as well.
                try await follower.step(&mirror, waitSeconds: 0)
                var late = Mirror()
                try await follower.step(&late)
                #expect(late.balance(of: "ada", "coins") == 0 && late.rights.isEmpty && late.cursor == mirror.cursor)
            }
        }
    }

    @Test("a grant that is refunded between crediting and acknowledging does not count")
    func cancelled() async throws {
        try await TestDatabase.withDatabase(migrated: false) { database in
            try await Installation.with(database: database.uri) { vouch in
                let server = try await vouch.startNotifiedServer()
                let url = try #require(URL(string: server))
                let coins = String(try await vouch.sell("coins", type: "Consumable").id)
                #expect(try await vouch.post("ada", coins, to: server).status == 200)
                // A backend that credited, and crashed before it acknowledged.
                var mirror = Mirror()
                await #expect(throws: Follower.Busy.self) {
                    try await Follower(url: url, key: "wrong").step(&mirror)
                }
                let page = try await vouch.send(.GET, "\(server)/v1/changes")
                mirror.deliveries = try Self.credited(page)
                #expect(mirror.balance(of: "ada", "coins") == 1)
                try await vouch.control("transactions/\(coins)/refund")
                _ = try await vouch.poll("\(server)/v1/transactions/\(coins)") { $0.state == "refunded" }
                // The feed has told it, and this backend has not applied it: the answer 409 says it as well.
                let newest = try await vouch.send(.GET, "\(server)/v1/changes?limit=1000")
                mirror.cursor = try #require(newest.body["nextCursor"]?.text)
                try await Follower(url: url, key: vouch.key).step(&mirror, waitSeconds: 0)
                #expect(mirror.balance(of: "ada", "coins") == 0)
                #expect(mirror.deliveries.values.map(\.data.status) == ["cancelled"])
            }
        }
    }

    /// The deliveries of an answer of `GET /v1/changes`, as a backend stores them.
    private static func credited(_ page: Installation.Answer) throws -> [String: Change] {
        var rows: [String: Change] = [:]
        for change in page.body["changes"]?.items ?? [] where change["kind"]?.text == "grant" {
            let row = try JSONDecoder().decode(Change.self, from: Data(change.encoded))
            rows[try #require(row.data.id)] = row
        }
        return rows
    }

    /// Support grants or withholds something for Ada; the override's id.
    private static func decide(
        _ effect: String, _ key: String, _ vouch: Installation, _ server: String, more: String = ""
    ) async throws -> String {
        let made = try await vouch.send(
            .POST, "\(server)/v1/accounts/ada/overrides",
            #"{"key":"\#(key)","effect":"\#(effect)","why":"an outage"\#(more)}"#)
        #expect(made.status == 201)
        return try #require(made.body["id"]?.text)
    }

    /// Support ends an override of Ada's.
    private static func end(_ id: String, _ vouch: Installation, _ server: String) async throws {
        let ended = try await vouch.send(
            .DELETE, "\(server)/v1/accounts/ada/overrides", #"{"overrideId":"\#(id)","why":"a mistake"}"#)
        #expect(ended.status == 200)
    }

    @Test("what support grants and withholds is followed, and its end too; what was bought comes back then")
    func overrides() async throws {
        try await TestDatabase.withDatabase(migrated: false) { database in
            try await Installation.with(database: database.uri) { vouch in
                let server = try await vouch.startNotifiedServer()
                let follower = Follower(url: try #require(URL(string: server)), key: vouch.key)
                let now = Date()
                var mirror = Mirror()

                let pro = String(try await vouch.sell("pro").id)
                #expect(try await vouch.post("ada", pro, to: server).status == 200)
                let gold = try await Self.decide("grant", "gold", vouch, server)
                _ = try await Self.decide("grant", "trial", vouch, server, more: #","until":"2199-01-01T00:00:00Z""#)
                try await follower.step(&mirror)
                #expect(mirror.mayUse("pro", "ada", at: now) && mirror.mayUse("gold", "ada", at: now))
                #expect(!mirror.mayUse("gold", "bob", at: now))
                #expect(mirror.mayUse("trial", "ada", at: now))
                #expect(!mirror.mayUse("trial", "ada", at: now.addingTimeInterval(200 * 366 * 86_400)))

                // Withheld against a purchase, and against another override.
                var withheld: [String] = []
                for key in ["pro", "gold"] { withheld.append(try await Self.decide("withhold", key, vouch, server)) }
                try await follower.step(&mirror)
                #expect(!mirror.mayUse("pro", "ada", at: now) && !mirror.mayUse("gold", "ada", at: now))
                #expect(mirror.mayUse("trial", "ada", at: now))

                for id in withheld + [gold] { try await Self.end(id, vouch, server) }
                try await follower.step(&mirror)
                #expect(mirror.mayUse("pro", "ada", at: now) && !mirror.mayUse("gold", "ada", at: now))
                #expect(mirror.rights.count == 2, "what has ended is gone")
                var late = Mirror()
                try await follower.step(&late)
                #expect(Set(late.rights.keys) == Set(mirror.rights.keys))
            }
        }
    }

    @Test("a withholding counts for its environment and its time alone, and wins whatever comes first")
    func withheld() {
        let until = Date(timeIntervalSince1970: 1_000)
        let before = until.addingTimeInterval(-1)
        func bought(_ environment: String) -> Change {
            Change(
                kind: "entitlement", accountId: "ada", transactionId: "1-\(environment)",
                data: Change.Details(key: "pro", environment: environment))
        }
        let withheld = Change(
            kind: "entitlement", accountId: "ada",
            data: Change.Details(
                key: "pro", until: until, environment: "Production", overrideId: "o", effect: "withhold"))
        for changes in [[bought("Production"), withheld], [withheld, bought("Production")]] {
            var mirror = Mirror()
            mirror.apply(Page(changes: changes, nextCursor: "2"))
            #expect(!mirror.mayUse("pro", "ada", at: before) && mirror.mayUse("pro", "ada", at: until))
            mirror.apply(Page(changes: [bought("Sandbox")], nextCursor: "3"))
            #expect(mirror.mayUse("pro", "ada", at: before))
        }
    }

    @Test("a right that ends by time alone is over without a change")
    func expiry() throws {
        var mirror = Mirror()
        let until = Date(timeIntervalSince1970: 1_000)
        mirror.apply(
            Page(
                changes: [
                    Change(
                        kind: "entitlement", accountId: "ada", transactionId: "1",
                        data: Change.Details(key: "gold", until: until))
                ], nextCursor: "1"))
        #expect(mirror.mayUse("gold", "ada", at: until.addingTimeInterval(-1)))
        #expect(!mirror.mayUse("gold", "ada", at: until))
    }
}
