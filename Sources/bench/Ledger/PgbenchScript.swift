/// What pgbench writes: the rows that two decisions about one purchase leave, a commit for each.
///
/// A smoke run compares the numbers of rows on both sides, so that the two can't drift apart. Plain rows, without the
/// checks that a decision is still the right one: what one commit per decision can reach at best.
enum PgbenchScript {
    /// Rows that a purchase has in each table after both decisions.
    static let rowsPerPurchase = [
        "chains": 1, "events": 2, "evidence": 1, "evidence_bodies": 1, "purchases": 1, "transactions": 1, "claims": 1,
        "entitlements": 1, "movements": 1, "changes": 3, "checks": 1,
    ]

    /// What is there before the first purchase.
    static let preparation = """
        INSERT INTO accounts (account_number, account_id) OVERRIDING SYSTEM VALUE
            SELECT i, 'bench-' || i FROM generate_series(1, 64) AS i;
        INSERT INTO jws_headers (sha256, header) VALUES (sha256('header'), repeat('A', 4200));
        """

    /// The claim, then the settlement.
    ///
    /// In pgbench's scripts a colon before a letter or a digit names a variable, also in quotes.
    static let text =
        #"\set id random(1000000000000000, 9999999999999999)"# + "\n" + #"\set account random(1, 64)"# + "\n" + claim
        + #" \gset"# + "\n" + settlement + ";\n"

    private static let claim = """
        WITH made AS (
            INSERT INTO chains (version, provisional_transaction_id) VALUES (1, :id::text) RETURNING chain_id),
        event AS (
            INSERT INTO events (chain_id, chain_version, recorded_at, input, rule, policy_version, actor, request_id, entries)
            SELECT chain_id, 1, now(), 'claim', 'claim_recorded', 'bench', 'bench-app', repeat('0', 32),
                ('[{"kind": "identified", "value": {"provisional": "' || :id::text || '"}}, {"kind": "transaction",
                "value": {"id": "' || :id::text || '", "state": {"name": "received", "reason": "new"},
                "createdAt": 1795421984856, "updatedAt": 1795421984856}}, {"kind": "claim", "value": {"status": "waiting",
                "account": 24, "claimedAt": 1795421984856, "transactionID": "' || :id::text || '"}}]')::jsonb FROM made),
        transaction AS (
            INSERT INTO transactions (transaction_id, chain_id, chain_version, state, reason, created_at, updated_at)
            SELECT :id::text, chain_id, 1, 'received', 'new', now(), now() FROM made),
        claim AS (
            INSERT INTO claims (chain_id, account_number, chain_version, status, transaction_id, claimed_at)
            SELECT chain_id, :account::bigint, 1, 'waiting', :id::text, now() FROM made),
        change AS (
            INSERT INTO changes (kind, transaction_id, occurred_at, data, chain_id, chain_version)
            SELECT 'state', :id::text, now(), '{"state": "received", "reason": "new", "refusal": null}', chain_id, 1
            FROM made),
        work AS (
            INSERT INTO checks (transaction_id, due_at, progress)
            SELECT :id::text, now(), \(progress) FROM made)
        SELECT chain_id FROM made
        """

