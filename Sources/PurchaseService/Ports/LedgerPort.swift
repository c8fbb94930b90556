package import PurchaseCore

/// The ledger, as the use cases need it.
///
/// Implemented by `PurchaseStore`; throws ``LedgerError`` alone.
package protocol LedgerPort:
    ConsoleSessionPort, NotificationPort, CoveragePort, ErasurePort, PolicyPort, RestorePort, SearchPort, StaffPort,
    StaffActionsPort, UnprovenPostPort
{
    /// What the ledger knows of an account, whose number is given out on first sight; a stated token, and the one that it
    /// has by rule, are remembered for it. Durable when this returns.
    ///
    /// - Throws: ``LedgerError`` with the code `being_erased` while the account is.
    func register(
        _ account: AccountID, statedToken: AppAccountToken?, ruleToken: AppAccountToken?
    ) async throws(LedgerError) -> TransactionStanding.Account
    /// The number of an account that was seen before, else `nil`.
    func findAccount(_ account: AccountID) async throws(LedgerError) -> AccountNumber?

    /// The chain that holds a transaction, complete, with its erasable facts; `nil` when the id was never recorded.
    func chain(holding transaction: TransactionID) async throws(LedgerError) -> Chain?
    /// How a transaction stands, and what is known of the account that asks; one short read, shared with others who ask at
    /// this moment, and never older than the call.
    func standing(
        of transaction: TransactionID, for account: AccountID?
    ) async throws(LedgerError) -> TransactionStanding
    /// The chain of an identity; `nil` when there is none (absorbed ones are not found).
    func chain(identifiedBy identity: Chain.Identity) async throws(LedgerError) -> Chain?
    /// The chain that holds a transaction, and the one of its original transaction: the same, or two, or neither.
    ///
    /// Most evidence is about something new: that costs a look at two keys, and no chain is read.
    func chains(
        holding transaction: TransactionID, original: OriginalTransactionID, in environment: StoreEnvironment
    ) async throws(LedgerError) -> (holding: Chain?, identified: Chain?)
    /// The chain that a delivery belongs to.
    func chain(holding grant: GrantID) async throws(LedgerError) -> Chain?

    /// A chain by the ledger's number.
    func chain(numbered id: ChainID) async throws(LedgerError) -> Chain?
    /// The appAccountToken that the app's server stated for an account; `nil` for none, and for an account never seen.
    func statedToken(of account: AccountID) async throws(LedgerError) -> AppAccountToken?

    /// Commits one decision with everything that follows from it, in one database transaction; all or nothing.
    ///
    /// Returns the chain's number once durable, or `nil` when the chain's version is no longer what was decided upon:
    /// nothing was written; load and decide again.
    func commit(_ decision: CommittableDecision) async throws(LedgerError) -> ChainID?
    /// Stores only when Apple is asked next; no event. The holder's leases on these transactions end.
    ///
    /// Returns false, and writes nothing, when the chain is no longer at the version that was decided upon.
    func saveChecks(
        _ checks: [TransactionID: Check], of chain: ChainID, at version: Int64, holder: String
    ) async throws(LedgerError) -> Bool

    /// Takes the right to ask Apple about a transaction until `until`; false when another holder has it, or when Apple
    /// was asked after `notAskedSince`.
    func lease(
        _ transaction: TransactionID, holder: String, until: Instant, notAskedSince: Instant, now: Instant
    ) async throws(LedgerError) -> Bool
    /// Takes up to `limit` due checks that nobody holds, most overdue first: sweeps of paid transactions alone, or all
    /// others alone, so that neither has to wait for the other.
    func leaseDueChecks(
        sweeps: Bool, limit: Int, holder: String, until: Instant, now: Instant
    ) async throws(LedgerError) -> [TransactionID]

    /// What each of many accounts may use: one row per (key, environment), the active one with the latest end, and the
    /// overrides in force.
    ///
    /// One statement, by index. An account without anything is absent.
    func entitlements(
        ofEach accounts: [AccountID], at now: Instant
    ) async throws(LedgerError) -> [AccountID: AccountRights]
    /// The rows of the change feed after a position, oldest first.
    func changes(after position: Int64, limit: Int) async throws(LedgerError) -> [RecordedChange]
    /// The newest position of the change feed; 0 while there is none.
    func newestChange() async throws(LedgerError) -> Int64
    /// An account's deliveries that wait for acknowledgement, oldest first, after a cursor.
    func openGrants(
        of account: AccountNumber, after cursor: GrantCursor?, limit: Int
    ) async throws(LedgerError) -> [Grant]
    /// The events of a chain after a version, oldest first.
    func events(of chain: ChainID, afterVersion: Int64, limit: Int) async throws(LedgerError) -> [RecordedEvent]

    /// Keeps a trace of refused signed data, in a ring of bounded size.
    func keep(_ refusal: RefusedSubmission) async throws(LedgerError)
    /// A number for a person's words, which the decision that refers to it brings along.
    func nextReasonNumber() async throws(LedgerError) -> Int64
    /// The key with this SHA-256, unless it was revoked.
    func key(sha256: [UInt8]) async throws(LedgerError) -> AccessKey?
    /// A secret of this deployment, made on first use: 32 random bytes under a name.
    func secret(named name: String) async throws(LedgerError) -> [UInt8]
    /// Whether the database answers and has the schema that this version expects.
    func checkReadiness() async throws(LedgerError)
}

