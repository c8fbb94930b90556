import CLibPQ

/// What pipeline mode cannot do: scripts of several statements, and rows one at a time.
///
/// The connection leaves pipeline mode for it, which needs no talk with the server, and returns at the end.
/// `nextEvent` serves these too: `.completed` once per portion or script, then `.synced`.
extension Connection {
    /// Sends statements in one string; the server runs them as one transaction unless they say otherwise.
    func startScript(_ text: String) -> Bool {
        guard leavePipeline(for: .script(nil)) else { return false }
        return PQsendQuery(handle.pointer, text) == 1
    }

    /// Sends one statement whose rows `nextEvent` hands over in portions of `portionBytesMax`.
    func startStream(_ sql: SQL) -> Bool {
        guard leavePipeline(for: .stream(nil)) else { return false }
        return sendUnprepared(sql) && PQsetSingleRowMode(handle.pointer) == 1
    }

    var isStreaming: Bool {
        if case .stream? = unpipelined { true } else { false }
    }

    private func leavePipeline(for use: Unpipelined) -> Bool {
        guard PQexitPipelineMode(handle.pointer) == 1 else { return false }
        unpipelined = use
        needsFlush = true
        return true
    }

    /// The end of the statement or script: back to the resting state.
    private func finishUnpipelined() -> Event {
        unpipelined = nil
        return PQenterPipelineMode(handle.pointer) == 1 ? .synced(nil) : lost()
    }

    func nextScriptEvent(_ failure: PostgresError?) -> Event? {
        guard let result = PGResult(owning: PQgetResult(handle.pointer)) else {
            if !handle.isOK { return lost(failure) }
            return reportScript(failure)
        }
        switch result.status {
        case PGRES_FATAL_ERROR:
            let error = result.error()
            if error.sqlState == nil || result.endsSession { return lost(error) }
            unpipelined = .script(failure ?? error)
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: break
        default: return lost(PostgresError(.statementInvalid, message: "COPY is not supported"))
        }
        return nil
    }

    private func reportScript(_ failure: PostgresError?) -> Event {
        guard let failure else { return finishUnpipelined() }
        // First the failure, then, at the next call, the end.
        unpipelined = .script(nil)
        return .completed(.failure(failure))
    }

    /// Takes one row, or the end; a portion is handed over when it is large enough or nothing more is there yet.
    func nextStreamEvent(_ columns: ResultColumns?) -> Event? {
        guard let result = PGResult(owning: PQgetResult(handle.pointer)) else {
            return handle.isOK ? finishUnpipelined() : lost()
        }
        switch result.status {
        case PGRES_SINGLE_TUPLE:
            let columns = columns ?? result.columns()
            unpipelined = .stream(columns)
            result.append(to: &portion)
            portionRows += 1
            return portion.byteCount >= portionBytesMax ? handOver(columns) : nil
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
            // The end of the rows: what is left goes first, NULL and so the end of the statement come next.
            return columns.map { handOver($0) }
        case PGRES_FATAL_ERROR:
            let error = result.error()
            if error.sqlState == nil || result.endsSession { return lost(error) }
            return .completed(.failure(error))
        default: return lost(PostgresError(.statementInvalid, message: "COPY is not supported"))
        }
    }

    private func handOver(_ columns: ResultColumns) -> Event {
        let next = ResultBuilder(roomFor: portion)
        let rows = portion.rows(columns: columns, rowCount: portionRows)
        portion = next
        portionRows = 0
        return .completed(.success(rows))
    }
}
