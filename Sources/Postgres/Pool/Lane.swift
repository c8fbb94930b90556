import Logging
import Metrics
import NIOPosix
import Synchronization

/// What a caller wants done on a connection.
enum Work: Sendable {
    /// One autocommitted statement.
    case query(SQL)
    /// The connection itself, for a transaction or a stream.
    case session
    /// Statements for the next group commit, kept together.
    case commit([SQL])
    /// One key of a lookup that is shared with others.
    case lookup(PostgresLookup, [PostgresValue])
}

/// What a request is answered with.
enum Reply: Sendable {
    /// One list of rows per statement.
    case rows([[PostgresRow]])
    case session(SessionChannel)
}

/// A request and the continuation that waits for it; the machine knows it by id only.
struct Request: Sendable {
    let id: RequestID
    let work: Work
    let deadline: ContinuousClock.Instant
    var arrival: PoolStateMachine.Arrival
    /// How often it was run without effect and put back.
    var returns = 0
    let continuation: CheckedContinuation<Result<Reply, PostgresError>, Never>
}

/// A bounded queue and the connection threads that serve it: the shell around `PoolStateMachine`.
final class Lane: Sendable {
    private struct State: ~Copyable {
        var machine: PoolStateMachine
        var requests: [RequestID: Request] = [:]
        var wakeups: [WorkerID: Wakeup] = [:]
        var connectError: PostgresError?
        var exitWaiters: [CheckedContinuation<Void, Never>] = []
    }

    let name: String
    let configuration: PostgresConfiguration
    let logger: Logger
    let threadPool: NIOThreadPool
    let metrics: LaneMetrics
    private let state: Locked<State>
    private let requestsMade = Atomic<UInt64>(0)
    /// The machine's `nextExpiry` in nanoseconds after `epoch`, and below its `drainUntil`.
    ///
    /// Read before every sleep, so without the lock. Whoever changes them stores first and wakes afterwards.
    private let nextExpiryTime = Atomic<Int64>(.max)
    private let drainTime = Atomic<Int64>(.max)
    private let epoch = ContinuousClock.now

    init(
        name: String, workersMax: Int, portion: PoolStateMachine.Portion, configuration: PostgresConfiguration,
        threadPool: NIOThreadPool, logger: Logger, metricsFactory: any MetricsFactory
    ) {
        self.name = name
        self.configuration = configuration
        self.threadPool = threadPool
        self.logger = logger
        metrics = LaneMetrics(lane: name, factory: metricsFactory)
        let machine = PoolStateMachine(
            workersMax: workersMax, queueMax: configuration.queueMax, portion: portion)
        state = Locked(State(machine: machine))
    }

    // MARK: For callers

