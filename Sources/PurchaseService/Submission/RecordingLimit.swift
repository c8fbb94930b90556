import Metrics
import Synchronization

/// How many posts may be on their way into the ledger at once: as many as it takes in promptly.
///
/// Time passes outside: every fact comes with its instant. A recording that took longer than `target` makes the limit a
/// fifth smaller, at most once for all that were under way together; prompt ones let it grow, by ``growth`` for a full
/// limit's worth of them. So the queue before the ledger stays as long as `target`, whatever the machine can do, and
/// what Apple has answered meanwhile is committed just as promptly. (Additive increase, multiplicative decrease, as TCP
/// finds its window.)
///
/// Only who waits for the ledger alone tells how prompt it is. Posts of one transaction wait for each other, since they
/// change one chain: many of them at once would look like a slow ledger to everybody.
///
/// A post that has arrived whole takes its place at once, so that of many that arrive together none is let in that is
/// refused behind the edge, with half of the work done. It is not timed before it records; but the place lapses when that
/// takes one to two times `target`, since what it waits for then is no ledger: a certificate's responder, or an identity
/// provider's keys.
///
/// What Apple has answered goes before what is new: its commits take places whatever the limit says, and the questions
/// that wait behind them count too, as far as it is this process or its ledger that they wait for: all of them while Apple
/// answers promptly. Behind a slow App Store they don't: posts are then recorded and answered 202.
struct RecordingLimit: Sendable {
    /// How long a recording may take before there are too many.
    let target: Duration
    /// The least and the most; the least still fills the commits.
    let bounds: ClosedRange<Int>
    /// What the limit grows by while as many as it allows are done promptly.
    static let growth = 4.0

    private var allowed: Double
    /// Posts that have a place and don't record yet, by when they took it: in this period, of one `target`, or the last.
    private var arrivals = (current: 0, last: 0)
    /// The number of this period, and its beginning.
    private var period = 0
    private var periodBeganAt: ContinuousClock.Instant?
    /// Recordings under way.
    private(set) var running = 0
    /// Those of them that commit what Apple answered.
    private(set) var settling = 0
    /// Questions of the interactive lane under way, their commits among them, and waiting for a place.
    private var asks = (running: 0, queued: 0)
    private var shrunkAt: ContinuousClock.Instant?
    /// How long such questions took up to Apple's answer, each new one a sixteenth of it, and when the last one came.
    private var answers: (duration: Duration, lastAt: ContinuousClock.Instant)?

    /// Begins near the lower bound, and finds its place from there.
    init(target: Duration, bounds: ClosedRange<Int>) {
        self.target = target
        self.bounds = bounds
        allowed = min(Double(bounds.upperBound), Double(bounds.lowerBound) * 2)
    }

    /// How many may be under way at once.
    var limit: Int { Int(allowed) }

    /// Whether one more would be turned away.
    func isFull(now: ContinuousClock.Instant) -> Bool { arriving(now: now) + running + backlog(now: now) >= limit }

    /// Posts whose places have not lapsed.
    func arriving(now: ContinuousClock.Instant) -> Int {
        guard let periodBeganAt, now - periodBeganAt > target else { return arrivals.current + arrivals.last }
        return now - periodBeganAt > target * 2 ? 0 : arrivals.current
    }

    /// Questions that don't wait for Apple.
    ///
    /// While Apple is slow, the wait for the request budget included, those that wait since others' commits take long: of
    /// those waiting as large a share as of those under way.
    private func backlog(now: ContinuousClock.Instant) -> Int {
        guard asks.queued > 0, asks.running > 0 else { return 0 }
        // An App Store that falls silent gives no durations.
        if let answers, answers.duration <= target, now - answers.lastAt <= target { return asks.queued }
        return asks.queued * min(settling, asks.running) / asks.running
    }

    /// A question has Apple's answer, or none that it would wait for any longer.
    mutating func answered(after duration: Duration, now: ContinuousClock.Instant) {
        let before = answers?.duration ?? duration
        answers = (before + (duration - before) / 16, now)
    }

    /// Takes a place for a post that arrived, if there is one; the number of the period in which it was taken.
    mutating func arrive(now: ContinuousClock.Instant) -> Int? {
        guard !isFull(now: now) else { return nil }
        turnPeriods(now: now)
        arrivals.current += 1
        return period
    }

    /// A post that arrived records now, in the place that it took in that period, or in a new one; false if there is none.
    mutating func recordingBegan(arrivedIn period: Int, now: ContinuousClock.Instant) -> Bool {
        turnPeriods(now: now)
        guard period >= self.period - 1 else { return enter(now: now) }
        arrivalEnded(in: period)
        running += 1
        return true
    }

    /// A post that arrived records nothing, and gives the place back that it took in that period.
    mutating func arrivalEnded(in period: Int) {
        if period == self.period { arrivals.current -= 1 }
        if period == self.period - 1 { arrivals.last -= 1 }
    }

    private mutating func turnPeriods(now: ContinuousClock.Instant) {
        let elapsed: Duration = periodBeganAt.map { now - $0 } ?? target * 3
        guard elapsed > target else { return }
        let isLong = elapsed > target * 2
        arrivals = (current: 0, last: isLong ? 0 : arrivals.current)
        period += isLong ? 2 : 1
        periodBeganAt = now
    }

    /// Takes a place for a recording that has none yet, if there is one.
    mutating func enter(now: ContinuousClock.Instant) -> Bool {
        guard !isFull(now: now) else { return false }
        running += 1
        return true
    }

