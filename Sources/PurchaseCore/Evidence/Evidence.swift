/// Where a signed payload reached us from.
package enum EvidenceSource: String, Hashable, Comparable, Codable, Sendable, CaseIterable {
    /// Get Transaction Info, asked by us.
    case appStore = "app_store"
    /// An App Store Server Notification.
    case notification
    /// Transaction History or Notification History, asked by us.
    case history
    /// The customer's device handed it in: genuine, but possibly old.
    case device

    /// Whether evidence of this source may decide a state.
    ///
    /// The device's may not: it can hold a JWS from before a refund.
    package var isAuthoritative: Bool {
        switch self {
        case .appStore, .notification, .history: true
        case .device: false
        }
    }

    /// Order of the names; a total order for determinism, with no meaning of its own.
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Names one item of evidence: the JWS and the way it came.
package struct EvidenceID: Hashable, Comparable, Codable, Sendable {
    /// SHA-256 of the verbatim JWS, 64 lower-case hexadecimal digits.
    package let sha256: String
    /// Where it came from.
    ///
    /// The same JWS from the device and from Apple are two items: only one of them counts.
    package let source: EvidenceSource

    /// Takes a digest of 64 lower-case hexadecimal digits.
    package init(sha256: String, source: EvidenceSource) {
        self.sha256 = sha256
        self.source = source
    }

    /// By digest, then by source.
    package static func < (left: Self, right: Self) -> Bool {
        (left.sha256, left.source) < (right.sha256, right.source)
    }
}

/// What a verified transaction payload says, as far as decisions use it (Apple's JWSTransactionDecodedPayload).
///
/// Never appAccountToken or appTransactionId: these name a person and live where they can be erased. All dates are
/// milliseconds since 1970; `price` is milliunits for the whole quantity.
package struct TransactionFacts: Hashable, Codable, Sendable {
    /// Apple's transactionId.
    package var transactionID: TransactionID
    /// Apple's originalTransactionId.
    package var originalTransactionID: OriginalTransactionID
    /// Present for auto-renewable subscriptions.
    package var webOrderLineItemID: WebOrderLineItemID?
    /// Absent in rare old transactions; then nothing shows that the purchase is this app's.
    package var bundleID: BundleID?
    /// Apple's productId.
    package var productID: ProductID?
    /// Apple's `type`.
    package var type: ProductType?
    /// The store that signed.
    package var environment: StoreEnvironment
    /// Absent or unknown: ownership is not confirmed.
    package var inAppOwnershipType: InAppOwnershipType?
    /// When this charge or restore happened.
    package var purchaseDate: Instant?
    /// When the original transaction happened.
    package var originalPurchaseDate: Instant?
    /// End of the paid period of an auto-renewable.
    package var expiresDate: Instant?
    /// Units of a consumable; Apple's default is 1.
    package var quantity: Int64
    /// Milliunits of `currency`, total for the quantity, net of offers.
    package var price: Int64?
    /// ISO 4217.
    package var currency: String?
    /// ISO 3166 alpha-3.
    package var storefront: String?
    /// Apple's offerType, 1–4 today.
    package var offerType: Int64?
    /// Present exactly when refunded or revoked.
    package var revocationDate: Instant?
    /// 0 or 1 today.
    package var revocationReason: Int64?
    /// REFUND_FULL, REFUND_PRORATED, FAMILY_REVOKE, or a later value.
    package var revocationType: String?
    /// Thousandths of a percent, 0–100000.
    package var revocationPercentage: Int64?
    /// Superseded by an upgrade within the subscription group.
    package var isUpgraded: Bool
    /// When Apple signed; the order of evidence.
    package var signedDate: Instant

    /// Apple's own spelling, since this is how the append-only row keeps them.
    private enum CodingKeys: String, CodingKey {
        case transactionID = "transactionId"
        case originalTransactionID = "originalTransactionId"
        case webOrderLineItemID = "webOrderLineItemId"
        case bundleID = "bundleId"
        case productID = "productId"
        case type, environment, inAppOwnershipType, purchaseDate, originalPurchaseDate, expiresDate, quantity, price
        case currency, storefront, offerType, revocationDate, revocationReason, revocationType, revocationPercentage
        case isUpgraded, signedDate
    }

    /// Facts with what every App Store transaction carries; the rest is set afterwards.
    package init(
        transactionID: TransactionID, originalTransactionID: OriginalTransactionID, environment: StoreEnvironment,
        signedDate: Instant
    ) {
        self.transactionID = transactionID
        self.originalTransactionID = originalTransactionID
        self.environment = environment
        self.signedDate = signedDate
        self.quantity = 1
        self.isUpgraded = false
    }

    /// Whether the payload says that the purchase was refunded or revoked.
    package var isRevoked: Bool { revocationDate != nil }

    /// The charge; `nil` unless price and currency are known and can be one: not negative, three letters.
    package var charge: Money? {
        guard let price, price >= 0, let currency, currency.utf8.count == 3,
            currency.utf8.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) })
        else { return nil }
        return Money(milliunits: price, currency: currency)
    }
}

/// One verified payload and how it came.
package struct Evidence: Hashable, Codable, Sendable {
    /// Digest and source.
    package let id: EvidenceID
    /// What it says.
    package let facts: TransactionFacts
    /// Apple's notificationType when it came inside a notification.
    package let notificationType: String?
    /// When we first saw it.
    package let seenAt: Instant

    /// Takes facts of a payload whose signature has been verified.
    package init(id: EvidenceID, facts: TransactionFacts, notificationType: String? = nil, seenAt: Instant) {
        self.id = id
        self.facts = facts
        self.notificationType = notificationType
        self.seenAt = seenAt
    }
}
