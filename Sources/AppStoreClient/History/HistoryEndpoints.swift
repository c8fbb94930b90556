import PurchaseCore
import PurchaseService

extension AppStoreEndpoint {
    /// Codes that say that a customer can't be found under an id of any kind (History, Statuses, Refund History).
    private static let unknownCustomer: Set<Int64> = [
        AppStoreErrorCode.transactionIDNotFound, AppStoreErrorCode.originalTransactionIDNotFound,
        AppStoreErrorCode.accountNotFound, AppStoreErrorCode.invalidTransactionID,
        AppStoreErrorCode.invalidOriginalTransactionID,
    ]

    /// Get Transaction History v2: one page of at most 20.
    static func transactionHistory(
        _ id: TransactionID, filter: TransactionHistoryFilter, revision: String?
    ) -> AppStoreEndpoint? {
        guard let checked = TransactionID(validating: id.rawValue) else { return nil }
        return AppStoreEndpoint(
            name: "transaction_history", path: "/inApps/v2/history/\(checked.rawValue)",
            query: filter.query + (revision.map { [("revision", $0)] } ?? []), notFoundCodes: unknownCustomer)
    }

    /// Get All Subscription Statuses.
    static func subscriptionStatuses(_ id: TransactionID) -> AppStoreEndpoint? {
        guard let checked = TransactionID(validating: id.rawValue) else { return nil }
        return AppStoreEndpoint(
            name: "subscription_statuses", path: "/inApps/v1/subscriptions/\(checked.rawValue)",
            notFoundCodes: unknownCustomer)
    }

    /// Get Refund History v2: one page of at most 20, ascending by revocationDate.
    static func refundHistory(_ id: TransactionID, revision: String?) -> AppStoreEndpoint? {
        guard let checked = TransactionID(validating: id.rawValue) else { return nil }
        return AppStoreEndpoint(
            name: "refund_history", path: "/inApps/v2/refund/lookup/\(checked.rawValue)",
            query: revision.map { [("revision", $0)] } ?? [], endpointClass: .lookup, notFoundCodes: unknownCustomer)
    }

    /// Look Up Order ID; `nil` unless the order id is 1–64 ASCII letters and digits.
    static func orderLookup(_ orderID: String) -> AppStoreEndpoint? {
        guard (1...64).contains(orderID.utf8.count), orderID.utf8.allSatisfy(isLetterOrDigit) else { return nil }
        return AppStoreEndpoint(
            name: "order_lookup", path: "/inApps/v1/lookup/\(orderID)", endpointClass: .lookup)
    }

    /// ASCII letters and digits: nothing that means something in a path.
    static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }
}
