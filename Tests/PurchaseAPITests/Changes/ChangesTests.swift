import AppStoreSimulator
import Foundation
import HTTPTypes
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("The change feed")
struct ChangesTests {
    private static let settings = ["VOUCH_APP_STORE_REQUESTS_PER_SECOND": "100000", "VOUCH_SANDBOX_ACCOUNTS": "all"]

    @Test("a reader that follows two writing processes sees each change once, in order, and misses none")
    func orderedUnderWriters() async throws {
        try await TestStack.with(Self.settings) { stack in
            let ids = try (0..<120).map { number in
                try number.isMultiple(of: 2) ? stack.bought() : stack.bought("coins", .consumable)
            }
            try await stack.withReplica { replica in
                let isWritten = Box(false)
                async let read = Self.follow(replica, until: isWritten)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for lane in 0..<12 {
                        let api = lane.isMultiple(of: 2) ? stack.api : replica
                        group.addTask {
                            for index in stride(from: lane, to: ids.count, by: 12) {
                                let answer = try await api.post("player-\(index)", ids[index])
                                #expect(answer.status == 200)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                isWritten.set(true)
                let positions = try await read.positions
                let stored = try await stack.rows("SELECT position::text FROM changes c ORDER BY c.position")
                #expect(positions.map { String($0) } == stored.compactMap { $0[0] })
                #expect(positions.count >= 240)
            }
        }
    }

    /// Reads while it is written, and until nothing is left.
    private static func follow(_ api: StackClient, until isWritten: Box<Bool>) async throws -> Consumer {
        var consumer = Consumer()
        while true {
            let isLast = isWritten.value
            let count = try await consumer.read(api, limit: 7, wait: isLast ? 0 : 1)
            if isLast, count == 0 { return consumer }
        }
    }

    @Test("who starts from zero ends with the entitlements and grants that the API gives", arguments: [1, 2, nil])
    func rebuild(fixed: UInt64?) async throws {
        let seed = fixed ?? UInt64.random(in: 1_000...999_999)
        print("changes: SEED=\(seed)")
        try await TestStack.with(Self.settings, seed: seed) { stack in
            var life = FeedLife(stack: stack, seed: seed)
            var follower = Consumer()
            for step in 0..<160 {
                try await life.act()
                if step % 9 == 0 { _ = try await follower.read(stack.api, limit: 5) }
            }
            while try await follower.read(stack.api, limit: 50) > 0 {}
            var late = Consumer()
            while try await late.read(stack.api, limit: 17) > 0 {}
            #expect(late.positions == follower.positions && late.positions == late.positions.sorted())

            for consumer in [follower, late] {
                for account in FeedLife.accounts {
                    let rights = try await stack.api.get("/v1/accounts/\(account)/entitlements")
                    let listed = Set((rights.json?["entitlements"]?.items ?? []).compactMap(\.members))
                    #expect(consumer.entitlements(of: account, at: stack.clock.now) == listed, "SEED=\(seed)")
                    let grants = try await stack.api.get("/v1/accounts/\(account)/grants?limit=200")
                    let open = Set((grants.json?["grants"]?.items ?? []).compactMap(\.members))
                    #expect(consumer.openGrants(of: account) == open, "SEED=\(seed)")
                }
                var stored: [String: Int] = [:]
                for row in try await stack.rows("SELECT status, count(*)::text FROM grants GROUP BY 1") {
                    stored[row[0] ?? ""] = row[1].flatMap { Int($0) }
                }
                #expect(consumer.statuses == stored, "SEED=\(seed)")
            }
            try await life.expectVariety()
        }
    }

    @Test("an end says why, and a dispute is told to the account that lost it")
    func contents() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            _ = try await stack.api.post("ada", id)
            #expect(try await stack.api.post("bob", id).status == 409)
            try stack.simulator.refund(id)
            #expect(try await stack.api.recheck(id).state == "refunded")
            let changes = try await stack.api.get("/v1/changes").json?["changes"]?.items ?? []
            let said = changes.map { change in
                let data = change["data"]
                let what = data?["state"]?.text ?? data?["reason"]?.text ?? data?["status"]?.text ?? ""
                let account = change["accountId"]?.text ?? "-"
                return "\(change["kind"]?.text ?? "") \(account) \(what) \(data?["ended"] == .bool(true))"
            }
            #expect(
                said == [
                    "state - received false", "state ada paid false", "entitlement ada paid false",
                    "case bob open false", "state ada refunded false", "entitlement ada refunded true",
                ])
            #expect(changes.allSatisfy { $0["transactionId"]?.text == id })
        }
    }

