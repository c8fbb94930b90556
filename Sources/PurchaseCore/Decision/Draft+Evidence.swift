extension Draft {
    /// Whether an item may count: this app's, of an allowed store, and of the chain's own store.
    ///
    /// A transaction that is settled already goes on counting evidence of the app it was settled for: a narrowed
    /// setting stops new purchases and never un-pays old ones.
    func counts(_ evidence: Evidence) -> Bool {
        guard evidence.facts.environment == chain.environment else { return false }
        if let settledFor = settledFor[evidence.facts.transactionID] { return evidence.facts.bundleID == settledFor }
        return evidence.facts.bundleID == policy.bundleID
            && policy.allowedEnvironments.contains(evidence.facts.environment)
    }

    /// Sorts the chain's evidence anew; to be called whenever an item was added.
    mutating func recount() {
        let environment = chain.environment
        var authoritative: [TransactionID: [Evidence]] = [:]
        for item in chain.evidence.values
        where item.id.source.isAuthoritative && item.facts.environment == environment {
            authoritative[item.facts.transactionID, default: []].append(item)
        }
        settledFor = [:]
        counted = [:]
        for (id, unsorted) in authoritative {
            let items = unsorted.count > 1 ? unsorted.sorted(by: Evidence.precedes) : unsorted
            if before.transactions[id]?.state.isSettled ?? false {
                let apps = items.compactMap(\.facts.bundleID)
                settledFor[id] = apps.contains(policy.bundleID) ? policy.bundleID : apps.first
            }
            let counting = items.filter { counts($0) }
            if !counting.isEmpty { counted[id] = counting }
        }
    }

    /// The authoritative evidence about one transaction that counts, in law 2's order.
    func countedEvidence(about id: TransactionID) -> [Evidence] { counted[id] ?? [] }

    /// The ownership of a transaction: the newest known word on it.
    ///
    /// An answer that leaves the field out teaches nothing, so it does not unlearn what another one said; that keeps
    /// the outcome a function of the set (law 4).
    func ownership(of evidence: [Evidence]) -> InAppOwnershipType? {
        evidence.last { $0.facts.inAppOwnershipType?.isKnown ?? false }?.facts.inAppOwnershipType
    }

    /// The purchase that a transaction belongs to, each part by the newest known word; `nil` without counted evidence.
    func purchaseID(of evidence: [Evidence]) -> PurchaseID? {
        purchaseID(of: evidence, ownership: ownership(of: evidence))
    }

    /// The other transactions that are about the same charge, also those whose ownership is still unknown.
    func siblings(of id: TransactionID) -> [TransactionID] {
        let charge = purchaseID(of: countedEvidence(about: id), ownership: .purchased)
        return counted.keys.sorted().filter {
            $0 != id && purchaseID(of: countedEvidence(about: $0), ownership: .purchased) == charge
        }
    }

    private func purchaseID(of evidence: [Evidence], ownership: InAppOwnershipType?) -> PurchaseID? {
        guard var facts = evidence.last?.facts else { return nil }
        facts.type = evidence.last { $0.facts.type != nil }?.facts.type
        facts.webOrderLineItemID = evidence.last { $0.facts.webOrderLineItemID != nil }?.facts.webOrderLineItemID
        if case .original(_, let original) = chain.identity { facts.originalTransactionID = original }
        return PurchaseID(facts: facts, ownership: ownership)
    }

    /// Law 2 and law 5: the state that a purchase's evidence amounts to.
    func state(of purchase: PurchaseSet) -> PurchaseState {
        let deciding = purchase.deciding
        let facts = deciding.evidence.facts
        if facts.isRevoked {
            return .refunded(RefundedReason(revocationType: facts.revocationType), deciding: deciding.evidence.id)
        }
        guard purchase.ownership != nil else { return .pending(.ownershipUnconfirmed) }
        // A hold that is set later never un-pays.
        let wasPaid = purchase.members.contains { before.transactions[$0]?.state.name == .paid }
        if !wasPaid, !deciding.refundReversed, let end = holdEnd(of: purchase),
            !purchase.evidence.contains(where: { $0.id.source == .appStore && $0.facts.signedDate >= end })
        {
            return .pending(.settlementHold)
        }
        return .paid(deciding.refundReversed ? .refundReversed : .confirmed, deciding: deciding.evidence.id)
    }

    /// When a product's settlement hold is over, counted from the charge; `nil` without a hold.
    ///
    /// A renewal is none to wait for: it would leave the customer without access in the middle of a subscription.
    func holdEnd(of purchase: PurchaseSet) -> Instant? {
        guard let rules = rules(for: purchase.deciding.evidence.facts), rules.settlementHold > .zero,
            rules.kind != .autoRenewable || !isRenewal(purchase)
        else { return nil }
        return purchase.chargedAt.map { $0 + rules.settlementHold }
    }

    /// Whether another purchase of the chain was charged before.
    private func isRenewal(_ purchase: PurchaseSet) -> Bool {
        guard let chargedAt = purchase.chargedAt else { return false }
        return purchases.contains { $0.id != purchase.id && ($0.chargedAt.map { $0 < chargedAt } ?? false) }
    }

    /// Why a transaction without counted evidence is not pursued, given what is known of it.
    ///
    /// Apple's word goes before the device's: what a device hands in can neither cause nor lift a refusal that rests
    /// on authoritative evidence.
    func refusal(of transaction: Transaction) -> TransactionRefusal? {
        let known = chain.evidence.values.filter {
            $0.facts.transactionID == transaction.id && $0.facts.environment == chain.environment
        }
        let authoritative = known.filter(\.id.source.isAuthoritative)
        if authoritative.isEmpty, transaction.refusal == .notFound { return .notFound }
        let heard = authoritative.isEmpty ? known : authoritative
        guard let newest = heard.max(by: Evidence.precedes), !heard.contains(where: counts) else { return nil }
        return newest.facts.bundleID != policy.bundleID ? .bundleMismatch : .environmentNotAllowed
    }

    /// Whether the device's word about a transaction is the best there is.
    func deviceVouches(for id: TransactionID) -> Bool {
        chain.evidence.values.contains { $0.facts.transactionID == id && !$0.id.source.isAuthoritative && counts($0) }
    }

    /// The reason for a transaction that has no counted evidence after an answer that brought none.
    func pendingReason(for id: TransactionID, answer: AppStoreNonAnswer) -> PendingReason {
        switch answer {
        case .answerRefused: .appStoreAnswerRefused
        case .notFound, .unauthorized, .requestRefused, .throttled, .unavailable, .verificationUndetermined:
            deviceVouches(for: id) ? .revocationUnconfirmed : answer.pendingReason
        }
    }
}

extension PurchaseID {
    /// Names what was charged once; restores and second devices share it.
    ///
    /// Store, ownership, and for auto-renewables the billing event (transactionId if that is absent), else the original
    /// transaction. While ownership is unknown a transaction stands alone, since nothing says with which others it
    /// belongs together: it neither takes a state from them nor gives them one.
    package init(facts: TransactionFacts, ownership: InAppOwnershipType?) {
        let charge =
            switch facts.type {
            case .autoRenewable?: facts.webOrderLineItemID?.rawValue ?? facts.transactionID.rawValue
            case .consumable?, .nonConsumable?, .nonRenewing?, .unknown?, nil: facts.originalTransactionID.rawValue
            }
        let (owner, reference) =
            switch ownership {
            case .purchased?: ("purchased", charge)
            case .familyShared?: ("family_shared", charge)
            case .unknown?, nil: ("unknown", facts.transactionID.rawValue)
            }
        let store =
            switch facts.environment {
            case .production: "production"
            case .sandbox: "sandbox"
            }
        self.init("\(store).\(owner).\(reference)")
    }
}
