/// A notification as the simulated store keeps it.
struct NotificationRecord: Sendable {
    /// Whom and what it is about.
    struct Subject: Sendable {
        let transactionID: String
        let originalTransactionID: String
        /// The customer: the history's filter by transaction finds all of a customer's notifications.
        let appTransactionID: String
    }

    /// Where it is on its way to the receiver.
    enum Progress: Sendable {
        /// The next attempt is due at this time: milliseconds since 1970 UTC.
        case scheduled(at: Int64)
        /// It waits until it is released.
        case held
        /// An attempt is being made.
        case inFlight
        /// The receiver took it.
        case delivered
        /// The last attempt failed.
        case givenUp
        /// It is never sent.
        case dropped
    }

    let environment: SimulatedEnvironment
    let kind: NotificationKind
    let notificationUUID: String
    let subject: Subject?
    /// The envelope's `signedDate`: milliseconds since 1970 UTC.
    let createdAt: Int64
    let content: NotificationContent
    /// The chain in use when it was made; it signs whenever the text is first wanted.
    let chain: SimulatedSigningChain
    /// 1 and up within the environment; the outbox gives it.
    var number = 0
    /// `nil` until somebody wants the text.
    var signatures: [String]?
    var progress: Progress
    var attempts: [SendAttempt] = []
    var copies = 1
    /// What is sent in its place.
    var alteration: NotificationAlteration?

    var isPending: Bool {
        switch progress {
        case .scheduled, .held, .inFlight: true
        case .delivered, .givenUp, .dropped: false
        }
    }

    /// Whether the receiver has never taken it: what `onlyFailures` selects.
    var isUndelivered: Bool { !attempts.contains { $0.result == .success } }
}

/// A notification, as a test sees it.
package struct SimulatedNotification: Sendable {
    private let record: NotificationRecord
    private let signatures: [String]

    init(_ record: NotificationRecord, signatures: [String]) {
        self.record = record
        self.signatures = signatures
    }

    /// Its place in the order in which its environment's notifications were made, from 1.
    package var number: Int { record.number }
    /// Where it happened.
    package var environment: SimulatedEnvironment { record.environment }
    /// Apple's number of the notification: the same in every repeat.
    package var notificationUUID: String { record.notificationUUID }
    /// What happened.
    package var notificationType: String { record.kind.notificationType }
    /// What happened, more exactly.
    package var subtype: String? { record.kind.subtype }
    /// The transaction inside; `nil`: none is.
    package var transactionID: String? { record.subject?.transactionID }
    /// The first transaction of its chain.
    package var originalTransactionID: String? { record.subject?.originalTransactionID }
    /// When it was made, the envelope's `signedDate`: milliseconds since 1970 UTC.
    package var createdAt: Int64 { record.createdAt }
    /// The attempts so far, oldest first.
    package var attempts: [SendAttempt] { record.attempts }
    /// Whether it is never sent.
    package var isDropped: Bool { if case .dropped = record.progress { true } else { false } }
    /// Whether it waits to be released.
    package var isHeld: Bool { if case .held = record.progress { true } else { false } }
    /// Whether the receiver took it.
    package var isDelivered: Bool { if case .delivered = record.progress { true } else { false } }
    /// When the next attempt is due: milliseconds since 1970 UTC; `nil`: there is none.
    package var nextAttemptAt: Int64? { if case .scheduled(let at) = record.progress { at } else { nil } }
    /// The genuine JWS, with the same bytes every time; put together on each call, about 16 KB.
    package var signedPayload: String { record.content.text(with: record.chain, signatures: signatures) }
}

/// One attempt to be made: `POST` the body to the URL, and say how it went.
package struct NotificationDelivery: Sendable {
    /// Where it happened.
    package let environment: SimulatedEnvironment
    /// Apple's number of the notification.
    package let notificationUUID: String
    /// The receiver's URL.
    package let url: String
    /// The JWS to be sent: the genuine one, or what a fault puts in its place.
    package let signedPayload: String
    /// Whether this is a further copy of an attempt; how it goes isn't recorded.
    package let isRepeat: Bool
    /// When the attempt is made: milliseconds since 1970 UTC, by the simulator's clock.
    package let attemptDate: Int64
    let number: Int

    /// The JSON text to be posted, `{"signedPayload": …}`.
    package var body: [UInt8] {
        SimulatorJSONObject(dictionaryLiteral: ("signedPayload", .string(signedPayload))).bytes
    }
}
