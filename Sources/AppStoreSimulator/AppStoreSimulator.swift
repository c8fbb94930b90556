import Crypto
import Synchronization

/// A fake App Store: it sells, refunds and signs under a root of its own, serves Apple's App Store Server API for both
/// environments, sends notifications, and does on command what the real one does on bad days.
///
/// Everything is in memory and bounded. Every method may be called from any task; a call is atomic.
package final class AppStoreSimulator: Sendable {
    /// What a simulator is like; fixed for its life.
    package struct Configuration: Sendable {
        /// The app whose purchases are sold.
        package var bundleID = "com.example.app"
        /// The app's number in the App Store.
        package var appAppleID: Int64 = 1_234_567_890
        /// Whether bearer tokens are checked.
        package var requiresAuthentication = true
        /// Whether production answers 401 to everything, as for an app without a release.
        package var isUnreleased = false
        /// Where notifications are sent, by environment; also after ``AppStoreSimulator/reset()``.
        package var notificationURLs: [SimulatedEnvironment: String] = [:]
        /// How many notifications are kept per environment, at least 1; the oldest are forgotten first.
        package var notificationsMax = 200_000
        /// What an hour of Apple's retry schedule is on the simulator's clock, in milliseconds, at least 1.
        package var retryHourMilliseconds: Int64 = Milliseconds.hour
        /// Ids and chances come from this seed; `nil`: other ones in every run.
        package var seed: UInt64?

        /// The defaults.
        package init() {}
    }

    struct State: Sendable {
        var book: TransactionBook
        var faults = FaultQueue()
        var calls = CallLog()
        var isOut = false
        let app: NotifyingApp
        /// What notifications made now are signed with.
        var chain: SimulatedSigningChain
        var notificationURLs: [SimulatedEnvironment: String]
        var outboxes: [SimulatedEnvironment: NotificationOutbox] = [:]
        var notificationFaults = NotificationFaultQueue()
        /// Pagination tokens of an earlier epoch have expired.
        var paginationEpoch: Int64 = 0
        /// What the simulator's time is ahead of its clock.
        var clockOffset: Int64 = 0
        /// Up to when subscriptions have gone on by themselves.
        var hasRunUntil = Int64.min
    }

    /// What this simulator is like.
    package let configuration: Configuration
    /// Its root and its In-App Purchase key.
    package let keys: SimulatorKeys
    let clock: SimulatorClock
    let signer: TransactionSigner
    let tokenCheck: BearerTokenCheck
    private let state: Mutex<State>

    /// A simulator with keys from ``SimulatorKeys/loadOrCreate(directory:clock:)``, or with new ones in memory.
    ///
    /// Throws ``SimulatorError``: `material`, `invalid` (a notification URL).
    package init(
        configuration: Configuration = Configuration(), keys: SimulatorKeys? = nil, clock: SimulatorClock = .system
    ) throws(SimulatorError) {
        let keys = if let keys { keys } else { try SimulatorKeys.inMemory(clock: clock) }
        for url in configuration.notificationURLs.values { try Self.checkNotificationURL(url) }
        self.configuration = configuration
        self.keys = keys
        self.clock = clock
        self.signer = try TransactionSigner(keys: keys, clock: clock)
        self.tokenCheck = BearerTokenCheck(
            keyID: SimulatorKeys.keyID, issuerID: SimulatorKeys.issuerID, bundleID: configuration.bundleID,
            publicKey: keys.inAppPurchaseKey.publicKey)
        self.state = Mutex(Self.initialState(configuration, chain: signer.chain))
    }

    private static func initialState(_ configuration: Configuration, chain: SimulatedSigningChain) -> State {
        State(
            book: TransactionBook(bundleID: configuration.bundleID, ids: IdentifierSource(seed: configuration.seed)),
            app: NotifyingApp(configuration), chain: chain, notificationURLs: configuration.notificationURLs)
    }

    /// Runs `body` with the state to itself; `now` is the simulator's time in milliseconds since 1970 UTC.
    func withState<Value: Sendable, Failure: Error>(
        _ body: (inout State, _ now: Int64) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let time = clock.nowMilliseconds
        return try state.withLock { (state) throws(Failure) -> Value in
            let now = time + state.clockOffset
            state.runSubscriptions(until: now)
            return try body(&state, now)
        }
    }

    /// Forgets transactions, notifications, faults, calls, outage and clock; keys and certificates stay.
    package func reset() {
        withState { state, _ in state = Self.initialState(configuration, chain: state.chain) }
    }

    /// Issues a new intermediate and leaf under the same root.
    ///
    /// Throws ``SimulatorError/material(_:)``.
    package func rotateCertificates() throws(SimulatorError) {
        try signer.rotate()
        withState { state, _ in state.chain = signer.chain }
    }

    /// The chain that answers are signed with at present.
    package var signingChain: SimulatedSigningChain { signer.chain }

    /// Moves the simulator's time; the bearer tokens' check keeps to the real clock.
    package func advanceClock(milliseconds: Int64) {
        withState { state, _ in state.clockOffset += milliseconds }
    }

    /// The simulator's time: milliseconds since 1970 UTC.
    package var nowMilliseconds: Int64 { withState { _, now in now } }
}
