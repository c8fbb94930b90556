/// What is known of a transaction; see `docs/state_machine.md` for the generated table of transitions.
package enum PurchaseState: Hashable, Sendable {
    /// The id is recorded and nothing is known yet. Leaves on Apple's first word.
    case received
    /// A purchase may exist, but a needed fact is missing. Leaves when the fact comes.
    case pending(PendingReason)
    /// The deciding evidence shows a purchase of this app, ownership known, not revoked. Leaves only on a refund.
    case paid(PaidReason, deciding: EvidenceID)
    /// The deciding evidence carries a revocationDate. Leaves only on a counted reversal.
    case refunded(RefundedReason, deciding: EvidenceID)

    /// The state's name alone: `received`, `pending`, `paid` or `refunded`.
    package var name: Name {
        switch self {
        case .received: .received
        case .pending: .pending
        case .paid: .paid
        case .refunded: .refunded
        }
    }

    /// The stable code of the reason.
    package var reasonCode: String {
        switch self {
        case .received: "new"
        case .pending(let reason): reason.rawValue
        case .paid(let reason, _): reason.rawValue
        case .refunded(let reason, _): reason.rawValue
        }
    }

    /// The evidence that decides; `nil` while unsettled.
    package var deciding: EvidenceID? {
        switch self {
        case .received, .pending: nil
        case .paid(_, let deciding), .refunded(_, let deciding): deciding
        }
    }

    /// Whether Apple's word is in: `paid` or `refunded`.
    package var isSettled: Bool { deciding != nil }

    /// The four names.
    package enum Name: String, Hashable, Codable, Sendable, CaseIterable {
        /// See ``PurchaseState/received``.
        case received
        /// See ``PurchaseState/pending(_:)``.
        case pending
        /// See ``PurchaseState/paid(_:deciding:)``.
        case paid
        /// See ``PurchaseState/refunded(_:deciding:)``.
        case refunded
    }
}

/// Which fact is missing.
package enum PendingReason: String, Hashable, Codable, Sendable, CaseIterable {
    /// Apple could not be asked, or answered with a fault of its own.
    case appStoreUnavailable = "app_store_unavailable"
    /// Apple, or our own budget, said: later.
    case appStoreThrottled = "app_store_throttled"
    /// An answer from the store's host did not verify, was malformed, or was about another id.
    case appStoreAnswerRefused = "app_store_answer_refused"
    /// Apple does not know the id yet.
    case notFoundYet = "not_found_yet"
    /// The signature holds, but OCSP could not be asked, or our clock disagrees.
    case verificationUnavailable = "verification_unavailable"
    /// Apple answered 401: wrong key, or an app without a production release.
    case environmentUndetermined = "environment_undetermined"
    /// inAppOwnershipType is absent or unknown.
    case ownershipUnconfirmed = "ownership_unconfirmed"
    /// Only the device vouches so far, and its word may be from before a refund.
    case revocationUnconfirmed = "revocation_unconfirmed"
    /// The product's settlement hold is running.
    case settlementHold = "settlement_hold"
}

/// How it came to be paid.
package enum PaidReason: String, Hashable, Codable, Sendable, CaseIterable {
    /// No refund is known.
    case confirmed
    /// A refund is known and was undone.
    case refundReversed = "refund_reversed"
}

/// What kind of refund.
package enum RefundedReason: String, Hashable, Codable, Sendable, CaseIterable {
    /// REFUND_FULL.
    case full = "refund_full"
    /// REFUND_PRORATED.
    case prorated = "refund_prorated"
    /// FAMILY_REVOKE.
    case familyRevoke = "family_revoke"
    /// No revocationType (before App Store Server API 1.19), or one unknown to this version.
    case unspecified = "refund"

    /// Reads Apple's revocationType.
    package init(revocationType: String?) {
        switch revocationType {
        case "REFUND_FULL": self = .full
        case "REFUND_PRORATED": self = .prorated
        case "FAMILY_REVOKE": self = .familyRevoke
        default: self = .unspecified
        }
    }
}

/// Why a transaction is not pursued; it stays in its state.
package enum TransactionRefusal: String, Hashable, Codable, Sendable, CaseIterable {
    /// A genuine purchase of another app.
    case bundleMismatch = "bundle_mismatch"
    /// A genuine purchase in a store that this deployment does not accept.
    case environmentNotAllowed = "environment_not_allowed"
    /// Apple knew nothing of the id up to the deadline.
    case notFound = "not_found"
}

extension PurchaseState: Codable {
    private enum Key: String, CodingKey { case name, reason, deciding }

    /// Reads `{name, reason, deciding?}`, the form in which events keep it.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        switch try container.decode(Name.self, forKey: .name) {
        case .received:
            self = .received
        case .pending:
            self = .pending(try container.decode(PendingReason.self, forKey: .reason))
        case .paid:
            self = .paid(
                try container.decode(PaidReason.self, forKey: .reason),
                deciding: try container.decode(EvidenceID.self, forKey: .deciding))
        case .refunded:
            self = .refunded(
                try container.decode(RefundedReason.self, forKey: .reason),
                deciding: try container.decode(EvidenceID.self, forKey: .deciding))
        }
    }

    /// Writes `{name, reason, deciding?}`.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(name, forKey: .name)
        try container.encode(reasonCode, forKey: .reason)
        try container.encodeIfPresent(deciding, forKey: .deciding)
    }
}
