import Metrics

extension Worker {
    /// Serves one session until it is released, its connection is lost, or the client's drain time is over.
    func runSession(_ request: Request, on connection: Connection) {
        let channel = SessionChannel(wakeup: sleeper.wakeup)
        lane.release(request)
        request.continuation.resume(returning: .success(.session(channel)))
        while true {
            switch channel.next() {
            case .call(let call):
                let result = run(call, channel, on: connection)
                if connection.isAlive {
                    channel.answer(result)
                    continue
                }
                if case .failure(let error) = result { channel.answer(.failure(error)) }
                return channel.end(PostgresError(.connectionLost, message: connection.handle.errorMessage))
            case .released(let discard):
                return release(connection, discard: discard)
            case .nothing:
                // Rows of a stream that nobody asks for stay in the socket: that is the back-pressure.
                let socket = connection.isStreaming ? -1 : connection.socket
                _ = sleeper.wait(socket: socket, for: .readable, until: lane.drainUntil)
                if !connection.isStreaming { connection.readWhileIdle() }
                if !connection.isAlive {
                    return channel.end(PostgresError(.connectionLost, message: connection.handle.errorMessage))
                }
                if lane.isDrainOver {
                    connection.discard()
                    return channel.end(PostgresError(.shuttingDown, message: "the database client is closed"))
                }
            }
        }
    }

    /// A connection goes back only with nothing open: a forgotten transaction is rolled back, or the connection closed.
    private func release(_ connection: Connection, discard: Bool) {
        if discard || connection.isStreaming { return connection.discard() }
        guard connection.isInTransaction else { return }
        let deadline = ContinuousClock.now + configuration.cancelGrace
        guard connection.enqueue("ROLLBACK"), connection.enqueueSync() else { return connection.discard() }
        while true {
            switch connection.nextEvent(until: deadline) {
            case .completed, .skipped, .signalled: break
            case .synced, .lost: return
            case .timedOut: return connection.discard()
            }
        }
    }

    private func run(
        _ call: SessionCall, _ channel: SessionChannel, on connection: Connection
    ) -> Result<[PostgresRow], PostgresError> {
        lane.metrics.statements.increment()
        switch call.command {
        case .query(let sql):
            // The server would answer COMMIT with a silent rollback.
            if sql.text == "COMMIT", connection.hasFailedTransaction {
                let message = "COMMIT after a statement of the transaction had failed"
                return .failure(PostgresError(.server, sqlState: "25P02", message: message))
            }
            guard connection.enqueue(sql), connection.enqueueSync() else { return .failure(lost(connection)) }
            return drive(call, channel, on: connection)
        case .script(let text):
            guard connection.startScript(text) else { return .failure(lost(connection)) }
            return drive(call, channel, on: connection)
        case .startStream(let sql):
            return connection.startStream(sql) ? .success([]) : .failure(lost(connection))
        case .nextRows(let bytesMax):
            connection.portionBytesMax = bytesMax
            return drive(call, channel, on: connection)
        case .abandonStream:
            abandonStream(on: connection)
            return .success([])
        }
    }

    private func lost(_ connection: Connection) -> PostgresError {
        connection.discard()
        return PostgresError(.connectionLost, message: connection.handle.errorMessage)
    }

    /// Sees one statement through to its Sync (or end), interrupting it when the task or the deadline says so.
    private func drive(
        _ call: SessionCall, _ channel: SessionChannel, on connection: Connection
    ) -> Result<[PostgresRow], PostgresError> {
        var result: Result<[PostgresRow], PostgresError> = .success([])
        var interruption: Interruption?
        defer { interruption?.settle(connection, worker: self) }
        while true {
            let end = lane.drainUntil.map { min($0, call.deadline) } ?? call.deadline
            switch connection.nextEvent(until: interruption?.giveUpAt ?? end) {
            case .completed(let own):
                result = own
                // A portion of a stream: the rest stays where it is until somebody asks for it.
                if connection.isStreaming, interruption == nil, case .success(let rows) = own, !rows.isEmpty {
                    return own
                }
            case .skipped: break
            case .synced(let commitError):
                return conclude(commitError.map { .failure($0) } ?? result, interruption, call)
            case .lost(let error, _): return .failure(error)
            case .timedOut:
                if let interruption {
                    connection.discard()
                    let message = "the server did not answer the cancel"
                    return .failure(PostgresError(interruption.reason, message: message))
                }
                let reason: PostgresError.Code = end < call.deadline ? .shuttingDown : .deadlineExceeded
                interruption = Interruption(reason, of: connection, worker: self)
            case .signalled:
                if interruption == nil, channel.isCancelled {
                    interruption = Interruption(.cancelled, of: connection, worker: self)
                }
            }
        }
    }

    private func conclude(
        _ result: Result<[PostgresRow], PostgresError>, _ interruption: Interruption?, _ call: SessionCall
    ) -> Result<[PostgresRow], PostgresError> {
        guard let interruption else {
            // Rows of a stream were handed over before its end; the end itself is empty.
            if case .nextRows = call.command, case .success = result { return .success([]) }
            return result
        }
        switch result {
        case .failure(let error): return .failure(interruption.explain(error))
        case .success:
            // It was faster than the cancel. A stream's rows are lost by then, so it counts as interrupted.
            guard case .nextRows = call.command else { return result }
            return .failure(PostgresError(interruption.reason, message: "interrupted at its end"))
        }
    }

    /// Stops a stream in the middle: cancels it and reads the rest away, or closes the connection.
    private func abandonStream(on connection: Connection) {
        guard connection.isStreaming else { return }
        let interruption = Interruption(.cancelled, of: connection, worker: self)
        connection.portionBytesMax = configuration.streamPortionBytesMax
        while connection.isStreaming {
            switch connection.nextEvent(until: interruption.giveUpAt) {
            case .completed, .skipped, .synced, .signalled: break
            case .lost: return
            case .timedOut: return connection.discard()
            }
        }
        interruption.settle(connection, worker: self)
    }
}
