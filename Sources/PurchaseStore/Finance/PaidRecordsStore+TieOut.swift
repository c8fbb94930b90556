import Postgres
package import PurchaseCore
package import PurchaseService

extension PaidRecordsStore: TieOutPort {
    /// See ``TieOutPort/familyShares(of:from:to:asOf:limit:)``.
    ///
    /// Whether a purchase is a family share never changes and is append-only; product and time come from the projection
    /// that search reads, by its index.
    package func familyShares(
        of products: [String], from: Instant, to: Instant, asOf: Int64, limit: Int
    ) async throws(LedgerError) -> [TieOutRow] {
        let rows = try await run(
            """
            SELECT t.transaction_id, t.purchase_date AS occurred_at, t.product_id, v.facts ->> 'storefront' AS storefront,
                CAST(NULL AS text) AS currency, coalesce(CAST(v.facts ->> 'quantity' AS bigint), 1) AS quantity, CAST(0 AS bigint) AS amount
            FROM transactions t
                JOIN purchases p ON p.purchase_id = t.purchase_id AND p.ownership = 'family_shared'
                    AND p.environment = 'Production'
                JOIN events e ON e.chain_id = p.chain_id AND e.chain_version = p.chain_version
                JOIN evidence v ON v.sha256 = t.deciding_sha256 AND v.source = t.deciding_source
            WHERE t.product_id = ANY (\(products)) AND coalesce(t.purchase_date, t.created_at) >= \(PostgresTimestamp(from))
                AND coalesce(t.purchase_date, t.created_at) < \(PostgresTimestamp(to)) AND t.purchase_date IS NOT NULL
                AND e.position <= \(asOf)
            ORDER BY coalesce(t.purchase_date, t.created_at), t.transaction_id
            LIMIT \(Int64(limit))
            """)
        return try tieOutRows(rows, origin: .familyShare)
    }

    /// See ``TieOutPort/unrefundedSales(at:ofOneUnitFor:from:to:asOf:limit:)``.
    package func unrefundedSales(
        at place: SalesPlace, ofOneUnitFor price: Int64?, from: Instant, to: Instant, asOf: Int64, limit: Int
    ) async throws(LedgerError) -> [TieOutRow] {
        let scope = PaidRecordsScope(from: from, to: to, asOf: asOf, environment: .production, timeZone: "UTC")
        let priced: SQL =
            if let price {
                "AND m.amount_milliunits = \(price) AND CAST(v.facts ->> 'quantity' AS bigint) = 1"
            } else {
                ""
            }
        let rows = try await run(
            """
            SELECT m.transaction_id, m.occurred_at, v.facts ->> 'productId' AS product_id,
                v.facts ->> 'storefront' AS storefront, m.currency, CAST(v.facts ->> 'quantity' AS bigint) AS quantity,
                m.amount_milliunits AS amount
            \(fragment: Self.movementsWithEvidence)
            \(fragment: Self.selection(of: scope))
                AND m.kind = 'sale' AND m.step = 0 AND m.currency = \(place.currency)
                AND v.facts ->> 'productId' = \(place.productID) AND v.facts ->> 'storefront' = \(place.storefront)
                \(fragment: priced)
                AND NOT EXISTS (SELECT FROM movements r
                    JOIN events f ON f.chain_id = r.chain_id AND f.chain_version = r.chain_version
                    WHERE r.purchase_id = m.purchase_id AND r.kind = 'refund' AND f.position <= \(asOf))
            ORDER BY m.occurred_at DESC, m.sequence DESC
            LIMIT \(Int64(limit))
            """)
        return try tieOutRows(rows, origin: .sale)
    }

    private func tieOutRows(
        _ rows: [PostgresRow], origin: TieOutRow.Origin
    ) throws(LedgerError) -> [TieOutRow] {
        var result: [TieOutRow] = []
        for row in rows {
            let place = SalesPlace(
                productID: try decode(row, "product_id"), storefront: try decode(row, "storefront"),
                currency: try decode(row, "currency"), side: .sale)
            result.append(
                TieOutRow(
                    transactionID: try decode(row, "transaction_id"), origin: origin,
                    occurredAt: try decode(row, "occurred_at", as: PostgresTimestamp.self).instant, place: place,
                    figure: SalesFigure(units: try decode(row, "quantity"), milliunits: try decode(row, "amount"))))
        }
        return result
    }
}
