/// How a connection thread sleeps: on its wakeup and a socket, and never past the queue's next expiry, so that what
/// waits too long is answered even while every connection is busy.
struct Sleeper {
    let wakeup: Wakeup
    let nextExpiry: () -> ContinuousClock.Instant?
    let expire: () -> Void

    /// Sleeps until the socket is ready, somebody signals, or `until` passes; may end early as if signalled.
    func wait(socket: Int32, for interest: Wakeup.Interest, until: ContinuousClock.Instant?) -> Wakeup.Outcome {
        let expiry = nextExpiry()
        let end = expiry.map { expiry in until.map { min($0, expiry) } ?? expiry } ?? until
        let outcome = wakeup.wait(socket: socket, for: interest, until: end)
        if outcome != .timedOut {
            // A connection that is never idle must keep the time too.
            if let expiry, ContinuousClock.now >= expiry { expire() }
            return outcome
        }
        let now = ContinuousClock.now
        if let expiry, now >= expiry { expire() }
        if let until, now >= until { return .timedOut }
        return .signalled
    }
}
