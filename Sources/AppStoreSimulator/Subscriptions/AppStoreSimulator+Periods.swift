extension AppStoreSimulator {
    /// Charges the next period of a subscription; DID_RENEW, after a billing failure BILLING_RECOVERY.
    ///
    /// Family members who share it get a period of their own. `price` in milliunits; `nil`: the offer's, or as announced
    /// by ``raisePrice(of:to:isAccepted:in:)``, or as before. Throws ``SimulatorError``: `unknownTransaction`, `conflict`
    /// (not a subscription), and the errors of a new id.
    @discardableResult
    package func renew(
        _ transactionID: String, in environment: SimulatedEnvironment? = nil, price: Int64? = nil,
        newTransactionID: String? = nil
    ) throws(SimulatorError) -> SimulatedReceipt {
        try act(environment) { (state, now) throws(SimulatorError) in
            try state.renew(
                try state.book.find(transactionID, in: environment), price: price, transactionID: newTransactionID,
                now: now)
        }
    }

    /// Switches a subscription to another product at once; DID_CHANGE_RENEWAL_PREF / UPGRADE.
    ///
    /// `price` in milliunits; `nil`: as before. Throws ``SimulatorError``: `unknownTransaction`, `conflict` (not a
    /// subscription), and the errors of a new id.
    @discardableResult
    package func upgrade(
        _ transactionID: String, to productID: String, in environment: SimulatedEnvironment? = nil,
        price: Int64? = nil, newTransactionID: String? = nil
    ) throws(SimulatorError) -> SimulatedReceipt {
        try upgrade(
            transactionID, SimulatedUpgrade(to: productID, price: price), in: environment,
            newTransactionID: newTransactionID)
    }

    /// Switches a subscription to another product at once, in more detail; DID_CHANGE_RENEWAL_PREF / UPGRADE, with an
    /// offer OFFER_REDEEMED / UPGRADE.
    ///
    /// Throws ``SimulatorError``: `unknownTransaction`, `conflict` (not a subscription), `invalid`, and the errors of a
    /// new id.
    @discardableResult
    package func upgrade(
        _ transactionID: String, _ upgrade: SimulatedUpgrade, in environment: SimulatedEnvironment? = nil,
        newTransactionID: String? = nil
    ) throws(SimulatorError) -> SimulatedReceipt {
        try act(environment) { (state, now) throws(SimulatorError) in
            let key = try state.book.find(transactionID, in: environment)
            let successor = try state.book.upgrade(key, upgrade, transactionID: newTransactionID, now: now)
            let kind: NotificationKind = upgrade.offer == nil ? .upgrade : .offerRedeemedUpgrade
            return try state.announceBegun(successor, kind, isUpgrade: true, now: now)
        }
    }

    /// Takes up a subscription that had ended; SUBSCRIBED / RESUBSCRIBE.
    ///
    /// `price` in milliunits; `nil`: as before. An `offer` is a win-back offer, as a rule. Throws ``SimulatorError``:
    /// `unknownTransaction`, `conflict` (it still runs, or is none), `invalid`, and the errors of a new id.
    @discardableResult
    package func resubscribe(
        _ transactionID: String, to productID: String? = nil, in environment: SimulatedEnvironment? = nil,
        price: Int64? = nil, offer: SimulatedOffer? = nil, newTransactionID: String? = nil
    ) throws(SimulatorError) -> SimulatedReceipt {
        try act(environment) { (state, now) throws(SimulatorError) in
            let key = try state.book.find(transactionID, in: environment)
            let successor = try state.book.resubscribe(
                key, productID: productID, price: price, offer: offer, transactionID: newTransactionID, now: now)
            return try state.announceBegun(successor, .resubscribe, now: now)
        }
    }

    /// Redeems an offer on a subscription that runs; OFFER_REDEEMED.
    ///
    /// It is charged now, for a period that ends so much later than the present one. Throws ``SimulatorError``:
    /// `unknownTransaction`, `conflict` (it doesn't run, or is none), `invalid`, and the errors of a new id.
    @discardableResult
    package func redeem(
        _ offer: SimulatedOffer, on transactionID: String, in environment: SimulatedEnvironment? = nil,
        newTransactionID: String? = nil
    ) throws(SimulatorError) -> SimulatedReceipt {
        try act(environment) { (state, now) throws(SimulatorError) in
            let key = try state.book.find(transactionID, in: environment)
            let successor = try state.book.redeem(offer, on: key, transactionID: newTransactionID, now: now)
            return try state.announceBegun(successor, .offerRedeemed, now: now)
        }
    }
}

extension AppStoreSimulator.State {
    /// Charges the next period; the purchaser's transaction, and the members'.
    mutating func renew(
        _ key: TransactionKey, price: Int64? = nil, transactionID: String? = nil, now: Int64
    ) throws(SimulatorError) -> [TransactionKey] {
        let wasInRetry = book.isInBillingRetry(key)
        let renewed = try book.renew(key, transactionID: transactionID, price: price, now: now)
        return try announceBegun(renewed, wasInRetry ? .billingRecovery : .renewed, now: now)
    }

    /// Announces a new period to the purchaser, and gives one to each family member, announced as well.
    mutating func announceBegun(
        _ successor: TransactionKey, _ kind: NotificationKind, isUpgrade: Bool = false, now: Int64
    ) throws(SimulatorError) -> [TransactionKey] {
        let members = try book.followFamily(to: successor, isUpgrade: isUpgrade, now: now)
        for key in [successor] + members { announce(kind, about: key, now: now) }
        return [successor] + members
    }

    mutating func failToRenew(_ key: TransactionKey, grace: Int64?, now: Int64) throws(SimulatorError) {
        let newest = try book.failToRenew(key, grace: grace)
        announceWithFamily(grace == nil ? .failedToRenew : .gracePeriod, about: newest, now: now)
    }

    mutating func endGracePeriod(_ key: TransactionKey, now: Int64) throws(SimulatorError) {
        announceWithFamily(.gracePeriodExpired, about: try book.endGracePeriod(key), now: now)
    }

    mutating func expire(
        _ key: TransactionKey, because expiry: SimulatedExpiry, now: Int64
    ) throws(SimulatorError) {
        announceWithFamily(expiry.kind, about: try book.expire(key, because: expiry, now: now), now: now)
    }

    /// Makes the notification of a change to a subscription, for the purchaser and for each member who shares it.
    private mutating func announceWithFamily(_ kind: NotificationKind, about newest: TransactionKey, now: Int64) {
        for key in [newest] + book.currentMembers(ofChainOf: newest) { announce(kind, about: key, now: now) }
    }
}
