import Testing

@testable import Postgres

@Suite("Pool state machine")
struct PoolStateMachineTests {
    private let start = ContinuousClock.now

    private func arrival(
        _ id: UInt64, cost: Int = 1, exclusive: Bool = false, interruptible: Bool = true, after seconds: Int = 10
    ) -> PoolStateMachine.Arrival {
        PoolStateMachine.Arrival(
            request: RequestID(value: id), cost: cost, isExclusive: exclusive, isInterruptible: interruptible,
            expiresAt: start + .seconds(seconds))
    }

    private func ids(_ values: UInt64...) -> [RequestID] { values.map { RequestID(value: $0) } }
    private let first = WorkerID(value: 1)
    private let second = WorkerID(value: 2)

    private func machine(
        workers: Int = 2, queue: Int = 4, portion: PoolStateMachine.Portion = .share(max: 4)
    ) -> PoolStateMachine {
        PoolStateMachine(workersMax: workers, queueMax: queue, portion: portion)
    }

    @Test("workers are started one per arrival up to the bound, then arrivals only queue")
    func startsWorkers() {
        var pool = machine()
        #expect(pool.requestArrived(arrival(1)) == .enqueue(.start(first)))
        #expect(pool.requestArrived(arrival(2)) == .enqueue(.start(second)))
        #expect(pool.requestArrived(arrival(3)) == .enqueue(.nobody))
        #expect(pool.workerCount == 2)
    }

    @Test("a connected idle worker is woken before an unconnected one and before a new one is started")
    func wakesIdle() {
        var pool = machine(workers: 3)
        _ = pool.requestArrived(arrival(1))
        _ = pool.requestArrived(arrival(2))
        pool.workerConnected(first)
        pool.workerConnected(second)
        #expect(pool.workerReady(first, isConnected: true) == .run(ids(1)))
        #expect(pool.workerReady(second, isConnected: true) == .run(ids(2)))
        pool.requestFinished(RequestID(value: 1))
        pool.requestFinished(RequestID(value: 2))
        #expect(pool.workerReady(first, isConnected: false) == .park)
        #expect(pool.workerReady(second, isConnected: true) == .park)
        #expect(pool.requestArrived(arrival(3)) == .enqueue(.wake(second)))
        #expect(pool.requestArrived(arrival(4)) == .enqueue(.wake(first)))
        #expect(pool.requestArrived(arrival(5)) == .enqueue(.start(WorkerID(value: 3))))
    }

    @Test("the queue is bounded, and a cancelled request frees its place")
    func queueBound() {
        var pool = machine(workers: 1, queue: 2)
        _ = pool.requestArrived(arrival(1))
        _ = pool.requestArrived(arrival(2))
        #expect(pool.requestArrived(arrival(3)) == .refuseQueueFull)
        #expect(pool.requestCancelled(RequestID(value: 1)) == .answerCancelled)
        #expect(pool.requestArrived(arrival(4)) == .enqueue(.nobody))
        #expect(pool.waitingCount == 2)
    }

    @Test("cancelling a running request interrupts its worker, unless it may not be interrupted")
    func cancelRunning() {
        var pool = machine()
        _ = pool.requestArrived(arrival(1))
        _ = pool.requestArrived(arrival(2, interruptible: false))
        #expect(pool.workerReady(first, isConnected: true) == .run(ids(1)))
        #expect(pool.workerReady(second, isConnected: true) == .run(ids(2)))
        #expect(pool.requestCancelled(RequestID(value: 1)) == .interrupt(first))
        #expect(pool.isInterrupted(RequestID(value: 1)) == true)
        #expect(pool.requestCancelled(RequestID(value: 2)) == .nothing)
        pool.requestFinished(RequestID(value: 1))
        #expect(pool.isInterrupted(RequestID(value: 1)) == false)
        #expect(pool.requestCancelled(RequestID(value: 1)) == .nothing)
    }

    @Test("an unconnected worker connects only when something waits")
    func connectsOnDemand() {
        var pool = machine(workers: 1)
        _ = pool.requestArrived(arrival(1))
        #expect(pool.workerReady(first, isConnected: false) == .connect)
        _ = pool.requestCancelled(RequestID(value: 1))
        #expect(pool.workerReady(first, isConnected: false) == .park)
    }

    @Test("a share spreads the queue over the workers; an exclusive request is alone")
    func sharesAndExclusives() {
        var pool = machine(workers: 2, queue: 20, portion: .share(max: 3))
        for id in 1...5 { _ = pool.requestArrived(arrival(UInt64(id))) }
        _ = pool.requestArrived(arrival(6, exclusive: true))
        _ = pool.requestArrived(arrival(7))
        #expect(pool.workerReady(first, isConnected: true) == .run(ids(1, 2, 3)))
        #expect(pool.workerReady(second, isConnected: true) == .run(ids(4, 5)))
        #expect(pool.workerReady(first, isConnected: true) == .run(ids(6)))
        #expect(pool.workerReady(second, isConnected: true) == .run(ids(7)))
    }

