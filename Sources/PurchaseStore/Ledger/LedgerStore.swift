package import Postgres
package import PurchaseCore
package import PurchaseService

/// The ledger in PostgreSQL: the only place with SQL about it.
///
/// Reads run on the pool's connections; commits go through the client's group commit, whose prelude takes the ledger
/// lock, so that positions of events and changes become visible in order. Safe to share; every method may be called
/// concurrently.
package final class LedgerStore: LedgerPort {
    /// The key of the advisory lock that every ledger batch takes first (`pg_advisory_xact_lock`).
    package static let ledgerLock: Int64 = 0x564F_5543_48_4C

    /// Slots of the ring of refusals.
    static let refusalSlots: Int64 = 10_000
    /// Slots behind them for refused notifications.
    static let notificationRefusalSlots: Int64 = 1_000

    let client: PostgresClient
    let chains = ChainCache()
    private let committer: DecisionCommitter

    /// Takes a client whose `commitPrelude` is ``ledgerLockStatement`` and whose session role is the service's.
    package init(client: PostgresClient) {
        self.client = client
        committer = DecisionCommitter(client: client)
    }

    /// The statement that every group commit begins with.
    package static var ledgerLockStatement: SQL { "SELECT pg_advisory_xact_lock(\(ledgerLock))" }

    /// Settings of the connections that commit decisions.
    ///
    /// Those of lookups, for the same reason: a statement is planned once for a connection and finds its rows by keys.
    package static var commitSettings: [String: String] { PostgresLookup.sessionSettings }

    // MARK: Accounts

    /// See ``LedgerPort/register(_:statedToken:ruleToken:)``.
    package func register(
        _ account: AccountID, statedToken: AppAccountToken?, ruleToken: AppAccountToken?
    ) async throws(LedgerError) -> TransactionStanding.Account {
        let key = [
            .text(account.rawValue), (statedToken?.rawValue).postgresValue, (ruleToken?.rawValue).postgresValue,
        ]
        let known: TransactionStanding.Account?
        do {
            let rows = try await client.register(Self.accountRegistration, key: key)
            known = try rows.first.flatMap { row throws(PostgresError) in try Self.knownAccount(row) }
        } catch {
            throw LedgerError(error)
        }
        guard let known else { throw LedgerError(.refused, "an account got no number") }
        // Until its name is gone, nothing may begin anew under the old number.
        if known.isBeingErased { throw LedgerError(.beingErased, "an account is being erased") }
        return known
    }

    /// See ``LedgerPort/findAccount(_:)``.
    package func findAccount(_ account: AccountID) async throws(LedgerError) -> AccountNumber? {
        guard let row = try await row("SELECT account_number FROM accounts WHERE account_id = \(account.rawValue)")
        else { return nil }
        return AccountNumber(try decode(row, "account_number"))
    }

    // MARK: Chains

    /// See ``LedgerPort/chain(identifiedBy:)``.
    package func chain(identifiedBy identity: Chain.Identity) async throws(LedgerError) -> Chain? {
        switch identity {
        case .provisional(let id):
            try await chain(where: "c.provisional_transaction_id = \(id.rawValue) AND c.absorbed_by IS NULL")
        case .original(let environment, let id):
            try await chain(
                where: "c.environment = \(environment.rawValue) AND c.original_transaction_id = \(id.rawValue)")
        case .account(let number):
            try await chain(where: "c.account_number = \(number.rawValue)")
        }
    }

    /// See ``LedgerPort/chains(holding:original:in:)``.
    package func chains(
        holding transaction: TransactionID, original: OriginalTransactionID, in environment: StoreEnvironment
    ) async throws(LedgerError) -> (holding: Chain?, identified: Chain?) {
        let found = try await row(
            """
            SELECT (SELECT chain_id FROM transactions WHERE transaction_id = \(transaction.rawValue)) AS holding,
                (SELECT chain_id FROM chains
                    WHERE environment = \(environment.rawValue) AND original_transaction_id = \(original.rawValue))
                    AS identified
            """)
        guard let found else { return (nil, nil) }
        let holdingID = try decode(found, "holding", as: Int64?.self).map { ChainID($0) }
        let identifiedID = try decode(found, "identified", as: Int64?.self).map { ChainID($0) }
        var holding: Chain?
        if let holdingID { holding = try await chain(numbered: holdingID) }
        if identifiedID == holdingID { return (holding, holding) }
        var identified: Chain?
        if let identifiedID { identified = try await chain(numbered: identifiedID) }
        return (holding, identified)
    }

    /// See ``LedgerPort/chain(holding:)-grant``.
    package func chain(holding grant: GrantID) async throws(LedgerError) -> Chain? {
        try await chain(where: "c.chain_id = (SELECT chain_id FROM grants WHERE grant_id = \(grant.rawValue))")
    }

    private func chain(where condition: SQL) async throws(LedgerError) -> Chain? {
        guard let row = try await row(ChainLoader.statement(where: condition)) else { return nil }
        return try ChainLoader.chain(from: row)
    }

    /// See ``LedgerPort/commit(_:)``.
    package func commit(_ decision: CommittableDecision) async throws(LedgerError) -> ChainID? {
        // Made here, by every caller for itself: whoever leads only puts rows together.
        try await committer.commit(try PreparedDecision(decision))
    }

    /// Decisions of this process that wait for the one that is being committed.
    package var waitingDecisions: Int { committer.waitingCount }

    // MARK: Checks

    /// See ``LedgerPort/saveChecks(_:of:at:holder:)``.
    package func saveChecks(
        _ checks: [TransactionID: Check], of chain: ChainID, at version: Int64, holder: String
    ) async throws(LedgerError) -> Bool {
        var rows: [DecisionRows.CheckRow] = []
        for (id, check) in checks.sorted(by: { $0.key < $1.key }) { rows.append(try .init(id, check, lease: nil)) }
        guard !rows.isEmpty else { return true }
        let written = try await run(
            """
            INSERT INTO checks AS h (transaction_id, due_at, asked_at, progress, sweep)
            SELECT r.transaction, r.due_at, r.asked_at, r.progress, r.sweep
            FROM unnest(\(PostgresValue.textArray(rows.map(\.transaction))),
                \(PostgresValue.timestamptzArray(rows.map { $0.dueAt.map(PostgresTimestamp.init) })),
                \(PostgresValue.timestamptzArray(rows.map { $0.askedAt.map(PostgresTimestamp.init) })),
                \(PostgresValue.jsonbArray(rows.map(\.progress))), \(PostgresValue.boolArray(rows.map(\.sweep))))
                AS r(transaction, due_at, asked_at, progress, sweep)
            WHERE EXISTS (SELECT FROM chains WHERE chain_id = \(chain.rawValue) AND version = \(version))
            ON CONFLICT (transaction_id) DO UPDATE SET due_at = excluded.due_at, asked_at = excluded.asked_at,
                progress = excluded.progress, sweep = excluded.sweep,
                lease_holder = CASE WHEN h.lease_holder = \(holder) THEN NULL ELSE h.lease_holder END,
                lease_until = CASE WHEN h.lease_holder = \(holder) THEN NULL ELSE h.lease_until END
            RETURNING transaction_id
            """)
        return !written.isEmpty
    }

    /// See ``LedgerPort/lease(_:holder:until:notAskedSince:now:)``.
    package func lease(
        _ transaction: TransactionID, holder: String, until: Instant, notAskedSince: Instant, now: Instant
    ) async throws(LedgerError) -> Bool {
        let row = try await row(
            """
            UPDATE checks SET lease_holder = \(holder), lease_until = \(PostgresTimestamp(until))
            WHERE transaction_id = \(transaction.rawValue)
                AND (lease_until IS NULL OR lease_until <= \(PostgresTimestamp(now)) OR lease_holder = \(holder))
                AND (asked_at IS NULL OR asked_at <= \(PostgresTimestamp(notAskedSince)))
            RETURNING transaction_id
            """)
        return row != nil
    }

    /// See ``LedgerPort/leaseDueChecks(sweeps:limit:holder:until:now:)``.
    package func leaseDueChecks(
        sweeps: Bool, limit: Int, holder: String, until: Instant, now: Instant
    ) async throws(LedgerError) -> [TransactionID] {
        let statement =
            sweeps
            ? Self.takeDueSweeps(limit, holder: holder, until: until, now: now)
            : Self.takeDueQuestions(limit, holder: holder, until: until, now: now)
        var ids: [TransactionID] = []
        for row in try await run(statement) { ids.append(TransactionID(try decode(row, "transaction_id"))) }
        return ids
    }

    private static func takeDueSweeps(_ limit: Int, holder: String, until: Instant, now: Instant) -> SQL {
        """
        WITH due AS (
            SELECT transaction_id FROM checks
            WHERE sweep = true AND due_at <= \(PostgresTimestamp(now))
                AND (lease_until IS NULL OR lease_until <= \(PostgresTimestamp(now)))
            ORDER BY due_at LIMIT \(Int64(limit)) FOR UPDATE SKIP LOCKED)
        UPDATE checks c SET lease_holder = \(holder), lease_until = \(PostgresTimestamp(until))
        FROM due WHERE c.transaction_id = due.transaction_id RETURNING c.transaction_id
        """
    }

    /// Questions that are due, also those that wait behind a sweep.
    ///
    /// A row has one moment, of whichever question is due first. A sweep that nobody has got round to must not hide the
    /// question for a subscription's status: those are found by their own moment, and get half of the places.
    private static func takeDueQuestions(_ limit: Int, holder: String, until: Instant, now: Instant) -> SQL {
        """
        WITH hidden AS (
            SELECT transaction_id FROM checks
            WHERE sweep AND (progress ->> 'statusesAt')::bigint <= \(now.millisecondsSince1970)
                AND (lease_until IS NULL OR lease_until <= \(PostgresTimestamp(now)))
            ORDER BY (progress ->> 'statusesAt')::bigint LIMIT \(Int64((limit + 1) / 2)) FOR UPDATE SKIP LOCKED),
        due AS (
            SELECT transaction_id FROM checks
            WHERE sweep = false AND due_at <= \(PostgresTimestamp(now))
                AND (lease_until IS NULL OR lease_until <= \(PostgresTimestamp(now)))
            ORDER BY due_at LIMIT \(Int64(limit)) FOR UPDATE SKIP LOCKED),
        taken AS (SELECT transaction_id FROM hidden UNION ALL SELECT transaction_id FROM due LIMIT \(Int64(limit)))
        UPDATE checks c SET lease_holder = \(holder), lease_until = \(PostgresTimestamp(until))
        FROM taken WHERE c.transaction_id = taken.transaction_id RETURNING c.transaction_id
        """
    }

    // MARK: Plumbing

    func run(_ statement: SQL) async throws(LedgerError) -> [PostgresRow] {
        do {
            return try await client.query(statement)
        } catch {
            throw LedgerError(error)
        }
    }

    func row(_ statement: SQL) async throws(LedgerError) -> PostgresRow? { try await run(statement).first }

    func decode<Value: PostgresDecodable>(
        _ row: PostgresRow, _ column: String, as type: Value.Type = Value.self
    ) throws(LedgerError) -> Value {
        do {
            return try row.decode(column)
        } catch {
            throw LedgerError(error)
        }
    }
}

/// Binds JSON text as jsonb.
struct PostgresJSON: PostgresEncodable {
    let text: String
    init(_ text: String) { self.text = text }
    static var postgresType: PostgresType { .jsonb }
    var postgresValue: PostgresValue { .jsonb(text) }
}
