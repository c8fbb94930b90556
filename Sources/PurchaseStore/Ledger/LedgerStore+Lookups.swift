package import Postgres
package import PurchaseCore
package import PurchaseService

/// The reads that users wait for, shared by all who wait: by index, whatever the size of the tables.
///
/// Each part that finds a row by its unique key has a LIMIT, so that there is no plan but the one that goes from key to
/// row.
extension LedgerStore {
    // MARK: What an account may use

    /// Keys: an account's name, and the instant to read at.
    package static let rightsLookup = PostgresLookup(
        """
        SELECT k.place, r.* FROM unnest($1::text[], $2::timestamptz[]) WITH ORDINALITY AS k(account, at, place)
            CROSS JOIN LATERAL (
                SELECT n.account_number FROM accounts n WHERE n.account_id = k.account LIMIT 1) a
            CROSS JOIN LATERAL (
                SELECT * FROM (SELECT DISTINCT ON (key, environment) account_number, \(fragment: rightColumns),
                        \(fragment: noOverride)
                    FROM entitlements WHERE account_number = a.account_number
                    ORDER BY key, environment, (until IS NULL OR until > k.at) DESC, until DESC NULLS FIRST,
                        transaction_id) AS bought
                UNION ALL
                SELECT account_number, \(fragment: overrideColumns) FROM overrides
                WHERE account_number = a.account_number AND ended_at IS NULL AND (until IS NULL OR until > k.at)) r
        """, keyTypes: [.text, .timestamptz], keysMax: 64)

    /// What one account may use; nothing for an account that was never seen.
    func rights(of account: AccountID, at now: Instant) async throws(LedgerError) -> AccountRights {
        let rows = try await look(
            Self.rightsLookup, [.text(account.rawValue), .timestamptz(PostgresTimestamp(now))])
        var rights = AccountRights()
        do {
            for row in rows { try add(row, of: AccountNumber(try row.decode(1)), to: &rights) }
        } catch let error as PostgresError {
            throw LedgerError(error)
        } catch let error as LedgerError {
            throw error
        } catch {
            throw LedgerError(.unreadable, "a stored right can't be read")
        }
        return rights
    }

    // MARK: How a transaction stands

    /// Keys: an account's name, or NULL, and a transaction.
    package static let standingLookup = PostgresLookup(
        """
        SELECT k.place, a.*, s.* FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k(account, transaction, place)
            LEFT JOIN LATERAL (\(fragment: accountColumns)
                FROM accounts n WHERE n.account_id = k.account LIMIT 1) a ON true
            LEFT JOIN LATERAL (
                SELECT \(fragment: ChainStamp.columns)
                FROM (SELECT t.chain_id FROM transactions t WHERE t.transaction_id = k.transaction LIMIT 1) h
                    CROSS JOIN LATERAL (SELECT * FROM chains WHERE chain_id = h.chain_id LIMIT 1) c) s ON true
        """, keyTypes: [.text, .text], keysMax: 64)

    /// Keys: an account's name, a token that was stated for it, or NULL, and the one that it has by rule, or NULL.
    ///
    /// Never overwrites a token with none, and of several that are stated at once the last is kept. A row that says all
    /// that already is left as it is; so is one that is being erased. In the order of names, so that two processes that
    /// write the same accounts wait for each other instead of locking each other out. Flushed before anybody uses a
    /// number: one that a crash takes back could be given to somebody else while a post still goes on with it.
    package static let accountRegistration = PostgresLookup(
        """
        WITH asked AS MATERIALIZED (
            SELECT k.account, (array_agg(k.stated ORDER BY k.place DESC) FILTER (WHERE k.stated IS NOT NULL))[1] AS stated,
                (array_agg(k.rule ORDER BY k.place DESC) FILTER (WHERE k.rule IS NOT NULL))[1] AS rule
            FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS k(account, stated, rule, place)
            GROUP BY k.account
        ), known AS MATERIALIZED (
            SELECT k.*, a.* FROM asked k LEFT JOIN LATERAL (\(fragment: accountColumns)
                FROM accounts n WHERE n.account_id = k.account LIMIT 1) a ON true
        ), made AS (
            INSERT INTO accounts AS n (account_id, stated_token, rule_token)
            SELECT account, stated, rule FROM known
            WHERE is_erased IS NULL AND (account_number IS NULL
                OR stated IS NOT NULL AND stated IS DISTINCT FROM stated_token
                OR rule IS NOT NULL AND rule IS DISTINCT FROM rule_token)
            ORDER BY account
            ON CONFLICT (account_id) DO UPDATE SET rule_token = coalesce(excluded.rule_token, n.rule_token),
                stated_token = coalesce(excluded.stated_token, n.stated_token)
            RETURNING n.account_id, n.account_number, n.stated_token, n.rule_token
        )
        SELECT k.place, coalesce(m.account_number, n.account_number), coalesce(m.stated_token, n.stated_token),
            coalesce(m.rule_token, n.rule_token), n.is_erased
        FROM unnest($1::text[]) WITH ORDINALITY AS k(account, place)
            CROSS JOIN LATERAL (SELECT * FROM known WHERE account = k.account LIMIT 1) n
            LEFT JOIN LATERAL (SELECT * FROM made WHERE account_id = k.account LIMIT 1) m ON true
        """, keyTypes: [.text, .text, .text], keysMax: 64)

