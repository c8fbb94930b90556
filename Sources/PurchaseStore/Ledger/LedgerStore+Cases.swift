import Postgres
package import PurchaseCore
package import PurchaseService

extension LedgerStore {
    /// See ``StaffPort/chain(disputedIn:)``.
    package func chain(disputedIn id: CaseID) async throws(LedgerError) -> Chain? {
        guard let row = try await row("SELECT chain_id FROM cases WHERE case_id = \(id.rawValue)") else { return nil }
        return try await chain(numbered: ChainID(try decode(row, "chain_id")))
    }

    /// See ``StaffPort/recordedCase(_:)``.
    package func recordedCase(_ id: CaseID) async throws(LedgerError) -> RecordedCase? {
        try await cases(where: "k.case_id = \(id.rawValue)", limit: 1).first
    }

    /// See ``StaffPort/cases(_:of:after:limit:)``.
    package func cases(
        _ status: ClaimCase.Status, of account: AccountNumber?, after cursor: CaseCursor?, limit: Int
    ) async throws(LedgerError) -> [RecordedCase] {
        var condition: SQL = "k.status = \(status.rawValue)"
        if let cursor {
            condition = """
                \(fragment: condition) AND (k.opened_at, k.case_id)
                    > (\(PostgresTimestamp(cursor.openedAt)), \(cursor.id.rawValue))
                """
        }
        if let account {
            condition = """
                \(fragment: condition) AND (k.account_number = \(account.rawValue) OR k.chain_id IN (
                    SELECT chain_id FROM claims WHERE account_number = \(account.rawValue) AND status = 'held'))
                """
        }
        return try await cases(where: condition, limit: limit)
    }

    private func cases(where condition: SQL, limit: Int) async throws(LedgerError) -> [RecordedCase] {
        let rows = try await run(
            """
            SELECT jsonb_build_object('dispute', jsonb_build_object('id', k.case_id, 'account', k.account_number,
                    'status', k.status, 'openedAt', milliseconds(k.opened_at),
                    'resolution', CASE WHEN k.outcome IS NOT NULL THEN jsonb_build_object('outcome', k.outcome,
                        'reasonNumber', k.reason_number, 'resolvedAt', milliseconds(k.resolved_at),
                        'takenFrom', k.taken_from) END),
                'environment', c.environment, 'original', c.original_transaction_id,
                'claimant', (SELECT \(fragment: Self.party) FROM claims l JOIN accounts a USING (account_number)
                    WHERE l.chain_id = k.chain_id AND l.account_number = k.account_number),
                'holder', (SELECT \(fragment: Self.party) FROM claims l JOIN accounts a USING (account_number)
                    WHERE l.chain_id = k.chain_id AND l.status = 'held'),
                'transactions', (SELECT jsonb_agg(s.item) FROM (
                    SELECT jsonb_build_object('id', t.transaction_id, 'product', t.product_id, 'state', t.state,
                        'reason', t.reason, 'purchaseDate', milliseconds(t.purchase_date)) AS item
                    FROM transactions t WHERE t.chain_id = k.chain_id
                    ORDER BY t.purchase_date DESC NULLS LAST, t.transaction_id
                    LIMIT \(Int64(RecordedCase.transactionsMax))) AS s),
                'count', (SELECT count(*) FROM transactions t WHERE t.chain_id = k.chain_id),
                'resolvedBy', e.actor, 'why', w.words) AS item
            FROM cases k JOIN chains c USING (chain_id)
                LEFT JOIN events e
                    ON k.status = 'resolved' AND e.chain_id = k.chain_id AND e.chain_version = k.chain_version
                LEFT JOIN reasons w ON w.reason_number = k.reason_number
            WHERE \(fragment: condition) ORDER BY k.opened_at, k.case_id LIMIT \(Int64(limit))
            """)
        var list: [RecordedCase] = []
        for row in rows {
            let item: StoredCase = try LedgerJSON.value(try decode(row, "item", as: String.self))
            list.append(item.recorded)
        }
        return list
    }

    private static let party: SQL = """
        jsonb_build_object('account', a.account_id, 'transaction', l.transaction_id,
            'claimedAt', milliseconds(l.claimed_at), 'comparison', l.token_comparison)
        """
}

private struct StoredCase: Decodable {
    struct Party: Decodable {
        var account: AccountID?
        var transaction: TransactionID
        var claimedAt: Instant
        var comparison: Claim.TokenComparison?

        var recorded: RecordedCase.Party {
            RecordedCase.Party(
                accountID: account, transactionID: transaction, claimedAt: claimedAt, tokenComparison: comparison)
        }
    }

    struct Subject: Decodable {
        var id: TransactionID
        var product: ProductID?
        var state: PurchaseState.Name
        var reason: String
        var purchaseDate: Instant?

        var recorded: RecordedCase.Subject {
            RecordedCase.Subject(
                transactionID: id, productID: product, state: state, reason: reason, purchaseDate: purchaseDate)
        }
    }

    var dispute: ClaimCase
    var environment: StoreEnvironment?
    var original: OriginalTransactionID?
    var claimant: Party?
    var holder: Party?
    var transactions: [Subject]?
    var count: Int64
    var resolvedBy: String?
    var why: String?

    var recorded: RecordedCase {
        RecordedCase(
            dispute: dispute, environment: environment, originalTransactionID: original,
            claimant: claimant?.recorded, holder: holder?.recorded,
            transactions: (transactions ?? []).map(\.recorded), transactionCount: count, resolvedBy: resolvedBy,
            why: why)
    }
}
