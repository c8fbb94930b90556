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
            try await follower.readAll(stack.api, limit: 50)
            var late = Consumer()
            try await late.readAll(stack.api, limit: 17)
            #expect(late.positions == follower.positions && late.positions == late.positions.sorted())

            for consumer in [follower, late] { try await consumer.expectTruth(stack, stack.api, "SEED=\(seed)") }
            try await life.expectVariety()
        }
    }

    @Test("time alone changes what a subscription says, and a consumer knows it without another change")
    func time() async throws {
        try await TestStack.with(Self.settings) { stack in
            let account = FeedLife.accounts[0]
            let id = try stack.bought("gold", .autoRenewable)
            #expect(try await stack.api.post(account, id).status == 200)
            var consumer = Consumer()
            try await consumer.readAll(stack.api, limit: 100)
            var reasons: [String?] = []
            for wait in [Span.hours(0), .hours(30 * 24) + .minutes(30), .hours(1)] {
                stack.clock.advance(wait)
                try await consumer.expectTruth(stack, stack.api, "after \(wait)")
                let listed = try await stack.api.get("/v1/accounts/\(account)/entitlements")
                reasons.append(listed.json?["entitlements"]?.items?.first?["reason"]?.text)
            }
            #expect(reasons == ["paid", "renewal_unconfirmed", "expired"])
            #expect(try await consumer.read(stack.api, limit: 100) == 0)
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
