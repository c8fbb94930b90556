import Postgres
package import PurchaseCore
package import PurchaseService

extension LedgerStore {
    /// See ``RestorePort/customerTraces(of:limit:)``.
    ///
    /// A device's evidence proves one claim: the first that was made at or after its arrival. Claims from before came with
    /// a bare id, and later ones are other people's.
    package func customerTraces(
        of account: AccountNumber, limit: Int
    ) async throws(LedgerError) -> [CustomerTrace] {
        let rows = try await run(
            """
            SELECT c.environment, c.original_transaction_id, n.transaction_id, b.app_transaction_id, h.due_at,
                coalesce(l.token_comparison = 'match', false) OR EXISTS (
                    SELECT FROM evidence d
                    WHERE d.chain_id = l.chain_id AND d.source = 'device' AND d.seen_at <= l.claimed_at
                        AND NOT EXISTS (
                            SELECT FROM claims o
                            WHERE o.chain_id = l.chain_id AND o.account_number <> l.account_number
                                AND o.claimed_at BETWEEN d.seen_at AND l.claimed_at)) AS is_proven
            FROM claims l JOIN chains c USING (chain_id)
            CROSS JOIN LATERAL (
                SELECT t.transaction_id, t.purchase_date FROM transactions t
                WHERE t.chain_id = c.chain_id AND t.refusal IS NULL
                ORDER BY t.purchase_date DESC NULLS LAST, t.transaction_id DESC LIMIT 1) n
            LEFT JOIN LATERAL (
                SELECT x.app_transaction_id FROM evidence e JOIN evidence_bodies x USING (sha256, source)
                WHERE e.chain_id = c.chain_id AND x.app_transaction_id IS NOT NULL
                ORDER BY e.signed_date DESC LIMIT 1) b ON true
            LEFT JOIN checks h ON h.transaction_id = n.transaction_id
            WHERE l.account_number = \(account.rawValue) AND l.status IN ('held', 'waiting') AND c.absorbed_by IS NULL
            ORDER BY n.purchase_date DESC NULLS LAST, n.transaction_id DESC LIMIT \(Int64(limit))
            """)
        var traces: [CustomerTrace] = []
        for row in rows { traces.append(try trace(row)) }
        return traces
    }

    private func trace(_ row: PostgresRow) throws(LedgerError) -> CustomerTrace {
        let id = TransactionID(try decode(row, "transaction_id"))
        let store: String? = try decode(row, "environment")
        let original: String? = try decode(row, "original_transaction_id")
        let dueAt: PostgresTimestamp? = try decode(row, "due_at")
        var identity = Chain.Identity.provisional(id)
        if let store = store.flatMap(StoreEnvironment.init(rawValue:)), let original {
            identity = .original(store, OriginalTransactionID(original))
        }
        return CustomerTrace(
            identity: identity, transactionID: id, appTransactionID: try decode(row, "app_transaction_id"),
            nextCheckAt: dueAt?.instant, isProven: try decode(row, "is_proven"))
    }
}
