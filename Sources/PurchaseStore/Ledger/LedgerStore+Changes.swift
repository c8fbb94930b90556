package import Postgres
package import PurchaseCore
package import PurchaseService

extension LedgerStore {
    /// See ``LedgerPort/changes(after:limit:)``.
    package func changes(after position: Int64, limit: Int) async throws(LedgerError) -> [RecordedChange] {
        let rows = try await run(
            """
            SELECT c.position, c.kind, a.account_id, c.transaction_id, c.occurred_at, c.data
            FROM changes c LEFT JOIN accounts a USING (account_number)
            WHERE c.position > \(position) ORDER BY c.position LIMIT \(Int64(limit))
            """)
        var list: [RecordedChange] = []
        list.reserveCapacity(rows.count)
        for row in rows {
            let account: String? = try decode(row, "account_id")
            let transaction: String? = try decode(row, "transaction_id")
            let occurredAt: PostgresTimestamp = try decode(row, "occurred_at")
            list.append(
                RecordedChange(
                    position: try decode(row, "position"), accountID: account.map { AccountID($0) },
                    transactionID: transaction.map { TransactionID($0) }, occurredAt: occurredAt.instant,
                    content: try StoredChange.content(try decode(row, "kind"), try decode(row, "data"))))
        }
        return list
    }

    /// See ``LedgerPort/newestChange()``.
    package func newestChange() async throws(LedgerError) -> Int64 {
        guard let row = try await row("SELECT coalesce(max(position), 0) AS newest FROM changes") else {
            throw LedgerError(.refused, "the newest change gave no row")
        }
        return try decode(row, "newest")
    }

    /// See ``LedgerPort/entitlements(ofEach:at:)``.
    package func entitlements(
        ofEach accounts: [AccountID], at now: Instant
    ) async throws(LedgerError) -> [AccountID: AccountRights] {
        var all: [AccountID: AccountRights] = [:]
        if let account = accounts.first, accounts.count == 1 {
            let rights = try await rights(of: account, at: now)
            if rights != AccountRights() { all[account] = rights }
            return all
        }
        let rows = try await run(Self.entitlementsStatement(ofEach: accounts, at: now))
        for row in rows {
            let number = AccountNumber(try decode(row, "account_number"))
            try add(row, of: number, to: &all[AccountID(try decode(row, "account_id")), default: AccountRights()])
        }
        return all
    }

    /// What each of many accounts may use: by two indexes, whatever the size of the tables.
    ///
    /// For several accounts; a single one shares the statement of ``rightsLookup`` with whoever asks meanwhile.
    package static func entitlementsStatement(ofEach accounts: [AccountID], at now: Instant) -> SQL {
        let at = PostgresTimestamp(now)
        let isOne: SQL = "account_id = ANY (\(accounts.map(\.rawValue)))"
        return """
            SELECT * FROM (SELECT DISTINCT ON (account_number, key, environment) account_id, account_number,
                    \(fragment: rightColumns), \(fragment: noOverride)
                FROM accounts JOIN entitlements USING (account_number)
                WHERE \(fragment: isOne)
                ORDER BY account_number, key, environment, (until IS NULL OR until > \(at)) DESC,
                    until DESC NULLS FIRST, transaction_id) AS bought
            UNION ALL
            SELECT account_id, account_number, \(fragment: overrideColumns)
            FROM accounts JOIN overrides USING (account_number)
            WHERE \(fragment: isOne) AND ended_at IS NULL AND (until IS NULL OR until > \(at))
            """
    }
}

/// A change's data as ``ChangeRow`` writes it; instants are milliseconds since 1970.
private enum StoredChange {
    private struct State: Decodable {
        var state: PurchaseState.Name
        var reason: String
        var refusal: TransactionRefusal?
    }

    private struct Right: Decodable {
        var key: String
        var productId: String?
        var environment: StoreEnvironment
        var originalTransactionId: String?
        var ended: Bool
        var since: Int64
        var until: Int64?
        var `extension`: Entitlement.Extension?
        var paidUntil: Int64?
        var reason: String?
        var overrideId: String?
        var effect: Override.Effect?
    }

    private struct Delivery: Decodable {
        var grantId: String
        var grantKind: Grant.Kind
        var status: Grant.Status
        var environment: StoreEnvironment
        var productId: String
        var amount: Int64
        var createdAt: Int64
    }

    private struct Dispute: Decodable {
        var caseId: String
        var status: ClaimCase.Status
        var outcome: ClaimCase.Outcome?
    }

    static func content(_ kind: String, _ json: String) throws(LedgerError) -> RecordedChange.Content {
        switch kind {
        case "state":
            let data: State = try LedgerJSON.value(json)
            return .state(StateChange(state: data.state, reason: data.reason, refusal: data.refusal))
        case "entitlement": return .entitlement(try right(LedgerJSON.value(json)))
        case "grant": return .grant(delivery(try LedgerJSON.value(json)))
        case "case":
            let data: Dispute = try LedgerJSON.value(json)
            return .claimCase(CaseChange(id: CaseID(data.caseId), status: data.status, outcome: data.outcome))
        default: throw LedgerError(.unreadable, "a change has an unknown kind")
        }
    }

    private static func right(_ data: Right) throws(LedgerError) -> EntitlementChange {
        var reason: EntitlementReason?
        if let code = data.reason {
            reason = EntitlementReason(rawValue: code)
            guard reason != nil else { throw LedgerError(.unreadable, "a change has an unknown reason") }
        }
        var extended: Entitlement.Extended?
        if let reason = data.extension, let from = data.paidUntil {
            extended = Entitlement.Extended(reason: reason, from: Instant(millisecondsSince1970: from))
        }
        return EntitlementChange(
            key: data.key, productID: data.productId.map { ProductID($0) }, environment: data.environment,
            originalTransactionID: data.originalTransactionId.map { OriginalTransactionID($0) }, hasEnded: data.ended,
            since: Instant(millisecondsSince1970: data.since),
            until: data.until.map { Instant(millisecondsSince1970: $0) }, extended: extended, reason: reason,
            overrideID: data.overrideId.map { OverrideID($0) }, effect: data.effect)
    }

    private static func delivery(_ data: Delivery) -> GrantChange {
        GrantChange(
            id: GrantID(data.grantId), kind: data.grantKind, status: data.status, environment: data.environment,
            productID: ProductID(data.productId), amount: data.amount,
            createdAt: Instant(millisecondsSince1970: data.createdAt))
    }
}
