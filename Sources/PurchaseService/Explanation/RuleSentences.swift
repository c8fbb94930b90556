package import PurchaseCore

extension Rule {
    /// What it means, in English.
    package var sentence: String { template }
}

extension Rule: PhraseKind {
    static let group = "rule"

    var template: String {
        switch self {
        case .claimRecorded: "An account said that it is its own; that waits for Apple's word."
        case .claimHeld: "An account said that it is its own, and holds it now."
        case .claimRefused: "An account said that it is its own; the purchase was made for another one."
        case .claimConflict: "An account said that it is its own, while another one holds it; a case was opened."
        case .purchaseConfirmed: "Apple's signed word made it paid."
        case .refundSeen: "Apple's signed word named a refund, which ended the right to use it."
        case .refundReversed: "Apple's word that the refund was taken back counted, so it is paid again."
        case .evidenceStale: "Another signed word of Apple's came in; the one that decided before decides still."
        case .evidenceConfirms: "A newer signed word of Apple's came in and says the same."
        case .renewalInfoSeen: "Apple's signed word on how the subscription goes on came in."
        case .ownershipMissing: "Apple's signed word does not say how the customer owns it, so it stays pending."
        case .settlementHeld: "The product's waiting period keeps it pending."
        case .deviceEvidence: "The customer's device handed in Apple's signed word; Apple itself is asked."
        case .bundleMismatch: "The signed word is about another app, so it is refused."
        case .environmentNotAllowed: "The signed word is of a store that is not accepted, so it is refused."
        case .otherEnvironment: "The same id was signed by Apple's other store; that changes nothing and was alarmed."
        case .transactionMentioned: "An older notification named it; Apple is asked."
        case .appStoreUnanswered: "Apple was asked and gave no usable answer."
        case .notFoundDeadline: "Apple did not know it up to the deadline, so it is refused."
        case .recheckRequested: "A new question to Apple was asked for."
        case .grantAcknowledged: "The app's server said that it has credited a delivery."
        case .caseResolved: "A person of support decided the case between the accounts."
        case .overrideMade: "A person of support gave the account access, or withheld it."
        case .overrideEnded: "A person of support ended what support had decided for the account."
        case .accountErased: "The account's personal data was erased on a person's word."
        case .claimReleased: "An account that was erased holds and claims it no longer."
        case .policyChanged: "Settings or the catalogue changed, and this follows from them."
        }
    }
}
