import Metrics

extension Worker {
    /// Runs autocommitted statements of different callers, pipelined, each under its own Sync.
    ///
    /// Only the first unanswered one, the head, can be running. The others wait on the wire behind it; when their
    /// deadline or cancellation comes, they are answered at once and their later result is dropped. Only plain reads
    /// share a pipeline (`SQL.isPlainRead`), so nothing that is dropped has written anything.
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
        while !run.isOver { step(&run, on: connection) }
        for interruption in run.interruptions { interruption.settle(connection, worker: self) }
    }

    /// The progress of one pipeline.
    private struct QueryRun {
        let requests: [Request]
        var head = 0
        /// Those behind the head that have been answered before their turn.
        var answered: Set<RequestID> = []
        /// What the head has come to, until its Sync.
        var result: Result<[PostgresRow], PostgresError>?
        /// The attempt to stop the head.
        var interruption: Interruption?
        var interruptions: [Interruption] = []

        init(requests: [Request]) { self.requests = requests }

        var isOver: Bool { head >= requests.count }

        /// Those that nobody has answered yet, the head first if it is among them.
        var open: [Request] { requests[head...].filter { !answered.contains($0.id) } }
    }

    private func step(_ run: inout QueryRun, on connection: Connection) {
        let request = run.requests[run.head]
        let drainUntil = lane.drainUntil
        func end(of request: Request) -> ContinuousClock.Instant {
            drainUntil.map { min($0, request.deadline) } ?? request.deadline
        }
        let limits = run.open.filter { $0.id != request.id }.map(end(of:))
        let headLimit = run.interruption?.giveUpAt ?? end(of: request)
        switch connection.nextEvent(until: limits.reduce(headLimit, min)) {
        case .completed(let result): run.result = result
        case .skipped: break
        case .synced(let error): synced(&run, request, error, on: connection)
        case .lost(let error, let terminated):
            connectionLost(&run, error, terminated: terminated)
        case .timedOut:
            let now = ContinuousClock.now
            let reason: PostgresError.Code = end(of: request) < request.deadline ? .shuttingDown : .deadlineExceeded
            if now >= headLimit { headTimedOut(&run, request, reason, on: connection) }
            answerEarly(&run, reason) { now >= end(of: $0) }
        case .signalled:
            answerEarly(&run, .cancelled) { lane.isInterrupted($0.id) }
            if run.interruption == nil, lane.isInterrupted(request.id) { interrupt(&run, .cancelled, on: connection) }
        }
    }

    private func headTimedOut(
        _ run: inout QueryRun, _ request: Request, _ reason: PostgresError.Code, on connection: Connection
    ) {
        guard let interruption = run.interruption else { return interrupt(&run, reason, on: connection) }
        connection.discard()
        let error = PostgresError(interruption.reason, message: "the server did not answer the cancel")
        if !run.answered.contains(request.id) { lane.answer(request, .failure(error)) }
        run.head += 1
        run.result = nil
        connectionLost(&run, error, terminated: false)
    }

    /// Answers those behind the head for whom it is over; what they would have read is dropped when it comes.
    private func answerEarly(_ run: inout QueryRun, _ reason: PostgresError.Code, _ isOver: (Request) -> Bool) {
        if run.isOver { return }
        for request in run.open where request.id != run.requests[run.head].id && isOver(request) {
            run.answered.insert(request.id)
            lane.answer(request, .failure(PostgresError(reason, message: "while it waited behind another statement")))
        }
    }

    private func interrupt(_ run: inout QueryRun, _ reason: PostgresError.Code, on connection: Connection) {
        let interruption = Interruption(reason, of: connection, worker: self)
        run.interruption = interruption
        run.interruptions.append(interruption)
    }

    private func synced(
        _ run: inout QueryRun, _ request: Request, _ commitError: PostgresError?, on connection: Connection
    ) {
        let own = run.interruption
        let result = commitError.map { .failure($0) } ?? run.result ?? .success([])
        run.head += 1
        run.result = nil
        run.interruption = nil
        lane.metrics.statements.increment()
        if connection.openedTransaction {
            // Whatever follows ran inside it and falls with it: none of it has taken effect.
            connection.discard()
            let message = "the statement opened a transaction; use withTransaction"
            lane.answer(request, .failure(PostgresError(.transactionLeftOpen, message: message)))
            lane.putBack(run.open, because: PostgresError(.connectionLost, message: message))
            run.head = run.requests.count
            return
        }
        if !run.answered.contains(request.id) { answer(request, result, own, run) }
        guard !run.isOver else { return }
        let next = run.requests[run.head]
        // Nobody wants it any more, or its cancel came while a neighbour ran: stop it now that it runs.
        if run.answered.contains(next.id) || lane.isInterrupted(next.id) {
            interrupt(&run, .cancelled, on: connection)
        }
    }

    private func answer(
        _ request: Request, _ result: Result<[PostgresRow], PostgresError>, _ own: Interruption?, _ run: QueryRun
    ) {
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
    }

    private func connectionLost(_ run: inout QueryRun, _ error: PostgresError, terminated: Bool) {
        let open = run.open
        let head = run.isOver ? nil : run.requests[run.head].id
        let result = run.result
        run.head = run.requests.count
        if terminated {
            // The server said that it ended the session before it finished the current one.
            return lane.putBack(open, because: error)
        }
        for request in open {
            if request.id == head, case .failure(let own)? = result {
                lane.answer(request, .failure(own))
            } else {
                let lost = PostgresError(.connectionLost, sqlState: error.sqlState, message: error.message)
                lane.answer(request, .failure(lost))
            }
        }
    }
}
