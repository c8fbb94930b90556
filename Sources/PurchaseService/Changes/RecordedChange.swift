package import PurchaseCore

/// One row of the change feed, as the app's backend reads it; says the same whenever it is read, but for the account.
package struct RecordedChange: Hashable, Sendable {
    /// What changed, after the change.
    package enum Content: Hashable, Sendable {
        /// A transaction is in another state, or for another reason.
        case state(StateChange)
        /// An account may use something, from another time or until another time, or not any more.
        case entitlement(EntitlementChange)
        /// A delivery was made, acknowledged or cancelled.
        case grant(GrantChange)
        /// A dispute between accounts was opened or resolved.
        case claimCase(CaseChange)
    }

    /// Place in the feed; ascends, numbers may be missing.
    package var position: Int64
    /// Whose it is; `nil` when nobody holds the transaction, and once the account is erased.
    package var accountID: AccountID?
    /// The transaction that it is about; `nil` where support decided what an account may use.
    package var transactionID: TransactionID?
    /// Our clock at the decision.
    package var occurredAt: Instant
    /// What changed.
    package var content: Content

    /// Takes every part.
    package init(
        position: Int64, accountID: AccountID?, transactionID: TransactionID?, occurredAt: Instant, content: Content
    ) {
        self.position = position
        self.accountID = accountID
        self.transactionID = transactionID
        self.occurredAt = occurredAt
        self.content = content
    }
}

/// Where a transaction stands.
package struct StateChange: Hashable, Sendable {
    /// The state.
    package var state: PurchaseState.Name
    /// A stable code.
    package var reason: String
    /// Why the transaction is not pursued; `nil` when it is.
    package var refusal: TransactionRefusal?

    /// Takes every part.
    package init(state: PurchaseState.Name, reason: String, refusal: TransactionRefusal?) {
        self.state = state
        self.reason = reason
        self.refusal = refusal
    }
}

/// One row of an account's entitlements, or an override: a consumer keeps it under (transactionId or overrideId, key), or
/// removes it.
package struct EntitlementChange: Hashable, Sendable {
    /// What it entitles to.
    package var key: String
    /// What was bought; `nil` for an override.
    package var productID: ProductID?
    /// The store it was bought in.
    package var environment: StoreEnvironment
    /// The chain's original transaction; `nil` for an override.
    package var originalTransactionID: OriginalTransactionID?
    /// Whether the row is gone.
    package var hasEnded: Bool
    /// From when.
    package var since: Instant
    /// Until when; `nil` until refunded.
    ///
    /// Of a row that is gone: what it was.
    package var until: Instant?
    /// What of that time is not paid for; `nil` when all of it is.
    package var extended: Entitlement.Extended?
    /// Why it is there within the paid time, or why not any more; `nil` when the settings or the catalogue took it away,
    /// or support ended it.
    package var reason: EntitlementReason?
    /// Support's decision; `nil` where a purchase speaks.
    package var overrideID: OverrideID?
    /// What the override does; `nil` where a purchase speaks.
    package var effect: Override.Effect?

    /// Takes every part.
    package init(
        key: String, productID: ProductID?, environment: StoreEnvironment,
        originalTransactionID: OriginalTransactionID?, hasEnded: Bool, since: Instant, until: Instant?,
        extended: Entitlement.Extended? = nil, reason: EntitlementReason?, overrideID: OverrideID? = nil,
        effect: Override.Effect? = nil
    ) {
        self.key = key
        self.productID = productID
        self.environment = environment
        self.originalTransactionID = originalTransactionID
        self.hasEnded = hasEnded
        self.since = since
        self.until = until
        self.extended = extended
        self.reason = reason
        self.overrideID = overrideID
        self.effect = effect
    }

    /// Whether it could be used at an instant.
    package func isActive(at now: Instant) -> Bool {
        !hasEnded && effect != .withhold && (until.map { now < $0 } ?? true)
    }

    /// Why it could be used at an instant, or why not any more.
    package func reason(at now: Instant) -> EntitlementReason? {
        guard isActive(at: now), let extended, now >= extended.from else { return reason }
        return EntitlementReason(extended.reason)
    }
}

/// One delivery: a consumer keeps it under its id.
package struct GrantChange: Hashable, Sendable {
    /// The same for ever.
    package var id: GrantID
    /// What kind of delivery.
    package var kind: Grant.Kind
    /// Whether it waits, is credited, or must not be.
    package var status: Grant.Status
    /// The store it was bought in.
    package var environment: StoreEnvironment
    /// What was bought.
    package var productID: ProductID
    /// Units, always positive.
    package var amount: Int64
    /// When it was decided.
    package var createdAt: Instant

    /// Takes every part.
    package init(
        id: GrantID, kind: Grant.Kind, status: Grant.Status, environment: StoreEnvironment, productID: ProductID,
        amount: Int64, createdAt: Instant
    ) {
        self.id = id
        self.kind = kind
        self.status = status
        self.environment = environment
        self.productID = productID
        self.amount = amount
        self.createdAt = createdAt
    }
}

/// One dispute.
package struct CaseChange: Hashable, Sendable {
    /// The same for ever.
    package var id: CaseID
    /// Whether it is open.
    package var status: ClaimCase.Status
    /// How it was closed; `nil` while it is open.
    package var outcome: ClaimCase.Outcome?

    /// Takes every part.
    package init(id: CaseID, status: ClaimCase.Status, outcome: ClaimCase.Outcome?) {
        self.id = id
        self.status = status
        self.outcome = outcome
    }
}
