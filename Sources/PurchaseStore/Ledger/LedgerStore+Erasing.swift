import Postgres
package import PurchaseCore
package import PurchaseService

extension LedgerStore {
    /// See ``ErasurePort/erasure(of:)``.
    package func erasure(of account: AccountNumber) async throws(LedgerError) -> RecordedErasure? {
        let row = try await row(
            """
            SELECT x.account_number, x.requested_at, x.reason_number, x.finished_at, v.actor
            FROM erasures x JOIN events v USING (chain_id, chain_version)
            WHERE x.account_number = \(account.rawValue)
            """)
        guard let row else { return nil }
        return try recordedErasure(row)
    }

    /// See ``ErasurePort/chains(claimedBy:after:limit:)``.
    package func chains(
        claimedBy account: AccountNumber, after chain: ChainID?, limit: Int
    ) async throws(LedgerError) -> [ChainID] {
        let rows = try await run(
            """
            SELECT chain_id FROM claims WHERE account_number = \(account.rawValue) AND chain_id > \(chain?.rawValue ?? 0)
            ORDER BY chain_id LIMIT \(Int64(limit))
            """)
        var ids: [ChainID] = []
        for row in rows { ids.append(ChainID(try decode(row, "chain_id"))) }
        return ids
    }

    /// See ``ErasurePort/tokens(of:)``.
    package func tokens(
        of account: AccountNumber
    ) async throws(LedgerError) -> (id: AccountID, tokens: Set<AppAccountToken>)? {
        let row = try await row(
            """
            SELECT account_id, stated_token, rule_token FROM accounts
            WHERE account_number = \(account.rawValue) AND account_id IS NOT NULL
            """)
        guard let row else { return nil }
        var tokens: Set<AppAccountToken> = []
        for name in ["stated_token", "rule_token"] {
            let text: String? = try decode(row, name)
            if let token = text.flatMap(AppAccountToken.init(validating:)) { tokens.insert(token) }
        }
        return (AccountID(try decode(row, "account_id")), tokens)
    }

    /// See ``ErasurePort/eraseTexts(carrying:of:limit:)``.
    ///
    /// Under the ledger lock, so that two of these never wait for each other. Where others claim the chain, what is not
    /// the token's stays: it is their proof.
    package func eraseTexts(
        carrying tokens: Set<AppAccountToken>, of account: AccountNumber?, limit: Int
    ) async throws(LedgerError) -> Int {
        let statement = Self.eraseTextsStatement(carrying: tokens, of: account, limit: limit)
        let rows: [PostgresRow]
        do {
            rows = try await client.commit(statement)
        } catch {
            throw LedgerError(error)
        }
        guard let row = rows.first else { return 0 }
        return Int(try decode(row, "count", as: Int64.self))
    }

    /// The statement of ``eraseTexts(carrying:of:limit:)``; its one row has the `count`.
    static func eraseTextsStatement(
        carrying tokens: Set<AppAccountToken>, of account: AccountNumber?, limit: Int
    ) -> SQL {
        SQL(
            text: """
                WITH own AS MATERIALIZED (
                    SELECT o.token FROM unnest($1::text[]) AS o(token)
                    WHERE \(ErasingSQL.isNobodyElses("o.token", than: "$2"))),
                texts AS MATERIALIZED (
                    SELECT b.sha256, b.source FROM evidence_bodies b
                    WHERE b.app_account_token = ANY (ARRAY(SELECT token FROM own)) LIMIT $3),
                renewed AS MATERIALIZED (
                    SELECT b.sha256, b.source FROM renewal_bodies b
                    WHERE b.app_account_token = ANY (ARRAY(SELECT token FROM own)) LIMIT $3),
                unclaimed AS MATERIALIZED (
                    SELECT k.chain_id FROM (
                        SELECT e.chain_id FROM evidence e JOIN texts USING (sha256, source)
                        UNION SELECT e.chain_id FROM renewals e JOIN renewed USING (sha256, source)) k
                    WHERE NOT EXISTS (SELECT FROM claims l WHERE l.chain_id = k.chain_id)),
                subjects AS MATERIALIZED (
                    SELECT e.transaction_id FROM evidence e JOIN texts USING (sha256, source)
                    UNION SELECT t.transaction_id FROM transactions t JOIN unclaimed USING (chain_id)
                    UNION SELECT c.original_transaction_id FROM chains c JOIN unclaimed USING (chain_id)),
                erased_notifications AS (
                    DELETE FROM notification_bodies b
                    WHERE b.notification_uuid IN (\(ErasingSQL.notifications(about: "subjects")))),
                erased_orders AS (
                    DELETE FROM orders o WHERE o.order_id IN (
                        SELECT r.order_id FROM order_transactions r JOIN subjects s USING (transaction_id))),
                erased_texts AS (
                    DELETE FROM evidence_bodies b USING texts t WHERE b.sha256 = t.sha256 AND b.source = t.source),
                erased_renewals AS (
                    DELETE FROM renewal_bodies b USING renewed t WHERE b.sha256 = t.sha256 AND b.source = t.source)
                SELECT (SELECT count(*) FROM texts) + (SELECT count(*) FROM renewed) AS count
                """,
            values: [
                .textArray(tokens.map { .some($0.rawValue) }.sorted { ($0 ?? "") < ($1 ?? "") }),
                // No account has this number.
                .int8(account?.rawValue ?? 0), .int8(Int64(limit)),
            ])
    }

