import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@testable import PurchaseStore

/// 100,000 events, of which people made one in ten; of the steps of erasures there are as many again.
@Suite("Reading what people did")
struct StaffActionPlanTests {
    /// Foreign keys are off while the rows come in: what they refer to is of no interest here.
    private static let fill: SQL = """
        DO $fill$ BEGIN
            SET LOCAL session_replication_role = replica;
            INSERT INTO accounts (account_number, account_id) OVERRIDING SYSTEM VALUE
                SELECT n, 'account-' || n FROM generate_series(1, 1000) n;
            INSERT INTO chains (chain_id, version, environment, original_transaction_id) OVERRIDING SYSTEM VALUE
                SELECT n, 10, 'Production', n::text FROM generate_series(1, 10000) n;
            INSERT INTO claims (chain_id, account_number, chain_version, status, transaction_id, claimed_at)
                SELECT n, n % 1000 + 1, 1, 'held', n::text, now() FROM generate_series(1, 10000) n;
            INSERT INTO events (chain_id, chain_version, recorded_at, input, rule, policy_version, actor, entries)
                SELECT n / 10 + 1, n % 10 + 1, now(), CASE WHEN n % 5 = 0 THEN 'staff_action' ELSE 'claim' END,
                    CASE WHEN n % 10 = 5 THEN 'claim_released' WHEN n % 10 = 0 THEN 'recheck_requested'
                        ELSE 'claim_held' END, 'test', 'key-' || n % 700,
                    '[{"kind": "check_requested", "value": "1", "reasonNumber": 1}]'
                FROM generate_series(0, 99999) n;
        END $fill$
        """

    @Test("everything, one person's and one account's are read by the indexes of people's actions alone")
    func plans() async throws {
        try await LedgerFixture.with { ledger in
            try await ledger.database.withOwnerClient { client in
                for statement: SQL in [Self.fill, "ANALYZE events", "ANALYZE chains", "ANALYZE claims"] {
                    _ = try await client.query(statement)
                }
            }
            let cases: [(who: String?, account: AccountNumber?, index: String)] = [
                (nil, nil, "events_staff"), ("key-30", nil, "events_staff_actor"),
                (nil, AccountNumber(8), "events_staff_chain"),
            ]
            for (who, account, index) in cases {
                for position in [nil, Int64(50_000)] {
                    let statement = LedgerStore.staffActionsStatement(
                        by: who, of: account, before: position, limit: 20)
                    let rows = try await ledger.client.query("EXPLAIN \(fragment: statement)")
                    let plan = try rows.map { try $0.decode(0, as: String.self) }.joined(separator: "\n")
                    #expect(plan.contains(" \(index) "), "\(plan)")
                    #expect(!plan.contains("Seq Scan"), "\(plan)")
                }
            }
            #expect(try await ledger.store.staffActions(by: nil, of: nil, before: nil, limit: 500).count == 500)
        }
    }
}
