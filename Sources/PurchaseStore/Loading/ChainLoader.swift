import Postgres
import PurchaseCore
import PurchaseService

/// Reads a whole chain in one statement; each part comes as JSON in the form that ``PurchaseCore`` reads.
///
/// `json`, not `jsonb`: what is only sent needs no tree of its own, whose members are sorted, packed and unpacked again.
/// What a ``ChainStamp`` looks at is aggregated in the same pass as the rows themselves.
enum ChainLoader {
    static func statement(where condition: SQL) -> SQL {
        """
        SELECT c.chain_id, c.version, ev.texts, tr.checks_stamp, cl.accounts_stamp,
            pg_postmaster_start_time() AS server_started_at,
            c.environment, c.original_transaction_id, c.provisional_transaction_id, c.absorbed_by, c.account_number,
            tr.transactions, tr.checks, ev.evidence, cl.claims, cl.accounts, \(fragment: rarer), \(fragment: results)
        FROM chains c \(fragment: transactions) \(fragment: evidence) \(fragment: claims)
        WHERE \(fragment: condition)
        """
    }

    private static let transactions: SQL = """
        CROSS JOIN LATERAL (
            SELECT json_agg(json_build_object('id', t.transaction_id,
                    'state', json_build_object('name', t.state, 'reason', t.reason,
                        'deciding', CASE WHEN t.deciding_sha256 IS NOT NULL THEN json_build_object(
                            'sha256', encode(t.deciding_sha256, 'hex'), 'source', t.deciding_source) END),
                    'refusal', t.refusal, 'purchaseID', t.purchase_id,
                    'createdAt', milliseconds(t.created_at), 'updatedAt', milliseconds(t.updated_at))) AS transactions,
                json_agg(json_build_object('id', h.transaction_id, 'check', h.progress))
                    FILTER (WHERE h.transaction_id IS NOT NULL) AS checks,
                string_agg(h.xmin::text, ' ') AS checks_stamp
            FROM transactions t LEFT JOIN checks h USING (transaction_id) WHERE t.chain_id = c.chain_id) tr
        """

    private static let evidence: SQL = """
        CROSS JOIN LATERAL (
            SELECT json_agg(json_build_object(
                    'item', json_build_object('id', json_build_object('sha256', encode(e.sha256, 'hex'), 'source', e.source),
                        'facts', e.facts, 'notificationType', e.notification_type, 'seenAt', milliseconds(e.seen_at)),
                    'token', b.app_account_token, 'erased', b.sha256 IS NULL)) AS evidence,
                count(b.sha256) AS texts
            FROM evidence e LEFT JOIN evidence_bodies b USING (sha256, source) WHERE e.chain_id = c.chain_id) ev
        """

    private static let claims: SQL = """
        CROSS JOIN LATERAL (
            SELECT json_agg(json_build_object('account', l.account_number, 'status', l.status, 'refusal', l.refusal,
                    'tokenComparison', l.token_comparison, 'caseID', l.case_id, 'transactionID', l.transaction_id,
                    'claimedAt', milliseconds(l.claimed_at))) AS claims,
                json_agg(json_build_object('number', a.account_number, 'id', a.account_id, 'token', a.stated_token))
                    FILTER (WHERE a.account_number IS NOT NULL) AS accounts,
                string_agg(a.account_number || ' ' || a.xmin, ' ') AS accounts_stamp
            FROM claims l LEFT JOIN accounts a USING (account_number) WHERE l.chain_id = c.chain_id) cl
        """

    /// What few chains have.
    private static let rarer: SQL = """
        (SELECT json_build_object('id', json_build_object('sha256', encode(r.sha256, 'hex'), 'source', r.source),
            'facts', r.facts, 'seenAt', milliseconds(r.seen_at))
            FROM renewals r WHERE r.chain_id = c.chain_id
            ORDER BY r.signed_date DESC, r.sha256 DESC LIMIT 1) AS renewal,
        (SELECT json_agg(json_build_object('id', k.case_id, 'account', k.account_number, 'status', k.status,
            'openedAt', milliseconds(k.opened_at),
            'resolution', CASE WHEN k.outcome IS NOT NULL THEN json_build_object('outcome', k.outcome,
                'reasonNumber', k.reason_number, 'resolvedAt', milliseconds(k.resolved_at),
                'takenFrom', k.taken_from) END))
            FROM cases k WHERE k.chain_id = c.chain_id) AS cases,
        (SELECT json_agg(json_build_object('id', o.override_id, 'account', o.account_number,
            'terms', json_build_object('key', o.key, 'effect', o.effect, 'environment', o.environment,
                'until', milliseconds(o.until)),
            'since', milliseconds(o.since), 'reasonNumber', o.reason_number,
            'ending', CASE WHEN o.ended_at IS NOT NULL THEN json_build_object('endedAt', milliseconds(o.ended_at),
                'reasonNumber', o.end_reason_number) END))
            FROM overrides o WHERE o.chain_id = c.chain_id) AS overrides,
        (SELECT json_build_object('account', x.account_number, 'requestedAt', milliseconds(x.requested_at),
            'reasonNumber', x.reason_number)
            FROM erasures x WHERE x.account_number = c.account_number) AS erasure
        """

