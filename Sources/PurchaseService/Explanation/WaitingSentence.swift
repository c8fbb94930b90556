import PurchaseCore

/// What happens next without a change of mind of anybody.
enum WaitingSentence: String, PhraseKind {
    case firstAnswer = "first_answer"
    case appleReachable = "apple_reachable"
    case requestLimit = "request_limit"
    case appleAnswer = "apple_answer"
    case appleKnowsIt = "apple_knows_it"
    case certificateCheck = "certificate_check"
    case operatorKey = "operator_key"
    case ownership
    case appleConfirmation = "apple_confirmation"
    case waitingPeriod = "waiting_period"
    case contradiction
    case routineCheck = "routine_check"
    case subscription
    case credit
    case caseResolution = "case_resolution"

    static let group = "waits"

    var template: String {
        switch self {
        case .firstAnswer: "It waits for Apple's first answer."
        case .appleReachable: "It waits for Apple to be reachable."
        case .requestLimit: "It waits for its turn within the limit on requests to Apple."
        case .appleAnswer: "It waits for an answer that Apple has really signed, and about this transaction."
        case .appleKnowsIt: "It waits for Apple to know the transaction, until the deadline."
        case .certificateCheck: "It waits until the certificate check can be made."
        case .operatorKey: "It waits for an operator to see to the key, or for the app's first release."
        case .ownership: "It waits for Apple to say how the customer owns it."
        case .appleConfirmation: "It waits for Apple's own word."
        case .waitingPeriod: "It waits for the product's waiting period to end; Apple is then asked once more."
        case .contradiction: "Apple's signed words differ, so Apple is asked again."
        case .routineCheck: "Nothing is open. Apple is asked now and then whether it was refunded."
        case .subscription: "Apple is asked how the subscription goes on."
        case .credit: "A delivery waits for the app's server to say that it has credited it."
        case .caseResolution: "A case waits for support to say whose it is."
        }
    }

    /// What an unsettled state waits for.
    init(_ reason: PendingReason) {
        switch reason {
        case .appStoreUnavailable: self = .appleReachable
        case .appStoreThrottled: self = .requestLimit
        case .appStoreAnswerRefused: self = .appleAnswer
        case .notFoundYet: self = .appleKnowsIt
        case .verificationUnavailable: self = .certificateCheck
        case .environmentUndetermined: self = .operatorKey
        case .ownershipUnconfirmed: self = .ownership
        case .revocationUnconfirmed: self = .appleConfirmation
        case .settlementHold: self = .waitingPeriod
        }
    }

    /// Everything that a transaction of a chain waits for, each with its moment where one is planned.
    static func all(_ situation: Situation, transaction id: TransactionID, in chain: Chain) -> [Phrase] {
        var sentences: [Phrase] = []
        let check = chain.checks[id]
        if situation.refusal == nil {
            switch situation.standing {
            case .received: sentences.append(firstAnswer.phrase(at: check?.nextCheckAt))
            case .pending(let reason): sentences.append(Self(reason).phrase(at: check?.nextCheckAt))
            case .paid, .refunded:
                if let next = check?.nextCheckAt {
                    sentences.append((check?.isSweep == true ? routineCheck : contradiction).phrase(at: next))
                }
            }
        }
        if let next = check?.statusesAt { sentences.append(subscription.phrase(at: next)) }
        if chain.grants.values.contains(where: { $0.status == .open && $0.transactionID == id }) {
            sentences.append(credit.phrase())
        }
        if chain.cases.values.contains(where: { $0.status == .open }) { sentences.append(caseResolution.phrase()) }
        return sentences
    }
}

/// What would bring another answer.
enum ChangeSentence: String, PhraseKind {
    case appleWord = "apple_word"
    case appleRefund = "apple_refund"
    case appleReversal = "apple_reversal"
    case postAgain = "post_again"
    case setting
    case claim
    case signIn = "sign_in"
    case resolveCase = "resolve_case"
    case endOverride = "end_override"
    case listAccount = "list_account"
    case listProduct = "list_product"
    case allowSharing = "allow_sharing"
    case renewal
    case time
    case support

    static let group = "change"

    var template: String {
        switch self {
        case .appleWord: "Apple's signed word on the purchase settles it; a recheck asks for it now."
        case .appleRefund: "A refund by Apple ends it."
        case .appleReversal: "If Apple takes the refund back, it is paid again."
        case .postAgain: "Posting it again from the app, or a notification of Apple's, opens it again."
        case .setting: "A corrected setting of this installation lifts the refusal."
        case .claim: "The customer opens the app, signs in and restores purchases; the account then holds it."
        case .signIn: "The customer signs in with the account that the purchase was made for."
        case .resolveCase: "Support resolves the case, for one account or the other."
        case .endOverride: "Support ends what it decided for the account."
        case .listAccount: "An operator lists the account for test purchases."
        case .listProduct: "An operator lists the product in the catalogue."
        case .allowSharing: "An operator lets the product be shared with family members."
        case .renewal: "A renewal, or a new purchase, entitles again."
        case .time: "It ends by itself at {until} unless it is renewed."
        case .support: "Support can give access, with a reason; that changes no money."
        }
    }

    /// Everything that would change the answer of a situation, the likeliest first.
    static func all(_ situation: Situation) -> [Phrase] {
        if situation.entitlement == .withheld { return [endOverride.phrase()] }
        guard situation.entitlement == .override else { return ofPurchase(situation) }
        var sentences = [endOverride.phrase()]
        if let until = situation.until { sentences.append(time.phrase(["until": .instant(until)])) }
        // Support gives access already; what would change the purchase itself still counts.
        let given = support.phrase()
        return sentences + ofPurchase(situation).filter { $0 != given }
    }

    /// What would change the answer that the purchase itself gives.
    private static func ofPurchase(_ situation: Situation) -> [Phrase] {
        switch situation.refusal {
        case .notFound?: return [postAgain.phrase(), support.phrase()]
        case .bundleMismatch?, .environmentNotAllowed?: return [setting.phrase(), support.phrase()]
        case nil: break
        }
        var sentences: [Phrase] = []
        switch situation.claim {
        case .conflict?: sentences.append(resolveCase.phrase())
        case .refused?: sentences.append(signIn.phrase())
        case .waiting?, .held?, nil: break
        }
        switch situation.standing {
        case .received, .pending: sentences += [appleWord.phrase(), support.phrase()]
        case .refunded: sentences += [appleReversal.phrase(), support.phrase()]
        case .paid: sentences += whenPaid(situation)
        }
        return sentences
    }

    private static func whenPaid(_ situation: Situation) -> [Phrase] {
        switch situation.entitlement {
        case .paid, .gracePeriod, .renewalUnconfirmed, .proratedKeep:
            situation.until.map { [appleRefund.phrase(), time.phrase(["until": .instant($0)])] }
                ?? [appleRefund.phrase()]
        // Support's decision stands in the place of the purchase's own answer.
        case .override, .withheld: []
        case .notPaid, .refused, .refunded: [appleWord.phrase(), support.phrase()]
        case .expired, .upgraded: [renewal.phrase(), support.phrase()]
        // Nobody gains another account's purchase by claiming it: that only opens a case.
        case .unclaimed where situation.isHeldByAnother: situation.claim == .conflict ? [] : [signIn.phrase()]
        case .unclaimed: [claim.phrase()]
        case .sandboxAccountNotListed: [listAccount.phrase()]
        case .ownershipNotAllowed: [allowSharing.phrase(), support.phrase()]
        case .productUnknown: [listProduct.phrase(), support.phrase()]
        }
    }
}
