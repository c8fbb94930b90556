import PurchaseCore

/// What support may send to a customer as it is: no ids, no names of other people, no words of ours.
enum CustomerSentence: String, PhraseKind {
    case confirming
    case confirmingDelayed = "confirming_delayed"
    case notShownYet = "not_shown_yet"
    case waitingPeriod = "waiting_period"
    case notFound = "not_found"
    case otherApp = "other_app"
    case otherVersion = "other_version"
    case available
    case availableUntil = "available_until"
    case availableAgain = "available_again"
    case subscribedUntil = "subscribed_until"
    case delivered
    case beingDelivered = "being_delivered"
    case paymentFailing = "payment_failing"
    case paymentFailed = "payment_failed"
    case renewing
    case grantedBySupport = "granted_by_support"
    case onHold = "on_hold"
    case keptAfterPartialRefund = "kept_after_partial_refund"
    case refunded
    case refundedOn = "refunded_on"
    case partlyRefunded = "partly_refunded"
    case noLongerShared = "no_longer_shared"
    case ended
    case endedOn = "ended_on"
    case replaced
    case notLinked = "not_linked"
    case otherAccount = "other_account"
    case inUse = "in_use"
    case testPurchase = "test_purchase"
    case notShared = "not_shared"
    case notSetUp = "not_set_up"

    static let group = "customer"

    var template: String {
        switch self {
        case .confirming:
            "We have recorded your purchase and are waiting for Apple to confirm it. This usually takes a few minutes, and there is nothing that you need to do."
        case .confirmingDelayed:
            "We have recorded your purchase, but Apple could not confirm it to us yet. We keep asking, and there is nothing that you need to do."
        case .notShownYet:
            "Apple does not show us this purchase yet. A new purchase can take a while to appear, so we keep checking; if you are unsure whether it went through, please look at your purchase history in the App Store."
        case .waitingPeriod:
            "Apple has confirmed your purchase. It becomes available after a short waiting period, and there is nothing that you need to do."
        case .notFound:
            "Apple has no record of this purchase. Please look at your purchase history in the App Store, and send us the order number from Apple's e-mail if you were charged."
        case .otherApp: "This purchase was made in a different app, so it cannot be used in this one."
        case .otherVersion:
            "This purchase was made in a version of the app that is kept apart from this one, such as a test version, so it cannot be used here."
        case .available: "Your purchase is confirmed and available in your account."
        case .availableUntil: "Your purchase is confirmed and available in your account until {until}."
        case .availableAgain:
            "Apple has taken back the refund of this purchase, and it is available in your account again."
        case .subscribedUntil: "Your subscription is confirmed and paid until {until}."
        case .delivered: "Your purchase is confirmed and was added to your account."
        case .beingDelivered:
            "Your purchase is confirmed and is being added to your account. If it does not show up within a few minutes, please restart the app."
        case .paymentFailing:
            "Apple could not collect the payment for your renewal yet. You keep access for now; please check the payment method of your Apple Account so that your subscription can go on."
        case .paymentFailed:
            "Apple could not collect the payment for your renewal, so your access has ended for now. Please check the payment method of your Apple Account; access comes back when the payment succeeds."
        case .renewing:
            "Your subscription is due for renewal, and we are waiting for Apple to confirm it. You keep access in the meantime."
        case .grantedBySupport: "Our support team has given your account access."
        case .onHold:
            "Your purchase is confirmed, and our support team has put its use on hold. Please reply to us if you have questions."
        case .keptAfterPartialRefund: "Apple refunded a part of this purchase, and you keep access to it."
        case .refunded: "Apple refunded this purchase, so it is no longer available in the app."
        case .refundedOn: "Apple refunded this purchase on {refundedOn}, so it is no longer available in the app."
        case .partlyRefunded: "Apple refunded a part of this purchase, so it is no longer available in the app."
        case .noLongerShared:
            "This purchase is no longer shared with you through Family Sharing, so it is no longer available in the app."
        case .ended: "The time that you paid for is over. You can buy it again in the app whenever you like."
        case .endedOn: "The time that you paid for ended on {until}. You can buy it again in the app whenever you like."
        case .replaced: "You have changed to another subscription, which replaces this one."
        case .notLinked:
            "Your purchase is confirmed, but it is not linked to an account yet. Please open the app, sign in and restore your purchases."
        case .otherAccount:
            "This purchase was made for a different account of the app. Please sign in with the account that you used when you bought it."
        case .inUse:
            "This purchase is already in use by a different account of the app. Please sign in with that account, or reply to us if you think that this is a mistake."
        case .testPurchase: "This was a test purchase, which does not unlock anything in the app."
        case .notShared:
            "This product cannot be shared with family members. Only the person who bought it can use it."
        case .notSetUp:
            "Your purchase is confirmed, but what it unlocks is not set up correctly on our side. Our team is looking into it."
        }
    }
}