    /// What a purchase leads to.
    private static let results: SQL = """
        (SELECT json_agg(json_build_object('id', g.grant_id, 'kind', g.kind, 'status', g.status,
            'account', g.account_number, 'purchaseID', g.purchase_id, 'transactionID', g.transaction_id,
            'productID', g.product_id, 'amount', g.amount, 'environment', g.environment,
            'createdAt', milliseconds(g.created_at)))
            FROM grants g WHERE g.chain_id = c.chain_id) AS grants,
        (SELECT json_agg(json_build_object('id', json_build_object('transactionID', n.transaction_id, 'key', n.key),
            'account', n.account_number, 'productID', n.product_id, 'environment', n.environment,
            'originalTransactionID', n.original_transaction_id, 'state', n.state, 'rule', n.rule,
            'since', milliseconds(n.since), 'until', milliseconds(n.until),
            'extended', CASE WHEN n.extension IS NOT NULL THEN json_build_object(
                'reason', n.extension, 'from', milliseconds(n.paid_until)) END))
            FROM entitlements n WHERE n.chain_id = c.chain_id) AS entitlements,
        (SELECT json_agg(json_build_object('rowID', m.row_id, 'kind', m.kind, 'purchaseID', m.purchase_id,
            'generation', m.generation, 'step', m.step, 'transactionID', m.transaction_id,
            'occurredAt', milliseconds(m.occurred_at), 'amountMilliunits', m.amount_milliunits, 'currency', m.currency,
            'evidence', json_build_object('sha256', encode(m.evidence_sha256, 'hex'), 'source', m.evidence_source))
            ORDER BY m.sequence)
            FROM movements m WHERE m.chain_id = c.chain_id) AS movements
        """

    static func chain(from row: PostgresRow) throws(LedgerError) -> Chain {
        do {
            var chain = Chain(identity: try identity(from: row))
            chain.id = ChainID(try row.decode("chain_id"))
            chain.version = try row.decode("version")
            chain.absorbedBy = try row.decode("absorbed_by", as: Int64?.self).map { ChainID($0) }
            chain.transactions = try list(row, "transactions", of: Transaction.self).keyed(by: \.id)
            for stored in try list(row, "evidence", of: StoredEvidence.self) {
                chain.evidence[stored.item.id] = stored.item
                if let token = stored.token.flatMap(AppAccountToken.init(validating:)) {
                    chain.erasable.tokens[stored.item.id] = token
                }
                if stored.erased { chain.erasable.erased.insert(stored.item.id) }
            }
            if let renewal = try row.decode("renewal", as: String?.self) {
                chain.renewal = try LedgerJSON.value(renewal, as: RenewalInfo.self)
            }
            if let erasure = try row.decode("erasure", as: String?.self) {
                chain.erasure = try LedgerJSON.value(erasure, as: Erasure.self)
            }
            chain.claims = try list(row, "claims", of: Claim.self).keyed(by: \.account)
            chain.cases = try list(row, "cases", of: ClaimCase.self).keyed(by: \.id)
            chain.overrides = try list(row, "overrides", of: Override.self).keyed(by: \.id)
            chain.grants = try list(row, "grants", of: Grant.self).keyed(by: \.id)
            chain.entitlements = try list(row, "entitlements", of: Entitlement.self).keyed(by: \.id)
            chain.movements = try list(row, "movements", of: Movement.self)
            for stored in try list(row, "checks", of: StoredCheck.self) { chain.checks[stored.id] = stored.check }
            for account in try list(row, "accounts", of: StoredAccount.self) {
                chain.erasable.accounts[account.number] = ErasableFacts.Account(
                    id: account.id, token: account.token.flatMap(AppAccountToken.init(validating:)))
            }
            return chain
        } catch let error as PostgresError {
            throw LedgerError(error)
        } catch let error as LedgerError {
            throw error
        } catch {
            throw LedgerError(.unreadable, "a stored chain can't be read")
        }
    }

    private static func identity(from row: PostgresRow) throws -> Chain.Identity {
        if let provisional = try row.decode("provisional_transaction_id", as: String?.self) {
            return .provisional(TransactionID(provisional))
        }
        if let account = try row.decode("account_number", as: Int64?.self) { return .account(AccountNumber(account)) }
        guard let environment = StoreEnvironment(rawValue: try row.decode("environment")) else {
            throw LedgerError(.unreadable, "a chain of an unknown store")
        }
        return .original(environment, OriginalTransactionID(try row.decode("original_transaction_id")))
    }

    private static func list<T: Decodable>(_ row: PostgresRow, _ column: String, of type: T.Type) throws -> [T] {
        guard let text = try row.decode(column, as: String?.self) else { return [] }
        return try LedgerJSON.value(text, as: [T].self)
    }

    private struct StoredEvidence: Decodable {
        var item: Evidence
        var token: String?
        var erased: Bool
    }

    private struct StoredCheck: Decodable {
        var id: TransactionID
        var check: Check
    }

    private struct StoredAccount: Decodable {
        var number: AccountNumber
        var id: AccountID?
        var token: String?
    }
}

extension Array {
    fileprivate func keyed<Key: Hashable>(by key: KeyPath<Element, Key>) -> [Key: Element] {
        Dictionary(map { ($0[keyPath: key], $0) }, uniquingKeysWith: { _, last in last })
    }
}
