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

    /// Where the columns stand in a row: behind whom the row is for, and the account's number.
    private enum RightColumn {
        static let (transactionID, key, productID, environment, originalTransactionID) = (2, 3, 4, 5, 6)
        static let (state, rule, since, until, extended, paidUntil) = (7, 8, 9, 10, 11, 12)
        static let (overrideID, effect, reasonNumber) = (13, 14, 15)
    }

    /// Reads one row of either kind, whose columns begin at the third.
    func add(_ row: PostgresRow, of account: AccountNumber, to rights: inout AccountRights) throws(LedgerError) {
        do {
            if let id: String = try row.decode(RightColumn.overrideID) {
                rights.overrides.append(try Self.override(OverrideID(id), row, of: account))
            } else {
                rights.rows.append(try Self.entitlement(row, of: account))
            }
        } catch let error as PostgresError {
            throw LedgerError(error)
        } catch {
            throw LedgerError(.unreadable, "a stored right can't be read")
        }
    }

    private static func override(
        _ id: OverrideID, _ row: PostgresRow, of account: AccountNumber
    ) throws -> Override {
        guard let environment = StoreEnvironment(rawValue: try row.decode(RightColumn.environment)),
            let effect = Override.Effect(rawValue: try row.decode(RightColumn.effect))
        else { throw LedgerError(.unreadable, "a stored override can't be read") }
        let since: PostgresTimestamp = try row.decode(RightColumn.since)
        let until: PostgresTimestamp? = try row.decode(RightColumn.until)
        return Override(
            id: id, account: account,
            terms: Override.Terms(
                key: try row.decode(RightColumn.key), effect: effect, environment: environment,
                until: until?.instant),
            since: since.instant, reasonNumber: try row.decode(RightColumn.reasonNumber))
    }

    private static func entitlement(_ row: PostgresRow, of account: AccountNumber) throws -> Entitlement {
        guard let environment = StoreEnvironment(rawValue: try row.decode(RightColumn.environment)),
            let state = PurchaseState.Name(rawValue: try row.decode(RightColumn.state)),
            let rule = Entitlement.Rule(rawValue: try row.decode(RightColumn.rule))
        else { throw LedgerError(.unreadable, "a stored entitlement can't be read") }
        let since: PostgresTimestamp = try row.decode(RightColumn.since)
        let until: PostgresTimestamp? = try row.decode(RightColumn.until)
        let paidUntil: PostgresTimestamp? = try row.decode(RightColumn.paidUntil)
        let reason: String? = try row.decode(RightColumn.extended)
        var extended: Entitlement.Extended?
        if let reason = reason.flatMap(Entitlement.Extension.init(rawValue:)), let paidUntil {
            extended = Entitlement.Extended(reason: reason, from: paidUntil.instant)
        }
        return Entitlement(
            id: Entitlement.ID(
                transactionID: TransactionID(try row.decode(RightColumn.transactionID)),
                key: try row.decode(RightColumn.key)),
            account: account, productID: ProductID(try row.decode(RightColumn.productID)), environment: environment,
            originalTransactionID: OriginalTransactionID(try row.decode(RightColumn.originalTransactionID)),
            state: state, rule: rule, since: since.instant, until: until?.instant, extended: extended)
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
