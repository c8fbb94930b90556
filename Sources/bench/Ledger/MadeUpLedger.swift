/// Made-up purchases, written straight into the tables: deciding each of them would measure something else.
enum MadeUpLedger {
    /// The account of a purchase, which are numbered from 0.
    static func account(_ number: Int) -> String { "account-\(number)" }

    /// Rows of money that so many purchases make: a sale each, and a refund for every tenth.
    static func movements(of purchases: Int) -> Int { purchases + purchases / 10 }

    /// Fills an empty, migrated database: a non-consumable for each account, a tenth of them refunded.
    ///
    /// Foreign keys are not checked meanwhile; the rows keep to them all the same.
    static func fill(_ database: ScratchDatabase, purchases: Int) throws {
        try database.psql(script, variables: ["purchases": String(purchases)])
    }

    /// Fills an empty, migrated database with what a read of entitlements reads, and nothing else: accounts with a
    /// non-consumable each; every tenth has none.
    ///
    /// Some 440 bytes an account, so that ten million fit. The purchases that the entitlements name are not there; nothing
    /// but such reads can be asked of this database.
    static func fillAccounts(_ database: ScratchDatabase, accounts: Int) throws {
        try database.psql(accountsScript, variables: ["accounts": String(accounts)])
    }

    /// Indexes are built when the rows are there: sorting once is many times faster than ten million descents.
    private static let accountsScript = """
        SET session_replication_role = replica;
        SET synchronous_commit = off;
        SET maintenance_work_mem = '512MB';
        UPDATE pg_index SET indisready = false, indisvalid = false
            WHERE indrelid IN ('accounts'::regclass, 'entitlements'::regclass);
        INSERT INTO accounts (account_number, account_id) OVERRIDING SYSTEM VALUE
            SELECT i, 'account-' || (i - 1) FROM generate_series(1, :accounts) AS i;
        INSERT INTO entitlements (transaction_id, key, chain_id, chain_version, account_number, product_id, environment,
                original_transaction_id, state, rule, since)
            SELECT id, product, i, 1, i, product, 'Production', id, 'paid', 'paid',
                timestamptz '2026-01-01' + (i % 300) * interval '1 day' + i * interval '1 millisecond'
            FROM (SELECT i, (1000000000000000 + i)::text AS id, 'com.example.app.product.' || i % 20 AS product
                FROM generate_series(1, :accounts) AS i WHERE i % 10 <> 0) AS n;
        REINDEX TABLE accounts;
        REINDEX TABLE entitlements;
        VACUUM (ANALYZE) accounts, entitlements;
        CHECKPOINT;
        """

    /// The export's joins as one query; the period is everything.
    static let exportQuery =
        "SELECT m.row_id, m.kind, m.occurred_at, e.recorded_at, v.environment, v.facts ->> 'bundleId', "
        + "v.facts ->> 'productId', v.facts ->> 'type', m.transaction_id, v.facts ->> 'originalTransactionId', "
        + "v.facts ->> 'webOrderLineItemId', (v.facts ->> 'quantity')::bigint, m.amount_milliunits, m.currency, "
        + "v.facts ->> 'storefront', (v.facts ->> 'offerType')::bigint, (v.facts ->> 'revocationPercentage')::bigint "
        + "FROM movements m JOIN events e USING (chain_id, chain_version) "
        + "JOIN evidence v ON v.sha256 = m.evidence_sha256 AND v.source = m.evidence_source "
        + "WHERE m.occurred_at < '2028-01-01' ORDER BY m.occurred_at, m.sequence"