    /// Queues work and waits for its answer; the calling task's cancellation takes it back or interrupts it.
    ///
    /// `acquireTimeout` is the configured one unless said otherwise.
    func perform(
        _ work: Work, deadline: Duration, acquireTimeout: Duration? = nil
    ) async -> Result<Reply, PostgresError> {
        let id = RequestID(value: requestsMade.wrappingAdd(1, ordering: .relaxed).newValue)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Queued first and taken back then, it could be on its way already.
                guard !Task.isCancelled else { return continuation.resume(returning: .failure(Self.cancelled)) }
                submit(makeRequest(id, work, deadline, acquireTimeout ?? configuration.acquireTimeout, continuation))
                // Whoever cancelled before the request was queued found nothing to cancel.
                if Task.isCancelled { cancel(id) }
            }
        } onCancel: {
            cancel(id)
        }
    }

    private func makeRequest(
        _ id: RequestID, _ work: Work, _ deadline: Duration, _ acquireTimeout: Duration,
        _ continuation: CheckedContinuation<Result<Reply, PostgresError>, Never>
    ) -> Request {
        let now = ContinuousClock.now
        var arrival = PoolStateMachine.Arrival(
            request: id, expiresAt: now + min(deadline, acquireTimeout))
        switch work {
        case .query(let sql): arrival.isExclusive = !sql.isPlainRead
        case .session: arrival.isExclusive = true
        case .commit(let statements):
            arrival.cost = statements.count
            arrival.isInterruptible = false
        case .lookup(let lookup, _):
            arrival.kind = PoolStateMachine.Kind(name: lookup.text, costMax: lookup.keysMax)
        }
        return Request(id: id, work: work, deadline: now + deadline, arrival: arrival, continuation: continuation)
    }

    private func submit(_ request: Request) {
        let (action, wakeup) = state.withLock { state in
            let action = state.machine.requestArrived(request.arrival)
            publishTimes(state.machine)
            guard case .enqueue(let nudge) = action else { return (action, nil as Wakeup?) }
            state.requests[request.id] = request
            guard case .wake(let worker) = nudge else { return (action, nil) }
            return (action, state.wakeups[worker])
        }
        wakeup?.signal()
        switch action {
        case .refuseQueueFull:
            let error = PostgresError(.queueFull, message: "\(configuration.queueMax) requests wait already")
            request.continuation.resume(returning: .failure(error))
        case .refuseShuttingDown:
            request.continuation.resume(returning: .failure(Self.shuttingDown))
        case .enqueue(.start(let worker)): startWorker(worker)
        case .enqueue: break
        }
    }

    private static let cancelled = PostgresError(.cancelled, message: "cancelled while waiting for a connection")
    private static let shuttingDown = PostgresError(.shuttingDown, message: "the database client is closed")

    private func cancel(_ id: RequestID) {
        let (request, wakeup) = state.withLock { state -> (Request?, Wakeup?) in
            defer { publishTimes(state.machine) }
            switch state.machine.requestCancelled(id) {
            case .answerCancelled: return (state.requests.removeValue(forKey: id), nil)
            case .interrupt(let worker): return (nil, state.wakeups[worker])
            case .nothing: return (nil, nil)
            }
        }
        wakeup?.signal()
        request?.continuation.resume(returning: .failure(Self.cancelled))
    }

    /// Refuses new work, serves what waits until `drainTimeout`, and returns when every connection is closed.
    func close() async {
        beginShutdown(drainTimeout: configuration.drainTimeout)
        await withCheckedContinuation { continuation in
            let isFinished = state.withLock { state in
                if state.machine.workerCount == 0 { return true }
                state.exitWaiters.append(continuation)
                return false
            }
            if isFinished { continuation.resume() }
        }
    }

    func beginShutdown(drainTimeout: Duration) {
        let wakeups = state.withLock { state in
            _ = state.machine.shutDown(drainUntil: ContinuousClock.now + drainTimeout)
            publishTimes(state.machine)
            return Array(state.wakeups.values)
        }
        for wakeup in wakeups { wakeup.signal() }
    }

    /// Whether a connection that is being made is no longer wanted.
    var wantsNoConnection: Bool {
        state.withLock { state in state.machine.isShuttingDown && state.machine.waitingCount == 0 }
    }

    /// Requests waiting for a connection, and running on one.
    var load: (waiting: Int, running: Int) {
        state.withLock { ($0.machine.waitingCount, $0.machine.runningCount) }
    }

    // MARK: For workers

    private func startWorker(_ id: WorkerID) {
        guard let wakeup = Wakeup() else { return workerExited(id, failing: true) }
        state.withLock { state in
            state.wakeups[id] = wakeup
        }
        let started = OwnThread.start { [self] in
            Worker(id: id, lane: self, wakeup: wakeup).run()
        }
        if !started { workerExited(id, failing: true) }
    }

    enum Step {
        case run([Request])
        case connect
        case park
        case stop
    }

    func nextStep(_ worker: WorkerID, isConnected: Bool) -> Step {
        if nextExpiry.map({ $0 <= ContinuousClock.now }) ?? false { expire() }
        let (step, wakeup) = state.withLock { state -> (Step, Wakeup?) in
            defer { publishTimes(state.machine) }
            switch state.machine.workerReady(worker, isConnected: isConnected) {
            case .run(let ids): return (.run(ids.compactMap { state.requests[$0] }), nil)
            case .connect:
                guard case .wake(let other) = state.machine.workerDelayed() else { return (.connect, nil) }
                return (.connect, state.wakeups[other])
            case .park: return (.park, nil)
            case .stop: return (.stop, nil)
            }
        }
        wakeup?.signal()
        return step
    }

    /// Called under the lock.
    private func publishTimes(_ machine: borrowing PoolStateMachine) {
        nextExpiryTime.store(machine.nextExpiry.map(time) ?? .max, ordering: .releasing)
        drainTime.store(machine.drainUntil.map(time) ?? .max, ordering: .releasing)
    }

    private func time(_ instant: ContinuousClock.Instant) -> Int64 {
        let (seconds, attoseconds) = epoch.duration(to: instant).components
        // A deadline may be as far away as somebody likes.
        return min(seconds, 1 << 32) * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    private func instant(_ time: Int64) -> ContinuousClock.Instant? {
        time == .max ? nil : epoch + .nanoseconds(time)
    }

    /// When the next waiting request expires; nil while none waits.
    var nextExpiry: ContinuousClock.Instant? { instant(nextExpiryTime.load(ordering: .acquiring)) }

    /// Answers what has waited too long.
    func expire() {
        let now = ContinuousClock.now
        let (expired, connectError, isClosing) = state.withLock { state in
            let expired = state.machine.timePassed(now: now).compactMap { state.requests.removeValue(forKey: $0) }
            publishTimes(state.machine)
            return (expired, state.connectError, state.machine.isShuttingDown)
        }
        for request in expired {
            var error =
                isClosing && request.deadline > now
                ? Self.shuttingDown
                : PostgresError(
                    request.deadline <= now ? .deadlineExceeded : .poolExhausted, message: "no connection became free")
            if !isClosing, let connectError { error = connectError }
            request.continuation.resume(returning: .failure(error))
        }
    }

    /// Lets an idle worker take what gathered behind one whose statement takes long.
    func workerStalled(_ worker: WorkerID) {
        let (nudge, wakeup) = state.withLock { state in
            let nudge = state.machine.workerStalled(worker)
            guard case .wake(let other) = nudge else { return (nudge, nil as Wakeup?) }
            return (nudge, state.wakeups[other])
        }
        wakeup?.signal()
        if case .start(let other) = nudge { startWorker(other) }
    }

    func isInterrupted(_ request: RequestID) -> Bool { state.withLock { $0.machine.isInterrupted(request) } }

    /// When running work is ended because the client closes; nil while it is open.
    var drainUntil: ContinuousClock.Instant? { instant(drainTime.load(ordering: .acquiring)) }

    var isDrainOver: Bool { drainUntil.map { ContinuousClock.now >= $0 } ?? false }

    func answer(_ request: Request, _ result: Result<Reply, PostgresError>) {
        answer(CollectionOfOne((request, result)))
    }

    /// Answers several callers; the queue is locked once for all of them.
    func answer(_ answers: some Collection<(Request, Result<Reply, PostgresError>)>) {
        state.withLock { state in
            for (request, _) in answers {
                state.machine.requestFinished(request.id)
                state.requests[request.id] = nil
            }
        }
        for (request, result) in answers { request.continuation.resume(returning: result) }
    }

    /// Takes the request off the books; its continuation now belongs to the caller of this.
    func release(_ request: Request) {
        state.withLock { state in
            state.machine.requestFinished(request.id)
            state.requests[request.id] = nil
        }
    }

    private static let returnsMax = 3

    /// Puts requests that had no effect back at the head of the queue, in their order, a bounded number of times.
    func putBack(_ requests: [Request], because error: PostgresError) {
        for var request in requests.reversed() {
            request.returns += 1
            if request.returns > Self.returnsMax {
                answer(request, .failure(error))
                continue
            }
            let action = state.withLock { state in
                let action = state.machine.requestReturned(request.arrival)
                publishTimes(state.machine)
                state.requests[request.id] = action == .answerCancelled ? nil : request
                return action
            }
            if action == .answerCancelled {
                let cancelled = PostgresError(.cancelled, message: "cancelled while the connection was lost")
                request.continuation.resume(returning: .failure(cancelled))
            }
        }
    }

    func workerConnected(_ worker: WorkerID) {
        state.withLock { state in
            state.machine.workerConnected(worker)
            state.connectError = nil
        }
    }

    func connectFailed(_ worker: WorkerID, _ error: PostgresError) {
        let failed = state.withLock { state in
            state.connectError = error
            defer { publishTimes(state.machine) }
            return state.machine.connectFailed(worker).compactMap { state.requests.removeValue(forKey: $0) }
        }
        for request in failed { request.continuation.resume(returning: .failure(error)) }
    }

    /// A thread ended, or (`failing`) could not even start: then nobody else may be there to serve the queue.
    func workerExited(_ worker: WorkerID, failing: Bool = false) {
        if failing {
            connectFailed(worker, PostgresError(.connectionFailed, message: "no thread or file descriptor left"))
        }
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.machine.workerExited(worker)
            state.wakeups[worker] = nil
            if state.machine.workerCount > 0 { return [] }
            defer { state.exitWaiters = [] }
            return state.exitWaiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
