import CLibPQ

/// One PGconn with what we must remember about it; made, used and finished on one thread.
///
/// It rests in pipeline mode. Statements are queued with `enqueue` and `enqueueSync`, and `nextEvent` then tells,
/// in order, what became of each; it can be left at any wake or time-out and called again.
final class Connection {
    /// What the server said next.
    enum Event {
        /// The next statement succeeded or failed; one event per statement, its prepare included.
        case completed(Result<[PostgresRow], PostgresError>)
        /// The next statement was not run, because an earlier one before the same Sync failed.
        case skipped
        /// The next Sync was reached; an error here came up at commit (a deferred constraint).
        case synced(PostgresError?)
        /// The connection is gone. With `terminated` the server ended it while a statement before the Sync was
        /// unfinished, so nothing since the last Sync took effect.
        case lost(PostgresError, terminated: Bool)
        case signalled
        case timedOut
    }

    private enum Expected {
        case prepare(name: String)
        case statement(name: String?)
        case deallocate
        /// A Sync of our own after housekeeping, of which nobody is told.
        case housekeepingSync
        case sync
    }

    let handle: PGConn
    let sleeper: Sleeper
    private var statements: StatementCache
    private var expected = FIFO<Expected>()
    private var headHasResult = false
    private var prepareError: PostgresError?
    private var syncError: PostgresError?
    var needsFlush = false
    /// What is going on outside pipeline mode, and what is known of it so far.
    enum Unpipelined {
        /// A script, with its first error.
        case script(PostgresError?)
        /// A stream, with its columns once the first row has come.
        case stream(ResultColumns?)
    }

    var unpipelined: Unpipelined?
    var portion = ResultBuilder()
    var portionRows = 0
    var portionBytesMax = 0
    private var idleReads = 0
    private var isDiscarded = false
    private var parameters = EncodedParameters()
    private let notices: Notices

    /// Set by a server's FATAL message that arrives between statements.
    private final class Notices {
        var sawEndOfSession = false
    }

    /// Takes a connected PGconn over.
    init(handle: consuming PGConn, sleeper: Sleeper, preparedStatementsMax: Int) {
        self.handle = handle
        self.sleeper = sleeper
        statements = StatementCache(capacity: preparedStatementsMax)
        notices = Notices()
        PQsetNoticeReceiver(
            self.handle.pointer,
            { context, result in
                // The result is libpq's own here: looked at, never cleared.
                guard let context, let severity = PQresultErrorField(result, Int32(("V" as Unicode.Scalar).value)),
                    ["FATAL", "PANIC"].contains(String(cString: severity))
                else { return }
                Unmanaged<Notices>.fromOpaque(context).takeUnretainedValue().sawEndOfSession = true
            }, Unmanaged.passUnretained(notices).toOpaque())
        if PQsetnonblocking(self.handle.pointer, 1) != 0 || PQenterPipelineMode(self.handle.pointer) != 1 {
            isDiscarded = true
        }
    }

    /// Whether it leaves this machine without TLS.
    var isExposed: Bool { PQsslInUse(handle.pointer) == 0 && !Connector.place(of: handle).isLocal }

    var socket: Int32 { PQsocket(handle.pointer) }

    /// Whether nothing is owed in either direction and no transaction is open: only then it may be used again.
    var isReusable: Bool {
        !isDiscarded && expected.isEmpty && unpipelined == nil && !notices.sawEndOfSession && handle.isOK
            && PQtransactionStatus(handle.pointer) == PQTRANS_IDLE
    }

    /// Whether it can still carry a conversation, inside or outside a transaction.
    var isAlive: Bool { !isDiscarded && handle.isOK }

    var isInTransaction: Bool {
        [PQTRANS_INTRANS, PQTRANS_INERROR].contains(PQtransactionStatus(handle.pointer))
    }

    var hasFailedTransaction: Bool { PQtransactionStatus(handle.pointer) == PQTRANS_INERROR }

    /// Makes it unfit for reuse; the owner then drops it.
    func discard() { isDiscarded = true }

    /// A ticket to stop what runs now; nil when there is no connection any more.
    func makeCancelRequest() -> CancelRequest? { CancelRequest(connection: handle) }

    /// Reads what an idle connection was sent unasked, so that a closed one is noticed before it is used.
    func readWhileIdle() {
        guard isAlive else { return }
        while isAlive, Wakeup.isReadable(socket) {
            if PQconsumeInput(handle.pointer) == 0 { return discard() }
            _ = PQisBusy(handle.pointer)
            if notices.sawEndOfSession { return discard() }
        }
    }

    // MARK: Sending

