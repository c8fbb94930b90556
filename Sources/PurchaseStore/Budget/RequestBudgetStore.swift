package import Postgres
import PurchaseCore
package import PurchaseService

/// Apple's request limit in one row per (environment, endpoint class), shared by all replicas.
package struct RequestBudgetStore: RequestBudgetPort {
    private let client: PostgresClient

    /// Takes the client; each draw is a statement of its own.
    package init(client: PostgresClient) { self.client = client }

    /// See ``RequestBudgetPort/takeTokens(_:)``: a token bucket by the database's clock.
    ///
    /// Its commit, and no other, waits for no flush: a server that crashes may forget the draws of its last 600 ms
    /// (three times `wal_writer_delay`), which is that many calls too many in a limit for an hour. The setting holds until
    /// the end of the statement's own transaction.
    package func takeTokens(_ request: BudgetRequest) async throws -> BudgetBlock {
        let rate = Double(request.tokensPerHour) / 3_600
        let capacity = Double(request.capacity)
        let count = Double(request.count)
        let rows = try await client.query(
            """
            INSERT INTO request_budgets AS b (environment, endpoint_class, tokens, taken, refilled_at)
            VALUES (\(request.environment.rawValue), \(request.endpointClass.rawValue),
                \(capacity) - least(\(count), floor(\(capacity))), least(\(count), floor(\(capacity))), clock_timestamp())
            ON CONFLICT (environment, endpoint_class) DO UPDATE SET (tokens, taken, refilled_at) = (
                SELECT available.tokens - draw.taken, draw.taken, greatest(b.refilled_at, excluded.refilled_at)
                FROM (SELECT least(\(capacity), b.tokens
                        + greatest(0, extract(epoch FROM excluded.refilled_at - b.refilled_at)::float8) * \(rate))
                        AS tokens) AS available,
                    LATERAL (SELECT least(\(count), floor(available.tokens)) AS taken) AS draw)
            RETURNING tokens, taken, set_config('synchronous_commit', 'off', true)
            """)
        guard let row = rows.first else { throw LedgerError(.refused, "a draw on the request budget gave no row") }
        let left: Double = try row.decode("tokens")
        let taken: Double = try row.decode("taken")
        let wait = max(0, (1 - left) / rate)
        return BudgetBlock(count: Int(taken), nextTokenIn: .milliseconds(Int64((wait * 1_000).rounded(.up))))
    }
}
