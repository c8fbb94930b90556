/// The catalogue of problems, in one place; the raw value is the stable `code` that clients branch on.
///
/// Described for people in `docs/errors.md`. Changing a code is a breaking change of the contract.
package enum ProblemCode: String, CaseIterable, Sendable {
    /// A part of the request is not what the contract says.
    case invalidRequest = "invalid-request"
    /// No credential, or an unknown one.
    case unauthenticated
    /// The credential lacks the role.
    case forbidden
    /// Not there, or not for this caller.
    case notFound = "not-found"
    /// Apple knows no such order of this app.
    case orderNotFound = "order-not-found"
    /// The path is there, the method is not.
    case methodNotAllowed = "method-not-allowed"
    /// The signed text was erased.
    case evidenceErased = "evidence-erased"
    /// The body is larger than allowed.
    case payloadTooLarge = "payload-too-large"
    /// The body is not JSON by its label.
    case unsupportedMediaType = "unsupported-media-type"
    /// This caller asks too often.
    case rateLimited = "rate-limited"
    /// The posted evidence or its transaction is refused.
    case transactionRefused = "transaction-refused"
    /// Another account holds the transaction.
    case transactionClaimed = "transaction-claimed"
    /// A refund came before the delivery was acknowledged.
    case grantCancelled = "grant-cancelled"
    /// The account has as many overrides in force as it may have.
    case overrideLimit = "override-limit"
    /// A position of the ledger that does not exist yet.
    case asOfNotSettled = "as-of-not-settled"
    /// A notification that Apple did not sign.
    case notificationRefused = "notification-refused"
    /// The process can't serve now; health checks only.
    case notReady = "not-ready"
    /// The request can't be taken now.
    case overloaded
    /// Apple can't be asked now, or gave no usable answer.
    case appStoreUnavailable = "app-store-unavailable"
    /// A fault of the service.
    case internalError = "internal-error"

    /// A URI that names the code; it resolves to nothing and never changes.
    package var type: String { "urn:vouch:problem:" + rawValue }

    /// The HTTP status.
    package var status: Int {
        switch self {
        case .invalidRequest, .notificationRefused: 400
        case .unauthenticated: 401
        case .forbidden: 403
        case .notFound, .orderNotFound: 404
        case .methodNotAllowed: 405
        case .transactionClaimed, .grantCancelled, .overrideLimit, .asOfNotSettled: 409
        case .evidenceErased: 410
        case .payloadTooLarge: 413
        case .unsupportedMediaType: 415
        case .transactionRefused: 422
        case .rateLimited: 429
        case .internalError: 500
        case .notReady, .overloaded, .appStoreUnavailable: 503
        }
    }

    /// One sentence, the same for every occurrence.
    package var title: String {
        switch self {
        case .invalidRequest: "The request is not valid"
        case .unauthenticated: "The caller is not known"
        case .forbidden: "The caller may not do this"
        case .notFound: "There is no such thing"
        case .orderNotFound: "Apple knows no such order"
        case .methodNotAllowed: "The method is not allowed here"
        case .evidenceErased: "The signed proof was erased"
        case .payloadTooLarge: "The request is too large"
        case .unsupportedMediaType: "The content type is not supported"
        case .rateLimited: "Too many requests"
        case .transactionRefused: "The transaction is refused"
        case .transactionClaimed: "The transaction is claimed by another account"
        case .grantCancelled: "The grant is cancelled"
        case .overrideLimit: "The account has too many overrides"
        case .asOfNotSettled: "The ledger has not come that far"
        case .notificationRefused: "The notification is refused"
        case .notReady: "The service is not ready"
        case .overloaded: "The service cannot take the request now"
        case .appStoreUnavailable: "Apple gave no usable answer"
        case .internalError: "Something failed in the service"
        }
    }

    /// Whether the same request may succeed later, with nobody changing anything.
    package var isRetryable: Bool {
        switch self {
        case .rateLimited, .asOfNotSettled, .notReady, .overloaded, .appStoreUnavailable, .internalError: true
        case .invalidRequest, .unauthenticated, .forbidden, .notFound, .orderNotFound, .methodNotAllowed,
            .evidenceErased, .payloadTooLarge, .unsupportedMediaType, .transactionRefused, .transactionClaimed,
            .grantCancelled, .overrideLimit,
            .notificationRefused:
            false
        }
    }
}
