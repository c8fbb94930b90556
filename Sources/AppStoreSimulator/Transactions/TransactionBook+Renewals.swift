extension TransactionBook {
    /// Renewal info that ends with the period it was about.
    private static let perPeriod = [
        "isInBillingRetryPeriod", "gracePeriodExpiresDate", "expirationIntent", "priceIncreaseStatus", "renewalPrice",
        "autoRenewProductId", "autoRenewStatus",
    ]

    /// Sets fields of the renewal info (`null` leaves one out) and gives others back to the book; the current
    /// transaction of the subscription.
    @discardableResult
    mutating func updateRenewal(
        of key: TransactionKey, _ changes: SimulatorJSONObject, releasing released: [String] = []
    ) throws(SimulatorError) -> SimulatedTransaction {
        let newest = try newest(inChainOf: key)
        guard newest.type == .autoRenewable else {
            throw .conflict("only an auto-renewable subscription has renewal info")
        }
        let original = chain(of: key)
        var fields = renewalFields[original] ?? SimulatorJSONObject()
        for name in released { fields[name] = nil }
        for (name, value) in changes.pairs { fields[name] = value }
        setRenewalFields(original, fields)
        return newest
    }

    /// What was set of a subscription's renewal info.
    func renewalField(_ name: String, of key: TransactionKey) -> SimulatorJSON? {
        renewalFields[chain(of: key)]?[name]
    }

    /// What the renewal info says of one period is over with it.
    mutating func forgetPeriod(of key: TransactionKey) throws(SimulatorError) {
        try updateRenewal(of: key, SimulatorJSONObject(), releasing: Self.perPeriod)
    }

    /// Whether the App Store tries to charge the period that is over.
    func isInBillingRetry(_ key: TransactionKey) -> Bool { renewalField("isInBillingRetryPeriod", of: key) == true }

    /// Billing failed; with a grace period the customer is to be served for so long after the period's end.
    mutating func failToRenew(_ key: TransactionKey, grace: Int64?) throws(SimulatorError) -> TransactionKey {
        let expires = try newest(inChainOf: key).expiresDate ?? 0
        if let grace, !(1...(60 * Milliseconds.day)).contains(grace) {
            throw .invalid("gracePeriodMilliseconds must be from 1 to 60 days")
        }
        var changes: SimulatorJSONObject = ["isInBillingRetryPeriod": true, "expirationIntent": 2]
        if let grace { changes["gracePeriodExpiresDate"] = .integer(expires + grace) }
        try changePlan(of: key) { $0.isBillingWorking = false }
        return try updateRenewal(of: key, changes, releasing: ["gracePeriodExpiresDate"]).key
    }

    /// The grace period is over; billing is tried further.
    mutating func endGracePeriod(_ key: TransactionKey) throws(SimulatorError) -> TransactionKey {
        guard renewalField("gracePeriodExpiresDate", of: key)?.integerValue != nil else {
            throw .conflict("the subscription of \(key.id) is in no grace period")
        }
        return try updateRenewal(of: key, SimulatorJSONObject(), releasing: ["gracePeriodExpiresDate"]).key
    }

    /// The subscription is over, and nothing is tried any more.
    mutating func expire(
        _ key: TransactionKey, because expiry: SimulatedExpiry, now: Int64
    ) throws(SimulatorError) -> TransactionKey {
        let end = max(
            try newest(inChainOf: key).expiresDate ?? 0,
            renewalField("gracePeriodExpiresDate", of: key)?.integerValue ?? 0)
        guard end <= now else { throw .conflict("the subscription of \(key.id) runs until \(end), and now is \(now)") }
        return try updateRenewal(
            of: key, ["expirationIntent": .integer(expiry.expirationIntent), "autoRenewStatus": 0],
            releasing: ["isInBillingRetryPeriod", "gracePeriodExpiresDate"]
        ).key
    }

    /// Chooses what renews next; `isBack` says that it is what runs now.
    mutating func prefer(
        _ productID: String, period: Int64?, offer: SimulatedOffer?, for key: TransactionKey
    ) throws(SimulatorError) -> (key: TransactionKey, isBack: Bool) {
        guard !productID.isEmpty else { throw .invalid("productId must not be empty") }
        guard (period ?? 1) > 0 else { throw .invalid("periodMilliseconds must be positive") }
        try offer?.check()
        let newest = try newest(inChainOf: key)
        let isBack = newest.fields["productId"] == .string(productID)
        try updateRenewal(
            of: key, isBack ? SimulatorJSONObject() : ["autoRenewProductId": .string(productID)],
            releasing: ["autoRenewProductId"])
        try changePlan(of: key) { plan in
            plan.nextPeriod = isBack ? nil : period
            plan.nextOffer = isBack ? nil : offer
        }
        return (newest.key, isBack)
    }

    /// Moves the end of the current period; the transactions that it is an end of, the newest first.
    mutating func extendRenewal(_ key: TransactionKey, days: Int, now: Int64) throws(SimulatorError) -> [TransactionKey]
    {
        guard (1...90).contains(days) else { throw .invalid("days must be from 1 to 90") }
        let newest = try updateRenewal(of: key, SimulatorJSONObject())
        let end = (newest.expiresDate ?? now) + Int64(days) * Milliseconds.day
        let members = familyCopies(of: newest.key).filter { transactions[$0]?.isRevoked == false }
        let affected = copies(of: newest.key) + members
        for copy in affected { change(copy, now: now) { $0["expiresDate"] = .integer(end) } }
        return [newest.key] + affected.filter { $0 != newest.key }
    }
}
