package import PurchaseCore
package import PurchaseService

extension AppStoreClient {
    /// Get Transaction History v2: one page of a customer's transactions of all types and states.
    ///
    /// Any transaction id of the customer will do. The revision is the page before's; `nil` for the first page.
    package func transactionHistory(
        of id: TransactionID, filter: TransactionHistoryFilter, revision: String?,
        in environment: StoreEnvironment, lane: RequestLane, deadline: Duration
    ) async -> AppStoreReply<SignedTransactionsPage> {
        let endpoint = AppStoreEndpoint.transactionHistory(id, filter: filter, revision: revision)
        guard let endpoint else { return .unavailable(.invalidIdentifier) }
        return await call(
            endpoint, in: environment, lane: lane, deadline: deadline, decode: SignedTransactionsPage.decode)
    }

    /// See ``CustomerPort``.
    package func transactionHistory(
        of id: TransactionID, revision: String?, in environment: StoreEnvironment, lane: RequestLane,
        deadline: Duration
    ) async -> AppStoreReply<SignedTransactionsPage> {
        await transactionHistory(
            of: id, filter: TransactionHistoryFilter(), revision: revision, in: environment, lane: lane,
            deadline: deadline)
    }

    /// See ``CustomerPort``.
    package func subscriptionStatuses(
        of id: TransactionID, in environment: StoreEnvironment, lane: RequestLane, deadline: Duration
    ) async -> AppStoreReply<SubscriptionStatuses> {
        guard let endpoint = AppStoreEndpoint.subscriptionStatuses(id) else { return .unavailable(.invalidIdentifier) }
        return await call(
            endpoint, in: environment, lane: lane, deadline: deadline, decode: SubscriptionStatuses.decode)
    }

    /// Get Refund History v2: one page of a customer's refunded purchases; limited to 10 requests a second.
    ///
    /// Any transaction id of the customer will do. The revision is the page before's, or that of the last page of an
    /// earlier time, which gives the newer entries alone; `nil` for the first page.
    package func refundHistory(
        of id: TransactionID, revision: String?, in environment: StoreEnvironment, lane: RequestLane,
        deadline: Duration
    ) async -> AppStoreReply<SignedTransactionsPage> {
        let endpoint = AppStoreEndpoint.refundHistory(id, revision: revision)
        guard let endpoint else { return .unavailable(.invalidIdentifier) }
        return await call(
            endpoint, in: environment, lane: lane, deadline: deadline, decode: SignedTransactionsPage.decode)
    }

    /// Look Up Order ID: the purchases of the order that a customer's e-mail names.
    ///
    /// 1–64 ASCII letters and digits; Production only, and limited to 10 requests a second.
    package func lookUpOrder(
        _ orderID: String, lane: RequestLane, deadline: Duration
    ) async -> AppStoreReply<OrderLookup> {
        guard let endpoint = AppStoreEndpoint.orderLookup(orderID) else { return .unavailable(.invalidIdentifier) }
        return await call(
            endpoint, in: .production, lane: lane, deadline: deadline, decode: OrderLookup.decode)
    }
}
