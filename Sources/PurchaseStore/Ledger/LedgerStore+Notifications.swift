package import Postgres
package import PurchaseCore
package import PurchaseService

extension LedgerStore {
    /// Keys: a notificationUUID, a transaction, a store with an original transaction, an account's token; each may be NULL.
    ///
    /// A second row of a key says that several accounts have the token.
    package static let notificationLookup = PostgresLookup(
        """
        SELECT k.place, n.outcome, h.chain_id AS holding, i.chain_id AS identified, a.account_number, a.account_id
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
                WITH ORDINALITY AS k(uuid, transaction, environment, original, token, place)
            LEFT JOIN LATERAL (
                SELECT outcome FROM notifications WHERE notification_uuid = k.uuid LIMIT 1) n ON true
            LEFT JOIN LATERAL (
                SELECT chain_id FROM transactions WHERE transaction_id = k.transaction LIMIT 1) h ON true
            LEFT JOIN LATERAL (
                SELECT chain_id FROM chains
                WHERE environment = k.environment AND original_transaction_id = k.original LIMIT 1) i ON true
            LEFT JOIN LATERAL (
                SELECT account_number, account_id FROM accounts c
                WHERE (stated_token = k.token
                        OR rule_token = k.token AND (stated_token IS NULL OR stated_token = k.token))
                    AND (SELECT x.account_number FROM erasures x WHERE x.account_number = c.account_number) IS NULL
                LIMIT 2) a ON true
        """, keyTypes: [.text, .text, .text, .text, .text], keysMax: 64)

    /// See ``NotificationPort/standing(of:)``.
    package func standing(of subject: NotificationSubject) async throws(LedgerError) -> NotificationStanding {
        let rows = try await look(
            Self.notificationLookup,
            [
                subject.uuid.postgresValue, (subject.transaction?.rawValue).postgresValue,
                (subject.environment?.rawValue).postgresValue, (subject.original?.rawValue).postgresValue,
                (subject.token?.rawValue).postgresValue,
            ])
        guard let row = rows.first else { throw LedgerError(.unreadable, "a notification's standing gave no row") }
        var standing = NotificationStanding()
        if let text = try decode(row, "outcome", as: String?.self) {
            guard let outcome = NotificationRecord.Outcome(rawValue: text) else {
                throw LedgerError(.unreadable, "a stored notification has an unknown outcome")
            }
            standing.outcome = outcome
        }
        standing.holding = try decode(row, "holding", as: Int64?.self).map { ChainID($0) }
        standing.identified = try decode(row, "identified", as: Int64?.self).map { ChainID($0) }
        if rows.count == 1, let number = try decode(row, "account_number", as: Int64?.self) {
            standing.account = .init(number: AccountNumber(number), id: AccountID(try decode(row, "account_id")))
        }
        return standing
    }

    /// See ``NotificationPort/keep(_:)``.
    package func keep(_ notification: NotificationRecord) async throws(LedgerError) {
        _ = try await run(DecisionStatement.keep(notification))
    }

    /// See ``NotificationPort/leaseWaitingNotifications(limit:until:now:)``.
    package func leaseWaitingNotifications(
        limit: Int, until: Instant, now: Instant
    ) async throws(LedgerError) -> [WaitingNotification] {
        let rows = try await run(
            """
            WITH due AS (
                SELECT notification_uuid FROM notifications WHERE retry_at <= \(PostgresTimestamp(now))
                ORDER BY retry_at LIMIT \(Int64(limit)) FOR UPDATE SKIP LOCKED),
            taken AS (
                UPDATE notifications n SET retry_at = \(PostgresTimestamp(until)), attempts = n.attempts + 1 FROM due
                WHERE n.notification_uuid = due.notification_uuid
                RETURNING n.notification_uuid, n.origin, n.received_at, n.attempts)
            SELECT t.notification_uuid, t.origin, t.received_at, t.attempts, h.header || '.' || b.rest AS jws
            FROM taken t LEFT JOIN notification_bodies b USING (notification_uuid)
                LEFT JOIN jws_headers h ON h.sha256 = b.header_sha256
            ORDER BY t.received_at
            """)
        var list: [WaitingNotification] = []
        for row in rows {
            guard let origin = NotificationRecord.Origin(rawValue: try decode(row, "origin")) else {
                throw LedgerError(.unreadable, "a stored notification has an unknown origin")
            }
            // Erased while it waited: there is nothing left to be verified.
            guard let jws: String = try decode(row, "jws", as: String?.self) else {
                try await refuseWaiting(try decode(row, "notification_uuid"))
                continue
            }
            let receivedAt: PostgresTimestamp = try decode(row, "received_at")
            list.append(
                WaitingNotification(
                    uuid: try decode(row, "notification_uuid"), jws: jws, origin: origin,
                    receivedAt: receivedAt.instant, attempts: try decode(row, "attempts")))
        }
        return list
    }

    /// See ``NotificationPort/noteDelivery(of:)``.
    package func noteDelivery(of uuid: String) async throws(LedgerError) {
        _ = try await run(
            "UPDATE notifications SET origin = 'delivery' WHERE notification_uuid = \(uuid) AND origin = 'history'")
    }

    /// See ``NotificationPort/reviveNotifications(in:now:)``.
    package func reviveNotifications(
        in environments: Set<StoreEnvironment>, now: Instant
    ) async throws(LedgerError) -> Int {
        let names = environments.map { String?.some($0.rawValue) }.sorted { ($0 ?? "") < ($1 ?? "") }
        return try await run(
            """
            UPDATE notifications SET outcome = 'waiting', retry_at = \(PostgresTimestamp(now))
            WHERE outcome = 'not_allowed' AND environment = ANY (\(names)) RETURNING notification_uuid
            """
        ).count
    }

    /// See ``NotificationPort/refuseWaiting(_:)``.
    package func refuseWaiting(_ uuid: String) async throws(LedgerError) {
        _ = try await run(
            """
            UPDATE notifications SET outcome = 'refused', retry_at = NULL
            WHERE notification_uuid = \(uuid) AND outcome = 'waiting'
            """)
    }

    /// See ``NotificationPort/account(withToken:)``.
    package func account(
        withToken token: AppAccountToken
    ) async throws(LedgerError) -> (number: AccountNumber, id: AccountID)? {
        let text = token.rawValue
        let rows = try await run(
            """
            SELECT account_number, account_id FROM accounts a
            WHERE (stated_token = \(text) OR rule_token = \(text) AND (stated_token IS NULL OR stated_token = \(text)))
                AND NOT EXISTS (SELECT FROM erasures x WHERE x.account_number = a.account_number)
            LIMIT 2
            """)
        guard rows.count == 1, let row = rows.first else { return nil }
        return (AccountNumber(try decode(row, "account_number")), AccountID(try decode(row, "account_id")))
    }
}
