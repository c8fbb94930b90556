import Postgres
package import PurchaseCore
package import PurchaseService

extension LedgerStore {
    // MARK: Search

    /// See ``SearchPort/search(_:after:limit:)``.
    package func search(
        _ search: TransactionSearch, after place: SearchPlace?, limit: Int
    ) async throws(LedgerError) -> SearchPage {
        var account: AccountNumber?
        if let name = search.account {
            account = try await findAccount(name)
            if account == nil { return SearchPage(hits: [], next: nil) }
        }
        let statement = SearchStatement(search, account: account, after: place, limit: limit)
        var found: [(hit: SearchPage.Hit, place: SearchPlace)] = []
        var lastScanned: SearchPlace?
        for row in try await run(statement.sql) {
            let id = TransactionID(try decode(row, "transaction_id"))
            let at: PostgresTimestamp = try decode(row, "at")
            let place = SearchPlace(at: at.instant, transactionID: id)
            if try decode(row, "is_hit", as: Bool.self) {
                found.append((SearchPage.Hit(transactionID: id, chain: ChainID(try decode(row, "chain_id"))), place))
            }
            if try decode(row, "is_last", as: Bool.self) { lastScanned = place }
        }
        // More than fits is there, or perhaps beyond what was looked at.
        let next = found.count > limit ? found[limit - 1].place : lastScanned
        return SearchPage(hits: found.prefix(limit).map(\.hit), next: next)
    }

    /// See ``SearchPort/chains(numbered:)``.
    package func chains(numbered ids: [ChainID]) async throws(LedgerError) -> [ChainID: Chain] {
        var chains: [ChainID: Chain] = [:]
        // A chain can be long: a few at a time, so that one statement's answer stays small.
        for start in stride(from: 0, to: ids.count, by: Self.chainsPerStatement) {
            let some = ids[start..<min(start + Self.chainsPerStatement, ids.count)].map(\.rawValue)
            for row in try await run(Self.chainsStatement(some)) {
                let chain = try ChainLoader.chain(from: row)
                if let id = chain.id { chains[id] = chain }
            }
        }
        return chains
    }

    private static let chainsPerStatement = 25
    /// No chain's number.
    private static let nobody: Int64 = 0

    /// Chains by their numbers, by the key of each; in no order.
    ///
    /// Planning it costs as much as reading five chains, so it should happen once for a connection. PostgreSQL keeps a plan
    /// for any values when none for these values seems cheaper. It takes an array for ten values until it sees it: one
    /// that is always filled up to more never seems cheaper.
    static func chainsStatement(_ ids: [Int64]) -> SQL {
        let filled = ids + Array(repeating: nobody, count: max(0, chainsPerStatement - ids.count))
        return """
            SELECT s.* FROM unnest(\(filled)) AS k(chain)
                CROSS JOIN LATERAL (\(fragment: ChainLoader.statement(where: "c.chain_id = k.chain LIMIT 1"))) s
            """
    }

    // MARK: Orders

    /// See ``SearchPort/order(_:)``.
    package func order(_ id: OrderID) async throws(LedgerError) -> StoredOrder? {
        let rows = try await run(
            """
            SELECT o.looked_up_at, t.transaction_id FROM orders o JOIN order_transactions t USING (order_id)
            WHERE o.order_id = \(id.rawValue) ORDER BY t.transaction_id
            """)
        guard let first = rows.first else { return nil }
        let lookedUpAt: PostgresTimestamp = try decode(first, "looked_up_at")
        var transactions: [TransactionID] = []
        for row in rows { transactions.append(TransactionID(try decode(row, "transaction_id"))) }
        return StoredOrder(id: id, lookedUpAt: lookedUpAt.instant, transactions: transactions)
    }

    /// See ``SearchPort/keep(_:)``.
    package func keep(_ order: StoredOrder) async throws(LedgerError) {
        _ = try await run(
            """
            WITH known AS (
                INSERT INTO orders (order_id, looked_up_at)
                VALUES (\(order.id.rawValue), \(PostgresTimestamp(order.lookedUpAt)))
                ON CONFLICT (order_id) DO UPDATE SET looked_up_at = excluded.looked_up_at RETURNING order_id)
            INSERT INTO order_transactions (order_id, transaction_id)
            SELECT known.order_id, t.id FROM known, unnest(\(order.transactions.map(\.rawValue))) AS t(id)
            ON CONFLICT DO NOTHING
            """)
    }

    // MARK: Proof

    /// See ``SearchPort/proofs(of:)``.
    package func proofs(of evidence: [EvidenceID]) async throws(LedgerError) -> [EvidenceID: StoredProof] {
        let digests = evidence.compactMap { Hexadecimal.bytes($0.sha256) }
        let rows = try await run(
            """
            SELECT encode(e.sha256, 'hex') AS sha256, e.source, h.header || '.' || b.rest AS jws, v.position,
                (SELECT n ->> 'standing' FROM jsonb_array_elements(v.entries) AS n
                    WHERE n ->> 'kind' = 'evidence' AND n -> 'value' ->> 'sha256' = encode(e.sha256, 'hex')
                        AND n -> 'value' ->> 'source' = e.source LIMIT 1) AS standing
            FROM evidence e
                JOIN events v ON v.chain_id = e.chain_id AND v.chain_version = e.chain_version
                LEFT JOIN evidence_bodies b ON b.sha256 = e.sha256 AND b.source = e.source
                LEFT JOIN jws_headers h ON h.sha256 = b.header_sha256
            WHERE e.sha256 = ANY(\(digests))
            """)
        let asked = Set(evidence)
        var proofs: [EvidenceID: StoredProof] = [:]
        for row in rows {
            guard let source = EvidenceSource(rawValue: try decode(row, "source")) else { continue }
            let id = EvidenceID(sha256: try decode(row, "sha256"), source: source)
            guard asked.contains(id) else { continue }
            proofs[id] = StoredProof(
                jws: try decode(row, "jws"),
                standing: try decode(row, "standing", as: String?.self).flatMap(LedgerEntry.Standing.init(rawValue:)),
                position: try decode(row, "position"))
        }
        return proofs
    }
}
