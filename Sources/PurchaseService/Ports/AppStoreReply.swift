package import PurchaseCore

/// What came of any call of the App Store Server API; ``AppStoreAnswer`` is the same for Get Transaction Info alone,
/// and documents each case.
package enum AppStoreReply<Body: Sendable>: Sendable {
    /// 200 with the documented body. JWS inside are **not verified**.
    case answered(Body)
    /// There is definitively no such thing in this environment.
    case notFound(errorCode: Int64)
    /// 401, also with a fresh token.
    case unauthorized
    /// A repeat of the same request won't help.
    case refusedRequest(status: Int, errorCode: Int64?)
    /// 429, now or still.
    case throttled(retryAt: Instant?)
    /// Nothing was learnt; ask again later.
    case unavailable(AppStoreOutage)
    /// 200 with another body than Apple documents; the text says what is wrong with it and quotes nothing.
    case malformed(String)

    /// The stable name of the case, as in ``AppStoreAnswer``.
    package var code: String {
        switch self {
        case .answered: "answered"
        case .notFound: "not_found"
        case .unauthorized: "unauthorized"
        case .refusedRequest: "refused_request"
        case .throttled: "throttled"
        case .unavailable(let outage): outage.code
        case .malformed: "malformed"
        }
    }
}

extension AppStoreReply: Equatable where Body: Equatable {}
