import Postgres
import PurchaseCore
import PurchaseService

/// The part of a statement that keeps one notification: its row, the envelope, and the certificates if they are new.
///
/// A notification that is there already stays as it is, unless what became of it was not final; so repeats and races change nothing.
struct NotificationPart {
    /// What the texts bind, from the first place on.
    private(set) var values: [PostgresValue] = []
    private let firstPlace: Int
    private let notification: NotificationRecord
    private let body: SplitJWS?
    private let headerIsStored: Bool

    init(_ notification: NotificationRecord, storedHeaders: Set<[UInt8]>, firstPlace: Int) {
        self.notification = notification
        self.firstPlace = firstPlace
        let body = SplitJWS(notification.jws)
        self.body = body
        headerIsStored = body.map { storedHeaders.contains($0.headerSHA256) } ?? true
        values = [
            .text(notification.uuid),
            notification.environment.map { .text($0.rawValue) } ?? .null(.text),
            .text(notification.notificationType),
            notification.subtype.map { .text($0) } ?? .null(.text),
            .timestamptz(PostgresTimestamp(notification.signedDate)),
            .timestamptz(PostgresTimestamp(notification.receivedAt)),
            .text(notification.origin.rawValue),
            .text(notification.outcome.rawValue),
            notification.transactionID.map { .text($0.rawValue) } ?? .null(.text),
            notification.respondBy.map { .timestamptz(PostgresTimestamp($0)) } ?? .null(.timestamptz),
            notification.retryAt.map { .timestamptz(PostgresTimestamp($0)) } ?? .null(.timestamptz),
            .bytea(notification.sha256),
            notification.originalTransactionID.map { .text($0.rawValue) } ?? .null(.text),
        ]
        guard let body else { return }
        values += [.bytea(body.headerSHA256), .text(body.rest)]
        if !headerIsStored { values.append(.text(body.header)) }
    }

    private func place(_ index: Int) -> String { "$\(firstPlace + index)" }

    /// Named parts for a `WITH`; each selects from `source`, so that nothing is written when it has no row.
    func texts(from source: String) -> [(name: String, text: String)] {
        let row = (0..<13).map(place).joined(separator: ", ")
        var texts = [
            (
                "notification",
                """
                INSERT INTO notifications AS n (notification_uuid, environment, notification_type, subtype, signed_date,
                    received_at, origin, outcome, transaction_id, respond_by, retry_at, sha256,
                    original_transaction_id)
                SELECT \(row) FROM \(source)
                ON CONFLICT (notification_uuid) DO UPDATE SET environment = excluded.environment,
                    outcome = excluded.outcome, transaction_id = excluded.transaction_id,
                    original_transaction_id = excluded.original_transaction_id,
                    respond_by = excluded.respond_by, retry_at = excluded.retry_at
                WHERE n.outcome NOT IN ('applied', 'kept')
                RETURNING n.notification_uuid
                """
            )
        ]
        guard body != nil else { return texts }
        if !headerIsStored {
            texts.append(
                (
                    "notification_header",
                    """
                    INSERT INTO jws_headers (sha256, header) SELECT \(place(13)), \(place(15)) FROM notification
                    ON CONFLICT DO NOTHING
                    """
                ))
        }
        texts.append(
            (
                "notification_body",
                """
                INSERT INTO notification_bodies (notification_uuid, header_sha256, rest)
                SELECT notification_uuid, \(place(13)), \(place(14)) FROM notification ON CONFLICT DO NOTHING
                """
            ))
        return texts
    }
}
