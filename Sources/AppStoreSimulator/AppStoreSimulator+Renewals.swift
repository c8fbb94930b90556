extension AppStoreSimulator {
    /// Takes up a subscription that had ended; SUBSCRIBED / RESUBSCRIBE.
    ///
    /// `price` in milliunits; `nil`: as before. Throws ``SimulatorError``: `unknownTransaction`, `conflict` (it still
    /// runs, or is none), and the errors of a new id.
    @discardableResult
    package func resubscribe(
        _ transactionID: String, to productID: String? = nil, in environment: SimulatedEnvironment? = nil,
        price: Int64? = nil, newTransactionID: String? = nil
    ) throws(SimulatorError) -> SimulatedReceipt {
        try act(environment) { (state, now) throws(SimulatorError) in
            let key = try state.book.find(transactionID, in: environment)
            let successor = try state.book.resubscribe(
                key, productID: productID, price: price, transactionID: newTransactionID, now: now)
            state.announce(.resubscribe, about: successor, now: now)
            return [successor]
        }
    }

    /// Ends Family Sharing: for all members of a purchase, or for the member whose transaction this is; REVOKE for
    /// each.
    ///
    /// What happens to the purchase later doesn't reach them any more. Throws ``SimulatorError``: `unknownTransaction`,
    /// `conflict` (nobody shares it), `material`.
    @discardableResult
    package func stopSharing(
        _ transactionID: String, in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) -> SimulatedReceipt {
        try act(environment) { (state, now) throws(SimulatorError) in
            let members = try state.book.stopSharing(try state.book.find(transactionID, in: environment), now: now)
            state.announce(.revoke, members: .revoke, affected: members, now: now)
            return members
        }
    }

    /// Refuses a customer's request for a refund; REFUND_DECLINED.
    ///
    /// Throws ``SimulatorError/unknownTransaction(_:)``.
    package func declineRefund(
        _ transactionID: String, in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) {
        try change(transactionID, in: environment) { _, key, _ in (key, .refundDeclined) }
    }

    /// Asks how much of a purchase was used, since the customer wants a refund; CONSUMPTION_REQUEST.
    ///
    /// `reason` is Apple's `consumptionRequestReason`, such as `UNINTENDED_PURCHASE`. Throws
    /// ``SimulatorError/unknownTransaction(_:)``.
    package func requestConsumption(
        _ transactionID: String, reason: String? = nil, in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) {
        var data = SimulatorJSONObject()
        data["consumptionRequestReason"] = reason.map(SimulatorJSON.string)
        try change(transactionID, in: environment, data: data) { _, key, _ in (key, .consumptionRequest) }
    }

    /// Turns a subscription's renewal on or off; DID_CHANGE_RENEWAL_STATUS.
    ///
    /// Throws ``SimulatorError``: `unknownTransaction`, `conflict` (not a subscription).
    package func setAutoRenew(
        _ isOn: Bool, of transactionID: String, in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) {
        try change(transactionID, in: environment) { (book, key, _) throws(SimulatorError) in
            let newest = try book.updateRenewal(of: key, ["autoRenewStatus": isOn ? 1 : 0])
            return (newest.key, isOn ? .autoRenewEnabled : .autoRenewDisabled)
        }
    }

    /// Chooses the product that renews next; DID_CHANGE_RENEWAL_PREF, DOWNGRADE or, back to the present one, without a
    /// subtype.
    ///
    /// Throws ``SimulatorError``: `unknownTransaction`, `invalid`, `conflict` (not a subscription).
    package func changeRenewalPreference(
        of transactionID: String, to productID: String, in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) {
        try change(transactionID, in: environment) { (book, key, _) throws(SimulatorError) in
            let preferred = try book.prefer(productID, for: key)
            return (preferred.key, preferred.isBack ? .downgradeUndone : .downgrade)
        }
    }

    /// Billing fails; DID_FAIL_TO_RENEW, with GRACE_PERIOD if there is one.
    ///
    /// The grace period is counted from the period's end, in milliseconds, at most 60 days. The next
    /// ``renew(_:in:price:newTransactionID:)`` is a BILLING_RECOVERY. Throws ``SimulatorError``: `unknownTransaction`,
    /// `invalid`, `conflict` (not a subscription).
    package func failToRenew(
        _ transactionID: String, gracePeriodMilliseconds: Int64? = nil, in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) {
        try change(transactionID, in: environment) { (book, key, _) throws(SimulatorError) in
            let newest = try book.failToRenew(key, grace: gracePeriodMilliseconds)
            return (newest, gracePeriodMilliseconds == nil ? .failedToRenew : .gracePeriod)
        }
    }

    /// Ends the grace period, now; GRACE_PERIOD_EXPIRED.
    ///
    /// Throws ``SimulatorError``: `unknownTransaction`, `conflict` (there is none).
    package func endGracePeriod(
        of transactionID: String, in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) {
        try change(transactionID, in: environment) { (book, key, _) throws(SimulatorError) in
            (try book.endGracePeriod(key), .gracePeriodExpired)
        }
    }

    /// Gives a subscription up whose period is over; EXPIRED.
    ///
    /// Throws ``SimulatorError``: `unknownTransaction`, `conflict` (it still runs, or is none).
    package func expire(
        _ transactionID: String, because expiry: SimulatedExpiry = .voluntary,
        in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) {
        try change(transactionID, in: environment) { (book, key, now) throws(SimulatorError) in
            (try book.expire(key, because: expiry, now: now), expiry.kind)
        }
    }

    /// Announces another price, in milliunits, for the next renewal; PRICE_INCREASE, PENDING or ACCEPTED.
    ///
    /// Throws ``SimulatorError``: `unknownTransaction`, `conflict` (not a subscription).
    package func raisePrice(
        of transactionID: String, to price: Int64, isAccepted: Bool = false,
        in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) {
        try change(transactionID, in: environment) { (book, key, _) throws(SimulatorError) in
            let newest = try book.updateRenewal(
                of: key, ["renewalPrice": .integer(price), "priceIncreaseStatus": isAccepted ? 1 : 0])
            return (newest.key, isAccepted ? .priceIncreaseAccepted : .priceIncreasePending)
        }
    }

    /// Moves the end of the current period by 1 to 90 days; RENEWAL_EXTENDED.
    ///
    /// Throws ``SimulatorError``: `unknownTransaction`, `invalid`, `conflict` (not a subscription).
    package func extendRenewal(
        of transactionID: String, days: Int, in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) {
        try change(transactionID, in: environment) { (book, key, now) throws(SimulatorError) in
            (try book.extendRenewal(key, days: days, now: now), .renewalExtended)
        }
    }

    /// Changes something about a transaction and announces it under the key and kind that `body` returns.
    private func change(
        _ transactionID: String, in environment: SimulatedEnvironment?,
        data: SimulatorJSONObject = SimulatorJSONObject(),
        _ body: (inout TransactionBook, TransactionKey, Int64) throws(SimulatorError) -> (
            TransactionKey, NotificationKind
        )
    ) throws(SimulatorError) {
        try withState { (state, now) throws(SimulatorError) in
            let (key, kind) = try body(&state.book, try state.book.find(transactionID, in: environment), now)
            state.announce(kind, about: key, data: data, now: now)
        }
    }
}
