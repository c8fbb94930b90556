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
        return Explanation(
            of: view(of: transaction, in: chain, claimant: claimant), in: chain, events: events, claimant: claimant)
    }

    /// Events whose rules an explanation lists.
    private static let explainedEventsMax = 50
}
