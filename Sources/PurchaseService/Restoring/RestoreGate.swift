import Synchronization

/// Counts restores under way in this process: each keeps a page of signed data in memory.
final class RestoreGate: Sendable {
    private let running = Mutex(0)
    private let maximum: Int

    init(maximum: Int) { self.maximum = maximum }

    /// Takes a place; false when all are taken.
    func enter() -> Bool {
        running.withLock { count in
            guard count < maximum else { return false }
            count += 1
            return true
        }
    }

    /// Gives the place back.
    func leave() { running.withLock { $0 -= 1 } }
}
