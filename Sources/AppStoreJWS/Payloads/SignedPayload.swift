package import PurchaseCore

/// The kinds of payload that Apple signs for the App Store, and that are read here.
package enum SignedPayloadKind: String, CaseIterable, Sendable {
    /// ``JWSTransactionDecodedPayload``.
    case transaction
    /// ``JWSRenewalInfoDecodedPayload``.
    case renewalInfo = "renewal_info"
    /// ``ResponseBodyV2DecodedPayload``.
    case notification
    /// ``AppTransaction``.
    case appTransaction = "app_transaction"

    /// The kind that a payload's own members show; `nil` for one that Apple has and we don't read.
    ///
    /// The kinds share their signing certificates, so a signature alone doesn't tell a renewal from a transaction.
    static func of(_ payload: JSONObject) -> SignedPayloadKind? {
        if payload["notificationType"] != nil { return .notification }
        if payload["transactionId"] != nil { return .transaction }
        if payload["receiptType"] != nil { return .appTransaction }
        if payload["autoRenewStatus"] != nil || payload["autoRenewProductId"] != nil { return .renewalInfo }
        return nil
    }
}

/// A payload that ``JWSVerifier`` can read once its signature has been checked.
package protocol SignedPayload: Sendable {
    /// The kind that it must show itself to be.
    static var kind: SignedPayloadKind { get }
    /// When it was signed: the instant at which its certificates must have been valid.
    var signedAt: Instant { get }
    /// The app that it says it is about, if it says so.
    var claimedBundleID: BundleID? { get }
    /// Apple's text for the environment that it says it is from, if it says so.
    var claimedEnvironment: String? { get }
    /// Paths of fields that were there and could not be read; each of them is `nil` in the payload.
    var oddFields: [String] { get }
}

/// How a payload is read; kept apart so that the parser's types stay inside the module.
protocol ReadablePayload: SignedPayload {
    /// Reads the fields leniently; fails with the codes `field_missing` and `field_unreadable` for those that decide.
    init(reading fields: inout FieldReader) throws(VerificationFailure)
}
