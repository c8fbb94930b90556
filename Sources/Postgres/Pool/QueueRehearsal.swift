/// The queues of a lane without threads, sockets or a database: what deciding who runs next costs by itself.
///
/// For measurements; the steps are those of a lane and its workers while every connection is busy.
package enum QueueRehearsal {
    /// Takes so many reads through the pool's queue: each arrives, is handed to one of two connections, and ends.
    ///
    /// - Returns: how many ran.
    package static func reads(_ count: Int) -> Int {
        run(count, PoolStateMachine(workersMax: 2, queueMax: count, portion: .share(max: 4))) { _ in }
    }

    /// Takes so many lookups of one kind through the queue: each arrives, is answered with up to 63 others, and ends.
    ///
    /// - Returns: how many were answered.
    package static func lookups(_ count: Int) -> Int {
        run(
            count, PoolStateMachine(workersMax: 2, queueMax: count, portion: .kin),
            kind: PoolStateMachine.Kind(name: "a lookup", costMax: 64)
        ) { _ in }
    }

    /// Takes so many commits through the queue in groups, and each group through its one transaction.
    ///
    /// - Returns: how many were committed.
    package static func commits(_ count: Int) -> Int {
        var committed = 0
        _ = run(count, PoolStateMachine(workersMax: 1, queueMax: count, portion: .group(costMax: 128))) { group in
            committed += commit(units: group.count)
        }
        return committed
    }

    private static func run(
        _ count: Int, _ machine: consuming PoolStateMachine, kind: PoolStateMachine.Kind? = nil,
        _ work: ([RequestID]) -> Void
    ) -> Int {
        let deadline = ContinuousClock.now + .seconds(60)
        var worker = WorkerID(value: 0)
        for number in 0..<UInt64(count) {
            var arrival = PoolStateMachine.Arrival(request: RequestID(value: number), expiresAt: deadline)
            arrival.kind = kind
            if case .enqueue(.start(let started)) = machine.requestArrived(arrival) { worker = started }
        }
        machine.workerConnected(worker)
        var ran = 0
        while case .run(let requests) = machine.workerReady(worker, isConnected: true) {
            work(requests)
            for request in requests { machine.requestFinished(request) }
            ran += requests.count
        }
        return ran
    }

    private static func commit(units: Int) -> Int {
        var batch = CommitBatchStateMachine(
            statementCounts: Array(repeating: 1, count: units), hasPrelude: true, conflictRedosMax: 5)
        var committed = 0
        var next = batch.start()
        while case .send(let group) = next {
            batch.syncSent()
            batch.statementSucceeded()
            for _ in group where batch.unitAnsweredNext != nil { batch.statementSucceeded() }
            let step = batch.synced(commitFailure: nil, random: 0)
            committed += step.committed.count
            next = step.next
        }
        return committed
    }
}
