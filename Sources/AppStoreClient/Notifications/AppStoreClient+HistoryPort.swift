package import PurchaseCore
package import PurchaseService

extension AppStoreClient {
    /// See ``NotificationHistoryPort``; in the lane of background work, behind everybody who waits for an answer.
    package func notificationHistory(
        _ slice: HistorySlice, paginationToken: String?, in environment: StoreEnvironment, deadline: Duration
    ) async -> NotificationHistoryAnswer {
        let reply = await notificationHistory(
            NotificationHistoryQuery(startDate: slice.from, endDate: slice.to), paginationToken: paginationToken,
            in: environment, lane: .sweep, deadline: deadline)
        switch reply {
        case .answered(let page):
            return .page(page.notifications.map(\.signedPayload), next: page.hasMore ? page.paginationToken : nil)
        case .refusedRequest(400, AppStoreErrorCode.startDateTooFarInPast): return .startTooFarInPast
        case .refusedRequest(400, AppStoreErrorCode.invalidPaginationToken),
            .refusedRequest(400, AppStoreErrorCode.paginationTokenExpired):
            return .tokenExpired
        case .refusedRequest(let status, let errorCode):
            return .refusedRequest(status: status, errorCode: errorCode)
        // This call documents no such code; a 404 is then a refusal.
        case .notFound(let errorCode): return .refusedRequest(status: 404, errorCode: errorCode)
        case .unauthorized: return .unauthorized
        case .throttled(let retryAt): return .throttled(retryAt: retryAt)
        case .unavailable(let outage): return .unavailable(outage)
        case .malformed(let reason): return .malformed(reason)
        }
    }
}

extension AppStoreErrorCode {
    /// The history doesn't go back that far.
    static let startDateTooFarInPast: Int64 = 4_000_012
    /// Not a token of this query.
    static let invalidPaginationToken: Int64 = 4_000_014
    /// A token that waited too long for its page.
    static let paginationTokenExpired: Int64 = 4_000_017
}