    @Test("a group commit takes up to its cost, and one unit that is larger alone")
    func groups() {
        var pool = machine(workers: 1, queue: 20, portion: .group(costMax: 4))
        _ = pool.requestArrived(arrival(1, cost: 9))
        _ = pool.requestArrived(arrival(2, cost: 2))
        _ = pool.requestArrived(arrival(3, cost: 2))
        _ = pool.requestArrived(arrival(4, cost: 1))
        #expect(pool.workerReady(first, isConnected: true) == .run(ids(1)))
        #expect(pool.workerReady(first, isConnected: true) == .run(ids(2, 3)))
        #expect(pool.workerReady(first, isConnected: true) == .run(ids(4)))
    }

    @Test("kin go together up to the bound of their kind, past others, who keep their order")
    func kin() {
        var pool = machine(workers: 1, queue: 20, portion: .kin)
        let (red, blue) = (
            PoolStateMachine.Kind(name: "red", costMax: 3), PoolStateMachine.Kind(name: "blue", costMax: 2)
        )
        for (id, kind) in [red, blue, red, blue, red, red, blue].enumerated() {
            var arrival = arrival(UInt64(id))
            arrival.kind = kind
            _ = pool.requestArrived(arrival)
        }
        #expect(pool.requestCancelled(RequestID(value: 2)) == .answerCancelled)
        #expect(pool.workerReady(first, isConnected: true) == .run(ids(0, 4, 5)))
        #expect(pool.waitingCount == 3)
        #expect(pool.workerReady(first, isConnected: true) == .run(ids(1, 3)))
        #expect(pool.workerReady(first, isConnected: true) == .run(ids(6)))
        #expect(pool.workerReady(first, isConnected: true) == .park)
        #expect(pool.nextExpiry == nil)
    }

    @Test("what waits too long leaves the queue, and only that")
    func expiry() {
        var pool = machine(workers: 1)
        _ = pool.requestArrived(arrival(1, after: 5))
        _ = pool.requestArrived(arrival(2, after: 3))
        #expect(pool.nextExpiry == start + .seconds(3))
        #expect(pool.timePassed(now: start + .seconds(2)) == [])
        #expect(pool.timePassed(now: start + .seconds(3)) == ids(2))
        #expect(pool.nextExpiry == start + .seconds(5))
        #expect(pool.workerReady(first, isConnected: true) == .run(ids(1)))
        #expect(pool.nextExpiry == nil)
    }

    @Test("with every worker busy, one of them is woken to keep the time of an earlier expiry")
    func timekeeper() {
        var pool = machine(workers: 1)
        _ = pool.requestArrived(arrival(1))
        _ = pool.workerReady(first, isConnected: true)
        #expect(pool.requestArrived(arrival(2, after: 8)) == .enqueue(.wake(first)))
        #expect(pool.requestArrived(arrival(3, after: 9)) == .enqueue(.nobody))
        #expect(pool.requestArrived(arrival(4, after: 7)) == .enqueue(.wake(first)))
    }

    @Test("a failed connect fails what waits only until the first one has ever succeeded")
    func connectFailure() {
        var pool = machine(workers: 1)
        _ = pool.requestArrived(arrival(1))
        _ = pool.requestArrived(arrival(2))
        _ = pool.workerReady(first, isConnected: false)
        #expect(pool.connectFailed(first) == ids(1, 2))
        _ = pool.requestArrived(arrival(3))
        pool.workerConnected(first)
        #expect(pool.connectFailed(first) == [])
        #expect(pool.waitingCount == 1)
    }

    @Test("a request that had no effect returns to the head of the queue, or is answered if cancelled meanwhile")
    func returned() {
        var pool = machine(workers: 1, portion: .share(max: 1))
        for id in 1...3 { _ = pool.requestArrived(arrival(UInt64(id))) }
        #expect(pool.workerReady(first, isConnected: true) == .run(ids(1)))
        #expect(pool.requestReturned(arrival(1)) == .nothing)
        #expect(pool.workerReady(first, isConnected: true) == .run(ids(1)))
        _ = pool.requestCancelled(RequestID(value: 1))
        #expect(pool.requestReturned(arrival(1)) == .answerCancelled)
        #expect(pool.workerReady(first, isConnected: true) == .run(ids(2)))
    }

    @Test("closing refuses arrivals, serves what waits until the drain time is over, then stops the workers")
    func shutdown() {
        var pool = machine(workers: 1, portion: .share(max: 1))
        for id in 1...3 { _ = pool.requestArrived(arrival(UInt64(id))) }
        #expect(pool.shutDown(drainUntil: start + .seconds(4)) == [first])
        #expect(pool.requestArrived(arrival(4)) == .refuseShuttingDown)
        #expect(pool.workerReady(first, isConnected: true) == .run(ids(1)))
        #expect(pool.nextExpiry == start + .seconds(4))
        #expect(pool.timePassed(now: start + .seconds(4)) == ids(2, 3))
        #expect(pool.workerReady(first, isConnected: true) == .stop)
        #expect(pool.isFinished == false)
        pool.workerExited(first)
        #expect(pool.isFinished == true)
    }

