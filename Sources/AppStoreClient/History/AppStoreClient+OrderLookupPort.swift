package import PurchaseCore
package import PurchaseService

extension AppStoreClient: OrderLookupPort {
    /// See ``OrderLookupPort``; a person waits for the answer.
    package func lookUpOrder(_ id: OrderID, deadline: Duration) async -> OrderLookupAnswer {
        let reply = await lookUpOrder(id.rawValue, lane: .interactive, deadline: deadline)
        switch reply {
        case .answered(let order): return order.isValid ? .signed(order.signedTransactions) : .unknown
        // This call documents no such code; a 404 is then a refusal.
        case .notFound(let errorCode): return .refusedRequest(status: 404, errorCode: errorCode)
        case .unauthorized: return .unauthorized
        case .refusedRequest(let status, let errorCode):
            return .refusedRequest(status: status, errorCode: errorCode)
        case .throttled(let retryAt): return .throttled(retryAt: retryAt)
        case .unavailable(let outage): return .unavailable(outage)
        case .malformed(let reason): return .malformed(reason)
        }
    }
}
