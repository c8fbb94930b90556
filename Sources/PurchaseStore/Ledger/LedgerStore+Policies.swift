import Postgres
package import PurchaseCore
package import PurchaseService

extension LedgerStore: PolicyPreview.Source {
    /// Remembers the policy that decisions refer to; true when it is new to this database.
    package func remember(policy version: PolicyVersion, document: String) async throws(LedgerError) -> Bool {
        let row = try await row(
            """
            INSERT INTO policies (policy_version, document) VALUES (\(version.rawValue), \(PostgresJSON(document)))
            ON CONFLICT DO NOTHING RETURNING policy_version
            """)
        return row != nil
    }

    /// The document of the policy that everything was last decided under, else of the newest one that was in force; `nil`
    /// while no server has run on this database.
    package func policyInForce() async throws(LedgerError) -> (version: PolicyVersion, document: String)? {
        let row = try await row(
            """
            SELECT policy_version, document FROM policies p
            ORDER BY EXISTS (SELECT FROM decided_policy d WHERE d.policy_version = p.policy_version) DESC,
                first_used_at DESC LIMIT 1
            """)
        guard let row else { return nil }
        return (PolicyVersion(try decode(row, "policy_version")), try decode(row, "document"))
    }

    /// See ``PolicyPort/decidedPolicy()``.
    package func decidedPolicy() async throws(LedgerError) -> DecidedPolicy? {
        guard let row = try await row("SELECT policy_version, through_position FROM decided_policy") else { return nil }
        return DecidedPolicy(
            version: PolicyVersion(try decode(row, "policy_version")), position: try decode(row, "through_position"))
    }

    /// See ``PolicyPort/setDecidedPolicy(_:)``.
    package func setDecidedPolicy(_ decided: DecidedPolicy) async throws(LedgerError) {
        _ = try await run(
            """
            INSERT INTO decided_policy (policy_version, through_position)
            VALUES (\(decided.version.rawValue), \(decided.position))
            ON CONFLICT (only_row) DO UPDATE SET policy_version = excluded.policy_version,
                through_position = excluded.through_position
            """)
    }

    /// See ``PolicyPort/policyDifference(from:to:)``.
    package func policyDifference(
        from old: PolicyVersion, to new: PolicyVersion
    ) async throws(LedgerError) -> PolicyDifference {
        try await difference(
            from: old, to: "(SELECT document FROM policies WHERE policy_version = \(new.rawValue))")
    }

    /// What differs between a policy that was in force here and one that is only written down, as a JSON text.
    package func policyDifference(
        from old: PolicyVersion, toDocument document: String
    ) async throws(LedgerError) -> PolicyDifference {
        try await difference(from: old, to: "\(PostgresJSON(document))")
    }

    private func difference(
        from old: PolicyVersion, to new: SQL
    ) async throws(LedgerError) -> PolicyDifference {
        let row = try await row(
            """
            WITH documents AS MATERIALIZED (SELECT p.document AS was, \(fragment: new) AS will FROM policies p
                WHERE p.policy_version = \(old.rawValue))
            SELECT was -> 'format' IS DISTINCT FROM will -> 'format' AS everything,
                was -> 'unknownProducts' IS DISTINCT FROM will -> 'unknownProducts' AS unlisted,
                was -> 'sandboxAccounts' IS DISTINCT FROM will -> 'sandboxAccounts' AS sandbox,
                was -> 'renewalLeewayMilliseconds' IS DISTINCT FROM will -> 'renewalLeewayMilliseconds' AS renewals,
                ARRAY(SELECT coalesce(o.key, n.key)
                    FROM jsonb_each(was -> 'products') o FULL JOIN jsonb_each(will -> 'products') n ON o.key = n.key
                    WHERE o.value IS DISTINCT FROM n.value ORDER BY 1) AS products,
                ARRAY(SELECT jsonb_object_keys(was -> 'products') UNION SELECT jsonb_object_keys(will -> 'products')
                    ORDER BY 1) AS listed
            FROM documents WHERE will IS NOT NULL
            """)
        guard let row else { return .everything }
        let products: [String] = try decode(row, "products")
        let listed: [String] = try decode(row, "listed")
        return PolicyDifference(
            everything: try decode(row, "everything"), products: products.map { ProductID($0) },
            listed: listed.map { ProductID($0) }, unlistedProducts: try decode(row, "unlisted"),
            sandbox: try decode(row, "sandbox"), renewals: try decode(row, "renewals"))
    }

