import PurchaseCore

/// Which of an account's chains may begin a history.
enum RestoreBeginnings: Hashable, Sendable {
    /// Each: the caller's word on the account is enough.
    case all
    /// Those that are proven to be the account's, and the one whose signed transaction the caller shows now.
    case proven(shown: Chain.Identity?)

    func allows(_ trace: CustomerTrace) -> Bool {
        switch self {
        case .all: true
        case .proven(let shown): trace.isProven || trace.identity == shown
        }
    }
}

/// Which of Apple's customers a restore asks about next.
///
/// A history is that of one customer and one store, so one transaction of each is enough. Pure.
struct RestorePlan {
    /// The account's chains, newest first.
    let traces: [CustomerTrace]
    /// The stores that are served.
    let stores: Set<StoreEnvironment>
    /// Which of the chains may begin a history.
    var beginnings = RestoreBeginnings.all

    /// The chain to begin a history from: that of the cursor while the account has it, else the newest of a customer
    /// whose history was not read.
    ///
    /// `seen` are the chains that were in a history of this call.
    func next(after cursor: RestoreCursor, seen: Set<Chain.Identity>) -> CustomerTrace? {
        let served = traces.filter { ($0.store.map(stores.contains) ?? false) && beginnings.allows($0) }
        if let current = cursor.current, let trace = served.first(where: { $0.identity == current }) { return trace }
        let done = Set(cursor.done)
        let known = Set(served.filter { done.contains($0.identity) }.compactMap(Customer.init))
        return served.first { trace in
            !done.contains(trace.identity) && !seen.contains(trace.identity)
                && !(Customer(trace).map(known.contains) ?? false)
        }
    }

    /// Whether Apple has to say first what the account's purchase is: nothing else is known, or it is the one in hand.
    func waits(for named: TransactionID?) -> CustomerTrace? {
        let open = traces.filter { $0.store == nil }
        if let inHand = open.first(where: { $0.transactionID == named }) { return inHand }
        // Where a bare id begins nothing, there is nothing to wait for either.
        guard beginnings == .all, open.count == traces.count else { return nil }
        return open.first
    }

    /// One of Apple's customers in one store.
    private struct Customer: Hashable {
        let store: StoreEnvironment
        let appTransactionID: String

        init?(_ trace: CustomerTrace) {
            guard let store = trace.store, let appTransactionID = trace.appTransactionID else { return nil }
            self.store = store
            self.appTransactionID = appTransactionID
        }
    }
}
