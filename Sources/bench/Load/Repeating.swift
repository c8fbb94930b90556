import Synchronization

/// Runs an operation again and again in several tasks, to measure a part without HTTP.
enum Repeating {
    private final class Counters: Sendable {
        let next = Atomic(0)
        let completed = Atomic(0)
    }

    /// How often `operation` came to its end, a second.
    ///
    /// Its parameter counts up from 0 over all tasks. The warm-up runs and is not counted; with `count`, that many are
    /// run instead, and all are counted. Throws what `operation` throws.
    static func rate(
        tasks: Int, warmUp: Duration, window: Duration, count: Int? = nil,
        _ operation: @escaping @Sendable (Int) async throws -> Void
    ) async throws -> Double {
        let clock = ContinuousClock()
        let start = clock.now
        let windowStart = count == nil ? start + warmUp : start
        let windowEnd = windowStart + window
        let counters = Counters()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<tasks {
                group.addTask { @concurrent in
                    while true {
                        let number = counters.next.wrappingAdd(1, ordering: .relaxed).oldValue
                        if let count { guard number < count else { return } }
                        try await operation(number)
                        let now = clock.now
                        if count == nil, now > windowEnd { return }
                        if now >= windowStart { counters.completed.wrappingAdd(1, ordering: .relaxed) }
                    }
                }
            }
            try await group.waitForAll()
        }
        let seconds = (count == nil ? window : clock.now - windowStart) / .seconds(1)
        return Double(counters.completed.load(ordering: .relaxed)) / seconds
    }
}
