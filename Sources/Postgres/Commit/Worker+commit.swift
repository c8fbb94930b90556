import Metrics

extension Worker {
    /// Commits the units of several callers together; nobody is answered before the Sync is reached.
    func runCommit(_ requests: [Request], on connection: Connection) {
        let units = requests.map { request -> CommitUnit in
            guard case .commit(let statements) = request.work else {
                return CommitUnit(request: request, statements: [])
            }
            return CommitUnit(request: request, statements: statements)
        }
        var run = CommitRun(
            units: units,
            machine: CommitBatchStateMachine(
                statementCounts: units.map(\.statements.count), hasPrelude: configuration.commitPrelude != nil,
                conflictRedosMax: configuration.conflictRedosMax))
        var next = run.machine.start()
        while true {
            switch next {
            case .finished: return
            case .pauseThenSend(let pause, let group):
                let until = ContinuousClock.now + pause
                while ContinuousClock.now < until { _ = sleeper.wait(socket: -1, for: [], until: until) }
                next = .send(group)
            case .send(let group):
                guard let following = commit(group, &run, on: connection) else { return }
                next = following
            }
        }
    }

    private struct CommitUnit {
        let request: Request
        let statements: [SQL]
        var rows: [[PostgresRow]] = []
        var error: PostgresError?
    }

    private struct CommitRun {
        var units: [CommitUnit]
        var machine: CommitBatchStateMachine
        /// An error that belongs to the whole group: of the prelude, or of the commit itself.
        var groupError: PostgresError?
        var isRedo = false
        /// The unit that opened a transaction of its own.
        var culprit: Int?
    }

    /// Sends one group and sees it through; nil when the connection was lost and everybody is answered or put back.
    private func commit(
        _ group: [Int], _ run: inout CommitRun, on connection: Connection
    ) -> CommitBatchStateMachine.Next? {
        run.groupError = nil
        connection.openedTransaction = false
        for unit in group { run.units[unit].rows = [] }
        if run.isRedo { lane.metrics.batchRedos.increment() }
        run.isRedo = true
        lane.metrics.batchStatements.record(group.reduce(0) { $0 + run.units[$1].statements.count })
        let sentAt = ContinuousClock.now
        guard enqueue(group, &run, on: connection) else {
            connection.discard()
            let message = connection.handle.errorMessage
            resolveLoss(&run, PostgresError(.connectionLost, message: message), terminated: false)
            return nil
        }
        while true {
            // The server's statement_timeout ends a slow statement; this only guards against one that is gone.
            let silenceMax = configuration.statementTimeout + configuration.cancelGrace
            switch connection.nextEvent(until: ContinuousClock.now + silenceMax) {
            case .completed(.success(let rows)):
                take(rows, &run, openedTransaction: connection.openedTransaction)
            case .completed(.failure(let error)):
                if let unit = run.machine.unitAnsweredNext {
                    run.units[unit].error = error
                } else {
                    run.groupError = error
                }
                run.machine.statementFailed(error.isConflict ? .conflict : .permanent)
            case .skipped: run.machine.statementSkipped()
            case .synced(let error):
                lane.metrics.commitDuration.record(duration: sentAt.duration(to: .now))
                return synced(error, &run, on: connection)
            case .lost(let error, let terminated):
                resolveLoss(&run, error, terminated: terminated)
                return nil
            case .timedOut:
                connection.discard()
                let error = PostgresError(.connectionLost, message: "the server fell silent during a commit")
                resolveLoss(&run, error, terminated: false)
                return nil
            case .signalled: break
            }
        }
    }

    private func enqueue(_ group: [Int], _ run: inout CommitRun, on connection: Connection) -> Bool {
        if let prelude = configuration.commitPrelude, !connection.enqueue(prelude) { return false }
        for unit in group {
            for statement in run.units[unit].statements where !connection.enqueue(statement) { return false }
        }
        // From here on a loss leaves the outcome open: libpq may have sent the Sync before it noticed.
        run.machine.syncSent()
        return connection.enqueueSync()
    }

    private func take(_ rows: [PostgresRow], _ run: inout CommitRun, openedTransaction: Bool) {
        guard let unit = run.machine.unitAnsweredNext, openedTransaction, run.culprit == nil else {
            if let unit = run.machine.unitAnsweredNext { run.units[unit].rows.append(rows) }
            return run.machine.statementSucceeded()
        }
        // The Sync will not commit now. It is this unit's fault, and only it shall hear of it.
        run.culprit = unit
        run.machine.statementFailed(.permanent)
    }

    private func synced(
        _ error: PostgresError?, _ run: inout CommitRun, on connection: Connection
    ) -> CommitBatchStateMachine.Next? {
        if connection.isInTransaction {
            let message = "a statement left its transaction open"
            connection.discard()
            resolveLoss(&run, PostgresError(.transactionLeftOpen, message: message), terminated: true)
            return nil
        }
        if let error { run.groupError = error }
        let failure = error.map { $0.isConflict ? CommitBatchStateMachine.Failure.conflict : .permanent }
        let step = run.machine.synced(commitFailure: failure, random: Double.random(in: 0..<1))
        if !step.committed.isEmpty { lane.metrics.commits.increment() }
        for unit in step.committed {
            lane.metrics.statements.increment(by: run.units[unit].statements.count)
            lane.answer(run.units[unit].request, .success(.rows(run.units[unit].rows)))
        }
        for unit in step.failed {
            let fallback = PostgresError(.server, message: "the commit failed without a reason")
            lane.answer(run.units[unit].request, .failure(run.groupError ?? run.units[unit].error ?? fallback))
        }
        // A server turned standby refuses every write: look for the primary again.
        if (run.groupError ?? step.failed.first.flatMap { run.units[$0].error })?.sqlState == "25006" {
            connection.discard()
        }
        if step.next == .finished || connection.isReusable { return step.next }
        let message = "the server no longer takes writes"
        resolveLoss(&run, PostgresError(.connectionLost, message: message), terminated: true)
        return nil
    }

    private func resolveLoss(_ run: inout CommitRun, _ error: PostgresError, terminated: Bool) {
        let step = run.machine.connectionLost(terminated: terminated)
        for unit in step.unknown {
            let unknown = PostgresError(.commitOutcomeUnknown, sqlState: error.sqlState, message: error.message)
            lane.answer(run.units[unit].request, .failure(unknown))
        }
        let lost = PostgresError(.connectionLost, sqlState: error.sqlState, message: error.message)
        if let culprit = run.culprit { lane.answer(run.units[culprit].request, .failure(error)) }
        lane.putBack(step.unsent.filter { $0 != run.culprit }.map { run.units[$0].request }, because: lost)
    }
}
