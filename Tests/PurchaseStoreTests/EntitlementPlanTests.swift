import Postgres
import PurchaseCore
import PurchaseStore
import TestSupport
import Testing

@Suite("How PostgreSQL reads entitlements")
struct EntitlementPlanTests {
    @Test("by two indexes, and nothing is scanned, for a hundred accounts")
    func indexes() async throws {
        try await LedgerFixture.with { ledger in
            try await fill(ledger.database)
            let accounts = (1...100).map { AccountID("player-\($0 * 7)") }
            let statement = LedgerStore.entitlementsStatement(ofEach: accounts, at: LedgerFixture.start)
            let rows = try await ledger.client.query(
                SQL(text: "EXPLAIN (COSTS OFF) " + statement.text, values: statement.values))
            let plan = try rows.map { try $0.decode(0, as: String.self) }.joined(separator: "\n")
            #expect(plan.contains("accounts_account_id_key") && plan.contains("entitlements_account"), "\(plan)")
            #expect(!plan.contains("Seq Scan"), "\(plan)")
        }
    }

    @Test("a lookup goes from key to row by index, with tables that are empty and with large ones")
    func lookups() async throws {
        let expected: [(PostgresLookup, indexes: [String])] = [
            (LedgerStore.rightsLookup, ["accounts_account_id_key", "entitlements_account", "overrides_live"]),
            (
                LedgerStore.standingLookup,
                ["accounts_account_id_key", "erasures_pkey", "using transactions_", "chains_pkey", "evidence_chain"]
            ),
            (LedgerStore.accountRegistration, ["accounts_account_id_key", "erasures_pkey"]),
            (LedgerStore.chainLookup, ["using transactions_", "chains_pkey", "evidence_chain", "movements_chain"]),
            (LedgerStore.numberedChainLookup, ["chains_pkey", "evidence_chain", "movements_chain"]),
            (
                LedgerStore.notificationLookup,
                [
                    "notifications_pkey", "using transactions_", "chains_environment", "accounts_stated_token",
                    "accounts_rule_token", "erasures_pkey",
                ]
            ),
        ]
        try await LedgerFixture.with { ledger in
            for isFull in [false, true] {
                if isFull { try await fill(ledger.database) }
                for (lookup, indexes) in expected {
                    let plan = try await plan(of: lookup, ledger.client)
                    // Two indexes of transactions begin with its id: either will do.
                    for index in indexes { #expect(plan.contains(index), "\(index), full: \(isFull): \(plan)") }
                    #expect(!plan.contains("Seq Scan") && !plan.contains("Hash"), "full: \(isFull): \(plan)")
                    // From key to row: no index is read as a whole.
                    let lines = plan.split(separator: "\n")
                    for (line, next) in zip(lines, lines.dropFirst())
                    where line.contains("Index") && line.contains("Scan") {
                        #expect(next.contains("Index Cond"), "full: \(isFull): \(line) in \(plan)")
                    }
                }
            }
        }
    }

    /// The plan as the connections for lookups make it: one for any number of keys.
    private func plan(of lookup: PostgresLookup, _ client: PostgresClient) async throws -> String {
        try await client.withTransaction { transaction in
            for (name, value) in PostgresLookup.sessionSettings {
                try await transaction.query("SELECT set_config(\(name), \(value), true)")
            }
            let types = lookup.keyTypes.map { type in
                switch type {
                case .timestamptz: "timestamptz[]"
                case .int8: "bigint[]"
                default: "text[]"
                }
            }
            try await transaction.query(
                SQL(text: "PREPARE looked_up(\(types.joined(separator: ", "))) AS \(lookup.text)", values: []))
            let examples = ["text[]": "'{player-7}'", "bigint[]": "'{7}'"]
            let keys = types.map { examples[$0] ?? "'{2026-11-23T00:00:00Z}'" }
            let rows = try await transaction.query(
                SQL(text: "EXPLAIN (COSTS OFF) EXECUTE looked_up(\(keys.joined(separator: ", ")))", values: []))
            try await transaction.query("DEALLOCATE looked_up")
            return try rows.map { try $0.decode(0, as: String.self) }.joined(separator: "\n")
        }
    }

    @Test("the connections for lookups plan once, for any number of keys")
    func keptPlan() async throws {
        try await LedgerFixture.with { ledger in
            let settings = PostgresLookup(
                """
                SELECT k.place, p.generic_plans, p.custom_plans, current_setting('plan_cache_mode') AS mode
                FROM unnest($1::text[]) WITH ORDINALITY AS k(name, place), pg_prepared_statements p
                WHERE starts_with(p.statement, k.name)
                """, keyTypes: [.text], keysMax: 1)
            for number in 1...8 { _ = try await ledger.store.standing(of: TransactionID("\(number)"), for: nil) }
            let row = try #require(
                try await ledger.client.lookup(settings, key: [.text("SELECT k.place, a.*, s.*")]).first)
            #expect(try row.decode("mode", as: String.self) == "force_generic_plan")
            #expect(try row.decode("custom_plans", as: Int64.self) == 0)
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
