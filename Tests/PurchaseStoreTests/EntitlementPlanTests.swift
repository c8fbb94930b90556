import Postgres
import PurchaseCore
import PurchaseStore
import TestSupport
import Testing

@Suite("How PostgreSQL reads entitlements")
struct EntitlementPlanTests {
    @Test("by two indexes, and nothing is scanned, for one account and for a hundred")
    func indexes() async throws {
        try await LedgerFixture.with { ledger in
            try await fill(ledger.database)
            for count in [1, 100] {
                let accounts = (1...count).map { AccountID("player-\($0 * 7)") }
                let statement = LedgerStore.entitlementsStatement(ofEach: accounts, at: LedgerFixture.start)
                let rows = try await ledger.client.query(
                    SQL(text: "EXPLAIN (COSTS OFF) " + statement.text, values: statement.values))
                let plan = try rows.map { try $0.decode(0, as: String.self) }.joined(separator: "\n")
                #expect(plan.contains("accounts_account_id_key") && plan.contains("entitlements_account"), "\(plan)")
                #expect(!plan.contains("Seq Scan"), "\(plan)")
            }
        }
    }

    @Test("the plan for one account is kept, and not made anew for every read")
    func keptPlan() async throws {
        try await LedgerFixture.with { ledger in
            try await fill(ledger.database)
            let plans = try await ledger.client.withTransaction { transaction in
                for number in 1...8 {
                    let account = AccountID("player-\(number)")
                    try await transaction.query(
                        LedgerStore.entitlementsStatement(ofEach: [account], at: LedgerFixture.start))
                }
                return try await transaction.query(
                    "SELECT generic_plans FROM pg_prepared_statements WHERE starts_with(statement, 'SELECT * FROM (SELECT DISTINCT')"
                )
            }
            // The first five executions get a plan each, to compare.
            #expect(try #require(plans.first).decode(0, as: Int64.self) == 3)
        }
    }

    /// Gives the tables a realistic size with rows that must be passed over.
    private func fill(_ database: TestDatabase) async throws {
        try await database.withOwnerClient { client in
            // Their transactions are not there, so foreign keys must not be looked at.
            _ = try await client.query(
                """
                DO $$ BEGIN
                    SET LOCAL session_replication_role = replica;
                    INSERT INTO accounts (account_id) SELECT 'player-' || n FROM generate_series(1, 100000) n;
                    INSERT INTO entitlements (transaction_id, key, chain_id, chain_version, account_number,
                        product_id, environment, original_transaction_id, state, rule, since)
                    SELECT account_number, 'pro', account_number, 1, account_number, 'pro', 'Production', 1,
                        'paid', 'paid', now()
                    FROM accounts;
                END $$
                """)
            _ = try await client.query("ANALYZE accounts")
            _ = try await client.query("ANALYZE entitlements")
        }
    }
}
