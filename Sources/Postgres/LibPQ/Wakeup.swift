import CLibPQ
import Glibc

/// An eventfd: the way any task reaches a connection thread that sleeps in poll(2).
final class Wakeup: Sendable {
    private let descriptor: Int32

    /// Nil when the process is out of file descriptors.
    init?() {
        // eventfd's flags have the values of open's, and only those reach Swift as plain constants.
        descriptor = eventfd(0, O_CLOEXEC | O_NONBLOCK)
        if descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    /// Wakes the thread, or makes its next sleep end at once.
    func signal() {
        var one: UInt64 = 1
        // The only failure is a full counter, and then the thread is being woken already.
        _ = write(descriptor, &one, 8)
    }

    /// What a socket is watched for.
    struct Interest: OptionSet {
        let rawValue: Int16
        static let readable = Interest(rawValue: Int16(POLLIN))
        static let writable = Interest(rawValue: Int16(POLLOUT))
    }

    /// Why a sleep ended; several reasons can hold.
    struct Outcome: OptionSet {
        let rawValue: Int
        static let ready = Outcome(rawValue: 1)
        static let signalled = Outcome(rawValue: 2)
        static let timedOut = Outcome(rawValue: 4)
    }

    /// Sleeps until the socket is ready, somebody signals, or `until` passes; a negative socket is not watched.
    func wait(socket: Int32, for interest: Interest, until: ContinuousClock.Instant?) -> Outcome {
        var descriptors = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: socket, events: interest.rawValue, revents: 0),
        ]
        let milliseconds = until.map { Self.milliseconds(until: $0) } ?? -1
        let count = poll(&descriptors, 2, milliseconds)
        // EINTR counts as an early wake: every caller looks at its state and sleeps again.
        if count < 0 { return .signalled }
        if count == 0 { return .timedOut }
        var outcome: Outcome = []
        if descriptors[0].revents != 0 {
            var counter: UInt64 = 0
            _ = read(descriptor, &counter, 8)
            outcome.insert(.signalled)
        }
        if descriptors[1].revents != 0 { outcome.insert(.ready) }
        return outcome
    }

    /// Whether a socket has something to read right now.
    static func isReadable(_ socket: Int32) -> Bool {
        var descriptor = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, 0) > 0
    }

    /// Rounded up, so that a sleep never ends just before its time and spins.
    private static func milliseconds(until instant: ContinuousClock.Instant) -> Int32 {
        let (seconds, attoseconds) = ContinuousClock.now.duration(to: instant).components
        if seconds < 0 || attoseconds < 0 { return 0 }
        return Int32(min(seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1, 3_600_000))
    }
}
