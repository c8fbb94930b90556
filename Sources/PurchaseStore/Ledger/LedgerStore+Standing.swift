import Postgres
package import PurchaseService

/// What waits in the ledger for somebody: for metrics.
package struct LedgerStanding: Hashable, Sendable {
    /// Transactions of one state and reason.
    package struct Unsettled: Hashable, Sendable {
        /// `received` or `pending`.
        package let state: String
        /// The stable code of the reason.
        package let reason: String
        /// How many.
        package let count: Int64
    }

    /// Transactions that are pursued, by what they wait for; what nothing waits for is absent.
    package let unsettled: [Unsettled]
    /// Disputes between accounts that support has not resolved.
    package let openCases: Int64
}

extension LedgerStore {
    /// Counts what waits; reads the planned checks and the cases, never the whole ledger.
    package func standing() async throws(LedgerError) -> LedgerStanding {
        let rows = try await run(
            """
            SELECT t.state, t.reason, count(*) AS count
            FROM checks c JOIN transactions t ON t.transaction_id = c.transaction_id
            WHERE c.due_at IS NOT NULL AND NOT c.sweep AND t.state IN ('received', 'pending') AND t.refusal IS NULL
            GROUP BY t.state, t.reason ORDER BY t.state, t.reason
            """)
        var unsettled: [LedgerStanding.Unsettled] = []
        for row in rows {
            unsettled.append(
                LedgerStanding.Unsettled(
                    state: try decode(row, "state"), reason: try decode(row, "reason"),
                    count: try decode(row, "count")))
        }
        guard let cases = try await row("SELECT count(*) AS count FROM cases WHERE status = 'open'") else {
            throw LedgerError(.refused, "counting the cases gave no row")
        }
        return LedgerStanding(unsettled: unsettled, openCases: try decode(cases, "count"))
    }
}
