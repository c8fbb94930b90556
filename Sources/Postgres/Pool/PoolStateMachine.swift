/// A request to a lane; never reused.
struct RequestID: Hashable, Sendable { let value: UInt64 }

/// A connection thread of a lane; never reused.
struct WorkerID: Hashable, Sendable { let value: UInt64 }

/// Who waits for a connection and which connection thread does what: pure, times passed in.
///
/// Facts come in as past-tense calls, what to do goes out as values; it holds ids, never continuations.
struct PoolStateMachine: ~Copyable {
    typealias Instant = ContinuousClock.Instant

    /// How many waiting requests one worker takes at once.
    enum Portion: Equatable {
        /// An even share of the queue, at most this many: they don't wait behind each other while workers are idle.
        case share(max: Int)
        /// Everything up to this total cost: a group commit.
        case group(costMax: Int)
        /// The first and what is of its kind, up to the cost that the first one allows, past those of other kinds.
        ///
        /// While a worker is at it, arrivals gather for its next turn, since what is asked for together is cheaper; an idle
        /// one takes them when enough have gathered, or when the busy one has taken too long.
        case kin
    }

    struct Arrival: Sendable {
        let request: RequestID
        /// Statements in it.
        var cost = 1
        /// Whether it must be alone on the connection.
        var isExclusive = false
        /// Whether it may be interrupted once it runs.
        var isInterruptible = true
        /// With whom it can be answered together.
        var kind: Kind?
        /// When it no longer waits for a connection.
        let expiresAt: Instant
    }

    /// What lets waiting requests share a statement.
    struct Kind: Equatable, Sendable {
        let name: String
        let costMax: Int
    }

    enum ArrivalAction: Equatable {
        case refuseQueueFull
        case refuseShuttingDown
        case enqueue(Nudge)
    }

    enum Nudge: Equatable {
        case nobody
        /// An idle worker for the work, or a busy one that has to sleep less long now: its sleep serves the expiry.
        case wake(WorkerID)
        case start(WorkerID)
    }

    enum WorkerStep: Equatable {
        case run([RequestID])
        case connect
        case park
        case stop
    }

    enum CancelAction: Equatable {
        /// It was waiting and is out of the queue: answer it.
        case answerCancelled
        /// It runs there: tell that worker.
        case interrupt(WorkerID)
        /// It is finished, unknown, or runs to its true end.
        case nothing
    }

    private enum WorkerState: Equatable {
        /// Started or woken; it will ask for a step.
        case coming
        case idle(isConnected: Bool)
        case connecting
        case pausing
        case running
        /// Running for longer than others should have to wait for it.
        case stalled
    }

    /// Which part of what one statement may answer gathers behind a busy worker before an idle one is woken.
    private static let gatheringShare = 4

    private let workersMax: Int
    private let queueMax: Int
    private let portion: Portion
    private var waiting: [RequestID: Arrival] = [:]
    private var order: [RequestID] = []
    private var head = 0
    private var running: [RequestID: (worker: WorkerID, isInterruptible: Bool)] = [:]
    private var interrupted: Set<RequestID> = []
    private var workers: [WorkerID: WorkerState] = [:]
    private var workersStarted: UInt64 = 0
    private var earliestExpiry: Instant?
    /// Set once the client closes: when whatever still waits or runs is ended.
    private(set) var drainUntil: Instant?
    private var hasEverConnected = false

    init(workersMax: Int, queueMax: Int, portion: Portion) {
        self.workersMax = max(1, workersMax)
        self.queueMax = max(1, queueMax)
        self.portion = portion
    }

    var waitingCount: Int { waiting.count }
    var runningCount: Int { running.count }
    var workerCount: Int { workers.count }
    var isShuttingDown: Bool { drainUntil != nil }
    var isFinished: Bool { isShuttingDown && workers.isEmpty && waiting.isEmpty }

    /// When somebody must call `timePassed` next.
    var nextExpiry: Instant? {
        guard let earliestExpiry, !waiting.isEmpty else { return nil }
        return drainUntil.map { min($0, earliestExpiry) } ?? earliestExpiry
    }

