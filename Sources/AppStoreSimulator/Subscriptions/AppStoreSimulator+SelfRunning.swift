extension AppStoreSimulator {
    /// Lets a subscription go on by itself as the simulator's clock passes its instants: it renews, fails to renew, loses
    /// its grace period, recovers and expires, each at its time and with its notification.
    ///
    /// `nil`: on command alone again. Everything that can be commanded still can. Throws ``SimulatorError``:
    /// `unknownTransaction`, `invalid`, `conflict` (no subscription, or a family member's, which follows the
    /// purchaser's).
    package func run(
        _ transactionID: String, _ terms: SubscriptionTerms? = SubscriptionTerms(),
        in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) {
        try withState { (state, _) throws(SimulatorError) in
            try state.book.run(try state.book.find(transactionID, in: environment), terms)
        }
    }

    /// Says whether the customer's payment works; once it does again, a subscription in billing retry that goes on by
    /// itself recovers at once.
    ///
    /// Throws ``SimulatorError``: `unknownTransaction`, `conflict` (not a subscription).
    package func setBilling(
        works isWorking: Bool, of transactionID: String, in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) {
        try withState { (state, _) throws(SimulatorError) in
            let key = try state.book.find(transactionID, in: environment)
            try state.book.changePlan(of: key) { $0.isBillingWorking = isWorking }
        }
    }

    /// Takes the product off sale, or puts it back, for one subscription: one that goes on by itself then ends with
    /// EXPIRED / PRODUCT_NOT_FOR_SALE.
    ///
    /// Throws ``SimulatorError``: `unknownTransaction`, `conflict` (not a subscription).
    package func setForSale(
        _ isForSale: Bool, of transactionID: String, in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) {
        try withState { (state, _) throws(SimulatorError) in
            let key = try state.book.find(transactionID, in: environment)
            try state.book.changePlan(of: key) { $0.isForSale = isForSale }
        }
    }

    /// When something happens next to a subscription that goes on by itself, in milliseconds since 1970 UTC; `nil`:
    /// nothing will, unless somebody acts.
    package var nextSubscriptionEventAt: Int64? {
        withState { state, _ in
            state.book.refreshDueDates()
            return state.book.dueDates.values.min()
        }
    }
}

extension AppStoreSimulator.State {
    /// Lets everything happen that comes due by itself until `now`, in order, each at its own instant.
    mutating func runSubscriptions(until now: Int64) {
        while let due = book.takeDueEvent(from: hasRunUntil, until: now) {
            do throws(SimulatorError) {
                switch due.event {
                case .renewal: _ = try renew(due.chain, now: due.at)
                case .billingFailure:
                    try failToRenew(
                        due.chain, grace: book.plans[due.chain]?.terms?.gracePeriodMilliseconds, now: due.at)
                case .graceEnd: try endGracePeriod(due.chain, now: due.at)
                case .expiry(let expiry): try expire(due.chain, because: expiry, now: due.at)
                }
            } catch {
                // The store is full, or a test has set what can't be: it stops here instead of trying for ever.
                book.stop(due.chain)
            }
        }
        hasRunUntil = max(hasRunUntil, now)
    }
}
