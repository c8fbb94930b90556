package import Postgres
import PurchaseCore
package import PurchaseService

/// Builds the one statement that commits one decision (design §2, "How it is written").
///
/// Its first part is the compare-and-set on the chain's version; every other write selects from it, so a miss writes
/// nothing at all. Parts without rows are left out, which keeps the common statements short; the few dozen texts that
/// occur are prepared once per connection. Foreign keys are checked when the whole statement ends, so parts may refer
/// to each other in both directions.
package struct DecisionStatement {
    private var parts: [String] = []
    private var values: [PostgresValue] = []

    /// The statement of a decision; leaves out the certificates that an earlier commit stored already, by their digests.
    ///
    /// Throws ``PurchaseService/LedgerError`` with `refused` for a decision that could not be ours.
    package static func build(
        _ decision: CommittableDecision, storedHeaders: Set<[UInt8]>
    ) throws(LedgerError) -> SQL {
        var statement = DecisionStatement()
        let rows = DecisionRows(decision)
        statement.compareAndSet(decision)
        if let absorbed = decision.recorded.absorbed { try statement.absorb(absorbed, decision) }
        try statement.event(decision)
        if let evidence = decision.recorded.evidence, decision.before.evidence[evidence.id] == nil {
            try statement.evidence(evidence, body: decision.body, storedHeaders: storedHeaders)
        }
        for case .renewal(let renewal) in decision.recorded.entries {
            try statement.renewal(renewal, body: decision.renewalBody, storedHeaders: storedHeaders)
        }
        if let notification = decision.notification {
            statement.notification(notification, storedHeaders: storedHeaders)
        }
        if let reason = decision.reason { statement.reason(reason) }
        statement.erase(decision)
        try statement.append(rows, process: decision.process)
        return SQL(
            text: "WITH " + statement.parts.joined(separator: ",\n") + "\nSELECT chain_id FROM cas",
            values: statement.values)
    }

    /// Binds a value and returns its place.
    mutating func bind(_ value: PostgresValue) -> String {
        values.append(value)
        return "$\(values.count)"
    }

    mutating func add(_ name: String, _ text: String) { parts.append("\(name) AS (\(text))") }

    // MARK: The chain

    private mutating func compareAndSet(_ decision: CommittableDecision) {
        let chain = decision.recorded.chain
        let environment = bind(chain.environment.map { .text($0.rawValue) } ?? .null(.text))
        let original: String
        let provisional: String
        switch chain.identity {
        case .provisional(let id): (original, provisional) = (bind(.null(.text)), bind(.text(id.rawValue)))
        case .original(_, let id): (original, provisional) = (bind(.text(id.rawValue)), bind(.null(.text)))
        case .account: (original, provisional) = (bind(.null(.text)), bind(.null(.text)))
        }
        let ids = bind(.textArray(chain.transactions.keys.sorted().map { .some($0.rawValue) }))
        let mayClaim = newClaimantsCondition(decision)
        guard let id = decision.before.id else {
            let account: String
            if case .account(let number) = chain.identity {
                account = bind(.int8(number.rawValue))
            } else {
                account = bind(.null(.int8))
            }
            add(
                "cas",
                """
                INSERT INTO chains (version, environment, original_transaction_id, provisional_transaction_id,
                    account_number)
                SELECT 1, \(environment), \(original), \(provisional), \(account)
                WHERE NOT EXISTS (SELECT FROM transactions WHERE transaction_id = ANY (\(ids)))\(mayClaim)
                ON CONFLICT DO NOTHING RETURNING chain_id, version
                """)
            return
        }
        let chainID = bind(.int8(id.rawValue))
        let version = bind(.int8(decision.before.version))
        var known = [id.rawValue]
        var guardText = ""
        if let absorbed = decision.recorded.absorbed, let absorbedID = absorbed.id {
            known.append(absorbedID.rawValue)
            let other = bind(.int8(absorbedID.rawValue))
            let otherVersion = bind(.int8(absorbed.version))
            guardText = """
                 AND EXISTS (SELECT FROM chains o WHERE o.chain_id = \(other) AND o.version = \(otherVersion)
                    AND o.absorbed_by IS NULL)
                """
        }
        let chains = bind(.int8Array(known.map { .some($0) }))
        add(
            "cas",
            """
            UPDATE chains c SET version = c.version + 1, environment = \(environment), original_transaction_id = \(original),
                provisional_transaction_id = \(provisional)
            WHERE c.chain_id = \(chainID) AND c.version = \(version) AND c.absorbed_by IS NULL\(guardText)
                AND NOT EXISTS (SELECT FROM transactions t
                    WHERE t.transaction_id = ANY (\(ids)) AND t.chain_id <> ALL (\(chains)))
                AND NOT EXISTS (SELECT FROM chains o WHERE o.environment = \(environment)
                    AND o.original_transaction_id = \(original) AND o.chain_id <> \(chainID))\(mayClaim)
            RETURNING c.chain_id, c.version
            """)
    }

    /// The provisional chain ends with an event of its own; its claims are this chain's now.
    private mutating func absorb(_ absorbed: Chain, _ decision: CommittableDecision) throws(LedgerError) {
        guard let id = absorbed.id, let into = decision.before.id else {
            throw LedgerError(.refused, "only recorded chains can be absorbed")
        }
        let chain = bind(.int8(id.rawValue))
        add(
            "absorbed",
            """
            UPDATE chains c SET version = c.version + 1, absorbed_by = cas.chain_id FROM cas
            WHERE c.chain_id = \(chain) RETURNING c.chain_id, c.version
            """)
        add("absorbed_claims", "DELETE FROM claims l USING cas WHERE l.chain_id = \(chain)")
        try insertEvent("absorbed_event", from: "absorbed", decision, entries: [.absorbed(by: into)])
    }

    private mutating func event(_ decision: CommittableDecision) throws(LedgerError) {
        try insertEvent("event", from: "cas", decision, entries: decision.recorded.entries)
    }

    private mutating func insertEvent(
        _ name: String, from source: String, _ decision: CommittableDecision, entries: [LedgerEntry]
    ) throws(LedgerError) {
        let recorded = decision.recorded
        let at = bind(.timestamptz(PostgresTimestamp(decision.recordedAt)))
        let input = bind(.text(recorded.input.rawValue))
        let rule = bind(.text(recorded.rule.rawValue))
        let policy = bind(.text(recorded.policyVersion.rawValue))
        let actor = bind(decision.actor.map { .text($0) } ?? .null(.text))
        let request = bind(decision.requestID.map { .text($0) } ?? .null(.text))
        let digest = bind(
            try recorded.evidence.map { evidence throws(LedgerError) in .bytea(try Self.bytes(evidence.id)) }
                ?? .null(.bytea))
        let evidenceSource = bind(recorded.evidence.map { .text($0.id.source.rawValue) } ?? .null(.text))
        let entries = bind(.jsonb(try LedgerJSON.text(entries)))
        add(
            name,
            """
            INSERT INTO events (chain_id, chain_version, recorded_at, input, rule, policy_version, actor, request_id,
                evidence_sha256, evidence_source, entries)
            SELECT chain_id, version, \(at), \(input), \(rule), \(policy), \(actor), \(request), \(digest),
                \(evidenceSource), \(entries) FROM \(source)
            RETURNING chain_id, chain_version, recorded_at
            """)
    }

    // MARK: Evidence

    private static func bytes(_ id: EvidenceID) throws(LedgerError) -> [UInt8] {
        guard let bytes = Hexadecimal.bytes(id.sha256) else {
            throw LedgerError(.refused, "a digest is not hexadecimal")
        }
        return bytes
    }

    private mutating func evidence(
        _ evidence: Evidence, body: EvidenceBody?, storedHeaders: Set<[UInt8]>
    ) throws(LedgerError) {
        let digest = bind(.bytea(try Self.bytes(evidence.id)))
        let source = bind(.text(evidence.id.source.rawValue))
        let revoked = bind(.bool(evidence.facts.isRevoked))
        let transaction = bind(.text(evidence.facts.transactionID.rawValue))
        let environment = bind(.text(evidence.facts.environment.rawValue))
        let signed = bind(.timestamptz(PostgresTimestamp(evidence.facts.signedDate)))
        let seen = bind(.timestamptz(PostgresTimestamp(evidence.seenAt)))
        let notification = bind(evidence.notificationType.map { .text($0) } ?? .null(.text))
        let facts = bind(.jsonb(try LedgerJSON.text(evidence.facts)))
        add(
            "proof",
            """
            INSERT INTO evidence (sha256, source, revoked, transaction_id, environment, signed_date, seen_at,
                notification_type, facts, chain_id, chain_version)
            SELECT \(digest), \(source), \(revoked), \(transaction), \(environment), \(signed), \(seen), \(notification),
                \(facts), chain_id, version FROM cas
            """)
        if let body { self.body(body, of: "evidence", digest: digest, source: source, storedHeaders: storedHeaders) }
    }

    /// Renewal info is evidence of its own, and its signed text is kept in the same way.
    private mutating func renewal(
        _ renewal: RenewalInfo, body: EvidenceBody?, storedHeaders: Set<[UInt8]>
    ) throws(LedgerError) {
        let digest = bind(.bytea(try Self.bytes(renewal.id)))
        let source = bind(.text(renewal.id.source.rawValue))
        let signed = bind(.timestamptz(PostgresTimestamp(renewal.facts.signedDate)))
        let seen = bind(.timestamptz(PostgresTimestamp(renewal.seenAt)))
        let facts = bind(.jsonb(try LedgerJSON.text(renewal.facts)))
        add(
            "renewal_proof",
            """
            INSERT INTO renewals (sha256, source, signed_date, seen_at, facts, chain_id, chain_version)
            SELECT \(digest), \(source), \(signed), \(seen), \(facts), chain_id, version FROM cas
            """)
        if let body { self.body(body, of: "renewal", digest: digest, source: source, storedHeaders: storedHeaders) }
    }

    /// The signed text, cut behind its header; `kind` names the table of bodies.
    private mutating func body(
        _ body: EvidenceBody, of kind: String, digest: String, source: String, storedHeaders: Set<[UInt8]>
    ) {
        guard let parts = SplitJWS(body.jws) else { return }
        let header = bind(.bytea(parts.headerSHA256))
        let rest = bind(.text(parts.rest))
        let token = bind(body.appAccountToken.map { .text($0.rawValue) } ?? .null(.text))
        let download = bind(body.appTransactionID.map { .text(String($0.prefix(64))) } ?? .null(.text))
        if !storedHeaders.contains(parts.headerSHA256) {
            let text = bind(.text(parts.header))
            add(
                "\(kind)_header",
                """
                INSERT INTO jws_headers (sha256, header) SELECT \(header), \(text) FROM cas ON CONFLICT DO NOTHING
                """)
        }
        add(
            "\(kind)_body",
            """
            INSERT INTO \(kind)_bodies (sha256, source, header_sha256, rest, app_account_token, app_transaction_id)
            SELECT \(digest), \(source), \(header), \(rest), \(token), \(download) FROM cas
            """)
    }

    // MARK: Notifications

    private mutating func notification(_ notification: NotificationRecord, storedHeaders: Set<[UInt8]>) {
        let part = NotificationPart(notification, storedHeaders: storedHeaders, firstPlace: values.count + 1)
        values += part.values
        for (name, text) in part.texts(from: "cas") { add(name, text) }
    }

    // MARK: Projections

    private mutating func append(_ rows: DecisionRows, process: String) throws(LedgerError) {
        for section in Self.sections {
            guard let json = try section.json(rows) else { continue }
            let place = bind(.jsonb(json))
            add(section.name, section.text(rows: place) { bind(.text(process)) })
        }
    }

    private static let sections: [Section] = [
        Section(
            "purchase", { $0.purchases },
            """
            INSERT INTO purchases (purchase_id, chain_id, chain_version, environment, ownership)
            SELECT r.id, cas.chain_id, cas.version, r.environment, r.ownership
            FROM cas, jsonb_to_recordset($rows) AS r(id text, environment text, ownership text)
            ON CONFLICT DO NOTHING
            """),
        Section(
            "transaction", { $0.transactions },
            """
            INSERT INTO transactions (transaction_id, chain_id, chain_version, state, reason, refusal, purchase_id,
                deciding_sha256, deciding_source, deciding_authoritative, deciding_revoked, in_app_ownership_type,
                revocation_date, environment, original_transaction_id, product_id, type, purchase_date, created_at,
                updated_at)
            SELECT r.id, cas.chain_id, cas.version, r.state, r.reason, r.refusal, r.purchase, decode(r.sha256, 'hex'),
                r.source, CASE WHEN r.source IS NOT NULL THEN r.source <> 'device' END, r.revoked, r.ownership,
                instant(r.revocation_date), r.environment, r.original, r.product, r.type, instant(r.purchase_date),
                instant(r.created_at), instant(r.updated_at)
            FROM cas, jsonb_to_recordset($rows) AS r(id text, state text, reason text, refusal text, purchase text,
                sha256 text, source text, revoked boolean, ownership text, revocation_date bigint, environment text,
                original text, product text, type text, purchase_date bigint, created_at bigint, updated_at bigint)
            ON CONFLICT (transaction_id) DO UPDATE SET chain_id = excluded.chain_id,
                chain_version = excluded.chain_version, state = excluded.state, reason = excluded.reason,
                refusal = excluded.refusal, purchase_id = excluded.purchase_id,
                deciding_sha256 = excluded.deciding_sha256, deciding_source = excluded.deciding_source,
                deciding_authoritative = excluded.deciding_authoritative, deciding_revoked = excluded.deciding_revoked,
                in_app_ownership_type = excluded.in_app_ownership_type, revocation_date = excluded.revocation_date,
                environment = excluded.environment, original_transaction_id = excluded.original_transaction_id,
                product_id = excluded.product_id, type = excluded.type, purchase_date = excluded.purchase_date,
                updated_at = excluded.updated_at
            """),
        Section(
            "dispute", { $0.cases },
            """
            INSERT INTO cases (case_id, chain_id, chain_version, account_number, status, opened_at, outcome,
                reason_number, resolved_at, taken_from)
            SELECT r.id, cas.chain_id, cas.version, r.account, r.status, instant(r.opened_at), r.outcome,
                r.reason_number, instant(r.resolved_at), r.taken_from
            FROM cas, jsonb_to_recordset($rows) AS r(id text, account bigint, status text, opened_at bigint,
                outcome text, reason_number bigint, resolved_at bigint, taken_from bigint)
            ON CONFLICT (case_id) DO UPDATE SET chain_version = excluded.chain_version, status = excluded.status,
                outcome = excluded.outcome, reason_number = excluded.reason_number,
                resolved_at = excluded.resolved_at, taken_from = excluded.taken_from
            """),
        Section(
            "claim", { $0.claims },
            """
            INSERT INTO claims (chain_id, account_number, chain_version, status, refusal, token_comparison, case_id,
                transaction_id, claimed_at)
            SELECT cas.chain_id, r.account, cas.version, r.status, r.refusal, r.comparison, r.case_id, r.transaction,
                instant(r.claimed_at)
            FROM cas, jsonb_to_recordset($rows) AS r(account bigint, status text, refusal text, comparison text,
                case_id text, transaction text, claimed_at bigint)
            -- Who loses the chain lets go of it before the next one holds it: there is never more than one.
            ORDER BY r.status = 'held'
            ON CONFLICT (chain_id, account_number) DO UPDATE SET chain_version = excluded.chain_version,
                status = excluded.status, refusal = excluded.refusal, token_comparison = excluded.token_comparison,
                case_id = excluded.case_id, transaction_id = excluded.transaction_id, claimed_at = excluded.claimed_at
            """),
        Section(
            "delivery", { $0.grants },
            """
            INSERT INTO grants (grant_id, kind, status, account_number, purchase_id, transaction_id, product_id, amount,
                environment, created_at, chain_id, chain_version)
            SELECT r.id, r.kind, r.status, r.account, r.purchase, r.transaction, r.product, r.amount, r.environment,
                instant(r.created_at), cas.chain_id, cas.version
            FROM cas, jsonb_to_recordset($rows) AS r(id text, kind text, status text, account bigint, purchase text,
                transaction text, product text, amount bigint, environment text, created_at bigint)
            ON CONFLICT (grant_id) DO UPDATE SET status = excluded.status, account_number = excluded.account_number,
                chain_version = excluded.chain_version
            """),
        Section(
            "entitlement", { $0.entitlements },
            """
            INSERT INTO entitlements (transaction_id, key, chain_id, chain_version, account_number, product_id,
                environment, original_transaction_id, state, rule, since, until, extension, paid_until)
            SELECT r.transaction, r.key, cas.chain_id, cas.version, r.account, r.product, r.environment, r.original,
                r.state, r.rule, instant(r.since), instant(r.until), r.extension, instant(r.paid_until)
            FROM cas, jsonb_to_recordset($rows) AS r(transaction text, key text, account bigint, product text,
                environment text, original text, state text, rule text, since bigint, until bigint, extension text,
                paid_until bigint)
            ON CONFLICT (transaction_id, key) DO UPDATE SET chain_id = excluded.chain_id,
                chain_version = excluded.chain_version, account_number = excluded.account_number,
                product_id = excluded.product_id, state = excluded.state, rule = excluded.rule, since = excluded.since,
                until = excluded.until, extension = excluded.extension, paid_until = excluded.paid_until
            """),
        override,
        Section(
            "entitlement_ended", { $0.ended },
            """
            DELETE FROM entitlements n USING cas, jsonb_to_recordset($rows) AS r(transaction text, key text)
            WHERE n.transaction_id = r.transaction AND n.key = r.key AND n.chain_id = cas.chain_id
            """),
        Section(
            "movement", { $0.movements },
            """
            INSERT INTO movements (row_id, purchase_id, kind, generation, step, transaction_id, occurred_at,
                amount_milliunits, currency, evidence_sha256, evidence_source, evidence_revoked, chain_id, chain_version)
            SELECT r.id, r.purchase, r.kind, r.generation, r.step, r.transaction, instant(r.occurred_at), r.amount,
                r.currency, decode(r.sha256, 'hex'), r.source, r.revoked, cas.chain_id, cas.version
            FROM cas, jsonb_to_recordset($rows) AS r(id text, purchase text, kind text, generation bigint, step bigint,
                transaction text, occurred_at bigint, amount bigint, currency text, sha256 text, source text,
                revoked boolean)
            """),
        Section(
            "change", { $0.changes },
            """
            INSERT INTO changes (kind, account_number, transaction_id, occurred_at, data, chain_id, chain_version)
            SELECT r.kind, r.account, r.transaction, event.recorded_at, r.data, event.chain_id, event.chain_version
            FROM event, jsonb_to_recordset($rows) AS r(kind text, account bigint, transaction text, data jsonb)
            """),
        Section(
            "work", { $0.checks },
            """
            INSERT INTO checks AS h (transaction_id, due_at, asked_at, progress, sweep, lease_holder, lease_until)
            SELECT r.transaction, instant(r.due_at), instant(r.asked_at), r.progress, r.sweep, r.holder,
                instant(r.lease_until)
            FROM cas, jsonb_to_recordset($rows) AS r(transaction text, due_at bigint, asked_at bigint, progress jsonb,
                sweep boolean, holder text, lease_until bigint)
            ON CONFLICT (transaction_id) DO UPDATE SET due_at = excluded.due_at, asked_at = excluded.asked_at,
                progress = excluded.progress, sweep = excluded.sweep, (lease_holder, lease_until) = (
                    -- Nobody takes a lease from under another process that is asking Apple right now.
                    SELECT CASE WHEN taken THEN h.lease_holder ELSE excluded.lease_holder END,
                        CASE WHEN taken THEN h.lease_until ELSE excluded.lease_until END
                    FROM (SELECT h.lease_holder <> $process AND h.lease_until > (SELECT recorded_at FROM event) AS taken) AS other)
            """),
    ]
}
