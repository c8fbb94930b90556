/// Whether a subscription entitles its customer at an instant, as the store knows it: what a server should find out.
package struct SubscriptionTruth: Hashable, Sendable {
    /// Why, or why not.
    package enum Reason: String, CaseIterable, Sendable {
        /// A period is paid for, or free by an offer.
        case paid
        /// Billing failed, and the app serves the customer until the grace period ends.
        case gracePeriod = "grace_period"
        /// Billing failed, and there is no grace period, or it is over.
        case billingRetry = "billing_retry"
        /// The last period is over.
        case expired
        /// What would entitle was refunded, or isn't shared any more.
        case revoked
    }

    /// Why, or why not.
    package let reason: Reason
    /// Until when, in milliseconds since 1970 UTC, the instant itself excluded; without access: since when there is
    /// none.
    package let until: Int64
    /// The product of the period that entitles, or did last.
    package let productID: String
    /// The transaction of that period.
    package let transactionID: String

    /// Whether it entitles.
    package var isEntitled: Bool {
        switch reason {
        case .paid, .gracePeriod: true
        case .billingRetry, .expired, .revoked: false
        }
    }
}

extension AppStoreSimulator {
    /// Whether a subscription entitles at an instant, by all that has happened until now; what may yet happen isn't
    /// foreseen, and the past is judged with today's knowledge.
    ///
    /// `instant` in milliseconds since 1970 UTC; `nil`: now. Throws ``SimulatorError``: `unknownTransaction`, `conflict`
    /// (not a subscription).
    package func truth(
        ofSubscription transactionID: String, at instant: Int64? = nil, in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) -> SubscriptionTruth {
        try withState { (state, now) throws(SimulatorError) in
            try state.book.truth(of: try state.book.find(transactionID, in: environment), at: instant ?? now)
        }
    }
}

extension TransactionBook {
    /// The rule in one place: a paid period entitles until it ends, whichever one it is; then a grace period does.
    func truth(of key: TransactionKey, at instant: Int64) throws(SimulatorError) -> SubscriptionTruth {
        let newest = try newest(inChainOf: key)
        guard newest.type == .autoRenewable else { throw .conflict("\(key.id) is no auto-renewable subscription") }
        let periods = byOriginal[chain(of: key), default: []].compactMap { transactions[$0] }
        let paid = periods.filter { !$0.isRevoked && $0.fields["isUpgraded"] != true }
            .max { ($0.expiresDate ?? 0, $0.key.id) < ($1.expiresDate ?? 0, $1.key.id) }
        let paidUntil = paid?.expiresDate ?? .min

        let payer = payer(ofChain: chain(of: key)) ?? key
        let grace = newest.isRevoked ? nil : renewalField("gracePeriodExpiresDate", of: payer)?.integerValue
        if let paid, instant < paidUntil {
            return .init(.paid, until: max(paidUntil, grace ?? .min), by: paid)
        }
        if let grace, instant < grace { return .init(.gracePeriod, until: grace, by: newest) }
        if newest.isRevoked {
            return .init(.revoked, until: newest.fields["revocationDate"]?.integerValue ?? paidUntil, by: newest)
        }
        // A grace period that ended on command is gone from the renewal info, and access had lasted until then.
        return .init(
            isInBillingRetry(payer) ? .billingRetry : .expired, until: max(paidUntil, grace ?? .min), by: newest)
    }
}

extension SubscriptionTruth {
    fileprivate init(_ reason: Reason, until: Int64, by transaction: SimulatedTransaction) {
        self.init(
            reason: reason, until: until, productID: transaction.fields["productId"]?.stringValue ?? "",
            transactionID: transaction.key.id)
    }
}
