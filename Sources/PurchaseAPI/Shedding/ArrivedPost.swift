import PurchaseService
import Synchronization

/// What a connection's ``SheddingHandler`` leaves for the task that answers its requests: the place of the post that it
/// let in last.
///
/// Requests of a connection are answered in their order, and the handler lets a post in only where no other is
/// unanswered, so there is never more than one, and it is the next request's.
final class ArrivedPost: Sendable {
    /// That of the connection whose request the current task answers; `nil` outside a server.
    @TaskLocal static var ofConnection: ArrivedPost?

    private let place = Mutex<RecordingPlace?>(nil)

    /// Leaves a place; the one before, if nobody took it, is given back.
    func leave(_ new: RecordingPlace?) {
        // Given back outside the lock, by whoever drops it.
        _ = exchange(new)
    }

    /// The place, for whoever comes first.
    func take() -> RecordingPlace? { exchange(nil) }

    private func exchange(_ new: RecordingPlace?) -> RecordingPlace? {
        place.withLock { place in
            let old = place
            place = new
            return old
        }
    }
}
