/// A fact that came in, in the past tense: the only things that can change a chain.
package enum Input: Sendable {
    /// An account said that a transaction is its own.
    ///
    /// An automatic claim follows from the purchase's appAccountToken, and only where nobody has claimed the chain.
    case claimed(TransactionID, by: AccountNumber, at: Instant, isAutomatic: Bool = false)
    /// A verified payload came in, with the verified renewal info that came in the same answer or notification, if one
    /// did; `absorbing` is the provisional chain under which its id was posted, if there is one.
    case evidenceVerified(Evidence, renewal: RenewalInfo? = nil, absorbing: Chain?)
    /// A notification that is no evidence, since its certificate has expired, named a transaction.
    case mentioned(TransactionID)
    /// Apple was asked about a transaction, and no usable evidence came of it.
    case appStoreUnanswered(TransactionID, AppStoreNonAnswer)
    /// Apple was asked for the status of a transaction's subscription, and no usable evidence came of it.
    case statusesUnanswered(TransactionID, AppStoreNonAnswer)
    /// The moment of a planned check or deadline has come.
    case deadlineReached(TransactionID)
    /// A product's settlement hold has run out.
    case holdElapsed(TransactionID)
    /// A support person acted; the reason's words are erasable and referred to by number.
    case staffActed(StaffAction, reasonNumber: Int64)
    /// The app's server has credited a delivery.
    case grantAcknowledged(GrantID)
    /// Settings or catalogue are other than when the chain was last decided.
    case policyChanged

    /// The stable name that events keep.
    package var kind: Kind {
        switch self {
        case .claimed: .claim
        case .evidenceVerified: .evidence
        case .mentioned: .mention
        case .appStoreUnanswered, .statusesUnanswered: .appStoreAnswer
        case .deadlineReached: .deadline
        case .holdElapsed: .holdElapsed
        case .staffActed: .staffAction
        case .grantAcknowledged: .grantAcknowledged
        case .policyChanged: .policyChanged
        }
    }

    /// The names of the inputs.
    package enum Kind: String, Hashable, Codable, Sendable, CaseIterable {
        /// ``Input/claimed(_:by:at:isAutomatic:)``.
        case claim
        /// ``Input/evidenceVerified(_:renewal:absorbing:)``.
        case evidence
        /// ``Input/mentioned(_:)``.
        case mention
        /// ``Input/appStoreUnanswered(_:_:)`` and ``Input/statusesUnanswered(_:_:)``.
        case appStoreAnswer = "app_store_answer"
        /// ``Input/deadlineReached(_:)``.
        case deadline
        /// ``Input/holdElapsed(_:)``.
        case holdElapsed = "hold_elapsed"
        /// ``Input/staffActed(_:reasonNumber:)``.
        case staffAction = "staff_action"
        /// ``Input/grantAcknowledged(_:)``.
        case grantAcknowledged = "grant_acknowledged"
        /// ``Input/policyChanged``.
        case policyChanged = "policy_changed"
    }
}

/// What Apple's host said, or didn't, when it gave no usable evidence.
package enum AppStoreNonAnswer: Hashable, Sendable {
    /// Definitive: the id is unknown in each of these stores.
    ///
    /// Final when Apple calls the id none at all (400 with 4000006 or 4000048): no repeat and no wait can change that.
    case notFound(in: Set<StoreEnvironment>, isFinal: Bool = false)
    /// 401: the token was not accepted, or the app has no production release.
    case unauthorized
    /// 403 or a 400 that says nothing about the id.
    case requestRefused
    /// 429, or our own budget has nothing left; `retryAt` where Apple named a moment.
    case throttled(retryAt: Instant?)
    /// 5xx, time-out, broken connection.
    case unavailable
    /// Signed data that did not verify, was malformed, or was about another id.
    case answerRefused
    /// The signature holds, but whether it is trusted could not be determined now.
    case verificationUndetermined

    /// The reason it gives to a transaction that nothing better is known of.
    package var pendingReason: PendingReason {
        switch self {
        case .notFound: .notFoundYet
        case .unauthorized: .environmentUndetermined
        case .requestRefused, .unavailable: .appStoreUnavailable
        case .throttled: .appStoreThrottled
        case .answerRefused: .appStoreAnswerRefused
        case .verificationUndetermined: .verificationUnavailable
        }
    }
}

/// What a support person may do to a chain.
package enum StaffAction: Hashable, Sendable {
    /// Ask Apple again, now.
    case recheck(TransactionID)
    /// Close a dispute, or correct how it was closed.
    case resolveCase(CaseID, ClaimCase.Outcome)
    /// Let the account of the chain use something, or keep it from using it.
    case override(Override.Terms)
    /// End that before its time.
    case endOverride(OverrideID)
    /// Erase the account of the chain: nothing is decided for it any more.
    case eraseAccount
    /// Let go of what an account that is being erased has in the chain.
    case releaseClaim(AccountNumber)
}
