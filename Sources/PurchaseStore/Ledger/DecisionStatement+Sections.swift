extension DecisionStatement {
    /// Every part that rows are written by, in the order of the text.
    static let sections: [RowSection] =
        [heads] + proofs + notifications + projections

    // MARK: Evidence

    private static let proofs: [RowSection] = [
        RowSection(
            "proof", { $0.evidence },
            [
                .bytes("sha256", \.sha256), .text("source", \.source), .flag("revoked", \.revoked),
                .text("transaction", \.transaction), .text("environment", \.environment),
                .instant("signed_date", \.signedDate), .instant("seen_at", \.seenAt),
                .text("notification_type", \.notificationType), .json("facts", \.facts),
            ],
            """
            INSERT INTO evidence (sha256, source, revoked, transaction_id, environment, signed_date, seen_at,
                notification_type, facts, chain_id, chain_version)
            SELECT r.sha256, r.source, r.revoked, r.transaction, r.environment, r.signed_date, r.seen_at,
                r.notification_type, r.facts, cas.chain_id, cas.version
            FROM cas JOIN $rows USING (ordinal)
            """),
        RowSection(
            "renewal_proof", { $0.renewals },
            [
                .bytes("sha256", \.sha256), .text("source", \.source), .instant("signed_date", \.signedDate),
                .instant("seen_at", \.seenAt), .json("facts", \.facts),
            ],
            """
            INSERT INTO renewals (sha256, source, signed_date, seen_at, facts, chain_id, chain_version)
            SELECT r.sha256, r.source, r.signed_date, r.seen_at, r.facts, cas.chain_id, cas.version
            FROM cas JOIN $rows USING (ordinal)
            """),
        RowSection(
            "header", { $0.headers }, [.bytes("sha256", \.sha256), .text("header", \.text)],
            """
            INSERT INTO jws_headers (sha256, header) SELECT r.sha256, r.header FROM cas JOIN $rows USING (ordinal)
            ON CONFLICT DO NOTHING
            """),
        RowSection(
            "evidence_body", { $0.evidenceBodies }, bodyColumns,
            """
            INSERT INTO evidence_bodies (sha256, source, header_sha256, rest, app_account_token, app_transaction_id)
            SELECT r.sha256, r.source, r.header, r.rest, r.token, r.download FROM cas JOIN $rows USING (ordinal)
            """),
        RowSection(
            "renewal_body", { $0.renewalBodies }, bodyColumns,
            """
            INSERT INTO renewal_bodies (sha256, source, header_sha256, rest, app_account_token, app_transaction_id)
            SELECT r.sha256, r.source, r.header, r.rest, r.token, r.download FROM cas JOIN $rows USING (ordinal)
            """),
    ]

    private static let bodyColumns: [RowColumn<DecisionRows.BodyRow>] = [
        .bytes("sha256", \.sha256), .text("source", \.source), .bytes("header", \.header), .text("rest", \.rest),
        .text("token", \.token), .text("download", \.download),
    ]

    // MARK: Notifications

    /// A notification that is there already stays as it is, unless what became of it was not final; so repeats and races
    /// change nothing.
    static let notifications: [RowSection] = [
        RowSection(
            "notification", { $0.notifications },
            [
                .text("uuid", \.uuid), .text("environment", \.environment), .text("type", \.type),
                .text("subtype", \.subtype), .instant("signed_date", \.signedDate),
                .instant("received_at", \.receivedAt), .text("origin", \.origin), .text("outcome", \.outcome),
                .text("transaction", \.transaction), .instant("respond_by", \.respondBy),
                .instant("retry_at", \.retryAt), .bytes("sha256", \.sha256), .text("original", \.original),
            ],
            """
            INSERT INTO notifications AS n (notification_uuid, environment, notification_type, subtype, signed_date,
                received_at, origin, outcome, transaction_id, respond_by, retry_at, sha256, original_transaction_id)
            SELECT r.uuid, r.environment, r.type, r.subtype, r.signed_date, r.received_at, r.origin, r.outcome,
                r.transaction, r.respond_by, r.retry_at, r.sha256, r.original
            FROM cas JOIN $rows USING (ordinal)
            ON CONFLICT (notification_uuid) DO UPDATE SET environment = excluded.environment,
                outcome = excluded.outcome, transaction_id = excluded.transaction_id,
                original_transaction_id = excluded.original_transaction_id,
                respond_by = excluded.respond_by, retry_at = excluded.retry_at
            WHERE n.outcome NOT IN ('applied', 'kept')
            RETURNING n.notification_uuid
            """),
        RowSection(
            "notification_body", { $0.notificationBodies },
            [.text("uuid", \.uuid), .bytes("header", \.header), .text("rest", \.rest)],
            """
            INSERT INTO notification_bodies (notification_uuid, header_sha256, rest)
            SELECT r.uuid, r.header, r.rest FROM $rows JOIN notification w ON w.notification_uuid = r.uuid
            ON CONFLICT DO NOTHING
            """),
    ]

    // MARK: Projections

    private static let projections: [RowSection] = [
        RowSection(
            "purchase", { $0.purchases },
            [.text("id", \.id), .text("environment", \.environment), .text("ownership", \.ownership)],
            """
            INSERT INTO purchases (purchase_id, chain_id, chain_version, environment, ownership)
            SELECT r.id, cas.chain_id, cas.version, r.environment, r.ownership FROM cas JOIN $rows USING (ordinal)
            ON CONFLICT DO NOTHING
            """),
        transaction, dispute, claim, delivery, entitlement, override,
        RowSection(
            "entitlement_ended", { $0.ended }, [.text("transaction", \.transaction), .text("key", \.key)],
            """
            DELETE FROM entitlements n USING cas JOIN $rows USING (ordinal)
            WHERE n.transaction_id = r.transaction AND n.key = r.key AND n.chain_id = cas.chain_id
            """),
        movement,
        RowSection(
            "change", { $0.changes },
            [
                .text("kind", \.kind), .number("account", \.account), .text("transaction", \.transaction),
                .instant("occurred_at", \.occurredAt), .json("data", \.data),
            ],
            """
            INSERT INTO changes (kind, account_number, transaction_id, occurred_at, data, chain_id, chain_version)
            SELECT r.kind, r.account, r.transaction, r.occurred_at, r.data, cas.chain_id, cas.version
            FROM cas JOIN $rows USING (ordinal) ORDER BY r.place
            """),
        work,
    ]

    private static let transaction = RowSection(
        "transaction", { $0.transactions },
        [
            .text("id", \.id), .text("state", \.state), .text("reason", \.reason), .text("refusal", \.refusal),
            .text("purchase", \.purchase), .bytes("sha256", \.sha256), .text("source", \.source),
            .flag("authoritative", \.authoritative), .flag("revoked", \.revoked), .text("ownership", \.ownership),
            .instant("revocation_date", \.revocationDate), .text("environment", \.environment),
            .text("original", \.original), .text("product", \.product), .text("type", \.type),
            .instant("purchase_date", \.purchaseDate), .instant("created_at", \.createdAt),
            .instant("updated_at", \.updatedAt),
        ],
        """
        INSERT INTO transactions (transaction_id, chain_id, chain_version, state, reason, refusal, purchase_id,
            deciding_sha256, deciding_source, deciding_authoritative, deciding_revoked, in_app_ownership_type,
            revocation_date, environment, original_transaction_id, product_id, type, purchase_date, created_at,
            updated_at)
        SELECT r.id, cas.chain_id, cas.version, r.state, r.reason, r.refusal, r.purchase, r.sha256, r.source,
            r.authoritative, r.revoked, r.ownership, r.revocation_date, r.environment, r.original, r.product, r.type,
            r.purchase_date, r.created_at, r.updated_at
        FROM cas JOIN $rows USING (ordinal)
        ON CONFLICT (transaction_id) DO UPDATE SET chain_id = excluded.chain_id,
            chain_version = excluded.chain_version, state = excluded.state, reason = excluded.reason,
            refusal = excluded.refusal, purchase_id = excluded.purchase_id,
            deciding_sha256 = excluded.deciding_sha256, deciding_source = excluded.deciding_source,
            deciding_authoritative = excluded.deciding_authoritative, deciding_revoked = excluded.deciding_revoked,
            in_app_ownership_type = excluded.in_app_ownership_type, revocation_date = excluded.revocation_date,
            environment = excluded.environment, original_transaction_id = excluded.original_transaction_id,
            product_id = excluded.product_id, type = excluded.type, purchase_date = excluded.purchase_date,
            updated_at = excluded.updated_at
        """)

    private static let dispute = RowSection(
        "dispute", { $0.cases },
        [
            .text("id", \.id), .number("account", \.account), .text("status", \.status),
            .instant("opened_at", \.openedAt), .text("outcome", \.outcome), .number("reason_number", \.reasonNumber),
            .instant("resolved_at", \.resolvedAt), .number("taken_from", \.takenFrom),
        ],
        """
        INSERT INTO cases (case_id, chain_id, chain_version, account_number, status, opened_at, outcome, reason_number,
            resolved_at, taken_from)
        SELECT r.id, cas.chain_id, cas.version, r.account, r.status, r.opened_at, r.outcome, r.reason_number,
            r.resolved_at, r.taken_from
        FROM cas JOIN $rows USING (ordinal)
        ON CONFLICT (case_id) DO UPDATE SET chain_version = excluded.chain_version, status = excluded.status,
            outcome = excluded.outcome, reason_number = excluded.reason_number,
            resolved_at = excluded.resolved_at, taken_from = excluded.taken_from
        """)

    private static let claim = RowSection(
        "claim", { $0.claims },
        [
            .number("account", \.account), .text("status", \.status), .text("refusal", \.refusal),
            .text("comparison", \.comparison), .text("case_id", \.caseID), .text("transaction", \.transaction),
            .instant("claimed_at", \.claimedAt),
        ],
        """
        INSERT INTO claims (chain_id, account_number, chain_version, status, refusal, token_comparison, case_id,
            transaction_id, claimed_at)
        SELECT cas.chain_id, r.account, cas.version, r.status, r.refusal, r.comparison, r.case_id, r.transaction,
            r.claimed_at
        FROM cas JOIN $rows USING (ordinal)
        -- Who loses the chain lets go of it before the next one holds it: there is never more than one.
        ORDER BY r.status = 'held', r.place
        ON CONFLICT (chain_id, account_number) DO UPDATE SET chain_version = excluded.chain_version,
            status = excluded.status, refusal = excluded.refusal, token_comparison = excluded.token_comparison,
            case_id = excluded.case_id, transaction_id = excluded.transaction_id, claimed_at = excluded.claimed_at
        """)

    private static let delivery = RowSection(
        "delivery", { $0.grants },
        [
            .text("id", \.id), .text("kind", \.kind), .text("status", \.status), .number("account", \.account),
            .text("purchase", \.purchase), .text("transaction", \.transaction), .text("product", \.product),
            .number("amount", \.amount), .text("environment", \.environment), .instant("created_at", \.createdAt),
        ],
        """
        INSERT INTO grants (grant_id, kind, status, account_number, purchase_id, transaction_id, product_id, amount,
            environment, created_at, chain_id, chain_version)
        SELECT r.id, r.kind, r.status, r.account, r.purchase, r.transaction, r.product, r.amount, r.environment,
            r.created_at, cas.chain_id, cas.version
        FROM cas JOIN $rows USING (ordinal)
        ON CONFLICT (grant_id) DO UPDATE SET status = excluded.status, account_number = excluded.account_number,
            chain_version = excluded.chain_version
        """)

    private static let entitlement = RowSection(
        "entitlement", { $0.entitlements },
        [
            .text("transaction", \.transaction), .text("key", \.key), .number("account", \.account),
            .text("product", \.product), .text("environment", \.environment), .text("original", \.original),
            .text("state", \.state), .text("rule", \.rule), .instant("since", \.since), .instant("until", \.until),
            .text("extension", \.extended), .instant("paid_until", \.paidUntil),
        ],
        """
        INSERT INTO entitlements (transaction_id, key, chain_id, chain_version, account_number, product_id, environment,
            original_transaction_id, state, rule, since, until, extension, paid_until)
        SELECT r.transaction, r.key, cas.chain_id, cas.version, r.account, r.product, r.environment, r.original, r.state,
            r.rule, r.since, r.until, r.extension, r.paid_until
        FROM cas JOIN $rows USING (ordinal)
        ON CONFLICT (transaction_id, key) DO UPDATE SET chain_id = excluded.chain_id,
            chain_version = excluded.chain_version, account_number = excluded.account_number,
            product_id = excluded.product_id, state = excluded.state, rule = excluded.rule, since = excluded.since,
            until = excluded.until, extension = excluded.extension, paid_until = excluded.paid_until
        """)

    /// What support decided about an account: made once, and then at most ended.
    private static let override = RowSection(
        "override", { $0.overrides },
        [
            .text("id", \.id), .number("account", \.account), .text("key", \.key), .text("environment", \.environment),
            .text("effect", \.effect), .instant("since", \.since), .instant("until", \.until),
            .number("reason_number", \.reasonNumber), .instant("ended_at", \.endedAt),
            .number("end_reason_number", \.endReasonNumber),
        ],
        """
        INSERT INTO overrides (override_id, chain_id, made_version, chain_version, account_number, key, environment,
            effect, since, until, reason_number, ended_at, end_reason_number)
        SELECT r.id, cas.chain_id, cas.version, cas.version, r.account, r.key, r.environment, r.effect, r.since, r.until,
            r.reason_number, r.ended_at, r.end_reason_number
        FROM cas JOIN $rows USING (ordinal)
        ON CONFLICT (override_id) DO UPDATE SET chain_version = excluded.chain_version,
            ended_at = excluded.ended_at, end_reason_number = excluded.end_reason_number
        """)

    private static let movement = RowSection(
        "movement", { $0.movements },
        [
            .text("id", \.id), .text("purchase", \.purchase), .text("kind", \.kind),
            .number("generation", \.generation), .number("step", \.step), .text("transaction", \.transaction),
            .instant("occurred_at", \.occurredAt), .number("amount", \.amount), .text("currency", \.currency),
            .bytes("sha256", \.sha256), .text("source", \.source), .flag("revoked", \.revoked),
        ],
        """
        INSERT INTO movements (row_id, purchase_id, kind, generation, step, transaction_id, occurred_at,
            amount_milliunits, currency, evidence_sha256, evidence_source, evidence_revoked, chain_id, chain_version)
        SELECT r.id, r.purchase, r.kind, r.generation, r.step, r.transaction, r.occurred_at, r.amount, r.currency,
            r.sha256, r.source, r.revoked, cas.chain_id, cas.version
        FROM cas JOIN $rows USING (ordinal) ORDER BY r.place
        """)

    /// Twice in the text rather than once in a subquery of two columns, which PostgreSQL starts anew for each row.
    private static let isTaken =
        "h.lease_holder <> $process AND h.lease_until > (SELECT min(recorded_at) FROM decisions)"

    /// What is to be asked when, and who asks now.
    private static let work = RowSection(
        "work", { $0.checks },
        [
            .text("transaction", \.transaction), .instant("due_at", \.dueAt), .instant("asked_at", \.askedAt),
            .json("progress", \.progress), .flag("sweep", \.sweep), .text("holder", \.holder),
            .instant("lease_until", \.leaseUntil),
        ],
        """
        INSERT INTO checks AS h (transaction_id, due_at, asked_at, progress, sweep, lease_holder, lease_until)
        SELECT r.transaction, r.due_at, r.asked_at, r.progress, r.sweep, r.holder, r.lease_until
        -- By id within a chain, as all who lock several of these rows do.
        FROM cas JOIN $rows USING (ordinal) ORDER BY r.place
        ON CONFLICT (transaction_id) DO UPDATE SET due_at = excluded.due_at, asked_at = excluded.asked_at,
            progress = excluded.progress, sweep = excluded.sweep,
            -- Nobody takes a lease from under another process that is asking Apple right now.
            lease_holder = CASE WHEN \(isTaken) THEN h.lease_holder ELSE excluded.lease_holder END,
            lease_until = CASE WHEN \(isTaken) THEN h.lease_until ELSE excluded.lease_until END
        """)
}