    private static let settlement = """
        WITH changed AS (
            UPDATE chains SET version = 2, environment = 'Production', original_transaction_id = :id::text,
                provisional_transaction_id = NULL
            WHERE chain_id = :chain_id::bigint AND version = 1 RETURNING chain_id),
        event AS (
            INSERT INTO events (chain_id, chain_version, recorded_at, input, rule, policy_version, actor, request_id,
                evidence_sha256, evidence_source, entries)
            SELECT chain_id, 2, now(), 'evidence', 'purchase_confirmed', 'bench', 'bench-app', repeat('0', 32),
                sha256((:id::text)::bytea), 'app_store', replace(\(settlementEntries), 'ID', :id::text)::jsonb
            FROM changed),
        proof AS (
            INSERT INTO evidence (sha256, source, revoked, transaction_id, environment, signed_date, seen_at, facts,
                chain_id, chain_version)
            SELECT sha256((:id::text)::bytea), 'app_store', false, :id::text, 'Production', now(), now(),
                ('{"type": "Non-Consumable", "price": 4990, "bundleId": "com.example.app", "currency": "USD",
                "quantity": 1, "productId": "com.example.app.pro", "isUpgraded": false, "signedDate": 1795421984856,
                "storefront": "USA", "environment": "Production", "purchaseDate": 1795421984856, "transactionId": "'
                || :id::text || '", "inAppOwnershipType": "PURCHASED", "originalPurchaseDate": 1795421984856,
                "originalTransactionId": "' || :id::text || '"}')::jsonb, chain_id, 2 FROM changed),
        body AS (
            INSERT INTO evidence_bodies (sha256, source, header_sha256, rest, app_transaction_id)
            SELECT sha256((:id::text)::bytea), 'app_store', sha256('header'), repeat('A', 680), '704' || :id::text
            FROM changed),
        purchase AS (
            INSERT INTO purchases (purchase_id, chain_id, chain_version, environment, ownership)
            SELECT 'production.purchased.' || :id::text, chain_id, 2, 'Production', 'purchased' FROM changed),
        transaction AS (
            UPDATE transactions SET chain_version = 2, state = 'paid', reason = 'confirmed',
                purchase_id = 'production.purchased.' || :id::text, deciding_sha256 = sha256((:id::text)::bytea),
                deciding_source = 'app_store', deciding_authoritative = true, deciding_revoked = false,
                in_app_ownership_type = 'PURCHASED', environment = 'Production', original_transaction_id = :id::text,
                product_id = 'com.example.app.pro', type = 'Non-Consumable', purchase_date = now(), updated_at = now()
            FROM changed WHERE transaction_id = :id::text),
        claim AS (
            UPDATE claims SET chain_version = 2, status = 'held', token_comparison = 'absent'
            FROM changed WHERE claims.chain_id = changed.chain_id),
        entitlement AS (
            INSERT INTO entitlements (transaction_id, key, chain_id, chain_version, account_number, product_id, environment,
                original_transaction_id, state, rule, since)
            SELECT :id::text, 'com.example.app.pro', chain_id, 2, :account::bigint, 'com.example.app.pro', 'Production',
                :id::text, 'paid', 'paid', now() FROM changed),
        movement AS (
            INSERT INTO movements (row_id, purchase_id, kind, generation, step, transaction_id, occurred_at,
                amount_milliunits, currency, evidence_sha256, evidence_source, evidence_revoked, chain_id, chain_version)
            SELECT 'production.purchased.' || :id::text || '.sale.1.0', 'production.purchased.' || :id::text, 'sale', 1, 0,
                :id::text, now(), 4990, 'USD', sha256((:id::text)::bytea), 'app_store', false, chain_id, 2 FROM changed),
        change AS (
            INSERT INTO changes (kind, account_number, transaction_id, occurred_at, data, chain_id, chain_version)
            SELECT kind, :account::bigint, :id::text, now(), data::jsonb, chain_id, 2 FROM changed, (VALUES
                ('state', '{"state": "paid", "reason": "confirmed", "refusal": null}'),
                ('entitlement', '{"key": "com.example.app.pro", "ended": false, "since": 1795421984856, "until": null,
                "reason": "paid", "extension": null, "paidUntil": null, "productId": "com.example.app.pro",
                "environment": "Production", "originalTransactionId": "2000000000000023"}')) AS c(kind, data)),
        work AS (
            UPDATE checks SET due_at = now() + interval '1 day', asked_at = now(), sweep = true, progress = \(progress)
            FROM changed WHERE transaction_id = :id::text)
        SELECT chain_id FROM changed
        """

    private static let progress = """
        '{"isSweep": false, "attempts": 0, "nextCheckAt": 1795421984856, "notFoundFor": 0, "notFoundAnswers": {},
        "statusesAttempts": 0, "contradictionChecks": 0}'::jsonb
        """

    private static let settlementEntries = """
        '[{"kind": "identified", "value": {"environment": "Production", "originalTransactionId": "ID"}},
        {"kind": "evidence", "value": {"sha256": "ec143b771652bef7c1ace21ceb1a55151e3485070f38be0b85f2175b19d76380",
        "source": "app_store"}, "standing": "deciding"}, {"kind": "transaction", "value": {"id": "ID", "state":
        {"name": "paid", "reason": "confirmed", "deciding": {"sha256":
        "ec143b771652bef7c1ace21ceb1a55151e3485070f38be0b85f2175b19d76380", "source": "app_store"}},
        "createdAt": 1795421984856, "updatedAt": 1795421984856, "purchaseID": "production.purchased.ID"}},
        {"kind": "claim", "value": {"status": "waiting", "account": 24, "claimedAt": 1795421984856, "transactionID": "ID",
        "tokenComparison": "absent"}}, {"kind": "claim", "value": {"status": "held", "account": 24,
        "claimedAt": 1795421984856, "transactionID": "ID", "tokenComparison": "absent"}}, {"kind": "movement",
        "value": {"kind": "sale", "step": 0, "rowID": "production.purchased.ID.sale.1.0", "currency": "USD",
        "evidence": {"sha256": "ec143b771652bef7c1ace21ceb1a55151e3485070f38be0b85f2175b19d76380", "source":
        "app_store"}, "generation": 1, "occurredAt": 1795421984856, "purchaseID": "production.purchased.ID",
        "transactionID": "ID", "amountMilliunits": 4990}}, {"kind": "entitlement", "value": {"id": {"key":
        "com.example.app.pro", "transactionID": "ID"}, "rule": "paid", "since": 1795421984856, "state": "paid",
        "account": 24, "productID": "com.example.app.pro", "environment": "Production", "originalTransactionID": "ID"}}]'
        """
}
