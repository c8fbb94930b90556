extension Chain {
    /// Who paid for a transaction, as its purchase has it; `nil` while that is not known.
    ///
    /// The purchase's newest known word, not the deciding evidence's: an answer that leaves the field out unlearns nothing.
    package func ownership(of id: TransactionID) -> InAppOwnershipType? {
        transactions[id]?.purchaseID?.ownership
    }

    /// Why a settled transaction gives its owner no entitlement and no delivery under a policy; `nil` when nothing
    /// stands in the way, and for one that is unsettled or that nobody holds.
    package func entitlementBlock(of id: TransactionID, policy: Policy) -> EntitlementBlock? {
        guard let owner, let state = transactions[id]?.state, let facts = decidingEvidence(of: state)?.facts
        else { return nil }
        return policy.entitlementBlock(
            facts, ownership: ownership(of: id), account: erasable.accounts[owner]?.id)
    }
}

extension Policy {
    /// Why a settled purchase entitles an account to nothing; `nil` when it entitles.
    func entitlementBlock(
        _ facts: TransactionFacts, ownership: InAppOwnershipType?, account: AccountID?
    ) -> EntitlementBlock? {
        if facts.environment == .sandbox, !sandboxAccounts.includes(account) { return .sandboxAccountNotListed }
        guard let product = facts.productID, let rules = catalogue.rules(for: product, type: facts.type) else {
            return .productUnknown
        }
        guard ownership == .familyShared else { return nil }
        switch rules.kind {
        case .nonConsumable, .autoRenewable, .unknown: return rules.familySharing ? nil : .ownershipNotAllowed
        // Apple shares neither, so there is nothing to deliver (facts: Family Sharing).
        case .consumable, .nonRenewing: return .ownershipNotAllowed
        }
    }
}

extension PurchaseID {
    /// The ownership in the name; `nil` for a purchase whose ownership is not known.
    package var ownership: InAppOwnershipType? {
        // By bytes: splitting text compares characters, which was a seventh of deciding that a repeat changes nothing.
        let rest = rawValue.utf8.drop { $0 != UInt8(ascii: ".") }.dropFirst()
        let word = rest.prefix { $0 != UInt8(ascii: ".") }
        if word.elementsEqual("purchased".utf8) { return .purchased }
        return word.elementsEqual("family_shared".utf8) ? .familyShared : nil
    }
}

extension AppStoreNonAnswer {
    /// What an operator should hear of each time, whether or not the ledger changes.
    package var alarm: Alarm? {
        switch self {
        case .answerRefused: .answerRefused
        case .unauthorized: .unauthorized
        case .requestRefused: .requestRefused
        case .notFound, .throttled, .unavailable, .verificationUndetermined: nil
        }
    }
}
