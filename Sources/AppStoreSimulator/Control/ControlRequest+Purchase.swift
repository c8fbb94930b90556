extension ControlRequest {
    private static let purchaseNames: Set<String> = [
        "productId", "type", "environment", "transactionId", "originalTransactionId", "webOrderLineItemId",
        "appTransactionId", "orderId", "bundleId", "subscriptionGroupIdentifier", "quantity", "price", "currency",
        "storefront", "storefrontId", "appAccountToken", "inAppOwnershipType", "purchaseDate", "originalPurchaseDate",
        "expiresDate", "periodMilliseconds", "offer", "fields",
    ]

    /// The purchase that the body describes.
    func purchase() throws(SimulatorError) -> SimulatedPurchase {
        try allow(Self.purchaseNames)
        guard let productID = try text("productId") else { throw .invalid("productId is missing") }
        guard let type = SimulatedProductType(rawValue: try text("type") ?? "") else {
            let known = SimulatedProductType.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalid("type must be one of: \(known)")
        }
        var purchase = SimulatedPurchase(productID: productID, type: type)
        if let name = try text("environment") { purchase.environment = try Self.environment(name) }
        purchase.transactionID = try text("transactionId")
        purchase.originalTransactionID = try text("originalTransactionId")
        purchase.webOrderLineItemID = try text("webOrderLineItemId")
        purchase.appTransactionID = try text("appTransactionId")
        purchase.orderID = try text("orderId")
        purchase.bundleID = try text("bundleId")
        purchase.subscriptionGroupIdentifier = try text("subscriptionGroupIdentifier")
        purchase.appAccountToken = try text("appAccountToken")
        purchase.purchaseDate = try integer("purchaseDate")
        purchase.originalPurchaseDate = try integer("originalPurchaseDate")
        purchase.expiresDate = try integer("expiresDate")
        purchase.periodMilliseconds = try integer("periodMilliseconds")
        purchase.offer = try offer()
        // These have a default, so `null` says "without it" and absence says "as usual".
        if body["quantity"] != nil { purchase.quantity = try integer("quantity") ?? 1 }
        if body["price"] != nil { purchase.price = try integer("price") }
        if body["currency"] != nil { purchase.currency = try text("currency") }
        if body["storefront"] != nil { purchase.storefront = try text("storefront") }
        if body["storefrontId"] != nil { purchase.storefrontID = try text("storefrontId") }
        if body["inAppOwnershipType"] != nil { purchase.inAppOwnershipType = try text("inAppOwnershipType") }
        switch body["fields"] {
        case nil: break
        case .object(let fields): purchase.fields = fields
        default: throw .invalid("fields must be an object")
        }
        return purchase
    }

    /// The refund that the body describes.
    func refund() throws(SimulatorError) -> SimulatedRefund {
        try allow(["revocationType", "revocationPercentage", "revocationReason", "revocationDate", "reachesCopies"])
        var refund = SimulatedRefund()
        if let name = try text("revocationType") {
            guard let kind = SimulatedRefund.Kind(rawValue: name) else {
                throw .invalid("revocationType must be REFUND_FULL, REFUND_PRORATED or FAMILY_REVOKE")
            }
            refund.kind = kind
        }
        refund.percentage = try integer("revocationPercentage")
        refund.reason = try integer("revocationReason") ?? refund.reason
        refund.date = try integer("revocationDate")
        refund.reachesCopies = try bool("reachesCopies") ?? refund.reachesCopies
        return refund
    }
}