    @Test("an erased account is null, also in changes of before")
    func erased() async throws {
        try await TestStack.with { stack in
            _ = try await stack.api.post("ada", try stack.bought())
            #expect(try await stack.api.get("/v1/changes").text.contains("ada"))
            _ = try await stack.rows("UPDATE accounts SET account_id = NULL RETURNING account_number::text")
            let answer = try await stack.api.get("/v1/changes")
            #expect(!answer.text.contains("ada"))
            #expect(answer.json?["changes"]?.items?.allSatisfy { $0["accountId"] == .null } == true)
        }
    }

    @Test("what each of many accounts may use is what each alone is told, in the order asked")
    func query() async throws {
        try await TestStack.with(Self.settings) { stack in
            _ = try await stack.api.post("ada", try stack.bought())
            for product in ["pro", "theme"] { _ = try await stack.api.post("bob", try stack.bought(product)) }
            let subscription = try stack.bought("gold", .autoRenewable)
            _ = try await stack.api.post("ada", subscription)
            _ = try await stack.api.post("ada", try stack.simulator.renew(subscription).transactionID)
            stack.clock.advance(.days(400))
            let asked = ["bob", "nobody", "ada"]
            let answer = try await stack.api.send(
                .post, "/v1/entitlements/query", json: #"{"accountIds":["bob","nobody","ada"]}"#)
            #expect(answer.status == 200)
            let accounts = answer.json?["accounts"]?.items ?? []
            #expect(accounts.count == 3)
            for (account, listed) in zip(asked, accounts) {
                #expect(try await stack.api.get("/v1/accounts/\(account)/entitlements").json == listed)
            }
            #expect(accounts.map { $0["entitlements"]?.items?.count } == [2, 0, 2])
        }
    }
}

/// A few accounts that buy, post each other's purchases, are refunded and get the money charged again.
struct FeedLife {
    static let accounts = (0..<5).map { "player-\($0)" }
    private static let products: [(String, SimulatedProductType)] = [
        ("coins", .consumable), ("coins", .consumable), ("pro", .nonConsumable), ("season", .nonRenewing),
        ("gold", .autoRenewable),
    ]

    let stack: TestStack
    private var generator: EdgeGenerator
    private var ids: [(id: String, type: SimulatedProductType, environment: SimulatedEnvironment)] = []

    init(stack: TestStack, seed: UInt64) {
        self.stack = stack
        generator = EdgeGenerator(seed: seed)
    }

    /// Lets one thing happen.
    mutating func act() async throws {
        stack.clock.advance(.hours(Int64.random(in: 0...30, using: &generator)))
        let roll = Int.random(in: 0..<26, using: &generator)
        if roll >= 20 { return try await decide(roll) }
        let account = Self.accounts.randomElement(using: &generator) ?? "player-0"
        guard roll >= 6, let some = ids.randomElement(using: &generator) else { return try await buy(account) }
        do {
            switch roll {
            case 6...9:
                try stack.simulator.refund(some.id, in: some.environment)
                _ = try await stack.api.recheck(some.id)
            case 10...12:
                // The App Store tells of it; one clean answer alone would not count.
                try stack.simulator.reverseRefund(some.id, in: some.environment)
                let reversal = try stack.newest("REFUND_REVERSED", in: some.environment)
                _ = try await stack.deliver(reversal)
            case 13...15:
                let open = try await stack.api.get("/v1/accounts/\(account)/grants").grants
                guard let grant = open.randomElement(using: &generator) else { return }
                _ = try await stack.api.send(.post, "/v1/grants/\(grant.id)/acknowledge")
            case 16:
                guard some.type == .autoRenewable else { return }
                let renewal = try stack.simulator.renew(some.id, in: some.environment).transactionID
                ids.append((renewal, some.type, some.environment))
                _ = try await stack.api.post(account, renewal)
            default:
                _ = try await stack.api.post(account, some.id)
            }
        } catch is SimulatorError {
            // The world doesn't allow it now: a refund of what is refunded, a second renewal.
        }
    }