    // MARK: Requests

    mutating func requestArrived(_ arrival: Arrival) -> ArrivalAction {
        if isShuttingDown { return .refuseShuttingDown }
        if waiting.count >= queueMax { return .refuseQueueFull }
        let isEarliest = earliestExpiry.map { arrival.expiresAt < $0 } ?? true
        enqueue(arrival, atFront: false)
        if gathers(arrival) { return .enqueue(.nobody) }
        let nudge = nudge()
        // All are busy, and asleep until later than this expires: one of them must keep the time.
        if nudge == .nobody, isEarliest, let timekeeper = workers.keys.min(by: { $0.value < $1.value }) {
            return .enqueue(.wake(timekeeper))
        }
        return .enqueue(nudge)
    }

    mutating func requestCancelled(_ request: RequestID) -> CancelAction {
        if waiting.removeValue(forKey: request) != nil {
            // Otherwise it is at worst too early, and then somebody looks in vain.
            if waiting.isEmpty { earliestExpiry = nil }
            return .answerCancelled
        }
        guard let run = running[request], run.isInterruptible else { return .nothing }
        interrupted.insert(request)
        return .interrupt(run.worker)
    }

    func isInterrupted(_ request: RequestID) -> Bool { interrupted.contains(request) }

    /// A request was answered by its worker.
    mutating func requestFinished(_ request: RequestID) {
        running[request] = nil
        interrupted.remove(request)
    }

    /// A running request had no effect and goes back to the head of the queue, to be run again.
    mutating func requestReturned(_ arrival: Arrival) -> CancelAction {
        let wasInterrupted = interrupted.contains(arrival.request)
        requestFinished(arrival.request)
        if wasInterrupted { return .answerCancelled }
        enqueue(arrival, atFront: true)
        return .nothing
    }

    /// The requests whose waiting time is over; they are out of the queue.
    mutating func timePassed(now: Instant) -> [RequestID] {
        let isDrainOver = drainUntil.map { now >= $0 } ?? false
        guard isDrainOver || (earliestExpiry.map { now >= $0 } ?? false) else { return [] }
        let expired = waiting.values.filter { isDrainOver || $0.expiresAt <= now }.map(\.request)
        for request in expired { waiting[request] = nil }
        earliestExpiry = waiting.values.map(\.expiresAt).min()
        return expired.sorted { $0.value < $1.value }
    }

    // MARK: Workers

    /// A worker has nothing in hand and asks what to do.
    mutating func workerReady(_ worker: WorkerID, isConnected: Bool) -> WorkerStep {
        if waiting.isEmpty {
            if isShuttingDown { return .stop }
            workers[worker] = .idle(isConnected: isConnected)
            return .park
        }
        if !isConnected {
            workers[worker] = .connecting
            return .connect
        }
        workers[worker] = .running
        let requests = take()
        for arrival in requests {
            running[arrival.request] = (worker, arrival.isInterruptible)
        }
        return .run(requests.map(\.request))
    }

    /// A worker's statement takes longer than others should wait for it: what gathered goes elsewhere if it can.
    mutating func workerStalled(_ worker: WorkerID) -> Nudge {
        guard workers[worker] == .running else { return .nobody }
        workers[worker] = .stalled
        return waiting.isEmpty || isShuttingDown || takerIsNear ? .nobody : nudge()
    }

    /// A worker has to connect before it can run anything: one that waits idle on a connection takes its place.
    mutating func workerDelayed() -> Nudge {
        guard let idle = idleWorker, workers[idle] == .idle(isConnected: true) else { return .nobody }
        return nudge()
    }

    mutating func workerConnected(_ worker: WorkerID) {
        hasEverConnected = true
        workers[worker] = .coming
    }

    /// A connect failed; returns the requests to fail with it.
    ///
    /// Until the first one ever succeeds this fails what waits at once: a wrong URL is not an
    /// outage, and a command must not sit out its time-outs to say so.
    mutating func connectFailed(_ worker: WorkerID) -> [RequestID] {
        workers[worker] = .pausing
        if hasEverConnected { return [] }
        let requests = order[head...].filter { waiting[$0] != nil }
        waiting = [:]
        earliestExpiry = nil
        return requests
    }

