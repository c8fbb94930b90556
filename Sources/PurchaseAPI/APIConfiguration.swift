package import PurchaseCore
package import PurchaseService

/// The bounds of the HTTP edge, and what it serves that is not in the ledger.
package struct APIConfiguration: Sendable {
    /// The app of this deployment; what `bundleId` says until signed proof tells.
    package var bundleID: BundleID
    /// The contract, as YAML, served at `GET /openapi.yaml`.
    package var openAPIDocument: String
    /// Bytes that a request body may have (default 64 KiB); more is 413.
    package var maximumBodyBytes: Int
    /// Bytes that a notification of Apple's may have (default 256 KiB); more is 413.
    package var maximumNotificationBytes = 256 << 10
    /// How long a notification's body may take to arrive (default 5 s).
    package var notificationBodyTimeout: Duration = .seconds(5)
    /// How long an operation with a request body may take, the body's arrival included (default 30 s).
    ///
    /// Must exceed the time that a post waits for Apple. Operations without a body wait for the database alone, which has
    /// time limits of its own.
    package var requestTimeout: Duration
    /// Requests of a lane that may be under way at once, where it differs from ``EdgeLane/placesDefault``; more is 503.
    package var places: [EdgeLane: Int] = [:]
    /// A place for a post that arrives, `nil` when it is refused for want of capacity (default: never).
    ///
    /// Asked before anything of the post is looked at, and dropped where the post has not come whole: a body that
    /// trickles must not keep others out.
    package var admitPost: @Sendable () -> RecordingPlace? = { RecordingPlace {} }
    /// Exports that may be under way at once (default 2); more is 503.
    package var concurrentExportsMax = 2
    /// How long a whole export may take (default 30 min); then its connection is closed.
    package var exportTimeout: Duration = .seconds(1_800)
    /// How long a reader of an export may take for 64 KiB (default 30 s); then its connection is closed.
    package var exportStallTimeout: Duration = .seconds(30)
    /// The wall clock, from which `Retry-After` is reckoned.
    package var now: @Sendable () -> Instant
    /// The network that a request comes from, in one form for each, from the peer's address and the values of
    /// `X-Forwarded-For` in their order; `nil` when it can't be told (default: the peer's address, whatever it forwards).
    package var callerNetwork: @Sendable (_ peer: String?, _ forwardedFor: [String]) -> String? = { peer, _ in peer }
    /// Hears of every answered request; must return at once (default: nobody does).
    package var observe: @Sendable (Exchange) -> Void = { _ in }
    /// Whether the process is about to stop, and so is not ready (default: never).
    package var isDraining: @Sendable () -> Bool = { false }

    /// Takes what has no default, and the bounds.
    package init(
        bundleID: BundleID, openAPIDocument: String, maximumBodyBytes: Int = 64 << 10,
        requestTimeout: Duration = .seconds(30), now: @escaping @Sendable () -> Instant
    ) {
        self.bundleID = bundleID
        self.openAPIDocument = openAPIDocument
        self.maximumBodyBytes = maximumBodyBytes
        self.requestTimeout = requestTimeout
        self.now = now
    }
}
