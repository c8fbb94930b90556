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
