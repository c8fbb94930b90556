extension TransactionBook {
    /// The next period of a subscription, however old the transaction that names it is.
    mutating func renew(
        _ key: TransactionKey, transactionID: String?, price: Int64?, now: Int64
    ) throws(SimulatorError) -> TransactionKey {
        let newest = try newest(inChainOf: key)
        guard newest.type == .autoRenewable, let period = newest.period, let start = newest.expiresDate else {
            throw .conflict("only an auto-renewable subscription renews")
        }
        let plan = plans[chain(of: key)] ?? SubscriptionPlan()
        let (upcoming, usual) = (plan.upcomingOffer, plan.nextPeriod ?? period)
        var fields = newest.fields
        // Billing that recovers after access had ended starts a period of its own; in a grace period there is no gap.
        let hasGrace = (renewalField("gracePeriodExpiresDate", of: key)?.integerValue ?? 0) > now
        let begin = isInBillingRetry(key) && !hasGrace ? max(start, now) : start
        fields["purchaseDate"] = .integer(begin)
        fields["expiresDate"] = .integer(begin + (upcoming?.offer.periodMilliseconds ?? usual))
        fields["transactionReason"] = "RENEWAL"
        if let product = renewalField("autoRenewProductId", of: key)?.stringValue {
            fields["productId"] = .string(product)
        }
        if fields["currency"] != nil {
            fields["price"] = price.map(SimulatorJSON.integer) ?? nextPrice(after: newest)
        }
        if upcoming != nil || plan.offer != nil {
            SimulatedOffer.write(upcoming?.offer, period: usual, to: &fields)
        }
        let successor = try continueChain(
            of: newest, fields: fields, transactionID: transactionID, period: usual, now: now)
        try forgetPeriod(of: successor)
        try changePlan(of: successor) { plan in
            plan.begin(upcoming?.offer, left: upcoming?.left ?? 0)
            if upcoming == nil { plan.regularPrice = fields["price"]?.integerValue }
        }
        return successor
    }

    /// An immediate switch to another product of the group: the old period ends as upgraded.
    mutating func upgrade(
        _ key: TransactionKey, _ change: SimulatedUpgrade, transactionID: String?, now: Int64
    ) throws(SimulatorError) -> TransactionKey {
        let newest = try newest(inChainOf: key)
        guard newest.type == .autoRenewable, let period = newest.period else {
            throw .conflict("only an auto-renewable subscription is upgraded")
        }
        guard !change.productID.isEmpty else { throw .invalid("productId must not be empty") }
        var fields = newest.fields
        fields["productId"] = .string(change.productID)
        let successor = try begin(
            fields, of: newest, period: change.periodMilliseconds ?? period, price: change.price, offer: change.offer,
            transactionID: transactionID, now: now)
        markUpgraded(chainOf: successor, now: now)
        if change.isRefunded, let end = newest.expiresDate, end > newest.purchaseDate {
            // The part of the period that is left, in milli-percent.
            let left = min(max(end - now, 0), end - newest.purchaseDate)
            let percentage = left * 100_000 / (end - newest.purchaseDate)
            _ = try refund(
                newest.key, SimulatedRefund(kind: .prorated, percentage: percentage, reachesCopies: false), now: now)
        }
        return successor
    }

    /// The first period after a subscription that had ended: the same chain, from now on.
    mutating func resubscribe(
        _ key: TransactionKey, productID: String?, price: Int64?, offer: SimulatedOffer?, transactionID: String?,
        now: Int64
    ) throws(SimulatorError) -> TransactionKey {
        let newest = try newest(inChainOf: key)
        guard newest.type == .autoRenewable, let period = newest.period else {
            throw .conflict("only to an auto-renewable subscription one can subscribe again")
        }
        guard newest.isRevoked || (newest.expiresDate ?? 0) <= now else {
            throw .conflict("the subscription of \(key.id) still runs")
        }
        var fields = newest.fields
        if let productID { fields["productId"] = .string(productID) }
        return try begin(
            fields, of: newest, period: period, price: price, offer: offer, transactionID: transactionID, now: now)
    }

    /// Redeems an offer on a subscription that runs: a charge now, for a period behind the present one.
    mutating func redeem(
        _ offer: SimulatedOffer, on key: TransactionKey, transactionID: String?, now: Int64
    ) throws(SimulatorError) -> TransactionKey {
        let newest = try newest(inChainOf: key)
        guard newest.type == .autoRenewable, let period = newest.period, let end = newest.expiresDate,
            end > now, !newest.isRevoked
        else { throw .conflict("an offer is redeemed on a subscription that runs") }
        return try begin(
            newest.fields, of: newest, period: period, price: nil, offer: offer, transactionID: transactionID,
            endingAfter: end, now: now)
    }

    /// A period that begins with a purchase by the customer, now.
    private mutating func begin(
        _ former: SimulatorJSONObject, of newest: SimulatedTransaction, period: Int64, price: Int64?,
        offer: SimulatedOffer?, transactionID: String?, endingAfter end: Int64? = nil, now: Int64
    ) throws(SimulatorError) -> TransactionKey {
        try offer?.check()
        guard period > 0 else { throw .invalid("periodMilliseconds must be positive") }
        let plan = plans[chain(of: newest.key)] ?? SubscriptionPlan()
        let regular = price ?? (plan.offer == nil ? former["price"]?.integerValue : plan.regularPrice)
        var fields = former
        fields["purchaseDate"] = .integer(now)
        fields["expiresDate"] = .integer((end ?? now) + (offer?.periodMilliseconds ?? period))
        fields["transactionReason"] = "PURCHASE"
        if offer != nil || plan.offer != nil { SimulatedOffer.write(offer, period: period, to: &fields) }
        if fields["currency"] != nil { fields["price"] = (offer?.charge ?? regular).map(SimulatorJSON.integer) }
        let successor = try continueChain(
            of: newest, fields: fields, transactionID: transactionID, period: period, now: now)
        try forgetPeriod(of: successor)
        try changePlan(of: successor) { plan in
            plan.regularPrice = regular
            plan.begin(offer, left: (offer?.periodsCount ?? 1) - 1)
        }
        return successor
    }

    /// Adds the next transaction of a subscription's chain, charged by itself.
    mutating func continueChain(
        of newest: SimulatedTransaction, fields: SimulatorJSONObject, transactionID: String?, sharedFrom: Int? = nil,
        period: Int64?, now: Int64
    ) throws(SimulatorError) -> TransactionKey {
        let environment = newest.key.environment
        let id = try claimID(transactionID, in: environment)
        let key = TransactionKey(environment: environment, id: id)
        var fields = fields
        fields["transactionId"] = .string(id)
        fields["webOrderLineItemId"] = .string(ids.webOrderLineItemID(in: environment))
        for name in fields.names where name.hasPrefix("revocation") || name == "isUpgraded" { fields[name] = nil }
        insert(
            key: key, originalID: newest.originalID, type: newest.type, orderID: ids.orderID(),
            appTransactionID: newest.appTransactionID, purchase: newPurchase(), sharedFrom: sharedFrom,
            period: period, fields: fields, now: now)
        return key
    }
}

/// A switch to another product at once: an upgrade, or a crossgrade of the same duration.
package struct SimulatedUpgrade: Hashable, Sendable {
    /// The product that runs from now on.
    package var productID: String
    /// What a period costs, in milliunits; `nil`: as before.
    package var price: Int64?
    /// How long a period is, in milliseconds; `nil`: as before.
    package var periodMilliseconds: Int64?
    /// An offer for the first periods; the notification is then OFFER_REDEEMED.
    package var offer: SimulatedOffer?
    /// Whether the rest of the old period is paid back and shown as a prorated refund of it, for which there is no
    /// notification.
    package var isRefunded: Bool

    /// A switch; by default to a product that differs in nothing else.
    package init(
        to productID: String, price: Int64? = nil, periodMilliseconds: Int64? = nil, offer: SimulatedOffer? = nil,
        isRefunded: Bool = false
    ) {
        self.productID = productID
        self.price = price
        self.periodMilliseconds = periodMilliseconds
        self.offer = offer
        self.isRefunded = isRefunded
    }
}
