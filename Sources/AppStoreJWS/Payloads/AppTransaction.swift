package import PurchaseCore

/// One customer's download of the app.
///
/// Its `receiptCreationDate` takes the place of a signedDate.
///
/// Source: AppTransaction / signedAppTransactionInfo in the App Store Server API (1.17).
package struct AppTransaction: SignedPayload, Equatable {
    /// The kind that the payload's members show.
    package static var kind: SignedPayloadKind { .appTransaction }

    /// The environment, under its name in receipts: `Production`, `Sandbox`, or something that is not accepted.
    package var receiptType: String?
    /// The app's number in the store; absent in the sandbox.
    package var appAppleID: Int64?
    /// The app.
    package var bundleID: BundleID?
    /// The app's version.
    package var applicationVersion: String?
    /// Apple's number of the app's version.
    package var versionExternalIdentifier: Int64?
    /// When Apple signed this.
    package var receiptCreationDate: Instant
    /// When the customer first downloaded or bought the app.
    package var originalPurchaseDate: Instant?
    /// The version that was first downloaded.
    package var originalApplicationVersion: String?
    /// `iOS`, `macOS`, `tvOS`, `visionOS`, or newer.
    package var originalPlatform: String?
    /// When the app was pre-ordered.
    package var preorderDate: Instant?
    /// The customer's download.
    ///
    /// Personal.
    package var appTransactionID: String?
    /// Binds a device's copy to the device; absent in what the server sends.
    package var deviceVerification: String?
    /// The nonce of ``deviceVerification``.
    package var deviceVerificationNonce: String?
    /// Paths of fields that were there and could not be read.
    package var oddFields: [String] = []

    /// A payload with the field that each has.
    package init(receiptCreationDate: Instant) { self.receiptCreationDate = receiptCreationDate }

    /// When it was signed.
    package var signedAt: Instant { receiptCreationDate }
    /// The app that it is about.
    package var claimedBundleID: BundleID? { bundleID }
    /// The environment that it is from.
    package var claimedEnvironment: String? { receiptType }
    /// The environment, when it is one that can be accepted.
    package var storeEnvironment: StoreEnvironment? { receiptType.flatMap(StoreEnvironment.init(rawValue:)) }
}

extension AppTransaction: ReadablePayload {
    init(reading fields: inout FieldReader) throws(VerificationFailure) {
        self.init(receiptCreationDate: try fields.requiredInstant("receiptCreationDate"))
        receiptType = fields.text("receiptType")
        appAppleID = fields.integer("appAppleId")
        bundleID = fields.identifier("bundleId")
        applicationVersion = fields.text("applicationVersion")
        versionExternalIdentifier = fields.integer("versionExternalIdentifier")
        originalPurchaseDate = fields.instant("originalPurchaseDate")
        originalApplicationVersion = fields.text("originalApplicationVersion")
        originalPlatform = fields.text("originalPlatform")
        preorderDate = fields.instant("preorderDate")
        appTransactionID = fields.text("appTransactionId")
        deviceVerification = fields.text("deviceVerification")
        deviceVerificationNonce = fields.text("deviceVerificationNonce")
        oddFields = fields.odd
    }
}