    @Test("the holes that cancelled requests leave do not pile up")
    func holes() {
        var pool = machine(workers: 1, queue: 3)
        for id in 1...10_000 {
            _ = pool.requestArrived(arrival(UInt64(id)))
            if id > 2 { _ = pool.requestCancelled(RequestID(value: UInt64(id - 1))) }
        }
        #expect(pool.waitingCount == 2)
        #expect(pool.workerReady(first, isConnected: true) == .run(ids(1, 10_000)))
    }

    private func kin(_ id: UInt64) -> PoolStateMachine.Arrival {
        var arrival = arrival(id)
        arrival.kind = PoolStateMachine.Kind(name: "red", costMax: 12)
        return arrival
    }

    /// Two workers, both connected: the first runs one request of a kind that answers twelve together, the other is idle.
    private func gathering() -> PoolStateMachine {
        var pool = machine(queue: 20, portion: .kin)
        _ = pool.requestArrived(kin(1))
        pool.workerConnected(first)
        _ = pool.workerReady(first, isConnected: true)
        _ = pool.workerStalled(first)
        #expect(pool.requestArrived(kin(2)) == .enqueue(.start(second)))
        pool.workerConnected(second)
        #expect(pool.workerReady(second, isConnected: true) == .run(ids(2)))
        for id in [1, 2] { pool.requestFinished(RequestID(value: UInt64(id))) }
        #expect(pool.workerReady(first, isConnected: true) == .park)
        #expect(pool.workerReady(second, isConnected: true) == .park)
        #expect(pool.requestArrived(kin(3)) == .enqueue(.wake(first)))
        return pool
    }

    @Test("kin gather behind the worker that comes or runs, until a quarter of what it may take at once waits")
    func gather() {
        var pool = gathering()
        #expect(pool.requestArrived(kin(4)) == .enqueue(.nobody))
        #expect(pool.workerReady(first, isConnected: true) == .run(ids(3, 4)))
        #expect(pool.requestArrived(kin(5)) == .enqueue(.nobody))
        #expect(pool.requestArrived(kin(6)) == .enqueue(.nobody))
        #expect(pool.requestArrived(kin(7)) == .enqueue(.wake(second)))
        #expect(pool.workerReady(second, isConnected: true) == .run(ids(5, 6, 7)))
    }

    @Test("what gathered behind a worker goes to an idle one when it takes long, and so does what comes then")
    func stall() {
        var pool = gathering()
        #expect(pool.workerReady(first, isConnected: true) == .run(ids(3)))
        #expect(pool.workerStalled(second) == .nobody)
        #expect(pool.requestArrived(kin(4)) == .enqueue(.nobody))
        #expect(pool.workerStalled(first) == .wake(second))
        #expect(pool.workerStalled(first) == .nobody)
        #expect(pool.workerReady(second, isConnected: true) == .run(ids(4)))
        pool.requestFinished(RequestID(value: 4))
        #expect(pool.workerReady(second, isConnected: true) == .park)
        #expect(pool.requestArrived(kin(5)) == .enqueue(.wake(second)))
    }

    @Test("what gathered behind a worker that lost its connection goes to an idle one that has one")
    func delay() {
        var pool = gathering()
        #expect(pool.workerReady(first, isConnected: true) == .run(ids(3)))
        #expect(pool.requestArrived(kin(4)) == .enqueue(.nobody))
        #expect(pool.requestReturned(kin(3)) == .nothing)
        #expect(pool.workerReady(first, isConnected: false) == .connect)
        #expect(pool.workerDelayed() == .wake(second))
        #expect(pool.workerDelayed() == .nobody)
        #expect(pool.workerReady(second, isConnected: true) == .run(ids(3, 4)))
    }
}

@Suite("Reconnect backoff")
struct ReconnectBackoffTests {
    @Test("pauses double up to the bound, jitter takes at most a half, a success starts over")
    func pauses() {
        var backoff = ReconnectBackoff(pauseMin: .milliseconds(50), pauseMax: .seconds(1))
        let pauses = (0..<7).map { _ in backoff.connectFailed(random: 0) }
        #expect(pauses == [50, 100, 200, 400, 800, 1000, 1000].map { .milliseconds($0) })
        for _ in 0..<100 { _ = backoff.connectFailed(random: 0) }
        #expect(backoff.connectFailed(random: 1) == .milliseconds(500))
        backoff.connected()
        #expect(backoff.connectFailed(random: 0) == .milliseconds(50))
    }
}
