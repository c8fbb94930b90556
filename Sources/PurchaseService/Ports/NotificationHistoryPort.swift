package import PurchaseCore

/// Get Notification History, as far as healing gaps needs it: one page of everything that Apple sent in a span of time.
///
/// Implemented by `AppStoreClient`, inside the request budget and in the lane ``RequestLane/sweep``.
package protocol NotificationHistoryPort: Sendable {
    /// Asks for one page of at most 20; every outcome is an answer.
    ///
    /// `paginationToken` is the one of the page before, and goes with the same slice; `nil` asks for the first page.
    /// Waits for the budget and for Apple together no longer than `deadline`. A cancelled task ends the call at once
    /// with `.unavailable(.cancelled)`.
    func notificationHistory(
        _ slice: HistorySlice, paginationToken: String?, in environment: StoreEnvironment, deadline: Duration
    ) async -> NotificationHistoryAnswer
}

/// A span of time of Apple's notification history; `from` is before `to`.
package struct HistorySlice: Hashable, Sendable {
    /// The oldest moment in it.
    package var from: Instant
    /// Its end.
    package var to: Instant

    /// Takes both ends.
    package init(from: Instant, to: Instant) {
        self.from = from
        self.to = to
    }

    /// How long it is.
    package var length: Span { to - from }

    /// Whether everything of another slice lies in this one.
    package func contains(_ other: HistorySlice) -> Bool { from <= other.from && other.to <= to }
}

/// What came of one question for a page of the notification history (App Store Server API, "Error codes").
package enum NotificationHistoryAnswer: Sendable, Equatable {
    /// 200: the signed payloads, **not verified**, and the token of the next page; `nil` on the last one.
    case page([String], next: String?)
    /// 400 with 4000017 or 4000014: the token is too old, or was never one; the slice must be asked for anew.
    case tokenExpired
    /// 400 with 4000012: Apple doesn't go back that far (180 days in Production, 30 in Sandbox).
    case startTooFarInPast
    /// 401, also with a fresh token: a wrong key, or Production before the app's first release.
    case unauthorized
    /// 429, now or still; Apple's instant, at most an hour ahead, if it named one.
    case throttled(retryAt: Instant?)
    /// Apple refuses the question itself; a repeat won't help.
    case refusedRequest(status: Int, errorCode: Int64?)
    /// Nothing was learnt; ask again later.
    case unavailable(AppStoreOutage)
    /// 200 with another body than Apple documents; the text is safe to show.
    case malformed(String)
}