    /// See ``ErasurePort/finishErasure(of:at:)``.
    ///
    /// Under the ledger lock, so that no decision of before brings a claim meanwhile.
    package func finishErasure(of account: AccountNumber, at now: Instant) async throws(LedgerError) -> Instant? {
        let number = account.rawValue
        let statement: SQL = """
            WITH done AS (
                UPDATE erasures x SET finished_at = greatest(\(PostgresTimestamp(now)), x.requested_at), lease_until = NULL
                WHERE x.account_number = \(number) AND x.finished_at IS NULL
                    AND NOT EXISTS (SELECT FROM claims l WHERE l.account_number = \(number))
                RETURNING x.account_number),
            named AS (
                UPDATE accounts a SET account_id = NULL, stated_token = NULL, rule_token = NULL FROM done
                WHERE a.account_number = done.account_number),
            traced AS (
                UPDATE refusals r SET account_number = NULL FROM done WHERE r.account_number = done.account_number)
            SELECT account_number FROM done
            """
        do {
            _ = try await client.commit(statement)
        } catch {
            throw LedgerError(error)
        }
        return try await erasure(of: account)?.finishedAt
    }

    /// See ``ErasurePort/leaseErasure(until:now:)``.
    package func leaseErasure(until: Instant, now: Instant) async throws(LedgerError) -> RecordedErasure? {
        let row = try await row(
            """
            WITH next AS (
                SELECT account_number FROM erasures
                WHERE finished_at IS NULL AND (lease_until IS NULL OR lease_until <= \(PostgresTimestamp(now)))
                ORDER BY requested_at LIMIT 1 FOR UPDATE SKIP LOCKED),
            taken AS (
                UPDATE erasures x SET lease_until = \(PostgresTimestamp(until)) FROM next
                WHERE x.account_number = next.account_number
                RETURNING x.*)
            SELECT t.account_number, t.requested_at, t.reason_number, t.finished_at, v.actor
            FROM taken t JOIN events v USING (chain_id, chain_version)
            """)
        guard let row else { return nil }
        return try recordedErasure(row)
    }

    /// See ``ErasurePort/releaseErasure(of:)``.
    package func releaseErasure(of account: AccountNumber) async throws(LedgerError) {
        _ = try await run("UPDATE erasures SET lease_until = NULL WHERE account_number = \(account.rawValue)")
    }

    private func recordedErasure(_ row: PostgresRow) throws(LedgerError) -> RecordedErasure {
        let requestedAt: PostgresTimestamp = try decode(row, "requested_at")
        let finishedAt: PostgresTimestamp? = try decode(row, "finished_at")
        return RecordedErasure(
            erasure: Erasure(
                account: AccountNumber(try decode(row, "account_number")), requestedAt: requestedAt.instant,
                reasonNumber: try decode(row, "reason_number")),
            who: try decode(row, "actor"), finishedAt: finishedAt?.instant)
    }
}
