import CLibPQ
import Synchronization

/// A ticket to ask the server to stop what a connection is running, usable from another thread.
///
/// `PQcancel` opens a connection of its own and blocks, so it runs on the small thread pool; the connection's thread
/// must not send anything new before `isFinished`, or the cancel could hit the wrong statement.
// SAFETY: libpq chapter 34.7: the PGcancel is immutable, and PQcancel may be called with it from any thread.
final class CancelRequest: @unchecked Sendable {
    private let pointer: OpaquePointer
    private let finished = Atomic(false)

    /// Must be called on the connection's own thread; nil when the connection is gone.
    init?(connection: borrowing PGConn) {
        guard let pointer = PQgetCancel(connection.pointer) else { return nil }
        self.pointer = pointer
    }

    deinit { PQfreeCancel(pointer) }

    var isFinished: Bool { finished.load(ordering: .acquiring) }

    /// Blocks until the server has taken the request, or it failed; either way there is nothing more to come.
    func send() {
        var buffer = [CChar](repeating: 0, count: 256)
        _ = PQcancel(pointer, &buffer, Int32(buffer.count))
        finished.store(true, ordering: .releasing)
    }
}
