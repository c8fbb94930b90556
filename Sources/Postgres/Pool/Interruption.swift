import NIOPosix

/// The attempt to stop a running statement: asks the server on the thread pool, and knows when to give up.
///
/// Used by one connection thread. Until `isSettled`, the connection must not be given anything new to run.
struct Interruption {
    /// Why: what the caller is told if the statement was in fact stopped.
    let reason: PostgresError.Code
    /// When the connection is closed because the server has not even answered the cancel.
    let giveUpAt: ContinuousClock.Instant
    private let request: CancelRequest?

    /// Sends the cancel of whatever runs on the connection now.
    init(_ reason: PostgresError.Code, of connection: Connection, worker: Worker) {
        self.reason = reason
        giveUpAt = ContinuousClock.now + worker.configuration.cancelGrace
        let request = connection.makeCancelRequest()
        self.request = request
        guard let request else { return }
        let wakeup = worker.sleeper.wakeup
        worker.lane.threadPool.submit { state in
            // A closing pool runs nothing more: then the grace ends with the connection.
            if state == .active { request.send() }
            wakeup.signal()
        }
    }

    /// Whether the cancel can't hit anything any more.
    var isSettled: Bool { request?.isFinished ?? true }

    /// Waits until the cancel can't hit a later statement; closes the connection when that takes too long.
    func settle(_ connection: Connection, worker: Worker) {
        while !isSettled {
            if ContinuousClock.now >= giveUpAt { return connection.discard() }
            _ = worker.sleeper.wait(socket: -1, for: [], until: giveUpAt)
        }
    }

    /// The error a caller gets for a statement that failed after this attempt.
    func explain(_ error: PostgresError) -> PostgresError {
        guard error.sqlState == "57014" else { return error }
        var explained = error
        explained.code = reason
        return explained
    }
}