    /// Queues one statement, prepared first if it is new here; false when the connection is gone.
    func enqueue(_ sql: SQL) -> Bool {
        parameters.encode(sql.values)
        let use = statements.use(StatementCache.Key(text: sql.text, types: parameters.types))
        if !deallocateCondemned() { return false }
        switch use {
        case .unprepared: return enqueueUnprepared(sql.text)
        case .execute(let name): return enqueueExecute(name)
        case .prepare(let name):
            let count = Int32(parameters.types.count)
            guard PQsendPrepare(handle.pointer, name, sql.text, count, parameters.types) == 1 else {
                statements.prepareFailed(name)
                return false
            }
            expected.append(.prepare(name: name))
            return enqueueExecute(name)
        }
    }

    /// Ends what was queued since the last Sync: one implicit transaction, unless an explicit one is open.
    func enqueueSync() -> Bool {
        guard PQpipelineSync(handle.pointer) == 1 else { return false }
        expected.append(.sync)
        needsFlush = true
        return true
    }

    private func enqueueExecute(_ name: String) -> Bool {
        let sent = parameters.withPointers { count, values, lengths, formats in
            PQsendQueryPrepared(handle.pointer, name, count, values, lengths, formats, 1)
        }
        if sent == 1 { expected.append(.statement(name: name)) }
        return sent == 1
    }

    private func enqueueUnprepared(_ text: String) -> Bool {
        let isSent = sendParameters(text)
        if isSent { expected.append(.statement(name: nil)) }
        return isSent
    }

    /// Sends one statement outside pipeline mode, where `nextEvent` looks at `unpipelined` instead of the queue.
    func sendUnprepared(_ sql: SQL) -> Bool {
        parameters.encode(sql.values)
        return sendParameters(sql.text)
    }

    private func sendParameters(_ text: String) -> Bool {
        let types = parameters.types
        return parameters.withPointers { count, values, lengths, formats in
            PQsendQueryParams(handle.pointer, text, count, types, values, lengths, formats, 1)
        } == 1
    }

    /// libpq 15 has no message to close a prepared statement, so SQL does it, under a Sync of its own.
    private func deallocateCondemned() -> Bool {
        // Only ahead of a batch: in the middle the extra Sync would split the caller's transaction.
        guard expected.isEmpty else { return true }
        let names = statements.takeCondemned()
        for name in names {
            guard PQsendQueryParams(handle.pointer, "DEALLOCATE \(name)", 0, nil, nil, nil, nil, 1) == 1 else {
                return false
            }
            expected.append(.deallocate)
        }
        if names.isEmpty { return true }
        guard PQpipelineSync(handle.pointer) == 1 else { return false }
        expected.append(.housekeepingSync)
        return true
    }

    // MARK: Receiving

    /// Waits for the next event; `.signalled` and `.timedOut` leave everything as it is.
    func nextEvent(until: ContinuousClock.Instant?) -> Event {
        while true {
            if let event = flush() { return event }
            // On a dead connection libpq stays "busy" for ever, but PQgetResult no longer blocks.
            if PQisBusy(handle.pointer) == 0 || !handle.isOK {
                if let event = takeNext() { return event }
                continue
            }
            if let event = waitForInput(until: until) { return event }
        }
    }

    private func takeNext() -> Event? {
        switch unpipelined {
        case nil: takeResult()
        case .script(let failure)?: nextScriptEvent(failure)
        case .stream(let columns)?: nextStreamEvent(columns)
        }
    }

    /// Sends what is buffered; nil unless the connection is gone.
    private func flush() -> Event? {
        if !needsFlush { return nil }
        switch PQflush(handle.pointer) {
        case 0: needsFlush = false
        case 1: break
        default: return lost()
        }
        return nil
    }

    /// Sleeps until the socket is ready and reads; nil when there may be something to take.
    func waitForInput(until: ContinuousClock.Instant?) -> Event? {
        // While we can't write, the server may be waiting for us to read: watch both, read first.
        let interest: Wakeup.Interest = needsFlush ? [.readable, .writable] : .readable
        let outcome = sleeper.wait(socket: socket, for: interest, until: until)
        if outcome.contains(.ready), PQconsumeInput(handle.pointer) == 0 {
            // What arrived before the end can still be taken; PQgetResult no longer blocks now.
            return nil
        }
        if outcome.contains(.signalled) { return .signalled }
        if outcome.contains(.timedOut) { return .timedOut }
        return nil
    }

    private func takeResult() -> Event? {
        guard let result = PGResult(owning: PQgetResult(handle.pointer)) else { return takeNil() }
        idleReads = 0
        switch result.status {
        case PGRES_PIPELINE_SYNC: return takeSync()
        case PGRES_PIPELINE_ABORTED: return takeAborted()
        case PGRES_FATAL_ERROR: return takeError(result)
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: return takeSuccess(result)
        default:
            // COPY and the like: nothing of ours asks for it, and we do not speak it.
            return lost(PostgresError(.statementInvalid, message: "unexpected result status \(result.status.rawValue)"))
        }
    }

