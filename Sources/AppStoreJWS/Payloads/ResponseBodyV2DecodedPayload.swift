package import PurchaseCore

/// A notification's envelope.
///
/// The JWS inside are signed on their own and are **not** verified with it: hand each to its own method of
/// ``JWSVerifier`` before using it.
///
/// Source: responseBodyV2DecodedPayload in App Store Server Notifications V2. Unknown types are kept as text.
package struct ResponseBodyV2DecodedPayload: SignedPayload, Equatable {
    /// The kind that the payload's members show.
    package static var kind: SignedPayloadKind { .notification }

    /// What happened, such as `REFUND`; unknown values are kept.
    package var notificationType: String
    /// The detail of ``notificationType``.
    package var subtype: String?
    /// The same in each retry of one notification; 1–128 bytes.
    package var notificationUUID: String
    /// `2.0`.
    package var version: String?
    /// When Apple signed the envelope.
    ///
    /// Its inner JWS have their own dates.
    package var signedDate: Instant
    /// The usual content.
    package var data: NotificationData?
    /// Content of a mass renewal extension's end.
    package var summary: NotificationSummary?
    /// Content about external purchases.
    package var externalPurchaseToken: NotificationExternalPurchaseToken?
    /// Content about the app itself, such as a guardian's withdrawn consent.
    package var appData: NotificationAppData?
    /// Paths of fields that were there and could not be read.
    package var oddFields: [String] = []

    /// An envelope with the three fields that each has.
    package init(notificationType: String, notificationUUID: String, signedDate: Instant) {
        self.notificationType = notificationType
        self.notificationUUID = notificationUUID
        self.signedDate = signedDate
    }

    /// When it was signed.
    package var signedAt: Instant { signedDate }
    /// The app, from whichever content there is.
    package var claimedBundleID: BundleID? {
        data?.bundleID ?? summary?.bundleID ?? externalPurchaseToken?.bundleID ?? appData?.bundleID
    }
    /// The environment, from whichever content there is.
    ///
    /// External purchase tokens have none: theirs follows from the prefix of their id, by Apple's rule.
    package var claimedEnvironment: String? {
        data?.environment ?? summary?.environment ?? appData?.environment ?? externalPurchaseToken?.environment
    }
    /// The environment, when it is one that can be accepted.
    package var storeEnvironment: StoreEnvironment? { claimedEnvironment.flatMap(StoreEnvironment.init(rawValue:)) }
    /// The app's number in the store, from whichever content there is; sandbox notifications may lack it.
    package var appAppleID: Int64? {
        data?.appAppleID ?? summary?.appAppleID ?? externalPurchaseToken?.appAppleID ?? appData?.appAppleID
    }
}

/// The usual content of a notification.
package struct NotificationData: Equatable, Sendable {
    /// Apple's text.
    package var environment: String?
    /// The app's number in the store.
    package var appAppleID: Int64?
    /// The app.
    package var bundleID: BundleID?
    /// The app's build.
    package var bundleVersion: String?
    /// A transaction's JWS, not verified.
    package var signedTransactionInfo: String?
    /// A renewal's JWS, not verified.
    package var signedRenewalInfo: String?
    /// 1 active, 2 expired, 3 billing retry, 4 grace, 5 revoked, or newer.
    package var status: Int64?
    /// Why a refund was asked for.
    package var consumptionRequestReason: String?

    /// Nothing yet.
    package init() {}
}

/// The end of a mass renewal extension.
package struct NotificationSummary: Equatable, Sendable {
    /// Apple's text.
    package var environment: String?
    /// The app's number in the store.
    package var appAppleID: Int64?
    /// The app.
    package var bundleID: BundleID?
    /// The product whose subscriptions were extended.
    package var productID: ProductID?
    /// The request that asked for it.
    package var requestIdentifier: String?
    /// Storefronts it was asked for.
    package var storefrontCountryCodes: [String]?
    /// Subscriptions that were extended.
    package var succeededCount: Int64?
    /// Subscriptions that were not.
    package var failedCount: Int64?

    /// Nothing yet.
    package init() {}
}

