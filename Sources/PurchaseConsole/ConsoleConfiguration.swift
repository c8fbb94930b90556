package import PurchaseAPI
package import PurchaseCore

/// Bounds and fixed values of the pages under `/console`.
package struct ConsoleConfiguration: Sendable {
    /// The app of this deployment; what a page says until signed proof tells.
    package var bundleID: BundleID
    /// Bytes that a posted form may have (default 16 KiB); more is 413.
    package var maximumFormBytes = 16 << 10
    /// How long a page may take, a form's arrival included (default 30 s); it must exceed the time that a recheck waits
    /// for Apple.
    package var requestTimeout: Duration
    /// How long a page of money and the head of its download may take (default 5 min): each sums a whole period up.
    package var financeTimeout: Duration = .seconds(300)
    /// How long the sign-in form may take to arrive and be answered (default 10 s).
    package var signInTimeout: Duration = .seconds(10)
    /// Pages that may be under way at once for people who are signed in (default 64); more is 503.
    package var concurrentRequestsMax = 64
    /// Requests that may be under way at once of those who are not (default 32): they keep out nobody who is.
    package var concurrentStrangersMax = 32
    /// What answers with exports; the API's own, so that its bound holds for both together.
    package var downloads: PaidRecordsDownloads
    /// The wall clock.
    package var now: @Sendable () -> Instant
    /// The network that a request comes from, as in the API's configuration.
    package var callerNetwork: @Sendable (_ peer: String?, _ forwardedFor: [String]) -> String? = { peer, _ in peer }

    /// Takes what has no default, and the time limit.
    package init(
        bundleID: BundleID, downloads: PaidRecordsDownloads, requestTimeout: Duration = .seconds(30),
        now: @escaping @Sendable () -> Instant
    ) {
        self.downloads = downloads
        self.bundleID = bundleID
        self.requestTimeout = requestTimeout
        self.now = now
    }
}