/// Why the ledger could not be read or written; never a statement about a purchase.
package struct LedgerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong, as far as a caller acts on it.
    package enum Code: String, Hashable, Sendable, CaseIterable {
        /// The database can't be reached, or lost the connection.
        case unavailable
        /// Too much is waiting already.
        case overloaded
        /// It is unknown whether the commit happened: load the chain and look.
        case outcomeUnknown = "outcome_unknown"
        /// A bound is reached; nothing was written.
        case tooMany = "too_many"
        /// The account is being erased, and nothing is recorded for it until it is.
        case beingErased = "being_erased"
        /// The database refused the statement: a fault of ours.
        case refused
        /// A stored row can't be read: a fault of ours.
        case unreadable
    }

    /// What went wrong.
    package let code: Code
    /// For logs: no values of rows, no connection string.
    package let message: String

    /// Takes a message that is safe in logs.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the message.
    package var description: String { "\(code.rawValue): \(message)" }
}

/// A decision with what its event also records.
package struct CommittableDecision: Sendable {
    /// What was decided.
    package var recorded: Decision.Recorded
    /// The chain that was decided upon.
    package var before: Chain
    /// The name of the key that acted; `nil` for the service itself.
    package var actor: String?
    /// The request that led to it.
    package var requestID: String?
    /// Our clock at the decision.
    package var recordedAt: Instant
    /// The signed text of the decision's evidence, and the personal data in it.
    package var body: EvidenceBody?
    /// The signed text of the renewal info that came with it, stored where the decision records it.
    package var renewalBody: EvidenceBody?
    /// The notification that brought the evidence, kept in the same database transaction.
    package var notification: NotificationRecord?
    /// The words of the person who acted, kept in the same database transaction under the number that the event refers to.
    package var reason: GivenReason?
    /// The process that commits; only its own leases end.
    package var process: String
    /// The lease that the commit takes for asking Apple next; `nil` ends the lease.
    package var lease: CheckLease?

    /// Takes every part.
    package init(
        recorded: Decision.Recorded, before: Chain, actor: String?, requestID: String?, recordedAt: Instant,
        body: EvidenceBody?, renewalBody: EvidenceBody? = nil, notification: NotificationRecord? = nil,
        reason: GivenReason? = nil, process: String, lease: CheckLease?
    ) {
        self.recorded = recorded
        self.before = before
        self.actor = actor
        self.requestID = requestID
        self.recordedAt = recordedAt
        self.body = body
        self.renewalBody = renewalBody
        self.notification = notification
        self.reason = reason
        self.process = process
        self.lease = lease
    }
}

