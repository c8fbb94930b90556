/// What `decide` makes of an input: a value, never an error, since anything Apple or a client can send has a decision.
package enum Decision: Equatable, Sendable {
    /// The ledger gains one event.
    case record(Recorded)
    /// Nothing changes but when Apple is asked next.
    case reschedule(Chain)
    /// Nothing changes at all.
    case nothing(Unchanged)

    /// The chain after the decision.
    package func chain(from before: Chain) -> Chain {
        switch self {
        case .record(let recorded): recorded.chain
        case .reschedule(let chain): chain
        case .nothing: before
        }
    }

    /// One event and the chain as it then stands.
    package struct Recorded: Equatable, Sendable {
        /// The kind of input.
        package var input: Input.Kind
        /// The evidence that came in, if that was the input; new unless the chain before had it.
        package var evidence: Evidence?
        /// The rule that fired.
        package var rule: Rule
        /// What changes, as after-images, in order.
        package var entries: [LedgerEntry]
        /// The policy that it was decided under.
        package var policyVersion: PolicyVersion
        /// The chain afterwards, its version already counted up.
        package var chain: Chain
        /// The provisional chain that is taken in by this event, as it was before.
        package var absorbed: Chain?
        /// What an operator should hear of.
        package var alarms: [Alarm]
    }

    /// Why nothing changes.
    package enum Unchanged: String, Hashable, Sendable, CaseIterable {
        /// This very evidence is recorded already.
        case duplicateEvidence = "duplicate_evidence"
        /// This account's claim stands already.
        case duplicateClaim = "duplicate_claim"
        /// The input is about a transaction that this chain does not have.
        case unknownTransaction = "unknown_transaction"
        /// The chain was taken in by another one: load that one and decide again.
        case absorbed
        /// An account has as many live overrides as it may have.
        case limitReached = "limit_reached"
        /// The input changes nothing.
        case noEffect = "no_effect"
    }
}

/// Which rule of the design decided; stable codes, kept in events.
package enum Rule: String, Hashable, Codable, Sendable, CaseIterable {
    /// A claim was recorded and waits.
    case claimRecorded = "claim_recorded"
    /// A claim was recorded and holds.
    case claimHeld = "claim_held"
    /// A claim was refused: the purchase carries another account's token.
    case claimRefused = "claim_refused"
    /// Another account holds the chain.
    case claimConflict = "claim_conflict"
    /// Apple's evidence settled the purchase as paid.
    case purchaseConfirmed = "purchase_confirmed"
    /// Apple's evidence carries a revocationDate.
    case refundSeen = "refund_seen"
    /// Apple's word that a refund was undone counts.
    case refundReversed = "refund_reversed"
    /// Authoritative evidence was added and another item decides.
    case evidenceStale = "evidence_stale"
    /// Authoritative evidence repeats what is known.
    case evidenceConfirms = "evidence_confirms"
    /// Known evidence came again, with newer renewal info of its subscription.
    case renewalInfoSeen = "renewal_info_seen"
    /// Authoritative evidence lacks a known ownership type.
    case ownershipMissing = "ownership_missing"
    /// The product's settlement hold is running.
    case settlementHeld = "settlement_held"
    /// The device's word asks for a check.
    case deviceEvidence = "device_evidence"
    /// The evidence is another app's.
    case bundleMismatch = "bundle_mismatch"
    /// The evidence is of a store that is not allowed.
    case environmentNotAllowed = "environment_not_allowed"
    /// The same id, signed by the other store than before.
    case otherEnvironment = "other_environment"
    /// A notification under an expired certificate named the transaction; Apple is asked.
    case transactionMentioned = "transaction_mentioned"
    /// Apple gave no usable answer.
    case appStoreUnanswered = "app_store_unanswered"
    /// Apple knew nothing of the id up to the deadline.
    case notFoundDeadline = "not_found_deadline"
    /// A person asked for a check.
    case recheckRequested = "recheck_requested"
    /// The app's server credited a delivery.
    case grantAcknowledged = "grant_acknowledged"
    /// A person closed a dispute.
    case caseResolved = "case_resolved"
    /// A person decided what an account may use.
    case overrideMade = "override_made"
    /// A person ended such a decision.
    case overrideEnded = "override_ended"
    /// A person erased an account.
    case accountErased = "account_erased"
    /// An account that is being erased let go of its claim; a step of that, not an action of its own.
    case claimReleased = "claim_released"
    /// Settings or catalogue changed and what follows from them.
    case policyChanged = "policy_changed"
}

/// What an operator should hear of; never the client's fault.
package enum Alarm: String, Hashable, Sendable, CaseIterable {
    /// One id, signed by both stores.
    case otherEnvironment = "other_environment"
    /// An answer from the store's host was refused.
    case answerRefused = "app_store_answer_refused"
    /// Apple answers 401.
    case unauthorized = "app_store_unauthorized"
    /// Apple answers 403, or 400 to a well-formed request.
    case requestRefused = "app_store_request_refused"
    /// Two evidences of one purchase contradict each other.
    case contradiction = "evidence_contradiction"
}