    /// PQgetResult ends each statement with NULL; more of them in a row mean that both sides disagree.
    private func takeNil() -> Event? {
        if headHasResult {
            headHasResult = false
            expected.removeFirst()
            return nil
        }
        idleReads += 1
        return !handle.isOK || idleReads > 100 ? lost() : nil
    }

    private func takeSync() -> Event? {
        let error = syncError
        syncError = nil
        prepareError = nil
        headHasResult = false
        let ended = expected.popFirst()
        // With nothing left in the pipeline this is NULL at once, and lets libpq see that it is idle.
        if expected.isEmpty { _ = PGResult(owning: PQgetResult(handle.pointer)) }
        switch ended {
        case .housekeepingSync?: return nil
        case .sync?: return .synced(error)
        case .prepare?, .statement?, .deallocate?, nil: return lost()
        }
    }

    private func takeAborted() -> Event? {
        headHasResult = true
        switch expected.first {
        case .prepare(let name)?:
            statements.prepareFailed(name)
            return nil
        case .statement?:
            guard let error = prepareError else { return .skipped }
            prepareError = nil
            return .completed(.failure(error))
        case .deallocate?: return nil
        case .sync?, .housekeepingSync?, nil: return lost()
        }
    }

    private func takeError(_ result: borrowing PGResult) -> Event? {
        let error = result.error()
        if error.sqlState == nil { return lost(error) }
        if result.endsSession {
            // At the Sync itself the commit may have happened; before it, it can't have.
            if case .sync? = expected.first { return lost(error) }
            return lost(error, terminated: true)
        }
        switch expected.first {
        case .prepare(let name)?:
            headHasResult = true
            statements.prepareFailed(name)
            prepareError = error
            return nil
        case .statement(let name)?:
            headHasResult = true
            // The table changed under the plan, or somebody deallocated it: the next use prepares anew.
            if let name, error.sqlState == "0A000" || error.sqlState == "26000" { statements.forget(name) }
            return .completed(.failure(error))
        case .sync?:
            syncError = error
            return nil
        case .deallocate?:
            headHasResult = true
            return nil
        case .housekeepingSync?: return nil
        case nil: return lost(error)
        }
    }

    private func takeSuccess(_ result: borrowing PGResult) -> Event? {
        headHasResult = true
        switch expected.first {
        case .prepare(let name)?:
            statements.prepareSucceeded(name)
            return nil
        case .statement(let name)?:
            if result.status == PGRES_TUPLES_OK { return .completed(.success(rows(of: result, name: name))) }
            if ["BEGIN", "START TRANSACTION"].contains(result.commandTag) { openedTransaction = true }
            return .completed(.success([]))
        case .deallocate?: return nil
        case .sync?, .housekeepingSync?, nil: return lost()
        }
    }

    /// Whether a BEGIN has run since this was last looked at.
    var openedTransaction = false

    private func rows(of result: borrowing PGResult, name: String?) -> [PostgresRow] {
        let columns: ResultColumns
        if let known = name.flatMap({ statements.columns(of: $0) }) {
            columns = known
        } else {
            columns = result.columns()
            if let name { statements.remember(columns, of: name) }
        }
        var builder = ResultBuilder()
        result.append(to: &builder)
        return builder.rows(columns: columns, rowCount: result.rowCount)
    }

    func lost(_ error: PostgresError? = nil, terminated: Bool = false) -> Event {
        isDiscarded = true
        var error = error ?? PostgresError(.connectionLost, message: handle.errorMessage)
        if error.code == .server || error.code == .deadlineExceeded { error.code = .connectionLost }
        return .lost(error, terminated: terminated)
    }
}

/// Parameters in the shape libpq wants them; reused from statement to statement.
private struct EncodedParameters {
    private(set) var types: [UInt32] = []
    private var bytes: [UInt8] = []
    private var offsets: [Int?] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []

    mutating func encode(_ values: [PostgresValue]) {
        types.removeAll(keepingCapacity: true)
        offsets.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        formats.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
        // An empty value still needs an address, or libpq would take it for NULL.
        bytes.append(0)
        for value in values {
            types.append(value.type.oid)
            let start = bytes.count
            let isPresent = value.encode(into: &bytes)
            offsets.append(isPresent ? start : nil)
            lengths.append(Int32(bytes.count - start))
            formats.append(1)
        }
        bytes.append(0)
    }

    func withPointers(
        _ send: (Int32, [UnsafePointer<CChar>?], [Int32], [Int32]) -> Int32
    ) -> Int32 {
        bytes.withUnsafeBytes { buffer in
            let base = buffer.bindMemory(to: CChar.self).baseAddress
            let pointers = offsets.map { offset in offset.flatMap { base?.advanced(by: $0) } }
            return send(Int32(offsets.count), pointers, lengths, formats)
        }
    }
}
