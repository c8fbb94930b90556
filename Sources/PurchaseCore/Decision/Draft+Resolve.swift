extension Draft {
    /// Derives states, claims, entitlements, grants and money from evidence and claims, and records what differs.
    mutating func resolveEverything() {
        purchases = purchaseSets()
        resolveStates()
        resolveClaims()
        let movements = Dictionary(grouping: chain.movements, by: \.purchaseID)
        let grants = Dictionary(grouping: chain.grants.values, by: \.purchaseID)
        for purchase in purchases {
            resolveMovements(of: purchase, recorded: movements[purchase.id] ?? [])
            resolveGrants(of: purchase, recorded: grants[purchase.id] ?? [])
        }
        // A fact that came late can move a transaction to another purchase; the one it leaves must not count twice.
        let abandoned = Set(movements.keys).union(grants.keys).subtracting(purchases.map(\.id))
        for purchase in abandoned.sorted() {
            writeOff(purchase, recorded: movements[purchase] ?? [])
            takeBack(grants[purchase] ?? [])
        }
        resolveEntitlements()
    }

    private mutating func resolveStates() {
        var decided: Set<TransactionID> = []
        for purchase in purchases {
            let state = state(of: purchase)
            for id in purchase.members {
                decided.insert(id)
                set(id, state: state, refusal: nil, purchase: purchase.id)
            }
        }
        for id in chain.transactions.keys.sorted() where !decided.contains(id) {
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
        let settles = state.isSettled && !transaction.state.isSettled
        transaction.state = state
        transaction.refusal = refusal
        transaction.purchaseID = purchase
        guard transaction != chain.transactions[id] else { return }
        transaction.updatedAt = now
        record(.transaction(transaction))
        if settles || refusal != nil { chain.checks[id]?.nextCheckAt = nil }
    }

    // MARK: Claims

    /// How the chain's newest counted word on the app account token compares with an account's token.
    func compareToken(of account: AccountNumber) -> Claim.TokenComparison? {
        guard policy.accountTokenRule != .ignore, let newest = newestCounted else { return nil }
        guard !isTokenErased else { return .notComparable }
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
        // Apple leaves the token out of family shares: asking for one would lock every family member out, and while
        // ownership is unknown it may still turn out to be a family share.
        case (.require, .absent?): knownOwnership.map { $0 != .familyShared } ?? false
        }
    }

    /// The ownership of the chain's purchases; a family member's copy is a chain of its own.
    private var knownOwnership: InAppOwnershipType? {
        let known = chain.transactions.values.compactMap { $0.purchaseID?.ownership }
        return known.contains(.familyShared) ? .familyShared : known.first
    }

    /// Waiting claims wait until Apple's word on the purchase is in, and not erased; then a token match wins, else the
    /// earliest.
    ///
    /// A refused claim stays refused until it is posted again: nobody is given a purchase by a setting alone.
    private mutating func resolveClaims() {
        let waiting = chain.claims.values.filter { $0.status == .waiting }.sorted {
            ($0.claimedAt, $0.account) < ($1.claimedAt, $1.account)
        }
        guard !waiting.isEmpty else { return }
        var candidates: [Claim] = []
        for var claim in waiting {
            claim.tokenComparison = compareToken(of: claim.account)
            if refuses(claim.tokenComparison) {
                claim.status = .refused
                claim.refusal = .accountTokenMismatch
            } else {
                candidates.append(claim)
            }
            update(claim)
        }
        let isSettled = chain.transactions.values.contains { $0.state.isSettled && $0.purchaseID?.ownership != nil }
        guard isSettled || chain.owner != nil else { return }
        guard chain.owner != nil || !isTokenErased else { return }
        if chain.owner == nil,
            var winner = candidates.first(where: { $0.tokenComparison == .match }) ?? candidates.first
        {
            winner.status = .held
            update(winner)
        }
        for claim in candidates where chain.claims[claim.account]?.status == .waiting { lose(claim) }
    }

    private mutating func lose(_ claim: Claim) {
        let id = CaseID.forDispute(in: chain.identity, account: claim.account)
        if chain.cases[id] == nil {
            record(.claimCase(ClaimCase(id: id, account: claim.account, status: .open, openedAt: now)))
        }
        var claim = claim
        claim.status = .conflict
        claim.caseID = id
        update(claim)
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
        // Such a chain has no claims, and so no disputes.
        case .account(let owner): CaseID("case-account-\(owner.rawValue)-\(account.rawValue)")
        case .original(.production, let id): CaseID("case-production-\(id)-\(account.rawValue)")
        case .original(.sandbox, let id): CaseID("case-sandbox-\(id)-\(account.rawValue)")
        }
    }
}
