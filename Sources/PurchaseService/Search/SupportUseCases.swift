package import PurchaseCore

/// What support asks for besides single transactions; part of ``UseCases``.
package protocol SupportUseCases: Sendable {
    /// The transactions that match, newest first, and where the next page begins.
    ///
    /// A page may hold fewer than `limit`, or none, and still have a next one.
    func transactions(
        matching search: TransactionSearch, after place: SearchPlace?, limit: Int
    ) async throws(ServiceError) -> (transactions: [TransactionView], next: SearchPlace?)
    /// The transactions of an order: from the ledger, else Apple is asked, and its signed answer decided upon.
    ///
    /// - Throws: ``ServiceError/orderNotFound`` when Apple knows no such order, ``ServiceError/appStoreUnavailable(retryAfterSeconds:)``
    ///   when Apple gave no usable answer.
    func order(
        _ id: OrderID, for caller: Caller, requestID: String
    ) async throws(ServiceError) -> OrderView
    /// The signed proof of a transaction, what decides first, and where the next page begins.
    ///
    /// - Throws: ``ServiceError/evidenceErased`` when there was proof, and nothing of the whole transaction's is left.
    func evidence(
        of transaction: TransactionID, after item: EvidenceID?, limit: Int
    ) async throws(ServiceError) -> (items: [EvidenceView], next: EvidenceID?)
    /// Why a transaction is in its state, seen from an account, or from its holder's for `nil`; with what support
    /// decided for that account.
    func explanation(
        of transaction: TransactionID, seenFrom account: AccountID?
    ) async throws(ServiceError) -> Explanation
}

/// An order's transactions.
package struct OrderView: Sendable {
    /// The order.
    package var id: OrderID
    /// When Apple was asked about the order.
    package var lookedUpAt: Instant
    /// Its transactions as they are now, by id.
    package var transactions: [TransactionView]

    /// Takes every part.
    package init(id: OrderID, lookedUpAt: Instant, transactions: [TransactionView]) {
        self.id = id
        self.lookedUpAt = lookedUpAt
        self.transactions = transactions
    }
}