    /// See ``PolicyPort/chainsToDecideAgain(_:after:limit:)``.
    package func chainsToDecideAgain(
        _ difference: PolicyDifference, after id: ChainID?, limit: Int
    ) async throws(LedgerError) -> [ChainID] {
        try chainIDs(
            try await run(
                """
                SELECT DISTINCT t.chain_id FROM transactions t
                WHERE t.chain_id > \(id?.rawValue ?? 0) AND (\(difference.everything)
                    OR t.refusal IS NOT NULL OR t.state IN ('received', 'pending')
                    OR t.state = 'refunded' AND t.reason = 'refund_prorated'
                    OR t.product_id = ANY (\(difference.products.map(\.rawValue)))
                    OR \(difference.unlistedProducts) AND t.product_id <> ALL (\(difference.listed.map(\.rawValue)))
                    OR \(difference.sandbox) AND t.environment = 'Sandbox'
                    OR \(difference.renewals) AND EXISTS (SELECT FROM entitlements n
                        WHERE n.transaction_id = t.transaction_id AND n.until IS NOT NULL)
                    -- Of a subscription only the newest periods have rows, whatever the policy; what was delivered has none.
                    OR t.state = 'paid' AND NOT EXISTS (SELECT FROM grants g WHERE g.purchase_id = t.purchase_id)
                        AND NOT EXISTS (
                        SELECT FROM entitlements n JOIN transactions s USING (transaction_id)
                        WHERE n.chain_id = t.chain_id
                            AND (s.purchase_id = t.purchase_id OR t.type = 'Auto-Renewable Subscription')))
                ORDER BY t.chain_id LIMIT \(Int64(limit))
                """))
    }

    /// See ``PolicyPort/chainsDecidedOtherwise(than:after:through:)``.
    package func chainsDecidedOtherwise(
        than versions: [PolicyVersion], after: Int64, through: Int64
    ) async throws(LedgerError) -> [ChainID] {
        try chainIDs(
            try await run(
                """
                SELECT DISTINCT chain_id FROM events
                WHERE position > \(after) AND position <= \(through) AND policy_version <> ALL (\(versions.map(\.rawValue)))
                ORDER BY chain_id
                """))
    }

    /// See ``PolicyPort/newestEvent()``.
    package func newestEvent() async throws(LedgerError) -> Int64 {
        guard let row = try await row("SELECT coalesce(max(position), 0) AS position FROM events") else { return 0 }
        return try decode(row, "position")
    }

    /// Several chains by their numbers, in order; one that is not there is left out.
    package func chains(numbered ids: [ChainID]) async throws(LedgerError) -> [Chain] {
        let rows = try await run(
            ChainLoader.statement(where: "c.chain_id = ANY (\(ids.map(\.rawValue))) ORDER BY c.chain_id"))
        var chains: [Chain] = []
        for row in rows { chains.append(try ChainLoader.chain(from: row)) }
        return chains
    }

    /// The ids of accounts by their numbers; one that was erased is absent.
    package func accountIDs(of numbers: [AccountNumber]) async throws(LedgerError) -> [AccountNumber: AccountID] {
        let rows = try await run(
            """
            SELECT account_number, account_id FROM accounts
            WHERE account_number = ANY (\(numbers.map(\.rawValue))) AND account_id IS NOT NULL
            """)
        var ids: [AccountNumber: AccountID] = [:]
        for row in rows {
            ids[AccountNumber(try decode(row, "account_number"))] = AccountID(
                validating: try decode(row, "account_id"))
        }
        return ids
    }

    private func chainIDs(_ rows: [PostgresRow]) throws(LedgerError) -> [ChainID] {
        var list: [ChainID] = []
        for row in rows { list.append(ChainID(try decode(row, "chain_id"))) }
        return list
    }
}