    /// Support gives, takes, ends, and closes a case.
    private mutating func decide(_ roll: Int) async throws {
        let account = Self.accounts.randomElement(using: &generator) ?? "player-0"
        switch roll {
        case 20, 21:
            let open = try await stack.api.get("/v1/cases?status=open", as: .support).json?["cases"]?.items ?? []
            let closed = try await stack.api.get("/v1/cases?status=resolved", as: .support).json?["cases"]?.items ?? []
            guard let id = (open + closed.prefix(2)).randomElement(using: &generator)?["id"]?.text else { return }
            let outcome = generator.oneIn(3) ? "refused" : "transferred"
            _ = try await stack.api.send(
                .post, "/v1/cases/\(id)/resolve", as: .support, json: #"{"outcome":"\#(outcome)","why":"a test"}"#)
        case 22:
            let all = try await stack.api.get("/v1/accounts/\(account)/overrides", as: .support)
            guard let id = all.json?["overrides"]?.items?.randomElement(using: &generator)?["id"]?.text else { return }
            _ = try await stack.api.send(
                .delete, "/v1/accounts/\(account)/overrides/\(id)", as: .support, json: #"{"why":"a test"}"#)
        default:
            let key = Self.products.randomElement(using: &generator)?.0 ?? "pro"
            let effect = generator.oneIn(3) ? "withhold" : "grant"
            let end = stack.clock.now + .hours(Int64.random(in: 1...900, using: &generator))
            let until = generator.oneIn(2) ? #","until":"\#(Self.text(end))""# : ""
            _ = try await stack.api.send(
                .post, "/v1/accounts/\(account)/overrides", as: .support,
                json: #"{"key":"\#(key)","effect":"\#(effect)","why":"a test"\#(until)}"#)
        }
    }

    private static func text(_ instant: Instant) -> String {
        Date(timeIntervalSince1970: Double(instant.millisecondsSince1970) / 1_000)
            .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    private mutating func buy(_ account: String) async throws {
        let (productID, type) = Self.products.randomElement(using: &generator) ?? ("pro", .nonConsumable)
        var purchase = SimulatedPurchase(productID: productID, type: type)
        purchase.environment = generator.oneIn(4) ? .sandbox : .production
        purchase.quantity = type == .consumable ? Int64.random(in: 1...3, using: &generator) : 1
        let id = try stack.simulator.purchase(purchase).transactionID
        ids.append((id, type, purchase.environment))
        _ = try await stack.api.post(account, id)
    }

    /// A life in which nothing much happened would prove nothing.
    func expectVariety() async throws {
        let kinds = Set(try await stack.rows("SELECT DISTINCT kind FROM changes").compactMap { $0[0] })
        #expect(kinds == ["state", "entitlement", "grant", "case"])
        let ended = try await stack.count("SELECT count(*) FROM changes WHERE (data ->> 'ended')::boolean")
        let takenBack = try await stack.count(
            "SELECT count(*) FROM grants WHERE kind <> 'grant' OR status <> 'open'")
        #expect(ended > 0 && takenBack > 0)
        let decided = try await stack.count("SELECT count(*) FROM cases WHERE outcome = 'transferred'")
        let overridden = try await stack.count("SELECT count(DISTINCT effect) FROM overrides")
        #expect(decided > 0 && overridden == 2)
        try await stack.expectReplayEqualsStore()
    }
}
