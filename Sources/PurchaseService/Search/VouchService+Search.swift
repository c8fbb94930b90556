package import PurchaseCore

extension VouchService {
    /// See ``SupportUseCases/transactions(matching:after:limit:)``.
    package func transactions(
        matching search: TransactionSearch, after place: SearchPlace?, limit: Int
    ) async throws(ServiceError) -> (transactions: [TransactionView], next: SearchPlace?) {
        let page = try await withLedger { () async throws(LedgerError) in
            try await ledger.search(search, after: place, limit: limit)
        }
        return (try await views(of: page.hits), page.next)
    }

    /// The hits as support sees them, in their order.
    private func views(of hits: [SearchPage.Hit]) async throws(ServiceError) -> [TransactionView] {
        let chains = try await withLedger { () async throws(LedgerError) in
            try await ledger.chains(numbered: Array(Set(hits.map(\.chain))).sorted())
        }
        return hits.compactMap { hit in
            // Taken in by another chain meanwhile: it is no longer where it was found, and the next search finds it.
            guard let chain = chains[hit.chain], chain.transactions[hit.transactionID] != nil else { return nil }
            return view(of: hit.transactionID, in: chain, claimant: nil)
        }
    }

    /// See ``SupportUseCases/explanation(of:seenFrom:)``.
    package func explanation(
        of transaction: TransactionID, seenFrom account: AccountID?
    ) async throws(ServiceError) -> Explanation {
        let loaded = try await withLedger { () async throws(LedgerError) -> (Chain, [RecordedEvent], AccountNumber?)? in
            guard let chain = try await ledger.chain(holding: transaction), let id = chain.id else { return nil }
            let first = max(0, chain.version - Int64(Self.explainedEventsMax))
            let events = try await ledger.events(of: id, afterVersion: first, limit: Self.explainedEventsMax)
            // Numbers are positive: 0 is an account that was never seen, and so claims nothing.
            let claimant: AccountNumber? =
                if let account { try await ledger.findAccount(account) ?? AccountNumber(0) } else { nil }
            return (chain, events, claimant)
        }
        guard let (chain, events, claimant) = loaded else { throw .notFound }
        var seen = view(of: transaction, in: chain, claimant: claimant)
        let decision = try await supportDecision(about: seen, in: chain, for: account ?? seen.accountID)
        if let decision { seen.apply(decision) }
        return Explanation(of: seen, in: chain, events: events, claimant: claimant, decision: decision)
    }

    /// What support decided for an account about what a transaction gives; it is in the account's chain, not in this one.
    private func supportDecision(
        about view: TransactionView, in chain: Chain, for account: AccountID?
    ) async throws(ServiceError) -> Override? {
        // Nobody holds it, or the account is erased.
        guard let account else { return nil }
        let now = dependencies.clock.now()
        let rights = try await withLedger { () async throws(LedgerError) in
            try await ledger.entitlements(ofEach: [account], at: now)
        }
        guard let overrides = rights[account]?.overrides else { return nil }
        let keys = chain.entitlementKeys(of: view, catalogue: dependencies.policy.catalogue)
        return view.supportDecision(among: overrides, on: keys, at: now)
    }

    /// Events whose rules an explanation lists.
    private static let explainedEventsMax = 50
}