    private static let script = """
        SET session_replication_role = replica;
        SET synchronous_commit = off;
        CREATE TEMP TABLE n AS SELECT i, (1000000000000000 + i)::text AS id,
            'production.purchased.' || (1000000000000000 + i) AS purchase,
            timestamptz '2026-01-01' + (i % 300) * interval '1 day' + i * interval '1 millisecond' AS at,
            i % 10 = 0 AS refunded, 'com.example.app.product.' || i % 20 AS product
            FROM generate_series(1, :purchases) AS i;
        INSERT INTO accounts (account_number, account_id) OVERRIDING SYSTEM VALUE
            SELECT i, 'account-' || (i - 1) FROM n;
        INSERT INTO chains (chain_id, version, environment, original_transaction_id) OVERRIDING SYSTEM VALUE
            SELECT i, 1, 'Production', id FROM n;
        INSERT INTO events (chain_id, chain_version, recorded_at, input, rule, policy_version, entries, evidence_sha256,
                evidence_source)
            SELECT i, 1, at + interval '2 seconds', 'evidence', 'made_up', 'bench', '[{"kind": "made_up"}]',
                sha256(id::bytea), 'app_store' FROM n ORDER BY i;
        INSERT INTO evidence (sha256, source, revoked, transaction_id, environment, signed_date, seen_at, facts, chain_id,
                chain_version)
            SELECT sha256(id::bytea), 'app_store', refunded, id, 'Production', at, at, jsonb_build_object(
                'transactionId', id, 'originalTransactionId', id, 'environment', 'Production', 'bundleId',
                'com.example.app', 'productId', product, 'type', 'Non-Consumable', 'quantity', 1, 'price', 4990,
                'currency', 'USD', 'storefront', 'USA', 'inAppOwnershipType', 'PURCHASED', 'isUpgraded', false,
                'signedDate', 1780000000000, 'purchaseDate', 1780000000000, 'originalPurchaseDate', 1780000000000)
                || CASE WHEN refunded THEN '{"revocationDate": 1780000000000, "revocationType": "REFUND_FULL",
                "revocationPercentage": 100000}'::jsonb ELSE '{}' END, i, 1 FROM n;
        INSERT INTO purchases (purchase_id, chain_id, chain_version, environment, ownership)
            SELECT purchase, i, 1, 'Production', 'purchased' FROM n;
        INSERT INTO transactions (transaction_id, chain_id, chain_version, state, reason, purchase_id, deciding_sha256,
                deciding_source, deciding_authoritative, deciding_revoked, in_app_ownership_type, revocation_date,
                environment, original_transaction_id, product_id, type, purchase_date, created_at, updated_at)
            SELECT id, i, 1, CASE WHEN refunded THEN 'refunded' ELSE 'paid' END,
                CASE WHEN refunded THEN 'refund_full' ELSE 'confirmed' END, purchase, sha256(id::bytea), 'app_store',
                true, refunded, 'PURCHASED', CASE WHEN refunded THEN at + interval '3 days' END, 'Production', id,
                product, 'non_consumable', at, at, at FROM n;
        INSERT INTO claims (chain_id, account_number, chain_version, status, transaction_id, claimed_at)
            SELECT i, i, 1, 'held', id, at FROM n;
        INSERT INTO entitlements (transaction_id, key, chain_id, chain_version, account_number, product_id, environment,
                original_transaction_id, state, rule, since)
            SELECT id, product, i, 1, i, product, 'Production', id, 'paid', 'paid', at FROM n WHERE NOT refunded;
        INSERT INTO movements (row_id, purchase_id, kind, generation, step, transaction_id, occurred_at,
                amount_milliunits, currency, evidence_sha256, evidence_source, evidence_revoked, chain_id, chain_version)
            SELECT purchase || '.' || kind || '.1.0', purchase, kind, 1, 0, id, at + delay, amount,
                (ARRAY['USD', 'EUR', 'JPY'])[1 + i % 3], sha256(id::bytea), 'app_store', refunded, i, 1
            FROM n CROSS JOIN (VALUES ('sale', 4990, interval '0'), ('refund', -4990, interval '3 days'))
                AS m(kind, amount, delay) WHERE kind = 'sale' OR refunded ORDER BY i, kind DESC;
        DROP TABLE n;
        VACUUM ANALYZE;
        CHECKPOINT;
        """
}
