import Logging
import Metrics
package import PurchaseCore
import ServiceLifecycle
import Synchronization

/// Asks Apple on behalf of posts and of the recheck worker: one question per transaction at a time, a bounded number at
/// once, and a bounded queue before them.
///
/// A *flight* begins when a post enters, before it writes anything, so that everybody who comes meanwhile waits for the
/// same question; a hundred posts of one transaction are one call.
package final class AskPool: Sendable {
    struct Job: Sendable {
        var transactionID: TransactionID
        var first: StoreEnvironment?
        var lane: RequestLane
        var enqueuedAt: Instant
        /// The request that wants to know, if it is one; for log lines.
        var requestID: String?
        /// The chain as whoever enqueued the job just committed it; saves reading it again.
        var chain: Chain?
    }

    private struct Flight {
        var waiters: [UInt64: CheckedContinuation<Chain?, Never>] = [:]
    }

    private struct State {
        var flights: [TransactionID: Flight] = [:]
        var nextWaiter: UInt64 = 0
        var waitingPosts: [RequestLane: Int] = [:]
        var isStopping = false
    }

    private let checker: TransactionChecker
    private let gate: RecordingGate
    private let configuration: ServiceConfiguration
    private let logger: Logger
    private let metrics: [RequestLane: AskMetrics]
    private let flightsMeter: Meter
    private let waitsRefused: Counter
    private let state = Mutex(State())
    private let queues: [RequestLane: JobQueue]

    init(
        checker: TransactionChecker, gate: RecordingGate, configuration: ServiceConfiguration, logger: Logger,
        metrics: ServiceMetrics
    ) {
        self.checker = checker
        self.gate = gate
        self.configuration = configuration
        self.logger = logger
        self.metrics = Dictionary(uniqueKeysWithValues: RequestLane.allCases.map { ($0, metrics.asks(in: $0)) })
        flightsMeter = metrics.flights
        flightsMeter.set(0)
        waitsRefused = metrics.waitsRefused
        queues = Dictionary(
            uniqueKeysWithValues: RequestLane.allCases.map { lane in
                let people = lane == .interactive || lane == .unproven
                // Enough is left of their wait for the answer and its commit.
                let patience = configuration.answerWithin / 4
                return (
                    lane,
                    JobQueue(
                        bound: configuration.asksQueuedMax, patience: people ? patience : nil,
                        now: { checker.dependencies.clock.now() })
                )
            })
    }

    /// Questions under way or waiting.
    package var load: Int { state.withLock { $0.flights.count } }

    // MARK: Flights

    /// Begins a flight; false when one is under way already, to be joined with ``join(_:atMost:)``.
    func begin(_ id: TransactionID) -> Bool {
        state.withLock { state in
            guard state.flights[id] == nil else { return false }
            state.flights[id] = Flight()
            flightsMeter.set(state.flights.count)
            return true
        }
    }

    /// Ends a flight and wakes everybody who joined it, with the chain that its answer led to, if there was one.
    func end(_ id: TransactionID, with chain: Chain? = nil) {
        let flight = state.withLock { state in
            defer { flightsMeter.set(state.flights.count) }
            return state.flights.removeValue(forKey: id)
        }
        guard let flight else { return }
        for waiter in flight.waiters.values { waiter.resume(returning: chain) }
    }

    /// Hands a flight that this caller began over to the pool, which ends it; false (and ended) when there is no room.
    ///
    /// A flight that must make room for a newer one ends too; the ledger knows that its question is due.
    func enqueue(_ job: Job) -> Bool {
        guard let queue = queues[job.lane] else { preconditionFailure("a queue exists for every lane") }
        // Before it is handed over, so that whoever takes it finds it counted.
        changed(job.lane, queued: 1)
        guard let displaced = queue.add(job) else { return true }
        changed(job.lane, queued: -1)
        metrics[job.lane]?.rejected.increment()
        end(displaced.transactionID)
        return displaced.transactionID != job.transactionID
    }

    /// Takes a place to wait for Apple in, for a request; false when as many of its lane wait already as may.
    ///
    /// The question is under way or queued in either case. Every `true` is followed by one ``endWait(in:)``. Bare ids that
    /// anybody could send have places of their own, so that they take none from the app's server.
    func beginWait(in lane: RequestLane) -> Bool {
        let most = lane == .unproven ? configuration.postsWaitingMax / 4 : configuration.postsWaitingMax
        let mayWait = state.withLock { state in
            guard state.waitingPosts[lane, default: 0] < most else { return false }
            state.waitingPosts[lane, default: 0] += 1
            return true
        }
        if !mayWait { waitsRefused.increment() }
        return mayWait
    }

    /// Gives such a place back.
    func endWait(in lane: RequestLane) { state.withLock { $0.waitingPosts[lane, default: 0] -= 1 } }

    /// Waits until the flight ends, at most so long; returns at once when there is none.
    ///
    /// The chain that the flight's answer led to, where it tells: as it was committed, so whoever changed the chain
    /// meanwhile compares versions. `nil` when it has to be read.
    @discardableResult
    package func join(_ id: TransactionID, atMost time: Duration) async -> Chain? {
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskGroup(of: Chain?.self) { group in
            group.addTask {
                await withTaskCancellationHandler {
                    await withCheckedContinuation { continuation in
                        let isOver = self.state.withLock { state in
                            guard state.flights[id] != nil, !Task.isCancelled else { return true }
                            state.flights[id]?.waiters[waiter] = continuation
                            return false
                        }
                        if isOver { continuation.resume(returning: nil) }
                    }
                } onCancel: {
                    self.state.withLock { $0.flights[id]?.waiters.removeValue(forKey: waiter) }?
                        .resume(returning: nil)
                }
            }
            group.addTask {
                try? await Task.sleep(for: time)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    // MARK: Working

    /// Works off the queues until shut down; questions under way are finished, queued ones are left to the recheck worker.
    package func run() async {
        await withGracefulShutdownHandler {
            await withTaskCancellationHandler {
                await withDiscardingTaskGroup { group in
                    for (lane, queue) in queues { group.addTask { await self.work(queue, in: lane) } }
                }
            } onCancel: {
                stop()
            }
        } onGracefulShutdown: {
            self.stop()
        }
    }

    private func stop() {
        state.withLock { $0.isStopping = true }
        for queue in queues.values { queue.finish() }
    }

    private func work(_ queue: JobQueue, in lane: RequestLane) async {
        await withDiscardingTaskGroup { group in
            let places = Places(configuration.asks(in: lane))
            while true {
                // A place first: the newest job is the one that is newest once it can be done.
                await places.take()
                guard let job = await queue.next() else { return }
                changed(lane, queued: -1)
                // What was queued when the stop came stays due in the ledger.
                if state.withLock({ $0.isStopping }) {
                    end(job.transactionID)
                    places.giveBack()
                    continue
                }
                changed(lane, running: 1)
                group.addTask {
                    // The job came through a queue, and with it the request that it is for.
                    await CurrentRequest.$id.withValue(job.requestID) { await self.perform(job) }
                    self.changed(lane, running: -1)
                    places.giveBack()
                }
            }
        }
    }

    /// Counts questions that began or ended to wait, or to be under way.
    private func changed(_ lane: RequestLane, running: Int = 0, queued: Int = 0) {
        if running != 0 { metrics[lane]?.running.increment(by: Double(running)) }
        if queued != 0 { metrics[lane]?.queued.increment(by: Double(queued)) }
        if lane == .interactive { gate.asksChanged(running: running, queued: queued) }
    }

    private func perform(_ job: Job) async {
        var chain: Chain?
        do {
            let hasWaited = hasWaited(job)
            if hasWaited { guard try await stillMine(job) else { return end(job.transactionID) } }
            // After a long wait others may have asked meanwhile, which a chain's version doesn't tell.
            chain = try await checker.check(
                job.transactionID, first: job.first, lane: job.lane, known: hasWaited ? nil : job.chain)
        } catch {
            // The lease runs out and the worker asks again; nothing is lost.
            logger.error(
                "check failed",
                metadata: [
                    LogKey.transaction.rawValue: "\(job.transactionID)", LogKey.error.rawValue: "\(error)",
                ])
        }
        end(job.transactionID, with: chain)
    }
}

extension AskPool {
    /// Whether a job waited in its queue for so long that the lease may be another's by now.
    private func hasWaited(_ job: Job) -> Bool {
        checker.dependencies.clock.now() - job.enqueuedAt
            > Span(milliseconds: configuration.leaseFor.milliseconds / 3)
    }

    /// Whether this process may still ask; takes the right once more if so.
    private func stillMine(_ job: Job) async throws(LedgerError) -> Bool {
        let now = checker.dependencies.clock.now()
        return try await checker.dependencies.ledger.lease(
            job.transactionID, holder: checker.dependencies.processName, until: now + configuration.leaseFor,
            notAskedSince: now, now: now)
    }
}

/// A counter of free places with one waiter: the loop that hands out the work.
private final class Places: Sendable {
    private struct State {
        var free: Int
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State>

    init(_ count: Int) { state = Mutex(State(free: count)) }

    func take() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.free == 0 else {
                    state.free -= 1
                    return true
                }
                state.waiter = continuation
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    func giveBack() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard let waiter = state.waiter else {
                state.free += 1
                return nil
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume()
    }
}
