package import AppStoreJWS
package import PurchaseCore

extension TransactionFacts {
    /// What decisions use of a verified payload; `nil` where it names no store that can be accepted or no original
    /// transaction, without which it proves nothing.
    ///
    /// Dates beyond the years 1–9999, which PostgreSQL and RFC 3339 can't hold, count as absent.
    package init?(_ payload: JWSTransactionDecodedPayload) {
        guard let environment = payload.storeEnvironment, let original = payload.originalTransactionID,
            let signed = Self.storable(payload.signedDate)
        else { return nil }
        self.init(
            transactionID: payload.transactionID, originalTransactionID: original, environment: environment,
            signedDate: signed)
        // Beyond what the ledger holds they are as good as absent.
        webOrderLineItemID = payload.webOrderLineItemID.flatMap { $0.rawValue.utf8.count <= 64 ? $0 : nil }
        bundleID = payload.bundleID
        productID = Self.storable(payload.productID)
        type = payload.type.map(ProductType.init(appleValue:))
        inAppOwnershipType = payload.inAppOwnershipType
        purchaseDate = Self.storable(payload.purchaseDate)
        originalPurchaseDate = Self.storable(payload.originalPurchaseDate)
        expiresDate = Self.storable(payload.expiresDate)
        quantity = max(payload.quantity ?? 1, 0)
        if let amount = payload.price, amount >= 0 { price = amount }
        currency = payload.currency.map { String($0.prefix(16)) }
        storefront = payload.storefront.map { String($0.prefix(16)) }
        offerType = payload.offerType
        // A refund whose date can't be stored is a refund all the same.
        revocationDate = payload.revocationDate.map { Self.storable($0) ?? signed }
        revocationReason = payload.revocationReason
        revocationType = payload.revocationType
        revocationPercentage = payload.revocationPercentage
        isUpgraded = payload.isUpgraded ?? false
    }

    /// A product id that the ledger can hold; `nil` for others and for none.
    static func storable(_ productID: ProductID?) -> ProductID? {
        productID.flatMap { (1...255).contains($0.rawValue.count) ? $0 : nil }
    }

    /// A date that the ledger can hold; `nil` for others and for none.
    static func storable(_ date: Instant?) -> Instant? {
        guard let date, (-62_135_596_800_000...253_402_300_799_999).contains(date.millisecondsSince1970) else {
            return nil
        }
        return date
    }
}
