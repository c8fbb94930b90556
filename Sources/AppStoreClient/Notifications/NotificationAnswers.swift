import FoundationEssentials
package import PurchaseCore

/// One notification as Apple sent it, or tried to; the JWS is **not verified**.
package struct SentNotification: Sendable, Equatable {
    /// One delivery attempt of Apple's.
    package struct Attempt: Sendable, Equatable, Decodable {
        /// When.
        package let attemptDate: Instant?
        /// `SUCCESS`, `TIMED_OUT`, `TLS_ISSUE` and others, as they come.
        package let sendAttemptResult: String?
    }

    /// The JWS of the notification.
    package let signedPayload: String
    /// At most six; may be empty.
    package let sendAttempts: [Attempt]

    fileprivate struct Wire: Decodable {
        let signedPayload: String?
        let sendAttempts: [Attempt]?

        func checked() throws(MalformedBody) -> SentNotification {
            guard let signedPayload, !signedPayload.isEmpty else {
                throw MalformedBody(reason: "a notification has no signedPayload")
            }
            return SentNotification(signedPayload: signedPayload, sendAttempts: sendAttempts ?? [])
        }
    }

    /// Reads the body of Get Test Notification Status.
    static func decode(_ bytes: [UInt8]) throws(MalformedBody) -> Self {
        try decodeJSON(Wire.self, from: bytes).checked()
    }
}

/// One page of Get Notification History.
package struct NotificationHistoryPage: Sendable, Equatable {
    /// At most 20.
    package let notifications: [SentNotification]
    /// Where the next page begins; it can expire.
    package let paginationToken: String?
    /// Whether another page follows; then there is a token.
    package let hasMore: Bool

    private struct Wire: Decodable {
        let notificationHistory: [SentNotification.Wire]?
        let paginationToken: String?
        let hasMore: Bool?
    }

    /// Reads the body of a 200; as strict about pages as ``SignedTransactionsPage``.
    static func decode(_ bytes: [UInt8]) throws(MalformedBody) -> Self {
        let wire = try decodeJSON(Wire.self, from: bytes)
        guard let items = wire.notificationHistory, let hasMore = wire.hasMore else {
            throw MalformedBody(reason: "the body has no notificationHistory or no hasMore")
        }
        guard !hasMore || wire.paginationToken?.isEmpty == false else {
            throw MalformedBody(reason: "the body says hasMore and has no paginationToken")
        }
        var notifications: [SentNotification] = []
        for item in items { notifications.append(try item.checked()) }
        return Self(notifications: notifications, paginationToken: wire.paginationToken, hasMore: hasMore)
    }
}

/// The answer of Request a Test Notification.
package struct TestNotificationRequested: Sendable, Equatable {
    /// For asking what became of it.
    package let testNotificationToken: String

    private struct Wire: Decodable {
        let testNotificationToken: String?
    }

    /// Reads the body of a 200.
    static func decode(_ bytes: [UInt8]) throws(MalformedBody) -> Self {
        guard let token = try decodeJSON(Wire.self, from: bytes).testNotificationToken, !token.isEmpty else {
            throw MalformedBody(reason: "the body has no testNotificationToken")
        }
        return Self(testNotificationToken: token)
    }
}
