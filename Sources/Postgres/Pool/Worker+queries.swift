import Metrics

extension Worker {
    /// Runs autocommitted statements of different callers, pipelined, each under its own Sync.
    func runQueries(_ requests: [Request], on connection: Connection) {
        connection.openedTransaction = false
        for request in requests {
            guard case .query(let sql) = request.work else { continue }
            if !connection.enqueue(sql) || !connection.enqueueSync() {
                // libpq has noticed the loss before everything was sent; what was sent is not known to have run.
                connection.discard()
                break
            }
        }
        var run = QueryRun(requests: requests)
        while run.current != nil {
            if step(&run, on: connection) { break }
        }
        for interruption in run.interruptions { interruption.settle(connection, worker: self) }
    }

    /// The progress of one pipeline.
    private struct QueryRun {
        var requests: [Request]
        var index = 0
        var result: Result<[PostgresRow], PostgresError>?
        var interruptions: [Interruption] = []
        /// The attempt to stop the current statement.
        var interruption: Interruption?

        init(requests: [Request]) { self.requests = requests }

        var current: Request? { index < requests.count ? requests[index] : nil }
        var rest: [Request] { Array(requests[index...]) }
    }

    /// Takes one event; true when the pipeline is over because the connection is.
    private func step(_ run: inout QueryRun, on connection: Connection) -> Bool {
        guard let request = run.current else { return true }
        let end = lane.drainUntil.map { min($0, request.deadline) } ?? request.deadline
        switch connection.nextEvent(until: run.interruption?.giveUpAt ?? end) {
        case .completed(let result): run.result = result
        case .skipped: break
        case .synced(let error): return synced(&run, request, error, on: connection)
        case .lost(let error, let terminated):
            connectionLost(run, error, terminated: terminated)
            return true
        case .timedOut:
            if let interruption = run.interruption {
                connection.discard()
                let error = PostgresError(interruption.reason, message: "the server did not answer the cancel")
                lane.answer(request, .failure(error))
                run.index += 1
                connectionLost(run, error, terminated: false)
                return true
            }
            interrupt(&run, end < request.deadline ? .shuttingDown : .deadlineExceeded, on: connection)
        case .signalled:
            if run.interruption == nil, lane.isInterrupted(request.id) {
                interrupt(&run, .cancelled, on: connection)
            }
        }
        return false
    }

    private func interrupt(_ run: inout QueryRun, _ reason: PostgresError.Code, on connection: Connection) {
        let interruption = Interruption(reason, of: connection, worker: self)
        run.interruption = interruption
        run.interruptions.append(interruption)
    }

    private func synced(
        _ run: inout QueryRun, _ request: Request, _ commitError: PostgresError?, on connection: Connection
    ) -> Bool {
        let own = run.interruption
        let result = commitError.map { .failure($0) } ?? run.result ?? .success([])
        run.index += 1
        run.result = nil
        run.interruption = nil
        lane.metrics.statements.increment()
        if connection.openedTransaction {
            // Whatever follows ran inside it and falls with it: none of it has taken effect.
            connection.discard()
            let message = "the statement opened a transaction; use withTransaction"
            lane.answer(request, .failure(PostgresError(.transactionLeftOpen, message: message)))
            lane.putBack(run.rest, because: PostgresError(.connectionLost, message: message))
            return true
        }
        switch result {
        case .success(let rows): lane.answer(request, .success(.rows([rows])))
        case .failure(let error):
            if let own {
                lane.answer(request, .failure(own.explain(error)))
            } else if error.sqlState == "57014", !run.interruptions.isEmpty {
                // A cancel meant for a neighbour has hit this one, which was rolled back: run it again.
                lane.putBack([request], because: error)
            } else {
                lane.answer(request, .failure(error))
            }
        }
        // A cancel that came while a neighbour ran was not looked at; look now.
        if let next = run.current, lane.isInterrupted(next.id) { interrupt(&run, .cancelled, on: connection) }
        return false
    }

    private func connectionLost(_ run: QueryRun, _ error: PostgresError, terminated: Bool) {
        var rest = run.rest
        if terminated {
            // The server said that it ended the session before it finished the current one.
            lane.putBack(rest, because: error)
            return
        }
        if rest.isEmpty { return }
        let current = rest.removeFirst()
        if case .failure(let own)? = run.result {
            lane.answer(current, .failure(own))
        } else {
            lane.answer(current, .failure(lostError(error)))
        }
        for request in rest { lane.answer(request, .failure(lostError(error))) }
    }

    private func lostError(_ error: PostgresError) -> PostgresError {
        PostgresError(.connectionLost, sqlState: error.sqlState, message: error.message)
    }
}
