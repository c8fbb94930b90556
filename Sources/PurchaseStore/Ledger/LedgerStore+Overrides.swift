import Postgres
package import PurchaseCore
package import PurchaseService

extension LedgerStore {
    // MARK: What an account may use

    /// The columns of a purchase's row, then those of an override: the two kinds travel in one answer.
    static let rightColumns: SQL = """
        transaction_id, key, product_id, environment, original_transaction_id, state, rule, since, until, extension,
            paid_until
        """
    /// See ``rightColumns``.
    static let noOverride: SQL = """
        NULL::text AS override_id, NULL::text AS effect, NULL::bigint AS reason_number
        """
    /// See ``rightColumns``.
    static let overrideColumns: SQL = """
        NULL, key, NULL, environment, NULL, NULL, NULL, since, until, NULL, NULL, override_id, effect, reason_number
        """

    /// Reads one row of either kind.
    func add(_ row: PostgresRow, of account: AccountNumber, to rights: inout AccountRights) throws(LedgerError) {
        let override: String? = try decode(row, "override_id")
        guard let override else { return rights.rows.append(try entitlement(row, of: account)) }
        guard let environment = StoreEnvironment(rawValue: try decode(row, "environment")),
            let effect = Override.Effect(rawValue: try decode(row, "effect"))
        else { throw LedgerError(.unreadable, "a stored override can't be read") }
        let since: PostgresTimestamp = try decode(row, "since")
        let until: PostgresTimestamp? = try decode(row, "until")
        rights.overrides.append(
            Override(
                id: OverrideID(override), account: account,
                terms: Override.Terms(
                    key: try decode(row, "key"), effect: effect, environment: environment, until: until?.instant),
                since: since.instant, reasonNumber: try decode(row, "reason_number")))
    }

    // MARK: Who and why

    /// See ``StaffPort/recordedOverride(_:)``.
    package func recordedOverride(_ id: OverrideID) async throws(LedgerError) -> RecordedOverride? {
        try await overrides(where: "o.override_id = \(id.rawValue)", limit: 1).first
    }

    /// See ``StaffPort/overrides(of:before:limit:)``.
    package func overrides(
        of account: AccountNumber, before number: Int64?, limit: Int
    ) async throws(LedgerError) -> [RecordedOverride] {
        try await overrides(
            where: "o.account_number = \(account.rawValue) AND o.number < \(number ?? .max)", limit: limit)
    }

    private func overrides(where condition: SQL, limit: Int) async throws(LedgerError) -> [RecordedOverride] {
        let rows = try await run(
            """
            SELECT jsonb_build_object('override', jsonb_build_object('id', o.override_id, 'account', o.account_number,
                    'terms', jsonb_build_object('key', o.key, 'effect', o.effect, 'environment', o.environment,
                        'until', milliseconds(o.until)),
                    'since', milliseconds(o.since), 'reasonNumber', o.reason_number,
                    'ending', CASE WHEN o.ended_at IS NOT NULL THEN jsonb_build_object(
                        'endedAt', milliseconds(o.ended_at), 'reasonNumber', o.end_reason_number) END),
                'number', o.number, 'account', a.account_id, 'madeBy', m.actor, 'why', w.words,
                'endedBy', e.actor, 'endedWhy', v.words) AS item
            FROM overrides o JOIN accounts a USING (account_number)
                JOIN events m ON m.chain_id = o.chain_id AND m.chain_version = o.made_version
                LEFT JOIN events e
                    ON o.ended_at IS NOT NULL AND e.chain_id = o.chain_id AND e.chain_version = o.chain_version
                LEFT JOIN reasons w ON w.reason_number = o.reason_number
                LEFT JOIN reasons v ON v.reason_number = o.end_reason_number
            WHERE \(fragment: condition) ORDER BY o.number DESC LIMIT \(Int64(limit))
            """)
        var list: [RecordedOverride] = []
        for row in rows {
            let item: StoredOverride = try LedgerJSON.value(try decode(row, "item", as: String.self))
            list.append(
                RecordedOverride(
                    override: item.override, number: item.number, accountID: item.account, madeBy: item.madeBy,
                    why: item.why, endedBy: item.endedBy, endedWhy: item.endedWhy))
        }
        return list
    }
}

private struct StoredOverride: Decodable {
    var override: Override
    var number: Int64
    var account: AccountID?
    var madeBy: String
    var why: String?
    var endedBy: String?
    var endedWhy: String?
}
