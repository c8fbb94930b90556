package import PurchaseCore

/// What Apple says about the next renewal of one subscription; evidence of its own, ordered by its own `signedDate`.
///
/// It names no app: the transaction that it came with, or the chain of its ``originalTransactionID``, does.
/// Source: JWSRenewalInfoDecodedPayload in the App Store Server API (1.21).
package struct JWSRenewalInfoDecodedPayload: SignedPayload, Equatable {
    /// The kind that the payload's members show.
    package static var kind: SignedPayloadKind { .renewalInfo }

    /// The subscription's first transaction.
    package var originalTransactionID: OriginalTransactionID
    /// The product of the current period.
    package var productID: ProductID?
    /// The product that renews next.
    package var autoRenewProductID: ProductID?
    /// 0 off, 1 on.
    package var autoRenewStatus: Int64?
    /// 1 cancelled, 2 billing error, 3 price rise refused, 4 product unavailable, 5 other.
    package var expirationIntent: Int64?
    /// Apple tries again to charge.
    package var isInBillingRetryPeriod: Bool?
    /// Until when the subscription is served unpaid; only while a grace period applies.
    package var gracePeriodExpiresDate: Instant?
    /// 0 no answer yet, 1 consented or informed.
    package var priceIncreaseStatus: Int64?
    /// When it renews next.
    package var renewalDate: Instant?
    /// Start of the current run, lapses under 60 days ignored.
    package var recentSubscriptionStartDate: Instant?
    /// When Apple signed this.
    package var signedDate: Instant
    /// Milliunits of the currency.
    package var renewalPrice: Int64?
    /// ISO 4217.
    package var currency: String?
    /// The next period's offer: 1 introductory, 2 promotional, 3 offer code, 4 win-back, or newer.
    package var offerType: Int64?
    /// The next period's offer.
    package var offerIdentifier: String?
    /// The next period's kind of discount.
    package var offerDiscountType: String?
    /// The next period's offer, ISO 8601 duration.
    package var offerPeriod: String?
    /// Win-back offers that the customer may take.
    package var eligibleWinBackOfferIDs: [String]?
    /// The app's own token; empty and all-zero are `nil`.
    ///
    /// Personal.
    package var appAccountToken: AppAccountToken?
    /// The customer's download of the app.
    ///
    /// Personal.
    package var appTransactionID: String?
    /// `Production`, `Sandbox`, or something that is not accepted.
    package var environment: String?
    /// `BILLED_UPFRONT`, `MONTHLY`, or newer.
    package var renewalBillingPlanType: String?
    /// The next commitment: JSON text as signed.
    package var commitmentInfo: String?
    /// Advanced Commerce data: JSON text as signed.
    package var advancedCommerceInfo: String?
    /// Paths of fields that were there and could not be read.
    package var oddFields: [String] = []

    /// A payload with the two fields that each has.
    package init(originalTransactionID: OriginalTransactionID, signedDate: Instant) {
        self.originalTransactionID = originalTransactionID
        self.signedDate = signedDate
    }

    /// When it was signed.
    package var signedAt: Instant { signedDate }
    /// It never names an app.
    package var claimedBundleID: BundleID? { nil }
    /// The environment that it is from.
    package var claimedEnvironment: String? { environment }
    /// The environment, when it is one that can be accepted.
    package var storeEnvironment: StoreEnvironment? { environment.flatMap(StoreEnvironment.init(rawValue:)) }
}

extension JWSRenewalInfoDecodedPayload: ReadablePayload {
    init(reading fields: inout FieldReader) throws(VerificationFailure) {
        guard let original = try fields.transactionID("originalTransactionId") else {
            throw VerificationFailure(.fieldMissing, "originalTransactionId is missing")
        }
        self.init(
            originalTransactionID: OriginalTransactionID(original.rawValue),
            signedDate: try fields.requiredInstant("signedDate"))
        productID = fields.identifier("productId")
        autoRenewProductID = fields.identifier("autoRenewProductId")
        autoRenewStatus = fields.integer("autoRenewStatus")
        expirationIntent = fields.integer("expirationIntent")
        isInBillingRetryPeriod = fields.flag("isInBillingRetryPeriod")
        gracePeriodExpiresDate = fields.instant("gracePeriodExpiresDate")
        priceIncreaseStatus = fields.integer("priceIncreaseStatus")
        renewalDate = fields.instant("renewalDate")
        recentSubscriptionStartDate = fields.instant("recentSubscriptionStartDate")
        renewalPrice = fields.integer("renewalPrice")
        currency = fields.text("currency")
        offerType = fields.integer("offerType")
        offerIdentifier = fields.text("offerIdentifier")
        offerDiscountType = fields.text("offerDiscountType")
        offerPeriod = fields.text("offerPeriod")
        eligibleWinBackOfferIDs = fields.texts("eligibleWinBackOfferIds")
        appAccountToken = fields.appAccountToken("appAccountToken")
        appTransactionID = fields.text("appTransactionId")
        environment = fields.text("environment")
        renewalBillingPlanType = fields.text("renewalBillingPlanType")
        commitmentInfo = fields.json("commitmentInfo")
        advancedCommerceInfo = fields.json("advancedCommerceInfo")
        oddFields = fields.odd
    }
}
