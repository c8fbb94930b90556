import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import TestSupport
import Testing

/// What support decides, and what the database itself refuses about it.
@Suite("Constraints of cases and overrides")
struct StaffConstraintTests {
    private static let checkViolation = "23514"
    private static let foreignKeyViolation = "23503"

    /// Runs a statement with the owner's rights and returns its SQLSTATE; `nil` when it went through.
    private func state(_ ledger: LedgerFixture, _ statement: String) async throws -> String? {
        try await ledger.database.withOwnerClient { client -> String? in
            do throws(PostgresError) {
                _ = try await client.query(SQL(unsafe: statement))
                return nil
            } catch {
                return error.sqlState ?? error.description
            }
        }
    }

    /// A purchase that one account holds and another claims too.
    private func disputed(_ ledger: LedgerFixture, holder: String, claimant: String) async throws -> Chain {
        let chain = try await ledger.settled("1", by: holder)
        let account = try await ledger.account(claimant)
        return try #require(
            try await ledger.apply(.claimed(TransactionID("1"), by: account, at: LedgerFixture.start), to: chain))
    }

    private func overridden(_ ledger: LedgerFixture, _ name: String = "ada") async throws -> Chain {
        let account = try await ledger.account(name)
        let terms = Override.Terms(
            key: "pro", effect: .grant, environment: .production, until: LedgerFixture.start + .hours(1))
        return try #require(
            try await ledger.apply(
                .staffActed(.override(terms), reasonNumber: 1), to: Chain(identity: .account(account))))
    }

    @Test(
        "a transfer goes through whichever account has the larger number, and there and back",
        arguments: [["ada", "eve"], ["eve", "ada"]])
    func transfer(order: [String]) async throws {
        try await LedgerFixture.with { ledger in
            for name in order { _ = try await ledger.account(name) }
            var chain = try await disputed(ledger, holder: "ada", claimant: "eve")
            let id = try #require(chain.cases.keys.first)
            for (outcome, holder) in [(ClaimCase.Outcome.transferred, "eve"), (.refused, "ada"), (.transferred, "eve")]
            {
                chain = try #require(
                    try await ledger.apply(.staffActed(.resolveCase(id, outcome), reasonNumber: 1), to: chain))
                let expected = try await ledger.account(holder)
                #expect(chain.owner == expected)
                let stored = try #require(try await ledger.store.chain(holding: TransactionID("1")))
                #expect(stored.replayable == chain.replayable)
            }
        }
    }

    @Test("a case is closed with outcome, reason and time, or open without any of them")
    func cases() async throws {
        try await LedgerFixture.with { ledger in
            let chain = try await disputed(ledger, holder: "ada", claimant: "eve")
            for statement in [
                "UPDATE cases SET status = 'resolved'", "UPDATE cases SET outcome = 'refused'",
                "UPDATE cases SET resolved_at = now()", "UPDATE cases SET taken_from = 1",
            ] {
                #expect(try await state(ledger, statement) == Self.checkViolation, "\(statement)")
            }
            let id = try #require(chain.cases.keys.first)
            _ = try #require(
                try await ledger.apply(.staffActed(.resolveCase(id, .transferred), reasonNumber: 1), to: chain))
            for statement in [
                "UPDATE cases SET status = 'open'", "UPDATE cases SET outcome = NULL",
                "UPDATE cases SET reason_number = NULL", "UPDATE cases SET outcome = 'won'",
                "UPDATE cases SET taken_from = account_number WHERE outcome = 'transferred'",
                "UPDATE cases SET taken_from = account_number + 1 WHERE outcome = 'refused'",
            ] {
                #expect(try await state(ledger, statement) == Self.checkViolation, "\(statement)")
            }
        }
    }

    @Test("an override has its event, its own account, an end after its beginning, and is never deleted")
    func overrides() async throws {
        try await LedgerFixture.with { ledger in
            let chain = try await overridden(ledger)
            _ = try await ledger.account("eve")
            #expect(try await ledger.count("SELECT count(*) FROM overrides") == 1)
            for (statement, expected) in [
                ("UPDATE overrides SET made_version = 99, chain_version = 99", Self.foreignKeyViolation),
                ("UPDATE overrides SET account_number = account_number + 1", Self.checkViolation),
                ("UPDATE overrides SET until = since", Self.checkViolation),
                ("UPDATE overrides SET ended_at = since", Self.checkViolation),
                ("UPDATE overrides SET ended_at = since - interval '1 s', end_reason_number = 1", Self.checkViolation),
                ("UPDATE overrides SET effect = 'maybe'", Self.checkViolation),
                ("UPDATE overrides SET key = ''", Self.checkViolation),
            ] {
                #expect(try await state(ledger, statement) == expected, "\(statement)")
            }
            await #expect { _ = try await ledger.client.query("DELETE FROM overrides") } throws: { error in
                (error as? PostgresError)?.sqlState == "42501"
            }
            let stored = try #require(try await ledger.store.chain(identifiedBy: chain.identity))
            #expect(stored.replayable == chain.replayable)
            let id = try #require(chain.id)
            #expect(try await ReplayCheck(store: ledger.store).check(id).difference == nil)
            #expect(try await state(ledger, "UPDATE overrides SET effect = 'withhold'") == nil)
            #expect(try await ReplayCheck(store: ledger.store).check(id).difference?.parts == ["overrides"])
        }
    }

    @Test("a chain has one identity, an account has one chain, and a change without a transaction is support's")
    func identities() async throws {
        try await LedgerFixture.with { ledger in
            let chain = try await overridden(ledger)
            let id = try #require(chain.id).rawValue
            for identity in ["environment = 'Production', original_transaction_id = '7'", "account_number = NULL"] {
                #expect(
                    try await state(ledger, "UPDATE chains SET \(identity) WHERE chain_id = \(id)")
                        == Self.checkViolation, "\(identity)")
            }
            // Two who begin it at once: the second is told to decide again.
            let again = try await overriddenAgain(ledger, identity: chain.identity)
            #expect(again == nil)
            #expect(
                try await state(
                    ledger,
                    """
                    INSERT INTO changes (kind, transaction_id, occurred_at, data, chain_id, chain_version)
                    SELECT 'state', NULL, now(), '{}', chain_id, version FROM chains
                    """) == Self.checkViolation)
        }
    }

    private func overriddenAgain(_ ledger: LedgerFixture, identity: Chain.Identity) async throws -> Chain? {
        let terms = Override.Terms(key: "plus", effect: .withhold, environment: .sandbox, until: nil)
        return try await ledger.apply(
            .staffActed(.override(terms), reasonNumber: 1), to: Chain(identity: identity))
    }

    @Test("a person's decision without the person's name is refused, and nothing of it is written")
    func nameless() async throws {
        try await LedgerFixture.with { ledger in
            let account = try await ledger.account("ada")
            let chain = Chain(identity: .account(account))
            let terms = Override.Terms(key: "pro", effect: .grant, environment: .production, until: nil)
            let decision = decide(
                chain, .staffActed(.override(terms), reasonNumber: 1), policy: LedgerFixture.policy,
                now: LedgerFixture.start)
            guard case .record(let recorded) = decision else {
                Issue.record("nothing was decided")
                return
            }
            await #expect(throws: LedgerError.self) {
                _ = try await ledger.store.commit(
                    CommittableDecision(
                        recorded: recorded, before: chain, actor: nil, requestID: nil,
                        recordedAt: LedgerFixture.start, body: nil, process: "tester", lease: nil))
            }
            #expect(try await ledger.count("SELECT count(*) FROM events") == 0)
        }
    }

    @Test("what an account may use is read through the index of live overrides and of entitlements")
    func indexed() async throws {
        try await LedgerFixture.with { ledger in
            _ = try await overridden(ledger)
            let plan = try await ledger.database.withOwnerClient { client in
                try await client.withTransaction { transaction in
                    _ = try await transaction.query("SET LOCAL enable_seqscan = off")
                    return try await transaction.query(
                        """
                        EXPLAIN SELECT key FROM overrides
                        WHERE account_number = 1 AND ended_at IS NULL AND (until IS NULL OR until > now())
                        """
                    ).map { try $0.decode(0, as: String.self) }.joined(separator: "\n")
                }
            }
            #expect(plan.contains("overrides_live"), "\(plan)")
        }
    }
}
