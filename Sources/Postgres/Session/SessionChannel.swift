/// What a session asks its connection thread to do.
enum SessionCommand: Sendable {
    /// One statement under its own Sync, inside whatever transaction is open.
    case query(SQL)
    /// Statements in one string, by the simple protocol; no rows come back.
    case script(String)
    /// Starts a statement whose rows are then fetched in portions.
    case startStream(SQL)
    /// The next rows, at most about that many bytes; empty when there are no more.
    case nextRows(bytesMax: Int)
    /// Ends a stream that nobody wants to the end.
    case abandonStream
}

/// One command in flight, and how it may be ended early.
struct SessionCall: Sendable {
    let command: SessionCommand
    let deadline: ContinuousClock.Instant
    let continuation: CheckedContinuation<Result<[PostgresRow], PostgresError>, Never>
}

/// The mailbox between the task that holds a session and the thread that owns its connection.
///
/// The task sends one command at a time and waits for its answer; the thread takes commands until the release.
final class SessionChannel: Sendable {
    enum Item: Sendable {
        case call(SessionCall)
        case released(discard: Bool)
        case nothing
    }

    private struct State {
        var call: SessionCall?
        var isCancelled = false
        var release: Bool?
        var ending: PostgresError?
    }

    private let state = Locked(State())
    private let wakeup: Wakeup

    init(wakeup: Wakeup) { self.wakeup = wakeup }

    /// Sends a command and waits for its end.
    ///
    /// Cancelling the task interrupts it, except for clean-up (`isFinal`).
    func perform(
        _ command: SessionCommand, deadline: Duration, isFinal: Bool = false
    ) async throws(PostgresError) -> [PostgresRow] {
        let end = ContinuousClock.now + deadline
        let result: Result<[PostgresRow], PostgresError>
        if isFinal {
            result = await withCheckedContinuation { continuation in
                post(SessionCall(command: command, deadline: end, continuation: continuation))
            }
        } else {
            result = await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    post(SessionCall(command: command, deadline: end, continuation: continuation))
                    if Task.isCancelled { cancel() }
                }
            } onCancel: {
                cancel()
            }
        }
        return try result.get()
    }

    private func post(_ call: SessionCall) {
        let ending = state.withLock { state -> PostgresError? in
            if let ending = state.ending { return ending }
            precondition(state.call == nil, "a transaction runs one statement at a time")
            state.call = call
            state.isCancelled = false
            return nil
        }
        if let ending {
            call.continuation.resume(returning: .failure(ending))
        } else {
            wakeup.signal()
        }
    }

    private func cancel() {
        state.withLock { $0.isCancelled = true }
        wakeup.signal()
    }

    /// Gives the connection back; with `discard` it is closed instead of reused.
    func release(discard: Bool) {
        state.withLock { $0.release = discard }
        wakeup.signal()
    }

    // MARK: For the thread

    func next() -> Item {
        state.withLock { state in
            if let call = state.call { return .call(call) }
            return state.release.map { .released(discard: $0) } ?? .nothing
        }
    }

    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    func answer(_ result: Result<[PostgresRow], PostgresError>) {
        let call = state.withLock { state in
            defer { state.call = nil }
            return state.call
        }
        call?.continuation.resume(returning: result)
    }

    /// The connection is gone or the client closes: this and every later command fails with that.
    func end(_ error: PostgresError) {
        state.withLock { $0.ending = error }
        answer(.failure(error))
    }
}
