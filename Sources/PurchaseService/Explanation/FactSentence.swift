import PurchaseCore

/// What is known, each with its moment.
enum FactSentence: String, PhraseKind {
    case recorded
    case deviceProof = "device_proof"
    case appleProof = "apple_proof"
    case refundProof = "refund_proof"
    case reversalProof = "reversal_proof"
    case otherStoreProof = "other_store_proof"
    case claimWaiting = "claim_waiting"
    case claimHeld = "claim_held"
    case claimRefused = "claim_refused"
    case claimConflict = "claim_conflict"
    case caseOpen = "case_open"
    case caseResolved = "case_resolved"
    case entitled
    case entitledUntil = "entitled_until"
    case deliveryOpen = "delivery_open"
    case deliveryCredited = "delivery_credited"
    case deliveryCancelled = "delivery_cancelled"
    case renewalOn = "renewal_on"
    case renewalOff = "renewal_off"
    case billingRetry = "billing_retry"
    case asked
    case notFound = "not_found"
    case contradicted

    static let group = "fact"

    var template: String {
        switch self {
        case .recorded: "The transaction was recorded."
        case .deviceProof: "The customer's device holds Apple's signed word on the purchase."
        case .appleProof: "Apple signed that the purchase stands and is not refunded (source: {source})."
        case .refundProof: "Apple signed that the purchase was refunded or revoked at {revokedAt} (source: {source})."
        case .reversalProof: "Apple signed that the refund was taken back (source: {source})."
        case .otherStoreProof: "Apple's other store signed the same id; that counts for nothing (source: {source})."
        case .claimWaiting: "The account {account} said that it is its own; that is not decided yet."
        case .claimHeld: "The account {account} said that it is its own, and holds it."
        case .claimRefused: "The account {account} said that it is its own, and was refused."
        case .claimConflict: "The account {account} said that it is its own, while another one holds it."
        case .caseOpen: "The case {case} was opened."
        case .caseResolved: "The case {case} was opened, and is resolved."
        case .entitled: "It gives {key} without an end."
        case .entitledUntil: "It gives {key} until {until}."
        case .deliveryOpen: "A {kind} of {amount} units was made out; the app's server has not credited it yet."
        case .deliveryCredited: "A {kind} of {amount} units was made out, and the app's server has credited it."
        case .deliveryCancelled: "A {kind} of {amount} units was made out, and cancelled before it was credited."
        case .renewalOn: "Apple signed that the subscription is to renew."
        case .renewalOff: "Apple signed that the subscription does not renew."
        case .billingRetry: "Apple signed that it is trying to collect the payment for the renewal."
        case .asked: "Apple was last asked."
        case .notFound: "Apple has said {count} times that it does not know the transaction."
        case .contradicted: "Apple's signed words began to differ."
        }
    }

    /// The most facts that an explanation lists; older ones are left out.
    static let countMax = 60

    /// What is known of one transaction, the oldest first.
    static func all(about transaction: Transaction, in chain: Chain) -> [Phrase] {
        var facts = [recorded.phrase(at: transaction.createdAt)]
        let deciding = transaction.state.deciding
        for item in chain.evidence.values
        where item.facts.transactionID == transaction.id || item.id == deciding { facts.append(proof(item, in: chain)) }
        if let renewal = chain.renewal?.facts {
            let sentence: Self =
                renewal.isInBillingRetryPeriod ? .billingRetry : renewal.willRenew ? .renewalOn : .renewalOff
            facts.append(sentence.phrase(at: renewal.signedDate))
        }
        facts += chain.claims.values.map { claim($0, in: chain) }
        facts += chain.cases.values.map { claimCase in
            let sentence: Self =
                switch claimCase.status {
                case .open: .caseOpen
                case .resolved: .caseResolved
                }
            return sentence.phrase(["case": .text(claimCase.id.rawValue)], at: claimCase.openedAt)
        }
        let isSibling = { (id: TransactionID) in
            id == transaction.id
                || transaction.purchaseID != nil && chain.transactions[id]?.purchaseID == transaction.purchaseID
        }
        facts += chain.entitlements.values.filter { isSibling($0.id.transactionID) }.map(right)
        facts += chain.grants.values.filter { isSibling($0.transactionID) }.map(delivery)
        if let check = chain.checks[transaction.id] { facts += asking(check) }
        let sorted = facts.sorted { left, right in
            let earliest = Instant(millisecondsSince1970: .min)
            return (left.at ?? earliest, left.code, left.text) < (right.at ?? earliest, right.code, right.text)
        }
        return Array(sorted.suffix(countMax))
    }

    private static func proof(_ item: Evidence, in chain: Chain) -> Phrase {
        let facts = item.facts
        var parameters: [String: PhraseValue] = ["source": .text(item.id.source.rawValue)]
        guard facts.environment == chain.environment else {
            return otherStoreProof.phrase(parameters, at: facts.signedDate)
        }
        if let revokedAt = facts.revocationDate {
            parameters["revokedAt"] = .instant(revokedAt)
            return refundProof.phrase(parameters, at: facts.signedDate)
        }
        guard item.id.source.isAuthoritative else { return deviceProof.phrase(at: facts.signedDate) }
        let sentence: Self = item.notificationType == "REFUND_REVERSED" ? .reversalProof : .appleProof
        return sentence.phrase(parameters, at: facts.signedDate)
    }

    private static func claim(_ claim: Claim, in chain: Chain) -> Phrase {
        let sentence: Self =
            switch claim.status {
            case .waiting: .claimWaiting
            case .held: .claimHeld
            case .refused: .claimRefused
            case .conflict: .claimConflict
            }
        let name = chain.erasable.accounts[claim.account]?.id?.rawValue ?? "(erased)"
        return sentence.phrase(["account": .text(name)], at: claim.claimedAt)
    }

    private static func right(_ entitlement: Entitlement) -> Phrase {
        let key = PhraseValue.text(entitlement.id.key)
        guard let until = entitlement.until else { return entitled.phrase(["key": key], at: entitlement.since) }
        return entitledUntil.phrase(["key": key, "until": .instant(until)], at: entitlement.since)
    }

    private static func delivery(_ grant: Grant) -> Phrase {
        let sentence: Self =
            switch grant.status {
            case .open: .deliveryOpen
            case .acknowledged: .deliveryCredited
            case .cancelled: .deliveryCancelled
            }
        return sentence.phrase(
            ["kind": .text(grant.kind.rawValue), "amount": .number(grant.amount)], at: grant.createdAt)
    }

    private static func asking(_ check: Check) -> [Phrase] {
        var facts: [Phrase] = []
        if let at = check.lastAskedAt { facts.append(asked.phrase(at: at)) }
        let answers = check.notFoundAnswers.values.max() ?? 0
        if answers > 0 { facts.append(notFound.phrase(["count": .number(answers)], at: check.lastAskedAt)) }
        if let at = check.contradictedAt { facts.append(contradicted.phrase(at: at)) }
        return facts
    }
}