/// The erasable part of an item of evidence.
package struct EvidenceBody: Hashable, Sendable {
    /// Verbatim, three segments.
    package var jws: String
    /// Absent when the purchase carries none.
    package var appAccountToken: AppAccountToken?
    /// Apple's per-customer id of the app download.
    package var appTransactionID: String?

    /// Takes every part.
    package init(jws: String, appAccountToken: AppAccountToken?, appTransactionID: String?) {
        self.jws = jws
        self.appAccountToken = appAccountToken
        self.appTransactionID = appTransactionID
    }
}

/// A person's words, under the number that the ledger refers to them by.
package struct GivenReason: Hashable, Sendable {
    /// Of ``LedgerPort/nextReasonNumber()``.
    package var number: Int64
    /// 1–500 characters; about people, and so erasable.
    package var words: String

    /// Takes both parts.
    package init(number: Int64, words: String) {
        self.number = number
        self.words = words
    }
}

/// The right of one process to ask Apple about a transaction.
package struct CheckLease: Hashable, Sendable {
    /// The transaction.
    package var transactionID: TransactionID
    /// A name of the process, unique per start.
    package var holder: String
    /// When others may take over.
    package var until: Instant

    /// Takes every part.
    package init(transactionID: TransactionID, holder: String, until: Instant) {
        self.transactionID = transactionID
        self.holder = holder
        self.until = until
    }
}

/// Where a list of deliveries goes on.
package struct GrantCursor: Hashable, Sendable {
    /// When the last one was created.
    package var createdAt: Instant
    /// Its id.
    package var id: GrantID

    /// Takes both parts.
    package init(createdAt: Instant, id: GrantID) {
        self.createdAt = createdAt
        self.id = id
    }
}

/// One row of the ledger, as support reads it.
package struct RecordedEvent: Hashable, Sendable {
    /// Place in the whole ledger.
    package var position: Int64
    /// The chain's version after it.
    package var chainVersion: Int64
    /// Our clock.
    package var recordedAt: Instant
    /// A raw value of ``PurchaseCore/Input/Kind``.
    package var input: String
    /// A raw value of ``PurchaseCore/Rule``.
    package var rule: String
    /// The policy that it was decided under.
    package var policyVersion: PolicyVersion
    /// The name of the key that acted; `nil` for the service itself.
    package var actor: String?
    /// The evidence that came in, if that was the input.
    package var evidence: EvidenceID?
    /// What changed.
    package var entries: [LedgerEntry]

    /// Takes every column.
    package init(
        position: Int64, chainVersion: Int64, recordedAt: Instant, input: String, rule: String,
        policyVersion: PolicyVersion, actor: String?, evidence: EvidenceID?, entries: [LedgerEntry]
    ) {
        self.position = position
        self.chainVersion = chainVersion
        self.recordedAt = recordedAt
        self.input = input
        self.rule = rule
        self.policyVersion = policyVersion
        self.actor = actor
        self.evidence = evidence
        self.entries = entries
    }
}

/// The trace of signed data that was refused.
package struct RefusedSubmission: Hashable, Sendable {
    /// When.
    package var refusedAt: Instant
    /// Who handed it in: the device, or the store's host.
    package var source: EvidenceSource
    /// The refusal that was answered.
    package var refusal: String
    /// The step that failed.
    package var step: String
    /// The code of the failure.
    package var code: String
    /// For people; nothing of the payload.
    package var detail: String
    /// Of the text as received.
    package var sha256: [UInt8]
    /// The id that it was about, where one is known.
    package var transactionID: TransactionID?
    /// The account that posted it.
    package var account: AccountNumber?
    /// The name of the key that posted it.
    package var actor: String?
    /// The request.
    package var requestID: String?

    /// Takes every part.
    package init(
        refusedAt: Instant, source: EvidenceSource, refusal: String, step: String, code: String, detail: String,
        sha256: [UInt8], transactionID: TransactionID?, account: AccountNumber?, actor: String?, requestID: String?
    ) {
        self.refusedAt = refusedAt
        self.source = source
        self.refusal = refusal
        self.step = step
        self.code = code
        self.detail = detail
        self.sha256 = sha256
        self.transactionID = transactionID
        self.account = account
        self.actor = actor
        self.requestID = requestID
    }
}
