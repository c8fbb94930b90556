package import PurchaseService

/// Apple's codes that this module tells apart (App Store Server API, "Error codes"); the status is the first three digits.
enum AppStoreErrorCode {
    static let invalidTransactionID: Int64 = 4_000_006
    static let invalidOriginalTransactionID: Int64 = 4_000_008
    static let appTransactionIDNotSupported: Int64 = 4_000_048
    static let accountNotFound: Int64 = 4_040_001
    static let accountNotFoundRetryable: Int64 = 4_040_002
    static let appNotFoundRetryable: Int64 = 4_040_004
    static let originalTransactionIDNotFound: Int64 = 4_040_005
    static let originalTransactionIDNotFoundRetryable: Int64 = 4_040_006
    static let testNotificationNotFound: Int64 = 4_040_008
    static let transactionIDNotFound: Int64 = 4_040_010
}

/// What a status and an error code mean for the one who asked.
package enum AppStoreResponseClass: Sendable, Equatable {
    /// 200: read the body.
    case success
    /// There is definitively no such thing in this environment.
    case notFound(errorCode: Int64)
    /// The token was not accepted, or the app has no production release.
    case unauthorized
    /// A repeat of the same request won't help.
    case refused(status: Int, errorCode: Int64?)
    /// Too many requests; `Retry-After` says until when.
    case throttled
    /// Nothing was said about the transaction; ask again later.
    case retryLater(AppStoreOutage)
}

/// Sorts Apple's answers into classes, from the status and the code alone; a body that isn't Apple's JSON has no code.
///
/// A code counts only where its first three digits are the status: a proxy's page that happens to carry a number
/// must not make a purchase "not found".
package struct AppStoreRetryPolicy: Sendable {
    /// The codes that are definitive for the request.
    package let notFoundCodes: Set<Int64>

    /// Takes the codes that are definitive for the request.
    package init(notFoundCodes: Set<Int64>) { self.notFoundCodes = notFoundCodes }

    /// Classifies one answer.
    package func classify(status: Int, errorCode: Int64?) -> AppStoreResponseClass {
        let code = errorCode.flatMap { $0 / 10_000 == Int64(status) ? $0 : nil }
        switch status {
        case 200:
            return .success
        case 401:
            return .unauthorized
        case 429:
            return .throttled
        case 404:
            guard let code, !Self.retryableNotFound.contains(code) else {
                return .retryLater(.notFoundRetryable(errorCode: code))
            }
            return notFoundCodes.contains(code) ? .notFound(errorCode: code) : .refused(status: 404, errorCode: code)
        case 400:
            if let code, notFoundCodes.contains(code) { return .notFound(errorCode: code) }
            return .refused(status: 400, errorCode: code)
        case 403:
            return .refused(status: 403, errorCode: code)
        case 500...599:
            return .retryLater(.serverError(status: status, errorCode: code))
        default:
            return .retryLater(.unexpectedStatus(status))
        }
    }

    /// Apple's own list of 404 codes to retry.
    static let retryableNotFound: Set<Int64> = [
        AppStoreErrorCode.accountNotFoundRetryable, AppStoreErrorCode.appNotFoundRetryable,
        AppStoreErrorCode.originalTransactionIDNotFoundRetryable,
    ]
}
