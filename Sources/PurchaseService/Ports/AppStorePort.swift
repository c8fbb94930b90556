package import PurchaseCore

/// The App Store, as far as a decision needs it: a question about one transaction, or about its customer.
///
/// Implemented by `AppStoreClient`. The answer is *not verified*: whoever receives `.signed` hands the text to the
/// verifier before believing a word of it.
package protocol AppStorePort: CustomerPort {
    /// Asks for one transaction (Get Transaction Info), inside the request budget; every outcome is an answer.
    ///
    /// Waits for the budget and for Apple together no longer than `deadline`. At most one quick repeat happens inside
    /// (a fresh bearer token after 401, or a fresh connection after a kept one turned out closed); each repeat takes
    /// its own token of the budget. Longer repeats are the recheck worker's. Cancelling the task ends the call at once
    /// with `.unavailable(.cancelled)`. Which environment comes next is the caller's to decide.
    ///
    /// The id must hold 1–32 ASCII digits; anything else is `.unavailable(.invalidIdentifier)` without a call. The lane
    /// says who is waiting, see ``RequestLane``.
    func transactionInfo(
        _ id: TransactionID, in environment: StoreEnvironment, lane: RequestLane, deadline: Duration
    ) async -> AppStoreAnswer
}

/// What came of one question to the App Store, by Apple's documented codes (App Store Server API, "Error codes").
package enum AppStoreAnswer: Sendable, Equatable {
    /// 200 with a `signedTransactionInfo`: the JWS as it came, never empty, **not verified**.
    case signed(String)
    /// Apple says definitively that this environment has no such transaction: 404 with 4040010, or 400 with 4000006
    /// (not a transaction id) or 4000048 (an appTransactionId). Only the 404 can change with time.
    case notFound(errorCode: Int64)
    /// 401, whatever its body, also with a fresh token: a wrong key, or Production before the app's first release.
    case unauthorized
    /// Apple refuses the request itself and a repeat won't help: 403, other 400s, 404 with a code that this call does
    /// not document. `errorCode` is `nil` when the body was not Apple's JSON.
    case refusedRequest(status: Int, errorCode: Int64?)
    /// 429. Apple's `Retry-After` is an absolute UNIX time in milliseconds; `nil` when it is missing, unparsable, in
    /// the past, or more than an hour ahead. Also answered *without* a call while an earlier 429 of the same
    /// environment and endpoint class is in force.
    case throttled(retryAt: Instant?)
    /// Apple could not be asked, or could not answer: try again later. Says nothing about the transaction.
    case unavailable(AppStoreOutage)
    /// 200, but the body isn't what Apple documents: not JSON, empty, cut, over 1 MiB, or no `signedTransactionInfo`.
    /// The text says which, holds nothing of the body, and is safe to show.
    case malformed(String)

    /// A stable snake_case name of the case, for metrics, logs and the ledger.
    package var code: String {
        switch self {
        case .signed: "signed"
        case .notFound: "not_found"
        case .unauthorized: "unauthorized"
        case .refusedRequest: "refused_request"
        case .throttled: "throttled"
        case .unavailable(let outage): outage.code
        case .malformed: "malformed"
        }
    }
}

/// Why the App Store could not be asked or could not answer; every case is worth a later repeat.
package enum AppStoreOutage: Sendable, Equatable {
    /// 5xx, with Apple's code if there was one (5000000, 5000001).
    case serverError(status: Int, errorCode: Int64?)
    /// 404 that is *not* an answer about the transaction: no JSON body, or 4040002, 4040004, 4040006 ("retryable").
    case notFoundRetryable(errorCode: Int64?)
    /// A status outside every documented class: a redirect (never followed), 408, 409, 418 and the like.
    case unexpectedStatus(Int)
    /// No complete answer before the deadline.
    case timedOut
    /// No connection, or it was lost before the answer: refused, reset, DNS, TLS.
    case connectionFailed
    /// The budget itself could not be asked (database down); Apple is never called without it.
    case budgetUnavailable
    /// No token of the budget came free before the deadline, or the lane's queue was full; Apple was not called.
    case budgetExhausted
    /// The asking task was cancelled.
    case cancelled
    /// Our own fault: the id was not digits, so no path was built and no call made.
    case invalidIdentifier
    /// Our own fault: no bearer token could be signed.
    case tokenNotSigned

    /// A stable snake_case name of the case, for metrics, logs and the ledger.
    package var code: String {
        switch self {
        case .serverError: "server_error"
        case .notFoundRetryable: "not_found_retryable"
        case .unexpectedStatus: "unexpected_status"
        case .timedOut: "timed_out"
        case .connectionFailed: "connection_failed"
        case .budgetUnavailable: "budget_unavailable"
        case .budgetExhausted: "budget_exhausted"
        case .cancelled: "cancelled"
        case .invalidIdentifier: "invalid_identifier"
        case .tokenNotSigned: "token_not_signed"
        }
    }
}

/// Who waits for a request to Apple.
///
/// Lanes share one budget: interactive comes before retry, retry before sweep, each with a small guaranteed share;
/// unproven gets at most a fifth while any other lane is waiting.
package enum RequestLane: String, Sendable, Hashable, CaseIterable {
    /// The app's own server waits for the answer.
    case interactive
    /// A bare id posted by a device or a user: it may be a guess.
    case unproven
    /// The recheck worker.
    case retry
    /// Background sweeps and backfills.
    case sweep
}
