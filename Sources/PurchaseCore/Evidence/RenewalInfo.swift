/// What a verified renewal payload says, as far as decisions use it (Apple's JWSRenewalInfoDecodedPayload).
///
/// Never appAccountToken or appTransactionId, as in ``TransactionFacts``. All dates are milliseconds since 1970.
package struct RenewalFacts: Hashable, Codable, Sendable {
    /// The subscription.
    package var originalTransactionID: OriginalTransactionID
    /// The store that signed.
    package var environment: StoreEnvironment
    /// The product of the current period.
    package var productID: ProductID?
    /// The product that renews next.
    package var autoRenewProductID: ProductID?
    /// 0 off, 1 on; `nil` when Apple left it out.
    package var autoRenewStatus: Int64?
    /// 1 cancelled, 2 billing error, 3 price rise refused, 4 product unavailable, 5 other; only of what has expired.
    package var expirationIntent: Int64?
    /// Apple tries again to charge.
    package var isInBillingRetryPeriod: Bool
    /// Until when the subscription is served unpaid; only while a grace period applies.
    package var gracePeriodExpiresDate: Instant?
    /// 0 no answer yet, 1 consented or informed.
    package var priceIncreaseStatus: Int64?
    /// When it renews next.
    package var renewalDate: Instant?
    /// When Apple signed; the order of renewal infos.
    package var signedDate: Instant

    /// Apple's own spelling, since this is how the append-only row keeps them.
    private enum CodingKeys: String, CodingKey {
        case originalTransactionID = "originalTransactionId"
        case environment
        case productID = "productId"
        case autoRenewProductID = "autoRenewProductId"
        case autoRenewStatus, expirationIntent, isInBillingRetryPeriod, gracePeriodExpiresDate, priceIncreaseStatus
        case renewalDate, signedDate
    }

    /// Facts with what every renewal info carries; the rest is set afterwards.
    package init(originalTransactionID: OriginalTransactionID, environment: StoreEnvironment, signedDate: Instant) {
        self.originalTransactionID = originalTransactionID
        self.environment = environment
        self.signedDate = signedDate
        self.isInBillingRetryPeriod = false
    }

    /// Whether Apple means to renew: auto-renewal is on, and the subscription has not lapsed.
    ///
    /// What Apple left out counts as on: access must not end on a missing field.
    package var willRenew: Bool { autoRenewStatus != 0 && expirationIntent == nil && !isInBillingRetryPeriod }
}

/// One verified renewal info and how it came: evidence of its own, which says nothing about money or states.
package struct RenewalInfo: Hashable, Codable, Sendable {
    /// Digest and source.
    package let id: EvidenceID
    /// What it says.
    package let facts: RenewalFacts
    /// When we first saw it.
    package let seenAt: Instant

    /// Takes facts of a payload whose signature has been verified.
    package init(id: EvidenceID, facts: RenewalFacts, seenAt: Instant) {
        self.id = id
        self.facts = facts
        self.seenAt = seenAt
    }

    /// By signedDate, then by digest: a total order, so that every order of arrival ends with the same one.
    ///
    /// The same JWS from another source is the same.
    package static func precedes(_ left: Self, _ right: Self) -> Bool {
        (left.facts.signedDate, left.id.sha256) < (right.facts.signedDate, right.id.sha256)
    }
}
