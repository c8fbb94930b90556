import Postgres
import PurchaseCore

/// What a stored chain looked like in one snapshot: two equal stamps mean two equal chains.
///
/// Nearly all of a chain changes with its version alone. The three kinds of rows that don't are told apart here: plans of
/// checks and names of accounts by the transaction that last wrote each row (`xmin`), and signed texts by their number,
/// since they are only ever deleted without a new version. All that counts on one server: a standby that was promoted
/// without the last commits could give out the same version once more, so the server is told by when it was started.
struct ChainStamp: Hashable, Sendable {
    let chain: ChainID
    let version: Int64
    let texts: Int64
    let checks: String?
    let accounts: String?
    let serverStartedAt: PostgresTimestamp

    /// The columns of a stamp for the row `c` of `chains`.
    ///
    /// Rows in another order only look like a change; sorting them would cost more than a read too many.
    static let columns: SQL = """
        c.chain_id, c.version,
            (SELECT count(*) FROM evidence e JOIN evidence_bodies b USING (sha256, source)
                WHERE e.chain_id = c.chain_id) AS texts,
            (SELECT string_agg(h.xmin::text, ' ')
                FROM transactions t JOIN checks h USING (transaction_id) WHERE t.chain_id = c.chain_id) AS checks_stamp,
            (SELECT string_agg(a.account_number || ' ' || a.xmin, ' ')
                FROM claims l JOIN accounts a USING (account_number) WHERE l.chain_id = c.chain_id) AS accounts_stamp,
            pg_postmaster_start_time() AS server_started_at
        """

    /// Reads the columns of ``columns``, the first of which stands at that position.
    init(from row: PostgresRow, at first: Int) throws(PostgresError) {
        self.init(
            chain: ChainID(try row.decode(first)), version: try row.decode(first + 1),
            texts: try row.decode(first + 2), checks: try row.decode(first + 3),
            accounts: try row.decode(first + 4), serverStartedAt: try row.decode(first + 5))
    }

    init(
        chain: ChainID, version: Int64, texts: Int64, checks: String?, accounts: String?,
        serverStartedAt: PostgresTimestamp
    ) {
        self.chain = chain
        self.version = version
        self.texts = texts
        self.checks = checks
        self.accounts = accounts
        self.serverStartedAt = serverStartedAt
    }
}