    mutating func workerExited(_ worker: WorkerID) { workers[worker] = nil }

    /// Refuses new requests and returns the workers to wake.
    ///
    /// What waits may still be served until `drainUntil`.
    mutating func shutDown(drainUntil: Instant) -> [WorkerID] {
        if let current = self.drainUntil, current <= drainUntil { return [] }
        self.drainUntil = drainUntil
        return Array(workers.keys)
    }

    // MARK: Parts

    private mutating func enqueue(_ arrival: Arrival, atFront: Bool) {
        waiting[arrival.request] = arrival
        if atFront { order.insert(arrival.request, at: head) } else { order.append(arrival.request) }
        earliestExpiry = earliestExpiry.map { min($0, arrival.expiresAt) } ?? arrival.expiresAt
        // Cancelled requests leave holes; bounded by what really waits.
        if order.count > 2 * waiting.count + 64 {
            order = order[head...].filter { waiting[$0] != nil }
            head = 0
        }
    }

    /// Whether an arrival is better off with the next turn of a busy worker than with an idle one.
    private func gathers(_ arrival: Arrival) -> Bool {
        guard portion == .kin, let kind = arrival.kind else { return false }
        return takerIsNear && waiting.count < max(1, kind.costMax / Self.gatheringShare)
    }

    /// Whether a worker with a connection will ask for its next step soon.
    private var takerIsNear: Bool { workers.values.contains { $0 == .coming || $0 == .running } }

    /// The idle worker that was started first, one with a connection before one without.
    private var idleWorker: WorkerID? {
        var found: (worker: WorkerID, isConnected: Bool)?
        for case (let worker, .idle(let isConnected)) in workers {
            let isBetter =
                found.map { isConnected == $0.isConnected ? worker.value < $0.worker.value : isConnected } ?? true
            if isBetter { found = (worker, isConnected) }
        }
        return found?.worker
    }

    private mutating func nudge() -> Nudge {
        if let idle = idleWorker {
            workers[idle] = .coming
            return .wake(idle)
        }
        if workers.count >= workersMax { return .nobody }
        workersStarted += 1
        let worker = WorkerID(value: workersStarted)
        workers[worker] = .coming
        return .start(worker)
    }

    private mutating func take() -> [Arrival] {
        let limit: Int
        switch portion {
        case .share(let max): limit = Swift.min(max, (waiting.count + workersMax - 1) / workersMax)
        case .group(let costMax): limit = costMax
        case .kin: return takeKin()
        }
        var taken: [Arrival] = []
        var cost = 0
        while head < order.count {
            guard let next = waiting[order[head]] else {
                head += 1
                continue
            }
            let alone = next.isExclusive || (taken.first?.isExclusive ?? false)
            if !taken.isEmpty, alone || cost + next.cost > limit { break }
            waiting[next.request] = nil
            head += 1
            cost += next.cost
            taken.append(next)
        }
        dropEmptyOrder()
        return taken
    }

    private mutating func takeKin() -> [Arrival] {
        while head < order.count, waiting[order[head]] == nil { head += 1 }
        guard head < order.count, let first = waiting[order[head]] else { return [] }
        var taken: [Arrival] = []
        var cost = 0
        for position in head..<order.count {
            guard let next = waiting[order[position]], next.kind == first.kind else { continue }
            if !taken.isEmpty, cost + next.cost > first.kind?.costMax ?? 1 { break }
            waiting[next.request] = nil
            cost += next.cost
            taken.append(next)
        }
        // What was passed over stays in its order; what was taken is a hole.
        while head < order.count, waiting[order[head]] == nil { head += 1 }
        dropEmptyOrder()
        return taken
    }

    private mutating func dropEmptyOrder() {
        if head == order.count {
            order.removeAll(keepingCapacity: true)
            head = 0
        }
        if waiting.isEmpty { earliestExpiry = nil }
    }
}
