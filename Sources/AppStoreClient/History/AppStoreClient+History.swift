package import PurchaseCore
package import PurchaseService

extension AppStoreClient {
    /// Get Transaction History v2: one page of a customer's transactions of all types and states.
    /// - Parameters:
    ///   - id: any transaction id of the customer.
    ///   - revision: of the page before; `nil` for the first one.
    package func transactionHistory(
        of id: TransactionID, filter: TransactionHistoryFilter = .init(), revision: String?,
        in environment: StoreEnvironment, lane: RequestLane, deadline: Duration
    ) async -> AppStoreReply<SignedTransactionsPage> {
        let endpoint = AppStoreEndpoint.transactionHistory(id, filter: filter, revision: revision)
        guard let endpoint else { return .unavailable(.invalidIdentifier) }
        return await call(
            endpoint, in: environment, lane: lane, deadline: deadline, decode: SignedTransactionsPage.decode)
    }

    /// Get All Subscription Statuses of a customer.
    /// - Parameter id: any transaction id of the customer.
    package func subscriptionStatuses(
        of id: TransactionID, in environment: StoreEnvironment, lane: RequestLane, deadline: Duration
    ) async -> AppStoreReply<SubscriptionStatuses> {
        guard let endpoint = AppStoreEndpoint.subscriptionStatuses(id) else { return .unavailable(.invalidIdentifier) }
        return await call(
            endpoint, in: environment, lane: lane, deadline: deadline, decode: SubscriptionStatuses.decode)
    }

    /// Get Refund History v2: one page of a customer's refunded purchases; limited to 10 requests a second.
    /// - Parameters:
    ///   - id: any transaction id of the customer.
    ///   - revision: of the page before, or of the last page of an earlier time; `nil` for the first one.
    package func refundHistory(
        of id: TransactionID, revision: String?, in environment: StoreEnvironment, lane: RequestLane,
        deadline: Duration
    ) async -> AppStoreReply<SignedTransactionsPage> {
        let endpoint = AppStoreEndpoint.refundHistory(id, revision: revision)
        guard let endpoint else { return .unavailable(.invalidIdentifier) }
        return await call(
            endpoint, in: environment, lane: lane, deadline: deadline, decode: SignedTransactionsPage.decode)
    }

    /// Look Up Order ID: the purchases of the order that a customer's e-mail names; Production only, and limited to
    /// 10 requests a second.
    /// - Parameter orderID: 1–64 ASCII letters and digits.
    package func lookUpOrder(
        _ orderID: String, lane: RequestLane, deadline: Duration
    ) async -> AppStoreReply<OrderLookup> {
        guard let endpoint = AppStoreEndpoint.orderLookup(orderID) else { return .unavailable(.invalidIdentifier) }
        return await call(
            endpoint, in: .production, lane: lane, deadline: deadline, decode: OrderLookup.decode)
    }
}
