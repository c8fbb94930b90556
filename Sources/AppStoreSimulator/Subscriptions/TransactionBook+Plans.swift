extension TransactionBook {
    /// The shortest period of a subscription that goes on by itself: what a leap of the clock sets off stays bounded.
    static let runningPeriodMin = Milliseconds.minute

    /// The chain that a transaction belongs to, under its first transaction's id.
    func chain(of key: TransactionKey) -> TransactionKey {
        TransactionKey(environment: key.environment, id: transactions[key]?.originalID ?? key.id)
    }

    /// Changes how a subscription goes on; `newest` is its current transaction.
    @discardableResult
    mutating func changePlan(
        of key: TransactionKey, _ body: (inout SubscriptionPlan) -> Void
    ) throws(SimulatorError) -> SimulatedTransaction {
        let newest = try newest(inChainOf: key)
        guard newest.type == .autoRenewable else { throw .conflict("\(key.id) is no auto-renewable subscription") }
        var plan = plans[chain(of: key)] ?? SubscriptionPlan()
        body(&plan)
        setPlan(plan, of: chain(of: key))
        return newest
    }

    /// Lets a subscription go on by itself, or no longer.
    mutating func run(_ key: TransactionKey, _ terms: SubscriptionTerms?) throws(SimulatorError) {
        let newest = try newest(inChainOf: key)
        if let terms {
            try terms.check()
            guard !newest.isFamilyShared else {
                throw .conflict("\(key.id) is a family member's copy: it follows the purchaser's subscription")
            }
            guard (newest.period ?? 0) >= max(Self.runningPeriodMin, 2 * terms.renewsAheadMilliseconds) else {
                throw .invalid("a period of at least a minute, and twice renewsAheadMilliseconds, can run by itself")
            }
        }
        try changePlan(of: key) { $0.terms = terms }
    }

    /// What a period after the present one costs, in milliunits.
    func nextPrice(after newest: SimulatedTransaction) -> SimulatorJSON? {
        guard let plan = plans[chain(of: newest.key)] else { return newest.fields["price"] }
        if let upcoming = plan.upcomingOffer { return .integer(upcoming.offer.charge) }
        if let price = renewalField("renewalPrice", of: newest.key) { return price }
        return plan.offer == nil ? newest.fields["price"] : plan.regularPrice.map(SimulatorJSON.integer)
    }

    /// Takes the first event that is due by `now`, of any subscription that goes on by itself.
    ///
    /// What should have happened already, but could not, happens at `earliest`.
    mutating func takeDueEvent(
        from earliest: Int64, until now: Int64
    ) -> (chain: TransactionKey, event: SubscriptionEvent, at: Int64)? {
        refreshDueDates()
        guard !dueDates.isEmpty, let chain = dueDates.filter({ $0.value <= now }).min(by: Self.isEarlier)?.key,
            let next = nextEvent(of: chain)
        else { return nil }
        return (chain, next.event, max(next.at, earliest))
    }

    /// Lets a subscription not go on by itself any more.
    mutating func stop(_ chain: TransactionKey) {
        guard var plan = plans[chain] else { return }
        plan.terms = nil
        setPlan(plan, of: chain)
    }

    /// By time, then by id, so that a seed decides everything.
    private static func isEarlier(
        _ left: (key: TransactionKey, value: Int64), _ right: (key: TransactionKey, value: Int64)
    ) -> Bool {
        (left.value, left.key.environment.rawValue, left.key.id)
            < (right.value, right.key.environment.rawValue, right.key.id)
    }

    /// What happens next to a subscription that goes on by itself, if the customer does nothing; `nil`: nothing ever.
    func nextEvent(of chain: TransactionKey) -> (event: SubscriptionEvent, at: Int64)? {
        guard let plan = plans[chain], let terms = plan.terms, let newest = try? newest(inChainOf: chain),
            !newest.isRevoked, let end = newest.expiresDate
        else { return nil }
        let isOn = renewalField("autoRenewStatus", of: chain) != 0
        if isInBillingRetry(chain) {
            if isOn, plan.isForSale, plan.isBillingWorking { return (.renewal, .min) }
            if let grace = renewalField("gracePeriodExpiresDate", of: chain)?.integerValue {
                // Who cancels now was promised access to the end of the grace period.
                return (isOn ? .graceEnd : .expiry(.voluntary), grace)
            }
            return isOn ? (.expiry(.billingRetry), end + terms.billingRetryMilliseconds) : (.expiry(.voluntary), end)
        }
        // It has ended, and waits to be taken up again.
        if renewalField("expirationIntent", of: chain) != nil { return nil }
        if !isOn { return (.expiry(plan.isPriceRefused ? .priceIncrease : .voluntary), end) }
        if !plan.isForSale { return (.expiry(.productNotForSale), end) }
        if renewalField("priceIncreaseStatus", of: chain) == 0 { return (.expiry(.priceIncrease), end) }
        return plan.isBillingWorking ? (.renewal, end - terms.renewsAheadMilliseconds) : (.billingFailure, end)
    }
}
