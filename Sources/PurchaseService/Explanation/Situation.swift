package import PurchaseCore

/// What an explanation depends on: the state of one transaction, seen from one account.
package struct Situation: Hashable, Sendable {
    /// A state and its reason, without the evidence.
    package enum Standing: Hashable, Sendable, CaseIterable {
        /// See ``PurchaseCore/PurchaseState/received``.
        case received
        /// See ``PurchaseCore/PurchaseState/pending(_:)``.
        case pending(PendingReason)
        /// See ``PurchaseCore/PurchaseState/paid(_:deciding:)``.
        case paid(PaidReason)
        /// See ``PurchaseCore/PurchaseState/refunded(_:deciding:)``.
        case refunded(RefundedReason)

        /// Every state with every reason.
        package static var allCases: [Standing] {
            [.received] + PendingReason.allCases.map(Self.pending) + PaidReason.allCases.map(Self.paid)
                + RefundedReason.allCases.map(Self.refunded)
        }

        /// The standing of a state.
        package init(_ state: PurchaseState) {
            switch state {
            case .received: self = .received
            case .pending(let reason): self = .pending(reason)
            case .paid(let reason, _): self = .paid(reason)
            case .refunded(let reason, _): self = .refunded(reason)
            }
        }
    }

    /// State and reason.
    package var standing: Standing
    /// Why it is not pursued, if it is not.
    package var refusal: TransactionRefusal?
    /// Why it entitles the account, or why not.
    package var entitlement: EntitlementReason
    /// What became of the account's claim; `nil` when it has none.
    package var claim: Claim.Status?
    /// Whether an account other than the one that is looked at holds the purchase.
    package var isHeldByAnother = false
    /// Apple's type of the product.
    package var productType: ProductType?
    /// Until when it entitles, or entitled; `nil` without an end.
    package var until: Instant?
    /// Whether Apple is trying to collect the payment for the renewal of this very period.
    package var isInBillingRetry = false
    /// When Apple refunded it.
    package var refundedAt: Instant?
    /// Where the delivery of a consumable stands.
    package var delivery: Grant.Status?

    /// What has no default; the rest is set afterwards.
    package init(
        standing: Standing, refusal: TransactionRefusal?, entitlement: EntitlementReason, claim: Claim.Status?
    ) {
        self.standing = standing
        self.refusal = refusal
        self.entitlement = entitlement
        self.claim = claim
    }
}

extension Situation {
    /// The situation of a transaction as it was viewed, with support's decision applied to the view.
    init(_ view: TransactionView, in chain: Chain, claimant: AccountNumber?, decision: Override?) {
        self.init(
            standing: Standing(view.transaction.state), refusal: view.transaction.refusal,
            entitlement: view.entitlementReason, claim: view.claim?.status)
        isHeldByAnother = claimant != nil && chain.owner != nil && chain.owner != claimant
        productType = view.facts?.type
        refundedAt = view.facts?.revocationDate
        let siblings = chain.transactions.values.filter {
            $0.id == view.transaction.id || $0.purchaseID != nil && $0.purchaseID == view.transaction.purchaseID
        }
        .map(\.id)
        let rows = chain.entitlements.values.filter { siblings.contains($0.id.transactionID) }
        until = rows.compactMap(\.until).max() ?? view.facts?.expiresDate
        if let decision, decision.terms.effect == .grant { until = decision.terms.until }
        let newestEnd = chain.evidence.values.compactMap(\.facts.expiresDate).max()
        isInBillingRetry =
            chain.renewal?.facts.isInBillingRetryPeriod == true && view.facts?.expiresDate == newestEnd
        delivery =
            chain.grants.values.filter { $0.kind != .reversal && siblings.contains($0.transactionID) }
            .max { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }?.status
    }
}
