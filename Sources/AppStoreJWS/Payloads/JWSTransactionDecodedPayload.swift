package import PurchaseCore

/// One App Store transaction, with Apple's names and units; what Apple didn't send is `nil`, and values that Apple may
/// add to are kept as text or number.
///
/// Source: JWSTransactionDecodedPayload in the App Store Server API (1.21) and App Store Server Notifications.
package struct JWSTransactionDecodedPayload: SignedPayload, Equatable {
    /// The kind that the payload's members show.
    package static var kind: SignedPayloadKind { .transaction }

    /// This charge, renewal or restore.
    package var transactionID: TransactionID
    /// The first transaction of the chain.
    package var originalTransactionID: OriginalTransactionID?
    /// The chain's earlier id, after a migration.
    package var previousOriginalTransactionID: OriginalTransactionID?
    /// The billing event of an auto-renewable.
    package var webOrderLineItemID: WebOrderLineItemID?
    /// The customer's download of the app.
    ///
    /// Personal: never stored in append-only rows.
    package var appTransactionID: String?
    /// The app.
    ///
    /// A few old transactions lack it.
    package var bundleID: BundleID?
    /// The product.
    package var productID: ProductID?
    /// The subscription group of an auto-renewable.
    package var subscriptionGroupIdentifier: String?
    /// `Auto-Renewable Subscription`, `Non-Consumable`, `Consumable`, `Non-Renewing Subscription`, or newer.
    package var type: String?
    /// When this transaction was charged or restored.
    package var purchaseDate: Instant?
    /// When the original transaction was charged.
    package var originalPurchaseDate: Instant?
    /// End of the period of an auto-renewable.
    package var expiresDate: Instant?
    /// Units of a consumable.
    package var quantity: Int64?
    /// Milliunits of the currency, for the whole quantity, after discounts.
    package var price: Int64?
    /// ISO 4217; there with a price.
    package var currency: String?
    /// Three-letter country of the storefront.
    package var storefront: String?
    /// Apple's number of the storefront.
    package var storefrontID: String?
    /// The app's own token; empty and all-zero are `nil`.
    ///
    /// Personal: never stored in append-only rows.
    package var appAccountToken: AppAccountToken?
    /// Who paid; unknown values are kept.
    package var inAppOwnershipType: InAppOwnershipType?
    /// `PURCHASE`, `RENEWAL`, or newer.
    package var transactionReason: String?
    /// When it was refunded or its family sharing ended.
    ///
    /// Present means revoked; one that is there and can't be read makes the evidence invalid instead of `nil` here.
    package var revocationDate: Instant?
    /// 1: an issue in the app; 0: another reason.
    package var revocationReason: Int64?
    /// `REFUND_FULL`, `REFUND_PRORATED`, `FAMILY_REVOKE`, or newer.
    package var revocationType: String?
    /// Thousandths of a per cent: 67932 is 67.932 %.
    package var revocationPercentage: Int64?
    /// Superseded by an upgrade.
    package var isUpgraded: Bool?
    /// 1 introductory, 2 promotional, 3 offer code, 4 win-back, or newer.
    package var offerType: Int64?
    /// The offer's identifier or code.
    package var offerIdentifier: String?
    /// `FREE_TRIAL`, `PAY_AS_YOU_GO`, `PAY_UP_FRONT`, `ONE_TIME`, or newer.
    package var offerDiscountType: String?
    /// ISO 8601 duration.
    package var offerPeriod: String?
    /// `Production`, `Sandbox`, or something that is not accepted.
    package var environment: String?
    /// When Apple signed this; evidence is ordered by it.
    package var signedDate: Instant
    /// `BILLED_UPFRONT`, `MONTHLY`, or newer.
    package var billingPlanType: String?
    /// The commitment of a monthly-billed plan.
    package var commitmentInfo: TransactionCommitmentInfo?
    /// Advanced Commerce data: JSON text as signed, kept and not interpreted.
    package var advancedCommerceInfo: String?
    /// Paths of fields that were there and could not be read.
    package var oddFields: [String] = []

    /// A payload with the two fields that each has.
    package init(transactionID: TransactionID, signedDate: Instant) {
        self.transactionID = transactionID
        self.signedDate = signedDate
    }

    /// When it was signed.
    package var signedAt: Instant { signedDate }
    /// The app that it is about.
    package var claimedBundleID: BundleID? { bundleID }
    /// The environment that it is from.
    package var claimedEnvironment: String? { environment }
    /// The environment, when it is one that can be accepted.
    package var storeEnvironment: StoreEnvironment? { environment.flatMap(StoreEnvironment.init(rawValue:)) }
}