/// A token of an external purchase.
package struct NotificationExternalPurchaseToken: Equatable, Sendable {
    /// The token's id; `SANDBOX…` in the sandbox.
    package var externalPurchaseID: String?
    /// When the token was made.
    package var tokenCreationDate: Instant?
    /// When a custom link's token ends.
    package var tokenExpirationDate: Instant?
    /// `SERVICES`, `ACQUISITION`, or newer.
    package var tokenType: String?
    /// The app's number in the store.
    package var appAppleID: Int64?
    /// The app.
    package var bundleID: BundleID?

    /// The environment by Apple's rule.
    package var environment: String? {
        externalPurchaseID.map { ($0.hasPrefix("SANDBOX") ? StoreEnvironment.sandbox : .production).rawValue }
    }

    /// Nothing yet.
    package init() {}
}

/// Content about the app itself.
package struct NotificationAppData: Equatable, Sendable {
    /// Apple's text.
    package var environment: String?
    /// The app's number in the store.
    package var appAppleID: Int64?
    /// The app.
    package var bundleID: BundleID?
    /// An app transaction's JWS, not verified.
    package var signedAppTransactionInfo: String?

    /// Nothing yet.
    package init() {}
}

extension ResponseBodyV2DecodedPayload: ReadablePayload {
    /// Bytes of a notificationUUID; Apple's has 36.
    private static let uuidBytesMax = 128

    init(reading fields: inout FieldReader) throws(VerificationFailure) {
        guard let type = fields.text("notificationType"), !type.isEmpty else {
            throw VerificationFailure(.fieldMissing, "notificationType is missing")
        }
        guard let uuid = fields.text("notificationUUID"), (1...Self.uuidBytesMax).contains(uuid.utf8.count) else {
            throw VerificationFailure(.fieldMissing, "notificationUUID is missing")
        }
        self.init(
            notificationType: type, notificationUUID: uuid, signedDate: try fields.requiredInstant("signedDate"))
        subtype = fields.text("subtype")
        version = fields.text("version")
        data = fields.nested("data") { fields in
            var content = NotificationData()
            content.environment = fields.text("environment")
            content.appAppleID = fields.integer("appAppleId")
            content.bundleID = fields.identifier("bundleId")
            content.bundleVersion = fields.text("bundleVersion")
            content.signedTransactionInfo = fields.jws("signedTransactionInfo")
            content.signedRenewalInfo = fields.jws("signedRenewalInfo")
            content.status = fields.integer("status")
            content.consumptionRequestReason = fields.text("consumptionRequestReason")
            return content
        }
        summary = fields.nested("summary") { fields in
            var content = NotificationSummary()
            content.environment = fields.text("environment")
            content.appAppleID = fields.integer("appAppleId")
            content.bundleID = fields.identifier("bundleId")
            content.productID = fields.identifier("productId")
            content.requestIdentifier = fields.text("requestIdentifier")
            content.storefrontCountryCodes = fields.texts("storefrontCountryCodes")
            content.succeededCount = fields.integer("succeededCount")
            content.failedCount = fields.integer("failedCount")
            return content
        }
        externalPurchaseToken = fields.nested("externalPurchaseToken") { fields in
            var content = NotificationExternalPurchaseToken()
            content.externalPurchaseID = fields.text("externalPurchaseId")
            content.tokenCreationDate = fields.instant("tokenCreationDate")
            content.tokenExpirationDate = fields.instant("tokenExpirationDate")
            content.tokenType = fields.text("tokenType")
            content.appAppleID = fields.integer("appAppleId")
            content.bundleID = fields.identifier("bundleId")
            return content
        }
        appData = fields.nested("appData") { fields in
            var content = NotificationAppData()
            content.environment = fields.text("environment")
            content.appAppleID = fields.integer("appAppleId")
            content.bundleID = fields.identifier("bundleId")
            content.signedAppTransactionInfo = fields.jws("signedAppTransactionInfo")
            return content
        }
        oddFields = fields.odd
    }
}
