package import PurchaseCore

/// How long the provider's keys are used, and how often they are asked for.
package struct KeySetTimes: Hashable, Sendable {
    /// A set older than this is still used, and a newer one is fetched meanwhile.
    package var refreshAfter: Span
    /// A set older than this is used only when no newer one can be had: a key that was withdrawn must not be believed
    /// because nobody came for a while.
    package var awaitAfter: Span
    /// A set older than this is not used.
    package var keepFor: Span
    /// The least time between the ends of two attempts: made-up key ids must not become a flood of requests.
    package var pause: Span

    /// Takes every time.
    package init(refreshAfter: Span, awaitAfter: Span, keepFor: Span, pause: Span) {
        self.refreshAfter = refreshAfter
        self.awaitAfter = awaitAfter
        self.keepFor = keepFor
        self.pause = pause
    }

    /// For a set behind a URL: providers publish a new key hours before they use it, and are away for hours at worst.
    package static let url = KeySetTimes(
        refreshAfter: .minutes(10), awaitAfter: .hours(1), keepFor: .days(1), pause: .seconds(10))
    /// For a file, which costs nothing to read.
    package static let file = KeySetTimes(
        refreshAfter: .seconds(10), awaitAfter: .minutes(1), keepFor: .days(1), pause: .seconds(1))
}

/// Which set of keys is in force, and when the next one is fetched: a state machine without clock and network.
struct KeySetCache: Sendable {
    /// What to do with a token.
    enum Advice {
        /// Judge it by this set; when `refresh`, have a newer one fetched meanwhile.
        case use(KeySet, refresh: Bool)
        /// Have a set fetched, or wait for the one that is, and ask again.
        case wait
        /// There is no set, and the newest attempt failed just now.
        case unavailable
    }

    /// What to make of a token whose key the newest set lacks.
    enum AdviceOnUnknownKey {
        /// Have a set fetched, or wait for the one that is, and judge once more.
        case wait
        /// The set was read just now: there is no such key.
        case unknown
        /// The newest attempt failed just now: there may be such a key.
        case undetermined
    }

    private let times: KeySetTimes
    private var current: (keys: KeySet, readAt: Instant)?
    private var newest: (endedAt: Instant, succeeded: Bool)?
    private var isFetching = false

    init(times: KeySetTimes) { self.times = times }

    func advice(at now: Instant) -> Advice {
        guard let current, lastResort(at: now) != nil else {
            return isPausing(at: now) && newest?.succeeded == false ? .unavailable : .wait
        }
        let age = Self.age(of: current.readAt, at: now)
        if age >= times.awaitAfter, !isPausing(at: now) { return .wait }
        return .use(current.keys, refresh: age >= times.refreshAfter && !isFetching && !isPausing(at: now))
    }

    /// The set that may be used when waiting for a newer one came to nothing.
    func lastResort(at now: Instant) -> KeySet? {
        current.flatMap { Self.age(of: $0.readAt, at: now) < times.keepFor ? $0.keys : nil }
    }

    func adviceOnUnknownKey(at now: Instant) -> AdviceOnUnknownKey {
        guard isPausing(at: now), let newest, !isFetching else { return .wait }
        return newest.succeeded ? .unknown : .undetermined
    }

    /// Begins an attempt; false when one is under way, or the last one ended just now.
    mutating func begin(at now: Instant) -> Bool {
        guard !isFetching, !isPausing(at: now) else { return false }
        isFetching = true
        return true
    }

    /// The attempt under way brought a set.
    mutating func succeeded(_ keys: KeySet, at now: Instant) {
        isFetching = false
        current = (keys, now)
        newest = (now, true)
    }

    /// The attempt under way brought none; the set at hand stays in force.
    mutating func failed(at now: Instant) {
        isFetching = false
        newest = (now, false)
    }

    private func isPausing(at now: Instant) -> Bool {
        newest.map { Self.age(of: $0.endedAt, at: now) < times.pause } ?? false
    }

    /// A clock that was set back must not keep an old set young for ever: beyond some jitter the future is long ago.
    private static func age(of moment: Instant, at now: Instant) -> Span {
        if now >= moment { return now - moment }
        return moment - now < .minutes(5) ? .zero : .days(36_500)
    }
}