    private static let accountColumns: SQL = """
        SELECT n.account_number, n.stated_token, n.rule_token,
            (SELECT true FROM erasures x WHERE x.account_number = n.account_number) AS is_erased
        """

    /// Keys: a transaction.
    package static let chainLookup = PostgresLookup(
        """
        SELECT k.place, s.* FROM unnest($1::text[]) WITH ORDINALITY AS k(transaction, place)
            CROSS JOIN LATERAL (SELECT t.chain_id FROM transactions t WHERE t.transaction_id = k.transaction LIMIT 1) h
            CROSS JOIN LATERAL (\(fragment: ChainLoader.statement(where: "c.chain_id = h.chain_id LIMIT 1"))) s
        """, keyTypes: [.text], keysMax: 16)

    /// Keys: the ledger's number of a chain.
    package static let numberedChainLookup = PostgresLookup(
        """
        SELECT k.place, s.* FROM unnest($1::bigint[]) WITH ORDINALITY AS k(chain, place)
            CROSS JOIN LATERAL (\(fragment: ChainLoader.statement(where: "c.chain_id = k.chain LIMIT 1"))) s
        """, keyTypes: [.int8], keysMax: 16)

    /// See ``LedgerPort/chain(numbered:)``.
    package func chain(numbered id: ChainID) async throws(LedgerError) -> Chain? {
        guard let row = try await look(Self.numberedChainLookup, [.int8(id.rawValue)]).first else { return nil }
        return try ChainLoader.chain(from: row)
    }

    /// See ``LedgerPort/standing(of:for:)``.
    package func standing(
        of transaction: TransactionID, for account: AccountID?
    ) async throws(LedgerError) -> TransactionStanding {
        let key = [(account?.rawValue).postgresValue, .text(transaction.rawValue)]
        guard let row = try await look(Self.standingLookup, key).first else {
            throw LedgerError(.unreadable, "a transaction's standing gave no row")
        }
        do {
            let known = try Self.knownAccount(row)
            let chain: Int64? = try row.decode(StandingColumn.stamp)
            guard chain != nil else { return TransactionStanding(account: known, chain: nil) }
            let stamp = try ChainStamp(from: row, at: StandingColumn.stamp)
            if let chain = chains.chain(stamp) { return TransactionStanding(account: known, chain: chain) }
            return TransactionStanding(account: known, chain: try await load(holding: transaction))
        } catch let error as PostgresError {
            throw LedgerError(error)
        } catch let error as LedgerError {
            throw error
        } catch {
            throw LedgerError(.unreadable, "a transaction's standing can't be read")
        }
    }

    /// Where the columns of ``standingLookup`` stand, behind the place of the key; those of the account also in
    /// ``accountRegistration``.
    private enum StandingColumn {
        static let (accountNumber, statedToken, ruleToken, isErased, stamp) = (1, 2, 3, 4, 5)
    }

    static func knownAccount(_ row: PostgresRow) throws(PostgresError) -> TransactionStanding.Account? {
        let number: Int64? = try row.decode(StandingColumn.accountNumber)
        guard let number else { return nil }
        let stated: String? = try row.decode(StandingColumn.statedToken)
        let rule: String? = try row.decode(StandingColumn.ruleToken)
        let isErased: Bool? = try row.decode(StandingColumn.isErased)
        return TransactionStanding.Account(
            number: AccountNumber(number), statedToken: stated.flatMap(AppAccountToken.init(validating:)),
            ruleToken: rule.flatMap(AppAccountToken.init(validating:)), isBeingErased: isErased ?? false)
    }

    /// Reads a chain that will likely be asked for again, and keeps it.
    private func load(holding transaction: TransactionID) async throws(LedgerError) -> Chain? {
        guard let row = try await look(Self.chainLookup, [.text(transaction.rawValue)]).first else { return nil }
        let chain = try ChainLoader.chain(from: row)
        do {
            chains.keep(chain, try ChainStamp(from: row, at: 1), bytes: row.byteCount)
        } catch {
            throw LedgerError(error)
        }
        return chain
    }

    /// See ``LedgerPort/chain(holding:)-transaction``.
    package func chain(holding transaction: TransactionID) async throws(LedgerError) -> Chain? {
        guard let row = try await look(Self.chainLookup, [.text(transaction.rawValue)]).first else { return nil }
        return try ChainLoader.chain(from: row)
    }

    /// Looks one key up, together with those of others who ask at this moment.
    func look(_ lookup: PostgresLookup, _ key: [PostgresValue]) async throws(LedgerError) -> [PostgresRow] {
        do {
            return try await client.lookup(lookup, key: key)
        } catch {
            throw LedgerError(error)
        }
    }
}
