/// A purchase to be made in the simulated store; everything but product and type has a sensible default.
package struct SimulatedPurchase: Sendable {
    /// The product's id.
    package var productID: String
    /// The product's type.
    package var type: SimulatedProductType
    /// Where it is bought.
    package var environment: SimulatedEnvironment
    /// 1–32 digits; `nil`: a new id.
    package var transactionID: String?
    /// The chain's first transaction; `nil`: this one.
    package var originalTransactionID: String?
    /// The billing event; `nil`: a new one for auto-renewables, absent for the other types.
    package var webOrderLineItemID: String?
    /// The customer's app download: purchases under one value share a transaction history.
    ///
    /// `nil`: a new customer.
    package var appTransactionID: String?
    /// The order id in the customer's e-mail; `nil`: a new one.
    package var orderID: String?
    /// `nil`: the simulator's bundle id.
    package var bundleID: String?
    /// Auto-renewables only; `nil`: a fixed group.
    package var subscriptionGroupIdentifier: String?
    /// Units of a consumable.
    package var quantity: Int64 = 1
    /// Total price in 1/1000 of the currency unit; `nil`: price and currency are absent.
    package var price: Int64? = 4990
    /// ISO 4217.
    package var currency: String? = "USD"
    /// ISO 3166-1 alpha-3.
    package var storefront: String? = "USA"
    /// Apple's number of the storefront.
    package var storefrontID: String? = "143441"
    /// The UUID that the app set with the purchase.
    package var appAccountToken: String?
    /// `PURCHASED`, `FAMILY_SHARED` or anything else; `nil`: the field is absent.
    package var inAppOwnershipType: String? = "PURCHASED"
    /// Milliseconds since 1970 UTC; `nil`: now.
    package var purchaseDate: Int64?
    /// Milliseconds since 1970 UTC; `nil`: the first transaction's, or `purchaseDate`.
    package var originalPurchaseDate: Int64?
    /// Milliseconds since 1970 UTC; `nil`: one period, or the offer's, after `purchaseDate` for auto-renewables, absent
    /// for other types.
    package var expiresDate: Int64?
    /// Auto-renewables only: how long a period is, in milliseconds; `nil`: as long as the first one, or 30 days.
    package var periodMilliseconds: Int64?
    /// Auto-renewables only: what the first periods cost; `price` is charged after it.
    package var offer: SimulatedOffer?
    /// Any other payload fields; they are set last, and `null` removes a field.
    package var fields = SimulatorJSONObject()

    /// A purchase with the defaults.
    package init(productID: String, type: SimulatedProductType, environment: SimulatedEnvironment = .production) {
        self.productID = productID
        self.type = type
        self.environment = environment
    }
}

/// What a purchase, or another act in the store, left on the device.
package struct SimulatedReceipt: Sendable {
    /// The transaction's id.
    package let transactionID: String
    /// The id of the chain's first transaction.
    package let originalTransactionID: String
    /// Where it happened.
    package let environment: SimulatedEnvironment
    /// The order id in the customer's e-mail.
    package let orderID: String
    /// The customer's app download.
    package let appTransactionID: String
    /// The ids whose payload changed with this act, the transaction's own first.
    package let affected: [String]
    /// The JWS that the device holds, signed at this moment.
    package let signedTransaction: String
}

/// How money, or access, is taken back.
package struct SimulatedRefund: Sendable {
    /// `REFUND_FULL`, `REFUND_PRORATED` or `FAMILY_REVOKE`.
    package enum Kind: String, CaseIterable, Sendable {
        /// Everything back.
        case full = "REFUND_FULL"
        /// A part back.
        case prorated = "REFUND_PRORATED"
        /// A family member loses access.
        case familyRevoke = "FAMILY_REVOKE"
    }

    /// Which of the three.
    package var kind: Kind
    /// Milli-percent; `nil`: 100000 for a full refund, 50000 for a prorated one, absent for a family revoke.
    package var percentage: Int64?
    /// 1: an issue in the app; 0: another reason.
    package var reason: Int64
    /// Milliseconds since 1970 UTC; `nil`: now.
    package var date: Int64?
    /// Whether restored copies, and the copies of family members, are taken back too, as the App Store does.
    package var reachesCopies: Bool

    /// A refund; the default is a full one, now.
    package init(
        kind: Kind = .full, percentage: Int64? = nil, reason: Int64 = 0, date: Int64? = nil, reachesCopies: Bool = true
    ) {
        self.kind = kind
        self.percentage = percentage
        self.reason = reason
        self.date = date
        self.reachesCopies = reachesCopies
    }
}
