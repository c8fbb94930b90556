extension Draft {
    /// Derives states, claims, entitlements, grants and money from evidence and claims, and records what differs.
    mutating func resolveEverything() {
        let purchases = purchases()
        resolveStates(purchases)
        resolveClaims()
        for purchase in purchases {
            resolveMovements(purchase.id, members: purchase.members, evidence: purchase.evidence)
            resolveGrants(purchase.id, members: purchase.members, evidence: purchase.evidence)
        }
        resolveEntitlements(purchases)
    }

    private mutating func resolveStates(
        _ purchases: [(id: PurchaseID, members: [TransactionID], evidence: [Evidence])]
    ) {
        var settled: Set<TransactionID> = []
        for purchase in purchases {
            guard let state = state(of: purchase.evidence, members: purchase.members) else { continue }
            for id in purchase.members {
                settled.insert(id)
                set(id, state: state, refusal: nil, purchase: purchase.id)
            }
        }
        for id in chain.transactions.keys.sorted() where !settled.contains(id) {
            guard let transaction = chain.transactions[id] else { continue }
            var state = transaction.state
            if deviceVouches(for: id), !state.isSettled, state != .pending(.appStoreAnswerRefused) || !knewDevice(id) {
                state = .pending(.revocationUnconfirmed)
            }
            set(id, state: state, refusal: refusal(of: transaction), purchase: nil)
        }
    }

    /// Whether the device's word was known before this input: a later refused answer then stays visible.
    private func knewDevice(_ id: TransactionID) -> Bool {
        before.evidence.values.contains { $0.facts.transactionID == id && !$0.id.source.isAuthoritative }
    }

    private mutating func set(
        _ id: TransactionID, state: PurchaseState, refusal: TransactionRefusal?, purchase: PurchaseID?
    ) {
        guard var transaction = chain.transactions[id] else { return }
        transaction.state = state
        transaction.refusal = refusal
        transaction.purchaseID = purchase
        guard transaction != chain.transactions[id] else { return }
        transaction.updatedAt = now
        record(.transaction(transaction))
        if state.isSettled || refusal != nil { chain.checks[id]?.nextCheckAt = nil }
    }

    // MARK: Claims

    /// How the chain's newest counted word on the app account token compares with an account's token.
    func compareToken(of account: AccountNumber) -> Claim.TokenComparison? {
        let newest = chain.transactions.keys.flatMap(countedEvidence(about:)).max(by: Evidence.precedes)
        guard let newest else { return nil }
        guard let token = chain.erasable.tokens[newest.id] else { return .absent }
        guard let own = chain.erasable.accounts[account]?.token else { return .notComparable }
        return own == token ? .match : .mismatch
    }

    /// Whether a comparison refuses a claim under the rule.
    func refuses(_ comparison: Claim.TokenComparison?) -> Bool {
        switch (policy.accountTokenRule, comparison) {
        case (.ignore, _), (_, nil), (_, .match?), (_, .notComparable?): false
        case (_, .mismatch?): true
        case (.matchWhenPresent, .absent?): false
        // Apple leaves the token out of family shares, so asking for one would lock every family member out.
        case (.require, .absent?): !isFamilyShared
        }
    }

    private var isFamilyShared: Bool {
        chain.transactions.keys.contains { ownership(of: countedEvidence(about: $0)) == .familyShared }
    }

    /// Waiting claims wait until Apple's word on the purchase is in; then a token match wins, else the earliest.
    private mutating func resolveClaims() {
        let waiting = chain.claims.values.filter { $0.status == .waiting }.sorted {
            ($0.claimedAt, $0.account) < ($1.claimedAt, $1.account)
        }
        var candidates: [Claim] = []
        for var claim in waiting {
            claim.tokenComparison = policy.accountTokenRule == .ignore ? nil : compareToken(of: claim.account)
            if refuses(claim.tokenComparison) {
                claim.status = .refused
                claim.refusal = .accountTokenMismatch
                update(claim)
            } else {
                candidates.append(claim)
            }
        }
        let known = chain.transactions.contains { id, transaction in
            transaction.state.isSettled && ownership(of: countedEvidence(about: id)) != nil
        }
        guard known || chain.owner != nil else { return candidates.forEach { update($0) } }
        for var claim in candidates {
            if chain.owner == nil,
                claim.tokenComparison == .match || !candidates.contains(where: { $0.tokenComparison == .match })
            {
                claim.status = .held
                update(claim)
            }
        }
        for claim in candidates where chain.claims[claim.account]?.status == .waiting { lose(claim) }
    }

    private mutating func lose(_ claim: Claim) {
        var claim = claim
        claim.status = .conflict
        let id = CaseID.forDispute(in: chain.identity, account: claim.account)
        claim.caseID = id
        update(claim)
        if chain.cases[id] == nil {
            record(.claimCase(ClaimCase(id: id, account: claim.account, status: .open, openedAt: now)))
        }
    }

    private mutating func update(_ claim: Claim) {
        if chain.claims[claim.account] != claim { record(.claim(claim)) }
    }
}

extension CaseID {
    /// One case per chain and account: `case-<store>-<original transaction>-<account number>`.
    static func forDispute(in identity: Chain.Identity, account: AccountNumber) -> CaseID {
        switch identity {
        case .provisional(let id): CaseID("case-unknown-\(id)-\(account.rawValue)")
        case .original(.production, let id): CaseID("case-production-\(id)-\(account.rawValue)")
        case .original(.sandbox, let id): CaseID("case-sandbox-\(id)-\(account.rawValue)")
        }
    }
}
