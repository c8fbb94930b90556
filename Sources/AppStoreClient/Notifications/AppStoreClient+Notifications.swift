package import PurchaseCore
package import PurchaseService

extension AppStoreClient {
    /// Get Notification History: one page of what Apple sent, exactly as it was sent.
    ///
    /// The token is the page before's, and goes with the same query; `nil` for the first page.
    package func notificationHistory(
        _ query: NotificationHistoryQuery, paginationToken: String?, in environment: StoreEnvironment,
        lane: RequestLane, deadline: Duration
    ) async -> AppStoreReply<NotificationHistoryPage> {
        await call(
            .notificationHistory(query, paginationToken: paginationToken), in: environment, lane: lane,
            deadline: deadline, decode: NotificationHistoryPage.decode)
    }

    /// Request a Test Notification; limited to one request a second.
    ///
    /// `.refusedRequest(404, 4040007)` means that no notification URL is set in App Store Connect for this environment.
    package func requestTestNotification(
        in environment: StoreEnvironment, lane: RequestLane, deadline: Duration
    ) async -> AppStoreReply<TestNotificationRequested> {
        await call(
            .testNotification, in: environment, lane: lane, deadline: deadline, decode: TestNotificationRequested.decode
        )
    }

    /// Get Test Notification Status; `.notFound` while it isn't available yet, and again when it has expired.
    package func testNotificationStatus(
        _ testNotificationToken: String, in environment: StoreEnvironment, lane: RequestLane, deadline: Duration
    ) async -> AppStoreReply<SentNotification> {
        guard let endpoint = AppStoreEndpoint.testNotificationStatus(testNotificationToken) else {
            return .unavailable(.invalidIdentifier)
        }
        return await call(
            endpoint, in: environment, lane: lane, deadline: deadline, decode: SentNotification.decode)
    }
}
