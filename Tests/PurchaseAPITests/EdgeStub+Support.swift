import PurchaseCore

@testable import PurchaseService

/// What support asks for is tested over the whole stack; at the edge there is nothing to find.
extension StubUseCases {
    func transactions(
        matching search: TransactionSearch, after place: SearchPlace?, limit: Int
    ) async throws(ServiceError) -> (transactions: [TransactionView], next: SearchPlace?) {
        if let supportError { throw supportError }
        return ([], nil)
    }

    func order(_ id: OrderID, for caller: Caller, requestID: String) async throws(ServiceError) -> OrderView {
        throw supportError ?? .orderNotFound
    }

    func evidence(
        of transaction: TransactionID, after item: EvidenceID?, limit: Int
    ) async throws(ServiceError) -> (items: [EvidenceView], next: EvidenceID?) { throw supportError ?? .evidenceErased }

    func explanation(
        of transaction: TransactionID, seenFrom account: AccountID?
    ) async throws(ServiceError) -> Explanation { throw supportError ?? .notFound }
}
