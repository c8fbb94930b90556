package import PurchaseCore

/// One row of the export: one movement of money, with what Apple signed about its purchase; all of it append-only.
package struct PaidRecord: Hashable, Sendable {
    /// `<purchase>.<kind>.<generation>.<step>`, the same for ever.
    package var rowID: String
    /// What moved.
    package var kind: Movement.Kind
    /// originalPurchaseDate (auto-renewables: purchaseDate), revocationDate, or the reversal's signedDate.
    package var occurredAt: Instant
    /// When the ledger took it in.
    package var recordedAt: Instant
    /// Which store.
    package var environment: StoreEnvironment
    /// The app.
    package var bundleID: String?
    /// Apple's productId.
    package var productID: String?
    /// Apple's type.
    package var type: String?
    /// The transaction that the purchase's rows name.
    package var transactionID: String
    /// The first transaction of the chain.
    package var originalTransactionID: String
    /// Apple's webOrderLineItemId of an auto-renewable.
    package var webOrderLineItemID: String?
    /// Units that this row sells, refunds or gives back; 0 where it corrects an amount alone.
    package var quantity: Int64
    /// Thousandths of a currency unit, exact, negative for a refund; `nil` where Apple told no price.
    package var amountMilliunits: Int64?
    /// ISO 4217; `nil` where Apple told no price.
    package var currency: String?
    /// Apple's storefront, ISO 3166-1 alpha-3.
    package var storefront: String?
    /// Apple's offerType.
    package var offerType: Int64?
    /// Apple's revocationPercentage, thousandths of a percent; `nil` on rows that refund nothing.
    package var refundPercentage: Int64?

    /// The amount with its currency; `nil` where Apple told no price.
    package var money: Money? {
        amountMilliunits.flatMap { amount in currency.map { Money(milliunits: amount, currency: $0) } }
    }

    /// Takes what no row lacks; the rest is set afterwards.
    package init(
        rowID: String, kind: Movement.Kind, occurredAt: Instant, recordedAt: Instant, environment: StoreEnvironment,
        transactionID: String, originalTransactionID: String, quantity: Int64
    ) {
        self.rowID = rowID
        self.kind = kind
        self.occurredAt = occurredAt
        self.recordedAt = recordedAt
        self.environment = environment
        self.transactionID = transactionID
        self.originalTransactionID = originalTransactionID
        self.quantity = quantity
    }
}
