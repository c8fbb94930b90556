import PurchaseCore

/// One sentence for each code that an API answer, an event or an export can show.
///
/// The switches are exhaustive, so a new code doesn't compile without its sentence.
enum Vocabulary {
    static let reasons: [(state: String, code: String, sentence: String)] =
        [("received", PurchaseState.received.reasonCode, "The id is recorded; Apple has not been heard yet.")]
        + PendingReason.allCases.map { ("pending", $0.rawValue, sentence(for: $0)) }
        + PaidReason.allCases.map { ("paid", $0.rawValue, sentence(for: $0)) }
        + RefundedReason.allCases.map { ("refunded", $0.rawValue, sentence(for: $0)) }

    static func sentence(for reason: PendingReason) -> String {
        switch reason {
        case .appStoreUnavailable: "Apple could not be asked, or answered with a fault of its own."
        case .appStoreThrottled: "Apple, or our own request budget, said: later."
        case .appStoreAnswerRefused:
            "The answer from the store's host did not verify, was malformed, or was about another id."
        case .notFoundYet: "Apple does not know the id yet; fresh purchases can take minutes to appear."
        case .verificationUnavailable:
            "The signature holds, but the revocation check could not be made, or our clock disagrees."
        case .environmentUndetermined: "Apple answered 401: a wrong key, or an app without a production release."
        case .ownershipUnconfirmed:
            "Apple's evidence does not say, in a known value, how the customer owns the product."
        case .revocationUnconfirmed: "Only the device vouches so far, and its word may be from before a refund."
        case .settlementHold: "The product's settlement hold is running; Apple is asked again at its end."
        }
    }

    static func sentence(for reason: PaidReason) -> String {
        switch reason {
        case .confirmed: "Apple's evidence shows the purchase, and no refund is known."
        case .refundReversed: "A refund is known, and Apple's word that it was undone counts."
        }
    }

    static func sentence(for reason: RefundedReason) -> String {
        switch reason {
        case .full: "Apple refunded the whole price."
        case .prorated: "Apple refunded a part; the product's rule says whether access stays."
        case .familyRevoke: "The family member lost access to what another member bought."
        case .unspecified: "Apple's evidence carries a revocationDate and no kind that this version knows."
        }
    }

    static func sentence(for refusal: TransactionRefusal) -> String {
        switch refusal {
        case .bundleMismatch:
            "A genuine purchase of another app. Lifted by authoritative evidence of this app's, or a corrected setting."
        case .environmentNotAllowed:
            "A genuine purchase in a store that this deployment does not accept. Lifted by a corrected setting."
        case .notFound:
            "Every allowed store said at least \(RecheckSchedule.notFoundAnswersMin) times, up to the deadline, that it doesn't know the id. Lifted by a new post, by authoritative evidence, or by allowing another store."
        }
    }

    static func sentence(for block: EntitlementBlock) -> String {
        switch block {
        case .sandboxAccountNotListed: "A sandbox purchase of an account that is not listed in VOUCH_SANDBOX_ACCOUNTS."
        case .ownershipNotAllowed: "A family share of a product that does not entitle family members."
        case .productUnknown: "The catalogue is strict and does not list the product."
        }
    }

    static func sentence(for status: Claim.Status) -> String {
        switch status {
        case .waiting:
            "No claim holds yet; decided when Apple's word on the purchase is in, a token match first, else the earliest."
        case .held: "This account owns the chain; renewals, upgrades and restores inherit it."
        case .refused: "The purchase's appAccountToken is not the account's, or is missing where one is required."
        case .conflict: "Another account holds the chain; one case per chain and account is for support to resolve."
        }
    }

    static func sentence(for outcome: ClaimCase.Outcome) -> String {
        switch outcome {
        case .transferred:
            "The claimant holds the chain now, with its entitlements and the deliveries that nobody has credited; the earlier holder has a case that is refused."
        case .refused:
            "The claimant does not get the chain; what a transfer took goes back to the account that it was taken from."
        }
    }

    static func sentence(for standing: LedgerEntry.Standing) -> String {
        switch standing {
        case .deciding: "It decides the state."
        case .stale: "It counts, and another item decides."
        case .device: "The device's word: takes no part in the set."
        case .refused: "Another app's, or of a store that is not allowed: kept, counts for nothing."
        case .otherEnvironment:
            "The same id, signed by the other store than before: kept, counts for nothing, raises an alarm."
        }
    }

    static func sentence(for rule: Rule) -> String {
        switch rule {
        case .claimRecorded: "A claim was recorded and waits."
        case .claimHeld: "A claim was recorded and holds."
        case .claimRefused: "A claim was refused: the app account token says no."
        case .claimConflict: "Another account holds the chain."
        case .purchaseConfirmed: "Apple's evidence settled the purchase as paid."
        case .refundSeen: "Apple's evidence carries a revocationDate, and the purchase was not refunded before."
        case .refundReversed: "Apple's word that a refund was undone counts."
        case .evidenceStale: "Authoritative evidence was added, and another item decides."
        case .evidenceConfirms: "Authoritative evidence was added and decides; the state keeps its name."
        case .renewalInfoSeen: "Known evidence came again, with newer renewal info of its subscription."
        case .ownershipMissing: "Authoritative evidence lacks a known ownership type."
        case .settlementHeld: "The product's settlement hold is running."
        case .deviceEvidence: "The device's word was kept and asks for a check."
        case .bundleMismatch: "The evidence is another app's."
        case .environmentNotAllowed: "The evidence is of a store that is not allowed."
        case .otherEnvironment: "The same id was signed by the other store than before."
        case .transactionMentioned:
            "A notification under an expired certificate named the transaction; Apple is asked."
        case .appStoreUnanswered: "Apple gave no usable answer."
        case .notFoundDeadline: "Apple knew nothing of the id up to the deadline."
        case .recheckRequested: "A person asked for a check."
        case .caseResolved: "A person closed a dispute, or corrected how it was closed."
        case .overrideMade: "A person decided what an account may or may not use."
        case .overrideEnded: "A person ended such a decision."
        case .accountErased: "A person erased an account; nothing is decided for it any more."
        case .claimReleased:
            "An erased account let go of the chain: its claim, its entitlements and its open deliveries."
        case .grantAcknowledged: "The app's server credited a delivery."
        case .policyChanged: "Settings or catalogue changed, and this follows from them."
        }
    }
}