/// The commitment of a subscription that is billed in instalments.
package struct TransactionCommitmentInfo: Equatable, Sendable {
    /// Number of this billing period, from 1.
    package var billingPeriodNumber: Int64?
    /// Billing periods of the commitment.
    package var totalBillingPeriods: Int64?
    /// Price of the whole commitment, in milliunits.
    package var commitmentPrice: Int64?
    /// End of the commitment.
    package var commitmentExpiresDate: Instant?

    /// Nothing yet.
    package init() {}
}

extension JWSTransactionDecodedPayload: ReadablePayload {
    init(reading fields: inout FieldReader) throws(VerificationFailure) {
        guard let transactionID = try fields.transactionID("transactionId") else {
            throw VerificationFailure(.fieldMissing, "transactionId is missing")
        }
        self.init(transactionID: transactionID, signedDate: try fields.requiredInstant("signedDate"))
        originalTransactionID = try fields.transactionID("originalTransactionId").map {
            OriginalTransactionID($0.rawValue)
        }
        revocationDate = try fields.decidingInstant("revocationDate")
        previousOriginalTransactionID = fields.identifier("previousOriginalTransactionId")
        webOrderLineItemID = fields.identifier("webOrderLineItemId")
        appTransactionID = fields.text("appTransactionId")
        bundleID = fields.identifier("bundleId")
        productID = fields.identifier("productId")
        subscriptionGroupIdentifier = fields.text("subscriptionGroupIdentifier")
        type = fields.text("type")
        purchaseDate = fields.instant("purchaseDate")
        originalPurchaseDate = fields.instant("originalPurchaseDate")
        expiresDate = fields.instant("expiresDate")
        quantity = fields.integer("quantity")
        price = fields.integer("price")
        currency = fields.text("currency")
        storefront = fields.text("storefront")
        storefrontID = fields.text("storefrontId")
        appAccountToken = fields.appAccountToken("appAccountToken")
        inAppOwnershipType = fields.text("inAppOwnershipType").map(InAppOwnershipType.init(appleValue:))
        transactionReason = fields.text("transactionReason")
        revocationReason = fields.integer("revocationReason")
        revocationType = fields.text("revocationType")
        revocationPercentage = fields.integer("revocationPercentage")
        isUpgraded = fields.flag("isUpgraded")
        offerType = fields.integer("offerType")
        offerIdentifier = fields.text("offerIdentifier")
        offerDiscountType = fields.text("offerDiscountType")
        offerPeriod = fields.text("offerPeriod")
        environment = fields.text("environment")
        billingPlanType = fields.text("billingPlanType")
        commitmentInfo = fields.nested("commitmentInfo") { fields in
            var content = TransactionCommitmentInfo()
            content.billingPeriodNumber = fields.integer("billingPeriodNumber")
            content.totalBillingPeriods = fields.integer("totalBillingPeriods")
            content.commitmentPrice = fields.integer("commitmentPrice")
            content.commitmentExpiresDate = fields.instant("commitmentExpiresDate")
            return content
        }
        advancedCommerceInfo = fields.json("advancedCommerceInfo")
        oddFields = fields.odd
    }
}
