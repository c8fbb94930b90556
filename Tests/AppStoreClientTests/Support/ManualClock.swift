import AppStoreClient
import PurchaseCore
import Synchronization

/// Time that moves only when a test says so.
final class ManualClock: Sendable {
    private struct Sleeper {
        let wakesAt: Duration
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var elapsed = Duration.zero
        var nextID = 0
        var sleepers: [Int: Sleeper] = [:]
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    /// 2026-11-22T12:00:00Z.
    static let start = Instant(millisecondsSince1970: 1_795_348_800_000)

    private let state = Mutex(State())

    /// The three functions that the client takes; wall time starts at ``start`` and moves with the rest.
    var time: ClientTime {
        ClientTime(
            wall: { self.now }, monotonic: { self.elapsed }, sleep: { try await self.sleep($0) })
    }

    var elapsed: Duration { state.withLock { $0.elapsed } }

    var now: Instant {
        let elapsed = elapsed
        return Self.start
            + Span(
                milliseconds: elapsed.components.seconds * 1_000 + elapsed.components.attoseconds
                    / 1_000_000_000_000_000)
    }

    /// How many tasks sleep.
    var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// Moves time and wakes whoever is due.
    func advance(by span: Duration) {
        let due = state.withLock { state in
            state.elapsed += span
            let ids = state.sleepers.filter { $0.value.wakesAt <= state.elapsed }.keys
            return ids.compactMap { state.sleepers.removeValue(forKey: $0) }
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    /// Waits until at least so many tasks sleep.
    func waitForSleepers(_ count: Int) async {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                if state.sleepers.count >= count { return continuation.resume() }
                state.watchers.append((count, continuation))
            }
        }
    }

    private func sleep(_ span: Duration) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                state.withLock { state in
                    if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
                    guard span > .zero else { return continuation.resume() }
                    state.sleepers[id] = Sleeper(wakesAt: state.elapsed + span, continuation: continuation)
                    let count = state.sleepers.count
                    for watcher in state.watchers where watcher.count <= count { watcher.continuation.resume() }
                    state.watchers.removeAll { $0.count <= count }
                }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
        }
    }
}

/// A fixed wall clock over real monotonic time, for tests whose deadlines never come.
func fixedWallTime(_ instant: Instant = ManualClock.start) -> ClientTime { .continuous(wall: { instant }) }