    /// Takes a place also where there is none, for an answer of Apple's.
    mutating func settlementBegan() {
        running += 1
        settling += 1
    }

    /// Such a commit ended, well or not.
    mutating func settlementEnded(enteredAt: ContinuousClock.Instant, now: ContinuousClock.Instant) {
        settling -= 1
        left(enteredAt: enteredAt, now: now)
    }

    /// So many more, or fewer, questions are under way and wait.
    mutating func asksChanged(running: Int, queued: Int) {
        asks.running += running
        asks.queued += queued
    }

    /// A recording ended, well or not; gives its place back.
    ///
    /// One that had to wait for another of the same transaction says nothing about the ledger.
    mutating func left(
        enteredAt: ContinuousClock.Instant, now: ContinuousClock.Instant, waitedForAnother: Bool = false
    ) {
        // Few at once say nothing about how many it could be.
        let wasCrowded = 2 * (arriving(now: now) + running) >= limit
        running -= 1
        if waitedForAnother { return }
        guard now - enteredAt <= target else {
            // Who entered before the last cut was under way with those that caused it.
            if let shrunkAt, enteredAt < shrunkAt { return }
            shrunkAt = now
            allowed = max(Double(bounds.lowerBound), allowed * 0.8)
            return
        }
        if wasCrowded { allowed = min(Double(bounds.upperBound), allowed + Self.growth / allowed) }
    }
}

/// A place before the ledger, which a post has from its arrival until it records.
///
/// Whoever holds it may drop it at any point, for a post that is refused or a connection that breaks: it is free again
/// when nobody holds it any more, and after one to two times ``RecordingLimit/target`` in any case.
package final class RecordingPlace: Sendable {
    /// The period in which it was taken, for the limit.
    let period: Int
    private let isTaken = Atomic<Bool>(true)
    private let giveBack: @Sendable () -> Void

    /// A place; `giveBack` is called at its end, unless a recording took it over.
    package init(period: Int = 0, giveBack: @escaping @Sendable () -> Void) {
        self.period = period
        self.giveBack = giveBack
    }

    deinit {
        if isTaken.load(ordering: .relaxed) { giveBack() }
    }

    /// Hands the place over to whoever counts it from now on; false when that has been done already.
    func surrender() -> Bool { isTaken.exchange(false, ordering: .relaxed) }
}

/// The ``RecordingLimit`` of this process.
///
/// Beyond it a post is refused before anything is stored, so that those that are taken are answered soon, and the service
/// does what it can do best instead of what it has begun.
package final class RecordingGate: Sendable {
    private let state: Mutex<RecordingLimit>
    private let limitMeter: Meter
    private let refused: Counter

    init(_ configuration: ServiceConfiguration, metrics: ServiceMetrics) {
        let limit = RecordingLimit(target: configuration.recordWithin, bounds: configuration.recordingsAtOnce)
        state = Mutex(limit)
        limitMeter = metrics.recordingsMax
        limitMeter.set(limit.limit)
        refused = metrics.postsShed
    }

    /// Takes a place for a post that has arrived; `nil` when it is turned away, and the refusal counts.
    ///
    /// Asked before its key or its body is looked at, so that a refusal costs next to nothing.
    package func admit() -> RecordingPlace? {
        guard let period = state.withLock({ $0.arrive(now: .now) }) else {
            refused.increment()
            return nil
        }
        return RecordingPlace(period: period) { [self] in state.withLock { $0.arrivalEnded(in: period) } }
    }

    /// Takes a place for as long as `body` takes, the one that the post has had since it arrived if there is one; throws
    /// `overloaded` when there is none.
    ///
    /// `body` says when it finds another recording of its transaction under way, which it may have to wait for.
    func record<Value>(
        in place: RecordingPlace?, _ body: (_ waitsForAnother: inout Bool) async throws(ServiceError) -> Value
    ) async throws(ServiceError) -> Value {
        let isIn = state.withLock { state in
            guard let place, place.surrender() else { return state.enter(now: .now) }
            return state.recordingBegan(arrivedIn: place.period, now: .now)
        }
        guard isIn else {
            refused.increment()
            throw .overloaded(retryAfterSeconds: 1)
        }
        let enteredAt = ContinuousClock.now
        var waitsForAnother = false
        defer {
            change { [waitsForAnother] in
                $0.left(enteredAt: enteredAt, now: .now, waitedForAnother: waitsForAnother)
            }
        }
        return try await body(&waitsForAnother)
    }

    /// Takes a place whatever the limit says, for as long as the commit of an answer of Apple's takes.
    func settle<Value>(_ body: () async throws(LedgerError) -> Value) async throws(LedgerError) -> Value {
        state.withLock { $0.settlementBegan() }
        let enteredAt = ContinuousClock.now
        defer { change { $0.settlementEnded(enteredAt: enteredAt, now: .now) } }
        return try await body()
    }

    /// A question of the interactive lane that was begun at `askedAt` has its answer.
    func answered(askedAt: ContinuousClock.Instant) {
        let now = ContinuousClock.now
        state.withLock { $0.answered(after: now - askedAt, now: now) }
    }

    /// So many more, or fewer, questions of the interactive lane are under way and wait.
    func asksChanged(running: Int, queued: Int) {
        state.withLock { $0.asksChanged(running: running, queued: queued) }
    }

    private func change(_ body: (inout RecordingLimit) -> Void) {
        let limit = state.withLock { state in
            body(&state)
            return state.limit
        }
        limitMeter.set(limit)
    }
}
