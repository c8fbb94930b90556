extension TransactionBook {
    /// The length of a subscription period that nobody chose.
    static let defaultPeriod: Int64 = 30 * Milliseconds.day

    private static let defaultGroup = "20990001"

    /// Makes a purchase; the key of its transaction.
    mutating func buy(_ request: SimulatedPurchase, now: Int64) throws(SimulatorError) -> TransactionKey {
        guard !request.productID.isEmpty else { throw .invalid("productId must not be empty") }
        let environment = request.environment
        let id = try claimID(request.transactionID, in: environment)
        let key = TransactionKey(environment: environment, id: id)
        let originalID = request.originalTransactionID ?? id
        let original = transactions[TransactionKey(environment: environment, id: originalID)]
        let purchaseDate = request.purchaseDate ?? now
        let appTransactionID = request.appTransactionID ?? original?.appTransactionID ?? ids.appTransactionID()

        var fields: SimulatorJSONObject = [
            "transactionId": .string(id), "originalTransactionId": .string(originalID),
        ]
        var period: Int64?
        if request.type == .autoRenewable {
            try request.offer?.check()
            let usual = request.periodMilliseconds ?? Self.defaultPeriod
            let expiresDate = request.expiresDate ?? purchaseDate + (request.offer?.periodMilliseconds ?? usual)
            guard expiresDate > purchaseDate, usual > 0 else {
                throw .invalid("expiresDate must be after purchaseDate, and periodMilliseconds positive")
            }
            period = request.periodMilliseconds ?? (request.offer == nil ? expiresDate - purchaseDate : usual)
            SimulatedOffer.write(request.offer, period: usual, to: &fields)
            fields["webOrderLineItemId"] = .string(
                request.webOrderLineItemID ?? ids.webOrderLineItemID(in: environment))
            fields["subscriptionGroupIdentifier"] = .string(request.subscriptionGroupIdentifier ?? Self.defaultGroup)
            fields["expiresDate"] = .integer(expiresDate)
        } else {
            fields["webOrderLineItemId"] = request.webOrderLineItemID.map(SimulatorJSON.string)
            fields["expiresDate"] = request.expiresDate.map(SimulatorJSON.integer)
        }
        fields["bundleId"] = .string(request.bundleID ?? bundleID)
        fields["productId"] = .string(request.productID)
        fields["purchaseDate"] = .integer(purchaseDate)
        fields["originalPurchaseDate"] = .integer(
            request.originalPurchaseDate ?? original?.fields["originalPurchaseDate"]?.integerValue ?? purchaseDate)
        fields["quantity"] = .integer(request.quantity)
        fields["type"] = .string(request.type.rawValue)
        fields["appAccountToken"] = request.appAccountToken.map(SimulatorJSON.string)
        fields["inAppOwnershipType"] = request.inAppOwnershipType.map(SimulatorJSON.string)
        fields["environment"] = .string(environment.rawValue)
        fields["transactionReason"] = "PURCHASE"
        fields["storefront"] = request.storefront.map(SimulatorJSON.string)
        fields["storefrontId"] = request.storefrontID.map(SimulatorJSON.string)
        if let price = request.offer?.charge ?? request.price, let currency = request.currency {
            fields["price"] = .integer(price)
            fields["currency"] = .string(currency)
        }
        fields["appTransactionId"] = .string(appTransactionID)
        insert(
            key: key, originalID: originalID, type: request.type, orderID: request.orderID ?? ids.orderID(),
            appTransactionID: appTransactionID, purchase: newPurchase(), period: period, fields: fields, now: now)
        try set(request.fields, on: key, now: now, isCreation: true)
        guard request.type == .autoRenewable else { return key }
        // A purchase into an existing chain takes it up again: what was said of its last period is over.
        if original != nil { try forgetPeriod(of: key) }
        try changePlan(of: key) { plan in
            plan.regularPrice = request.price
            plan.begin(request.offer, left: (request.offer?.periodsCount ?? 1) - 1)
        }
        return key
    }

    /// Sets payload fields; `null` removes one.
    ///
    /// `signedDate` fixes the date (`null`: the field is left out, the text `automatic`: the clock again).
    mutating func set(
        _ changes: SimulatorJSONObject, on key: TransactionKey, now: Int64, isCreation: Bool = false
    ) throws(SimulatorError) {
        guard !changes.isEmpty else { return }
        guard changes.names.count <= 100 else { throw .invalid("at most 100 fields can be set at once") }
        var others = changes
        if let signedDate = changes["signedDate"] {
            others["signedDate"] = nil
            switch signedDate {
            case .null: setSignedDate(key, .absent)
            case "automatic": setSignedDate(key, .automatic)
            default: setSignedDate(key, .fixed(signedDate))
            }
        }
        guard !others.isEmpty else { return }
        change(key, now: now, keepsFormer: !isCreation) { $0.apply(others) }
    }

    /// The same purchase on another device: a new transactionId, the same originalTransactionId.
    mutating func restore(
        _ key: TransactionKey, transactionID: String?, now: Int64
    ) throws(SimulatorError) -> TransactionKey {
        let source = try transaction(key)
        guard source.type != .consumable else { throw .conflict("a consumable can't be restored") }
        let id = try claimID(transactionID, in: key.environment)
        let copy = TransactionKey(environment: key.environment, id: id)
        var fields = source.fields
        fields["transactionId"] = .string(id)
        fields["purchaseDate"] = .integer(now)
        insert(
            key: copy, originalID: source.originalID, type: source.type, orderID: source.orderID,
            appTransactionID: source.appTransactionID, purchase: source.purchase, sharedFrom: source.sharedFrom,
            period: source.period, fields: fields, now: now)
        return copy
    }

    /// A family member's own transaction for a purchase: own ids and customer, no price, no account token.
    mutating func share(
        _ key: TransactionKey, transactionID: String?, now: Int64
    ) throws(SimulatorError) -> TransactionKey {
        let source = try transaction(key)
        guard source.type.canBeShared else { throw .conflict("a \(source.type.rawValue) can't be shared") }
        guard !source.isFamilyShared else { throw .conflict("\(key.id) is a family member's copy itself") }
        let id = try claimID(transactionID, in: key.environment)
        let copy = TransactionKey(environment: key.environment, id: id)
        var fields = source.fields
        let appTransactionID = ids.appTransactionID()
        fields["transactionId"] = .string(id)
        fields["originalTransactionId"] = .string(id)
        fields["purchaseDate"] = .integer(now)
        fields["originalPurchaseDate"] = .integer(now)
        fields["inAppOwnershipType"] = "FAMILY_SHARED"
        fields["appTransactionId"] = .string(appTransactionID)
        if fields["webOrderLineItemId"] != nil {
            fields["webOrderLineItemId"] = .string(ids.webOrderLineItemID(in: key.environment))
        }
        for name in ["appAccountToken", "price", "currency"] { fields[name] = nil }
        insert(
            key: copy, originalID: id, type: source.type, orderID: ids.orderID(), appTransactionID: appTransactionID,
            purchase: newPurchase(), sharedFrom: source.purchase, period: source.period, fields: fields, now: now)
        if source.type == .autoRenewable { link(member: copy, toChain: chain(of: key)) }
        return copy
    }
}
