/// Why a use case gave no answer; the API turns each into one problem.
package enum ServiceError: Error, Hashable, Sendable {
    /// No such object, or none that this caller may see.
    case notFound
    /// Apple knows no such order of this app.
    case orderNotFound
    /// The signed text was erased, on a customer's wish; what it decided stays.
    case evidenceErased
    /// Apple gave no usable answer to a question that somebody waits for; asking again is safe.
    case appStoreUnavailable(retryAfterSeconds: Int)
    /// The delivery was cancelled by a refund: do not credit it.
    case grantCancelled
    /// The account has as many overrides in force as it may have.
    case overrideLimit
    /// A position of the ledger that does not exist yet; later it may.
    case asOfNotSettled
    /// A parameter that only the ledger could judge, by its name in the contract, and what it must be.
    case invalid(parameter: String, rule: String)
    /// Too many of these already; nothing was stored.
    case rateLimited(retryAfterSeconds: Int)
    /// The account is being erased; the same request is taken, as a new account's, once that is done.
    case beingErased(retryAfterSeconds: Int)
    /// Too much is waiting; nothing was stored.
    case overloaded(retryAfterSeconds: Int)
    /// The ledger can't be reached, or its answer is unknown; posting again is safe.
    case unavailable(retryAfterSeconds: Int)
    /// A user's token can't be judged, since the identity provider's keys can't be had; nothing was stored.
    case identityUnavailable(retryAfterSeconds: Int)
    /// A fault of ours, for the log.
    case fault(String)

    /// The error that a ledger error amounts to.
    package init(_ error: LedgerError) {
        switch error.code {
        case .tooMany: self = .rateLimited(retryAfterSeconds: 3_600)
        case .beingErased: self = .beingErased(retryAfterSeconds: 5)
        case .overloaded: self = .overloaded(retryAfterSeconds: 1)
        case .unavailable, .outcomeUnknown: self = .unavailable(retryAfterSeconds: 2)
        case .refused, .unreadable: self = .fault(error.description)
        }
    }
}
