package import PurchaseCore

/// Look Up Order ID: from the order id of a customer's e-mail to the transactions behind it.
///
/// Implemented by `AppStoreClient`, inside the request budget of Apple's slower calls; Production alone has it.
package protocol OrderLookupPort: Sendable {
    /// Asks for one order; every outcome is an answer.
    ///
    /// Waits for the budget and for Apple together no longer than `deadline`. A cancelled task ends the call at once with
    /// `.unavailable(.cancelled)`.
    func lookUpOrder(_ id: OrderID, deadline: Duration) async -> OrderLookupAnswer
}

/// What came of one question for an order (App Store Server API, "Look Up Order ID" and "Error codes").
package enum OrderLookupAnswer: Sendable, Equatable {
    /// 200, status 0: the signed transactions, **not verified**.
    case signed([String])
    /// 200, status 1: Apple knows no such order of this app.
    case unknown
    /// 401, also with a fresh token: a wrong key, or Production before the app's first release.
    case unauthorized
    /// Apple refuses the question itself; a repeat won't help.
    case refusedRequest(status: Int, errorCode: Int64?)
    /// 429, now or still; Apple's instant, at most an hour ahead, if it named one.
    case throttled(retryAt: Instant?)
    /// Nothing was learnt; ask again later.
    case unavailable(AppStoreOutage)
    /// 200 with another body than Apple documents; the text is safe to show.
    case malformed(String)

    /// A stable snake_case name of the case, for logs.
    package var code: String {
        switch self {
        case .signed: "signed"
        case .unknown: "unknown"
        case .unauthorized: "unauthorized"
        case .refusedRequest: "refused_request"
        case .throttled: "throttled"
        case .unavailable(let outage): outage.code
        case .malformed: "malformed"
        }
    }
}
