extension AppStoreSimulator {
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
            try book.changePlan(of: key) { $0.isPriceRefused = false }
            return (newest.key, isOn ? .autoRenewEnabled : .autoRenewDisabled)
        }
    }

    /// Chooses the product that renews next: a downgrade, or a crossgrade to another duration;
    /// DID_CHANGE_RENEWAL_PREF, DOWNGRADE or, back to the present one, without a subtype.
    ///
    /// `periodMilliseconds` is the length of its periods (`nil`: as before). With an `offer` for its first periods it is
    /// OFFER_REDEEMED / DOWNGRADE. Throws ``SimulatorError``: `unknownTransaction`, `invalid`, `conflict` (not a
    /// subscription).
    package func changeRenewalPreference(
        of transactionID: String, to productID: String, periodMilliseconds: Int64? = nil, offer: SimulatedOffer? = nil,
        in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) {
        try change(transactionID, in: environment) { (book, key, _) throws(SimulatorError) in
            let preferred = try book.prefer(productID, period: periodMilliseconds, offer: offer, for: key)
            let kind: NotificationKind = offer == nil ? .downgrade : .offerRedeemedDowngrade
            return (preferred.key, preferred.isBack ? .downgradeUndone : kind)
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
        try withState { (state, now) throws(SimulatorError) in
            let key = try state.book.find(transactionID, in: environment)
            try state.failToRenew(key, grace: gracePeriodMilliseconds, now: now)
        }
    }

    /// Ends the grace period, now; GRACE_PERIOD_EXPIRED.
    ///
    /// Throws ``SimulatorError``: `unknownTransaction`, `conflict` (there is none).
    package func endGracePeriod(
        of transactionID: String, in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) {
        try withState { (state, now) throws(SimulatorError) in
            try state.endGracePeriod(try state.book.find(transactionID, in: environment), now: now)
        }
    }

    /// Gives a subscription up whose period is over; EXPIRED.
    ///
    /// Throws ``SimulatorError``: `unknownTransaction`, `conflict` (it still runs, or is none).
    package func expire(
        _ transactionID: String, because expiry: SimulatedExpiry = .voluntary,
        in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) {
        try withState { (state, now) throws(SimulatorError) in
            try state.expire(try state.book.find(transactionID, in: environment), because: expiry, now: now)
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

    /// The customer answers to another price: agrees (PRICE_INCREASE / ACCEPTED), or turns the renewal off
    /// (DID_CHANGE_RENEWAL_STATUS / AUTO_RENEW_DISABLED), so that the subscription ends with EXPIRED / PRICE_INCREASE.
    ///
    /// Throws ``SimulatorError``: `unknownTransaction`, `conflict` (nobody asked).
    package func answerPriceIncrease(
        of transactionID: String, isAccepted: Bool, in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) {
        try change(transactionID, in: environment) { (book, key, _) throws(SimulatorError) in
            guard book.renewalField("priceIncreaseStatus", of: key) == 0 else {
                throw .conflict("no answer to another price is awaited for \(transactionID)")
            }
            let newest = try book.updateRenewal(
                of: key, isAccepted ? ["priceIncreaseStatus": 1] : ["autoRenewStatus": 0])
            try book.changePlan(of: key) { $0.isPriceRefused = !isAccepted }
            return (newest.key, isAccepted ? .priceIncreaseAccepted : .autoRenewDisabled)
        }
    }

    /// Moves the end of the current period by 1 to 90 days; RENEWAL_EXTENDED.
    ///
    /// Throws ``SimulatorError``: `unknownTransaction`, `invalid`, `conflict` (not a subscription).
    package func extendRenewal(
        of transactionID: String, days: Int, in environment: SimulatedEnvironment? = nil
    ) throws(SimulatorError) {
        try withState { (state, now) throws(SimulatorError) in
            let key = try state.book.find(transactionID, in: environment)
            let affected = try state.book.extendRenewal(key, days: days, now: now)
            state.announce(.renewalExtended, members: .renewalExtended, affected: affected, now: now)
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
