import PurchaseCore

/// What a state with its reason means, for support.
enum StandingSentence: String, PhraseKind {
    case received
    case appStoreUnavailable = "app_store_unavailable"
    case appStoreThrottled = "app_store_throttled"
    case appStoreAnswerRefused = "app_store_answer_refused"
    case notFoundYet = "not_found_yet"
    case verificationUnavailable = "verification_unavailable"
    case environmentUndetermined = "environment_undetermined"
    case ownershipUnconfirmed = "ownership_unconfirmed"
    case revocationUnconfirmed = "revocation_unconfirmed"
    case settlementHold = "settlement_hold"
    case confirmed
    case refundReversed = "refund_reversed"
    case refundFull = "refund_full"
    case refundProrated = "refund_prorated"
    case familyRevoke = "family_revoke"
    case refund

    static let group = "state"

    init(_ standing: Situation.Standing) {
        switch standing {
        case .received: self = .received
        case .pending(.appStoreUnavailable): self = .appStoreUnavailable
        case .pending(.appStoreThrottled): self = .appStoreThrottled
        case .pending(.appStoreAnswerRefused): self = .appStoreAnswerRefused
        case .pending(.notFoundYet): self = .notFoundYet
        case .pending(.verificationUnavailable): self = .verificationUnavailable
        case .pending(.environmentUndetermined): self = .environmentUndetermined
        case .pending(.ownershipUnconfirmed): self = .ownershipUnconfirmed
        case .pending(.revocationUnconfirmed): self = .revocationUnconfirmed
        case .pending(.settlementHold): self = .settlementHold
        case .paid(.confirmed): self = .confirmed
        case .paid(.refundReversed): self = .refundReversed
        case .refunded(.full): self = .refundFull
        case .refunded(.prorated): self = .refundProrated
        case .refunded(.familyRevoke): self = .familyRevoke
        case .refunded(.unspecified): self = .refund
        }
    }

    var template: String {
        switch self {
        case .received: "The transaction id is recorded. Apple has not been heard about it yet."
        case .appStoreUnavailable: "Apple could not be reached, or answered with a fault of its own."
        case .appStoreThrottled: "Apple, or our own limit on requests to Apple, said: later."
        case .appStoreAnswerRefused:
            "Something came from Apple's address that Apple did not sign like this, or that is about another transaction. Operators have been alarmed."
        case .notFoundYet:
            "Apple says that it does not know the transaction. Fresh purchases can take minutes to appear."
        case .verificationUnavailable:
            "Apple's signature is good, but whether its certificate was revoked could not be asked, or our clock is wrong."
        case .environmentUndetermined:
            "Apple does not accept our key, or the app has no release in the App Store yet. Operators have been alarmed."
        case .ownershipUnconfirmed:
            "Apple has not said whether the customer bought it or shares it with a family member."
        case .revocationUnconfirmed:
            "Only the customer's device vouches for it so far, and what it holds may be older than a refund."
        case .settlementHold: "The product has a waiting period, and it is running."
        case .confirmed: "Apple's signed record shows the purchase, and no refund."
        case .refundReversed: "Apple refunded it and took the refund back."
        case .refundFull: "Apple refunded the whole price."
        case .refundProrated: "Apple refunded a part of the price."
        case .familyRevoke: "The family member who bought it shares it no longer."
        case .refund: "Apple refunded or revoked it, without saying how much."
        }
    }
}

extension TransactionRefusal: PhraseKind {
    static let group = "refusal"

    var template: String {
        switch self {
        case .bundleMismatch: "It is a genuine purchase of another app, so it is not pursued here."
        case .environmentNotAllowed: "It is a genuine purchase in a store that this installation does not accept."
        case .notFound: "Apple said again and again, until the deadline, that it does not know the transaction."
        }
    }
}

extension EntitlementReason: PhraseKind {
    static let group = "entitlement"

    var template: String {
        switch self {
        case .paid: "It is paid, and its account may use it."
        case .gracePeriod: "The renewal is not paid yet; Apple asks for access to go on during the grace period."
        case .renewalUnconfirmed: "The renewal is due and Apple cannot be asked; access goes on for a short time."
        case .proratedKeep: "It was refunded in part, and the product keeps access then."
        case .override: "A person of support gave access."
        case .withheld: "A person of support withholds access, whatever was bought."
        case .notPaid: "It is not paid, or not yet, so nobody may use it."
        case .refused: "It is refused, so nobody may use it."
        case .refunded: "It was refunded, so nobody may use it."
        case .expired: "Its time is over."
        case .upgraded: "The customer changed to another subscription, which counts in its place."
        case .unclaimed: "The account that is looked at does not hold it, or none does."
        case .sandboxAccountNotListed: "It is a test purchase, and its account is not listed for those."
        case .ownershipNotAllowed: "It is shared by a family member, and the product does not allow that."
        case .productUnknown: "The catalogue does not list the product, so it is not known what it unlocks."
        }
    }
}

extension Claim.Status: PhraseKind {
    static let group = "claim"

    var template: String {
        switch self {
        case .waiting: "The account has said that it is its own; that is decided when Apple's word is in."
        case .held: "The account holds the purchase, with its renewals and restores."
        case .refused: "The purchase was made for another account, as its appAccountToken shows."
        case .conflict: "Another account holds the purchase; support decides in a case, or has done so."
        }
    }
}
