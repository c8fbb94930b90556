import Metrics

extension Worker {
    /// How long later callers gather behind a statement before an idle connection takes them.
    private static var patience: Duration { .milliseconds(5) }

    /// Answers the lookups of several callers, which are of one kind, by one statement.
    ///
    /// Whoever is cancelled or out of time is answered at once; the statement goes on for the others.
    func runLookups(_ requests: [Request], on connection: Connection) {
        guard case .lookup(let lookup, _)? = requests.first?.work else { return }
        var run = LookupRun(
            lookup: lookup, requests: requests, machine: LookupBatchStateMachine(count: requests.count))
        var next = run.machine.start()
        while case .send(let callers) = next {
            guard let following = ask(callers, &run, on: connection) else { return }
            next = following
        }
    }

    private struct LookupRun {
        let lookup: PostgresLookup
        let requests: [Request]
        var machine: LookupBatchStateMachine
        /// What the running statement has come to, until its Sync.
        var result: Result<[PostgresRow], PostgresError>?
    }

    /// Sends one statement and sees it through; nil when nothing more can be done on this connection.
    private func ask(
        _ callers: [Int], _ run: inout LookupRun, on connection: Connection
    ) -> LookupBatchStateMachine.Next? {
        run.result = nil
        let keys = callers.map { caller -> [PostgresValue] in
            if case .lookup(_, let key) = run.requests[caller].work { key } else { [] }
        }
        lane.metrics.lookupBatchKeys.record(keys.count)
        guard connection.enqueue(run.lookup.statement(for: keys)), connection.enqueueSync() else {
            connection.discard()
            putBack(&run, PostgresError(.connectionLost, message: connection.handle.errorMessage))
            return nil
        }
        // The server's statement_timeout ends a slow statement; this only guards against one that is gone.
        let sentAt = ContinuousClock.now
        let giveUpAt = sentAt + configuration.statementTimeout + configuration.cancelGrace
        var stalledAt: ContinuousClock.Instant? = sentAt + Self.patience
        while true {
            let drainUntil = lane.drainUntil
            let limit = run.machine.unanswered.reduce(min(giveUpAt, drainUntil ?? giveUpAt, stalledAt ?? giveUpAt)) {
                min($0, run.requests[$1].deadline)
            }
            switch connection.nextEvent(until: limit) {
            case .completed(let result): run.result = result
            case .skipped: break
            case .synced(let error):
                lane.metrics.statements.increment()
                if let error { run.result = .failure(error) }
                return synced(callers, &run, on: connection)
            case .lost(let error, _):
                putBack(&run, error)
                return nil
            case .timedOut:
                let now = ContinuousClock.now
                if let moment = stalledAt, now >= moment {
                    stalledAt = nil
                    lane.workerStalled(id)
                }
                leave(&run, .deadlineExceeded) { now >= $0.deadline }
                if let drainUntil, now >= drainUntil {
                    leave(&run, .shuttingDown) { _ in true }
                    connection.discard()
                    return nil
                }
                guard now >= giveUpAt else { continue }
                connection.discard()
                putBack(&run, PostgresError(.connectionLost, message: "the server fell silent during a lookup"))
                return nil
            case .signalled: leave(&run, .cancelled) { lane.isInterrupted($0.id) }
            }
        }
    }

    private func synced(
        _ callers: [Int], _ run: inout LookupRun, on connection: Connection
    ) -> LookupBatchStateMachine.Next? {
        switch run.result {
        case .success(let rows)?:
            let shares = Self.shares(of: rows, among: callers.count)
            let step = run.machine.statementSucceeded()
            // Whoever has left meanwhile is missing among the answered, who are in the order of the callers.
            let answered = Set(step.answered)
            lane.answer(
                zip(callers, shares).filter { answered.contains($0.0) }.map { caller, share in
                    (run.requests[caller], .success(.rows([share])))
                })
            return step.next
        case .failure(let error)?:
            let step = run.machine.statementFailed(error.code == .deadlineExceeded ? .ofAll : .ofOne)
            for caller in step.failed { lane.answer(run.requests[caller], .failure(error)) }
            if step.next == .finished || connection.isReusable { return step.next }
            putBack(&run, error)
            return nil
        case nil:
            putBack(&run, PostgresError(.connectionLost, message: "a lookup ended without a result"))
            return nil
        }
    }

    /// The rows by the place of their key, which their first column names.
    private static func shares(of rows: [PostgresRow], among count: Int) -> [[PostgresRow]] {
        var shares = [[PostgresRow]](repeating: [], count: count)
        for row in rows {
            guard let place = try? row.decode(0, as: Int64.self), shares.indices.contains(Int(place) - 1) else {
                continue
            }
            shares[Int(place) - 1].append(row)
        }
        return shares
    }

    private func leave(_ run: inout LookupRun, _ reason: PostgresError.Code, _ isOver: (Request) -> Bool) {
        for caller in run.machine.unanswered where isOver(run.requests[caller]) {
            run.machine.callerLeft(caller)
            lane.answer(run.requests[caller], .failure(PostgresError(reason, message: "while its lookup ran")))
        }
    }

    private func putBack(_ run: inout LookupRun, _ error: PostgresError) {
        let lost = PostgresError(.connectionLost, sqlState: error.sqlState, message: error.message)
        lane.putBack(run.machine.connectionLost().map { run.requests[$0] }, because: lost)
    }
}