extension Situation {
    /// The sentence for the customer whose account is looked at.
    ///
    /// What ends all other questions comes first: access that support gave, a refusal, a refund, another account.
    package var customerSentence: Phrase {
        if entitlement == .override { return CustomerSentence.grantedBySupport.phrase() }
        switch refusal {
        case .notFound?: return CustomerSentence.notFound.phrase()
        case .bundleMismatch?: return CustomerSentence.otherApp.phrase()
        case .environmentNotAllowed?: return CustomerSentence.otherVersion.phrase()
        case nil: break
        }
        switch standing {
        case .refunded(let reason): return afterRefund(reason)
        case .received: return anotherAccounts ?? CustomerSentence.confirming.phrase()
        case .pending(let reason): return anotherAccounts ?? CustomerSentence(reason).phrase()
        case .paid(let reason): return anotherAccounts ?? whenPaid(reason)
        }
    }

    /// The sentence for somebody who is not the one to use it; `nil` where nothing says so.
    private var anotherAccounts: Phrase? {
        switch claim {
        case .refused?: CustomerSentence.otherAccount.phrase()
        case .conflict?: CustomerSentence.inUse.phrase()
        case .waiting?, .held?, nil: isHeldByAnother ? CustomerSentence.inUse.phrase() : nil
        }
    }

    private func afterRefund(_ reason: RefundedReason) -> Phrase {
        if entitlement == .proratedKeep { return CustomerSentence.keptAfterPartialRefund.phrase() }
        // The product keeps access after a partial refund, and support withholds it.
        if entitlement == .withheld { return CustomerSentence.onHold.phrase() }
        switch reason {
        case .prorated: return CustomerSentence.partlyRefunded.phrase()
        case .familyRevoke: return CustomerSentence.noLongerShared.phrase()
        case .full, .unspecified:
            return refundedAt.map { CustomerSentence.refundedOn.phrase(["refundedOn": .day($0)]) }
                ?? CustomerSentence.refunded.phrase()
        }
    }

    private func whenPaid(_ reason: PaidReason) -> Phrase {
        switch entitlement {
        case .paid: return whenEntitled(reason)
        case .gracePeriod: return CustomerSentence.paymentFailing.phrase()
        case .renewalUnconfirmed: return CustomerSentence.renewing.phrase()
        case .proratedKeep: return CustomerSentence.keptAfterPartialRefund.phrase()
        case .override: return CustomerSentence.grantedBySupport.phrase()
        case .withheld: return CustomerSentence.onHold.phrase()
        // Paid, and yet none of these: it was read while it changed. Soon there is a better answer.
        case .notPaid, .refused: return CustomerSentence.confirming.phrase()
        case .refunded: return CustomerSentence.refunded.phrase()
        case .expired where isInBillingRetry: return CustomerSentence.paymentFailed.phrase()
        case .expired:
            return until.map { CustomerSentence.endedOn.phrase(["until": .day($0)]) } ?? CustomerSentence.ended.phrase()
        case .upgraded: return CustomerSentence.replaced.phrase()
        case .unclaimed: return CustomerSentence.notLinked.phrase()
        case .sandboxAccountNotListed: return CustomerSentence.testPurchase.phrase()
        case .ownershipNotAllowed: return CustomerSentence.notShared.phrase()
        case .productUnknown: return CustomerSentence.notSetUp.phrase()
        }
    }

    private func whenEntitled(_ reason: PaidReason) -> Phrase {
        switch reason {
        case .refundReversed: return CustomerSentence.availableAgain.phrase()
        case .confirmed: break
        }
        switch delivery {
        case .open?: return CustomerSentence.beingDelivered.phrase()
        case .acknowledged?: return CustomerSentence.delivered.phrase()
        case .cancelled?, nil: break
        }
        guard let until else { return CustomerSentence.available.phrase() }
        let sentence: CustomerSentence = productType == .autoRenewable ? .subscribedUntil : .availableUntil
        return sentence.phrase(["until": .day(until)])
    }
}

extension CustomerSentence {
    /// What a customer hears while a fact is missing; faults on our side and Apple's are not told apart.
    init(_ reason: PendingReason) {
        switch reason {
        case .appStoreUnavailable, .appStoreThrottled, .appStoreAnswerRefused, .verificationUnavailable,
            .environmentUndetermined:
            self = .confirmingDelayed
        case .ownershipUnconfirmed, .revocationUnconfirmed: self = .confirming
        case .notFoundYet: self = .notShownYet
        case .settlementHold: self = .waitingPeriod
        }
    }
}
