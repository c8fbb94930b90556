import AppStoreSimulator
import HTTPTypes
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("Erasing an account while others act", .timeLimit(.minutes(10)))
struct EraseRaceTests {
    /// Makes letting go of one chain fail, as a crash would in the middle.
    static func block(_ stack: TestStack, _ transaction: String) async throws {
        try await stack.database.withOwnerClient { owner in
            let statement = """
                CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    IF OLD.transaction_id = '\(transaction)' THEN RAISE EXCEPTION 'crash'; END IF;
                    RETURN OLD;
                END $$
                """
            _ = try await owner.query(SQL(text: statement, values: []))
            _ = try await owner.query(
                "CREATE TRIGGER crash BEFORE DELETE ON claims FOR EACH ROW EXECUTE FUNCTION crash()")
        }
    }

    static func unblock(_ stack: TestStack) async throws {
        try await stack.database.withOwnerClient { _ = try await $0.query("DROP TRIGGER crash ON claims") }
    }

    @Test("a crash between two steps loses nothing: posts wait for the end, and a worker, or a repeat, brings it")
    func crash() async throws {
        for usesWorker in [true, false] {
            try await TestStack.with { stack in
                var ids: [String] = []
                for _ in 0..<4 {
                    ids.append(try stack.bought())
                    _ = try await stack.api.post("account-of-ada", ids[ids.count - 1])
                }
                try await Self.block(stack, ids[2])
                #expect(try await stack.erase("account-of-ada").status == 500)
                #expect(try await stack.count("SELECT count(*) FROM claims") == 1, "the others are done")
                let post = try await stack.api.post("account-of-ada", ids[0])
                #expect(post.status == 503 && post.headers[.retryAfter] == "5")
                let override = try await stack.api.send(
                    .post, "/v1/accounts/account-of-ada/overrides", as: .support,
                    json: #"{"key":"pro","effect":"grant","why":"x"}"#)
                #expect(override.status == 503)
                #expect(await stack.service.erasureWorker.tick() == false, "another process may still be at it")
                try await Self.unblock(stack)
                if usesWorker {
                    stack.clock.advance(.minutes(2))
                    #expect(await stack.service.erasureWorker.tick())
                } else {
                    #expect(try await stack.erase("account-of-ada", why: "again").json?["status"]?.text == "erased")
                }
                #expect(await stack.service.erasureWorker.tick() == false)
                #expect(try await stack.tables(holding: "account-of-ada").isEmpty)
                #expect(try await stack.rows("SELECT words FROM reasons") == [["request 7"]])
                #expect(try await stack.count("SELECT count(*) FROM erasures WHERE finished_at IS NOT NULL") == 1)
                stack.clock.advance(.minutes(1))
                #expect(try await stack.api.post("account-of-ada", ids[0]).flag("finish"))
                try await stack.expectReplayEqualsStore()
            }
        }
    }

    @Test("many erasings and posts of one account at once: everything of the old one is gone, nothing is half")
    func concurrent() async throws {
        try await TestStack.with { stack in
            var ids: [String] = []
            for number in 0..<12 {
                ids.append(try stack.bought(number.isMultiple(of: 3) ? "coins" : "pro", .consumable))
                _ = try await stack.api.post("ada", ids[number])
            }
            let known = ids
            try await stack.withReplica { replica in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<24 {
                        let api = number.isMultiple(of: 2) ? stack.api : replica
                        group.addTask {
                            if number % 6 == 0 {
                                let answer = try await api.send(
                                    .post, "/v1/accounts/ada/erase", as: .support, json: #"{"why":"request 7"}"#)
                                #expect(answer.status == 200 || answer.status == 202)
                            } else {
                                let answer = try await api.post("ada", known[number % 12])
                                #expect([200, 202, 409, 503].contains(answer.status))
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            while await stack.service.erasureWorker.tick() {}
            let half = try await stack.count(
                """
                SELECT count(*) FROM accounts a WHERE EXISTS (SELECT FROM erasures x
                    WHERE x.account_number = a.account_number) AND (account_id IS NOT NULL
                    OR EXISTS (SELECT FROM claims l WHERE l.account_number = a.account_number)
                    OR EXISTS (SELECT FROM entitlements n WHERE n.account_number = a.account_number)
                    OR EXISTS (SELECT FROM grants g WHERE g.account_number = a.account_number AND g.status = 'open'))
                """)
            #expect(half == 0)
            #expect(try await stack.count("SELECT count(*) FROM erasures WHERE finished_at IS NULL") == 0)
            #expect(try await stack.count("SELECT count(*) FROM erasures") >= 1)
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test(
        "a life with erasings in its middle: no old name, the same money, replay, and consumers that agree",
        arguments: [1, nil])
    func life(fixed: UInt64?) async throws {
        let seed = fixed ?? UInt64.random(in: 1_000...999_999)
        print("erasing in a life: SEED=\(seed)")
        let settings = ["VOUCH_APP_STORE_REQUESTS_PER_SECOND": "100000", "VOUCH_SANDBOX_ACCOUNTS": "all"]
        try await TestStack.with(settings, seed: seed) { stack in
            var life = FeedLife(stack: stack, seed: seed)
            var follower = Consumer()
            var generator = EdgeGenerator(seed: seed)
            for _ in 0..<4 {
                for _ in 0..<25 { try await life.act() }
                if Bool.random(using: &generator) { try await follower.readAll(stack.api, limit: 7) }
                let gone = FeedLife.accounts.randomElement(using: &generator) ?? "player-0"
                let before = try await stack.export()
                let asOf = try #require(before.header("Vouch-As-Of"))
                let numbers = try await stack.count("SELECT count(*) FROM accounts")
                #expect(try await stack.erase(gone).status == 200)
                #expect(try await stack.tables(holding: gone).isEmpty, "SEED=\(seed)")
                #expect(try await stack.count("SELECT count(*) FROM accounts") == numbers, "the number stays")
                #expect(try await stack.export("&asOf=\(asOf)").body == before.body, "SEED=\(seed)")
                #expect(try await stack.api.get("/v1/accounts/\(gone)/grants").grants.isEmpty)
                try await stack.expectReplayEqualsStore()
            }
            for _ in 0..<20 { try await life.act() }
            try await follower.readAll(stack.api, limit: 7)
            var late = Consumer()
            try await late.readAll(stack.api, limit: 100)
            for consumer in [follower, late] { try await consumer.expectTruth(stack, stack.api, "SEED=\(seed)") }
            try await stack.expectReplayEqualsStore()
        }
    }
}
