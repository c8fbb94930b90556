package import PurchaseCore

/// Apple's notifications in the ledger: each of them once, for ever.
///
/// Part of ``LedgerPort``; throws ``LedgerError`` alone.
package protocol NotificationPort: Sendable {
    /// How a notification and what it is about stand in the ledger; one short read, shared with others who ask at this
    /// moment, and never older than the call.
    func standing(of subject: NotificationSubject) async throws(LedgerError) -> NotificationStanding
    /// Stores a notification that comes with no decision, or what became of one that waited.
    ///
    /// One that was applied, or kept, stays as it is. Idempotent.
    func keep(_ notification: NotificationRecord) async throws(LedgerError)
    /// Takes waiting notifications whose time has come, oldest first; others find them again after `until`.
    func leaseWaitingNotifications(
        limit: Int, until: Instant, now: Instant
    ) async throws(LedgerError) -> [WaitingNotification]
    /// Remembers that Apple has delivered a notification that was found in its history before.
    func noteDelivery(of uuid: String) async throws(LedgerError)
    /// Lets notifications wait that were stored when their store was not allowed, and is now; how many.
    func reviveNotifications(in environments: Set<StoreEnvironment>, now: Instant) async throws(LedgerError) -> Int
    /// Ends the waiting of a notification that turned out not to be trusted; nothing for any other.
    func refuseWaiting(_ uuid: String) async throws(LedgerError)
    /// The one account that has this appAccountToken, stated by the app's server or by rule; `nil` when none is known,
    /// when several are, and while it is being erased.
    func account(withToken token: AppAccountToken) async throws(LedgerError) -> (number: AccountNumber, id: AccountID)?
}

/// What of a notification the ledger is asked for; what is `nil` is not asked.
package struct NotificationSubject: Hashable, Sendable {
    /// Apple's notificationUUID; `nil` for a transaction that no notification brought.
    package var uuid: String?
    /// The transaction that it is about.
    package var transaction: TransactionID?
    /// The original transaction of that one; asked for together with ``environment``.
    package var original: OriginalTransactionID?
    /// The store of ``original``.
    package var environment: StoreEnvironment?
    /// The token of the account that may have bought it.
    package var token: AppAccountToken?

    /// Asks for the notification alone.
    package init(uuid: String?) { self.uuid = uuid }
}

/// How a notification, and what it is about, stood at one moment.
package struct NotificationStanding: Hashable, Sendable {
    /// An account that is known by a token.
    package struct Account: Hashable, Sendable {
        /// The ledger's number.
        package var number: AccountNumber
        /// Its name.
        package var id: AccountID

        /// Takes both parts.
        package init(number: AccountNumber, id: AccountID) {
            self.number = number
            self.id = id
        }
    }

    /// What became of the notification; `nil` when it was never received.
    package var outcome: NotificationRecord.Outcome?
    /// The chain that holds the transaction.
    package var holding: ChainID?
    /// The chain of the original transaction: the same, another, or none.
    package var identified: ChainID?
    /// The one account that has the token; `nil` when none is known, when several are, and while it is being erased.
    package var account: Account?

    /// Nothing is known.
    package init() {}
}

/// One notification of Apple's, as it is kept.
package struct NotificationRecord: Hashable, Sendable {
    /// How it reached us.
    package enum Origin: String, Hashable, Sendable, CaseIterable {
        /// Apple sent it.
        case delivery
        /// We asked for it: Get Notification History.
        case history
    }

    /// What became of it.
    package enum Outcome: String, Hashable, Sendable, CaseIterable {
        /// Stored; whether Apple's signature is to be trusted, or its place in the ledger, is open and tried again.
        case waiting
        /// Its transaction went through a decision, whether or not that changed anything.
        case applied
        /// Signed under a certificate that has expired since: no evidence, but Apple is asked.
        case asked
        /// It is about no transaction; only kept.
        case kept
        /// Of a store that this deployment does not serve; changes nothing.
        case notAllowed = "not_allowed"
        /// It waited, and turned out not to be trusted.
        case refused
    }

    /// Apple's notificationUUID, 1–128 bytes.
    package var uuid: String
    /// The store; `nil` where the payload names none.
    package var environment: StoreEnvironment?
    /// Apple's word, cut after 64 characters; unknown ones too.
    package var notificationType: String
    /// Apple's word, cut after 64 characters.
    package var subtype: String?
    /// When Apple signed the envelope.
    package var signedDate: Instant
    /// Our clock.
    package var receivedAt: Instant
    /// How it reached us.
    package var origin: Origin
    /// What became of it.
    package var outcome: Outcome
    /// The transaction that it is about; where nothing was decided upon it, the one that its content names.
    package var transactionID: TransactionID?
    /// The originalTransactionId that its content names, read without trust: for finding the text again, nothing else.
    package var originalTransactionID: OriginalTransactionID?
    /// Until when Apple wants an answer to a CONSUMPTION_REQUEST.
    package var respondBy: Instant?
    /// When a waiting one is tried again.
    package var retryAt: Instant?
    /// The envelope, verbatim, three segments.
    package var jws: String
    /// SHA-256 of ``jws``, 32 bytes.
    package var sha256: [UInt8]

    /// A notification that was just received.
    package init(
        uuid: String, environment: StoreEnvironment?, notificationType: String, subtype: String?, signedDate: Instant,
        receivedAt: Instant, origin: Origin, outcome: Outcome, jws: String, sha256: [UInt8]
    ) {
        self.uuid = uuid
        self.environment = environment
        self.notificationType = notificationType
        self.subtype = subtype
        self.signedDate = signedDate
        self.receivedAt = receivedAt
        self.origin = origin
        self.outcome = outcome
        self.jws = jws
        self.sha256 = sha256
    }
}

/// A stored notification that is to be verified or applied again.
package struct WaitingNotification: Hashable, Sendable {
    /// Apple's notificationUUID.
    package var uuid: String
    /// The envelope, verbatim.
    package var jws: String
    /// How it reached us.
    package var origin: NotificationRecord.Origin
    /// When it was first received.
    package var receivedAt: Instant
    /// How often it was tried since.
    package var attempts: Int64

    /// Takes every part.
    package init(
        uuid: String, jws: String, origin: NotificationRecord.Origin, receivedAt: Instant, attempts: Int64
    ) {
        self.uuid = uuid
        self.jws = jws
        self.origin = origin
        self.receivedAt = receivedAt
        self.attempts = attempts
    }
}
