package import PurchaseCore

/// What support looks up in the ledger besides single chains; reads, and the memory of orders.
///
/// Part of ``LedgerPort``; throws ``LedgerError`` alone.
package protocol SearchPort: Sendable {
    /// One page of the transactions that match, newest first, after a place in that order.
    ///
    /// Reads at most ``TransactionSearch/scannedMax`` candidates, so a page may hold fewer than `limit`, or none, and
    /// still have a next one.
    func search(
        _ search: TransactionSearch, after place: SearchPlace?, limit: Int
    ) async throws(LedgerError) -> SearchPage
    /// Chains by the ledger's numbers; one that is not there is absent.
    func chains(numbered ids: [ChainID]) async throws(LedgerError) -> [ChainID: Chain]
    /// What Apple once said to an order id; `nil` when it was never looked up with success.
    func order(_ id: OrderID) async throws(LedgerError) -> StoredOrder?
    /// Remembers an order; its transactions are in the ledger already. Idempotent; what was known stays.
    func keep(_ order: StoredOrder) async throws(LedgerError)
    /// The stored proof of items of a chain's evidence; one that is not there is absent.
    func proofs(of evidence: [EvidenceID]) async throws(LedgerError) -> [EvidenceID: StoredProof]
}

/// What a search asks for; parts that are there must all hold.
package struct TransactionSearch: Hashable, Sendable {
    /// The most transactions that one page looks at when no index answers all parts together.
    package static let scannedMax = 5_000

    /// Has claimed the transaction's chain, whatever became of the claim.
    package var account: AccountID?
    /// The chain's.
    package var originalTransactionID: OriginalTransactionID?
    /// An order that was looked up before; a search asks Apple nothing.
    package var orderID: OrderID?
    /// Apple's productId.
    package var productID: ProductID?
    /// The state.
    package var state: PurchaseState.Name?
    /// The code of a state's reason; each belongs to one state.
    package var reason: String?
    /// The store; a transaction whose store is not known yet is of none.
    package var environment: StoreEnvironment?
    /// purchaseDate, or the moment of recording while that is not known, at or after this.
    package var from: Instant?
    /// The same, before this.
    package var to: Instant?

    /// Everything.
    package init() {}
}

/// A place in the order of searches: after it come older transactions.
package struct SearchPlace: Hashable, Sendable {
    /// purchaseDate, or the moment of recording while that is not known.
    package var at: Instant
    /// Decides between equals.
    package var transactionID: TransactionID

    /// Takes both parts.
    package init(at: Instant, transactionID: TransactionID) {
        self.at = at
        self.transactionID = transactionID
    }
}

/// What a search found.
package struct SearchPage: Hashable, Sendable {
    /// A transaction and where to read more of it.
    package struct Hit: Hashable, Sendable {
        /// The transaction.
        package var transactionID: TransactionID
        /// Its chain.
        package var chain: ChainID

        /// Takes both parts.
        package init(transactionID: TransactionID, chain: ChainID) {
            self.transactionID = transactionID
            self.chain = chain
        }
    }

    /// Newest first.
    package var hits: [Hit]
    /// Where the next page begins; `nil` on the last one.
    package var next: SearchPlace?

    /// Takes both parts.
    package init(hits: [Hit], next: SearchPlace?) {
        self.hits = hits
        self.next = next
    }
}

/// An order as Apple once told it.
package struct StoredOrder: Hashable, Sendable {
    /// The order.
    package var id: OrderID
    /// When Apple was asked.
    package var lookedUpAt: Instant
    /// Its transactions; at least one.
    package var transactions: [TransactionID]

    /// Takes every part.
    package init(id: OrderID, lookedUpAt: Instant, transactions: [TransactionID]) {
        self.id = id
        self.lookedUpAt = lookedUpAt
        self.transactions = transactions
    }
}

/// What is kept of an item of evidence besides the facts that decide.
package struct StoredProof: Hashable, Sendable {
    /// The JWS, verbatim; `nil` once erased.
    package var jws: String?
    /// How it stood when it came; `nil` if its event does not say.
    package var standing: LedgerEntry.Standing?
    /// The place in the ledger of the event that took it in.
    package var position: Int64

    /// Takes every part.
    package init(jws: String?, standing: LedgerEntry.Standing?, position: Int64) {
        self.jws = jws
        self.standing = standing
        self.position = position
    }
}
