import Postgres
package import PurchaseCore
package import PurchaseService

extension LedgerStore {
    // MARK: Entitlements and grants

    /// See ``LedgerPort/openGrants(of:after:limit:)``.
    package func openGrants(
        of account: AccountNumber, after cursor: GrantCursor?, limit: Int
    ) async throws(LedgerError) -> [Grant] {
        let after = PostgresTimestamp(cursor?.createdAt ?? Instant(millisecondsSince1970: 0))
        let rows = try await run(
            """
            SELECT grant_id, kind, status, purchase_id, transaction_id, product_id, amount, environment, created_at
            FROM grants WHERE account_number = \(account.rawValue) AND status = 'open'
                AND (created_at, grant_id) > (\(after), \(cursor?.id.rawValue ?? ""))
            ORDER BY created_at, grant_id LIMIT \(Int64(limit))
            """)
        var list: [Grant] = []
        for row in rows {
            guard let environment = StoreEnvironment(rawValue: try decode(row, "environment")),
                let kind = Grant.Kind(rawValue: try decode(row, "kind")),
                let status = Grant.Status(rawValue: try decode(row, "status"))
            else { throw LedgerError(.unreadable, "a stored grant can't be read") }
            let createdAt: PostgresTimestamp = try decode(row, "created_at")
            list.append(
                Grant(
                    id: GrantID(try decode(row, "grant_id")), kind: kind, status: status, account: account,
                    purchaseID: PurchaseID(try decode(row, "purchase_id")),
                    transactionID: TransactionID(try decode(row, "transaction_id")),
                    productID: ProductID(try decode(row, "product_id")), amount: try decode(row, "amount"),
                    environment: environment, createdAt: createdAt.instant))
        }
        return list
    }

    // MARK: Events

    /// See ``LedgerPort/events(of:afterVersion:limit:)``.
    package func events(
        of chain: ChainID, afterVersion: Int64, limit: Int
    ) async throws(LedgerError) -> [RecordedEvent] {
        let rows = try await run(
            """
            SELECT position, chain_version, recorded_at, input, rule, policy_version, actor,
                encode(evidence_sha256, 'hex') AS sha256, evidence_source, entries
            FROM events WHERE chain_id = \(chain.rawValue) AND chain_version > \(afterVersion)
            ORDER BY chain_version LIMIT \(Int64(limit))
            """)
        var list: [RecordedEvent] = []
        for row in rows {
            let sha256: String? = try decode(row, "sha256")
            let source: String? = try decode(row, "evidence_source")
            var evidence: EvidenceID?
            if let sha256, let source = source.flatMap(EvidenceSource.init(rawValue:)) {
                evidence = EvidenceID(sha256: sha256, source: source)
            }
            let recordedAt: PostgresTimestamp = try decode(row, "recorded_at")
            list.append(
                RecordedEvent(
                    position: try decode(row, "position"), chainVersion: try decode(row, "chain_version"),
                    recordedAt: recordedAt.instant, input: try decode(row, "input"), rule: try decode(row, "rule"),
                    policyVersion: PolicyVersion(try decode(row, "policy_version")), actor: try decode(row, "actor"),
                    evidence: evidence, entries: try LedgerJSON.value(try decode(row, "entries", as: String.self))))
        }
        return list
    }

    /// The numbers of the chains after one, in order: the walk of `vouch replay`.
    package func chains(after id: ChainID?, limit: Int) async throws(LedgerError) -> [ChainID] {
        let rows = try await run(
            "SELECT chain_id FROM chains WHERE chain_id > \(id?.rawValue ?? 0) ORDER BY chain_id LIMIT \(Int64(limit))")
        var list: [ChainID] = []
        for row in rows { list.append(ChainID(try decode(row, "chain_id"))) }
        return list
    }

    /// See ``LedgerPort/statedToken(of:)``.
    package func statedToken(of account: AccountID) async throws(LedgerError) -> AppAccountToken? {
        guard let row = try await row("SELECT stated_token FROM accounts WHERE account_id = \(account.rawValue)")
        else { return nil }
        return try decode(row, "stated_token", as: String?.self).flatMap(AppAccountToken.init(validating:))
    }

    // MARK: Refusals, reasons, keys, secrets

    /// See ``LedgerPort/keep(_:)``.
    package func keep(_ refusal: RefusedSubmission) async throws(LedgerError) {
        // Anybody can post notifications: they overwrite each other's traces, not those of submissions and answers.
        let slots: (first: Int64, count: Int64) =
            refusal.source == .notification
            ? (Self.refusalSlots, Self.notificationRefusalSlots) : (0, Self.refusalSlots)
        _ = try await run(
            """
            INSERT INTO refusals (slot, refused_at, source, refusal, step, code, detail, sha256, transaction_id,
                account_number, actor, request_id)
            VALUES ((nextval('refusals_sequence') % \(slots.count) + \(slots.first))::integer, \(PostgresTimestamp(refusal.refusedAt)),
                \(refusal.source.rawValue), \(refusal.refusal), \(refusal.step), \(refusal.code),
                \(String(refusal.detail.prefix(500))), \(refusal.sha256), \((refusal.transactionID?.rawValue).postgresValue),
                \((refusal.account?.rawValue).postgresValue), \(refusal.actor.postgresValue), \(refusal.requestID.postgresValue))
            ON CONFLICT (slot) DO UPDATE SET refused_at = excluded.refused_at, source = excluded.source,
                refusal = excluded.refusal, step = excluded.step, code = excluded.code, detail = excluded.detail,
                sha256 = excluded.sha256, transaction_id = excluded.transaction_id,
                account_number = excluded.account_number, actor = excluded.actor, request_id = excluded.request_id
            """)
    }

    /// See ``LedgerPort/nextReasonNumber()``.
    package func nextReasonNumber() async throws(LedgerError) -> Int64 {
        let row = try await row("SELECT nextval(pg_get_serial_sequence('reasons', 'reason_number')) AS number")
        guard let row else { throw LedgerError(.refused, "a reason got no number") }
        return try decode(row, "number")
    }

    /// See ``LedgerPort/key(sha256:)``.
    package func key(sha256: [UInt8]) async throws(LedgerError) -> AccessKey? {
        guard
            let row = try await row(
                """
                SELECT key_id, name, array_to_string(roles, ',') AS roles FROM keys
                WHERE sha256 = \(sha256) AND revoked_at IS NULL
                """)
        else { return nil }
        let roles: String = try decode(row, "roles")
        return AccessKey(
            id: try decode(row, "key_id"), name: try decode(row, "name"),
            roles: Set(roles.split(separator: ",").compactMap { Role(rawValue: String($0)) }))
    }

    /// See ``LedgerPort/secret(named:)``.
    package func secret(named name: String) async throws(LedgerError) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        let fresh = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        _ = try await run("INSERT INTO secrets (name, value) VALUES (\(name), \(fresh)) ON CONFLICT DO NOTHING")
        guard let row = try await row("SELECT value FROM secrets WHERE name = \(name)") else {
            throw LedgerError(.refused, "a secret was not stored")
        }
        return try decode(row, "value")
    }

    /// See ``LedgerPort/checkReadiness()``.
    package func checkReadiness() async throws(LedgerError) { try await SchemaCheck.verify(client) }
}
