package import PurchaseCore

/// The three things that this module needs of time, injected so that a test moves it by hand.
package struct ClientTime: Sendable {
    /// Now by the machine's clock, for tokens, `Retry-After` and clock skew; it can jump.
    package let wall: @Sendable () -> Instant
    /// Time since an arbitrary start, which never goes back: deadlines and the budget run on it.
    package let monotonic: @Sendable () -> Duration
    /// Waits; throws `CancellationError` at once when the task is cancelled.
    package let sleep: @Sendable (Duration) async throws -> Void

    /// Puts the three together.
    package init(
        wall: @escaping @Sendable () -> Instant,
        monotonic: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.wall = wall
        self.monotonic = monotonic
        self.sleep = sleep
    }

    /// The machine's own time: `ContinuousClock`, and the wall clock that the composition root hands in.
    package static func continuous(wall: @escaping @Sendable () -> Instant) -> ClientTime {
        let start = ContinuousClock.now
        return ClientTime(
            wall: wall,
            monotonic: { ContinuousClock.now - start },
            sleep: { try await Task.sleep(for: $0, clock: .continuous) })
    }
}

/// Runs an operation for at most `limit`; `nil` when time ran out first, and the operation was cancelled.
///
/// Waits for the cancelled operation to end, so it must answer cancellation promptly. When the caller itself is
/// cancelled, the operation's own answer is returned.
func withDeadline<Value: Sendable>(
    _ limit: Duration, time: ClientTime, operation: @escaping @Sendable () async -> Value
) async -> Value? {
    guard limit > .zero else { return nil }
    return await withTaskGroup(of: DeadlineRace<Value>.self) { group in
        group.addTask { .finished(await operation()) }
        group.addTask {
            do {
                try await time.sleep(limit)
                return .elapsed
            } catch {
                return .sleepCancelled
            }
        }
        while let first = await group.next() {
            switch first {
            case .finished(let value):
                group.cancelAll()
                return value
            case .elapsed:
                group.cancelAll()
                return nil
            case .sleepCancelled:
                continue
            }
        }
        return nil
    }
}

private enum DeadlineRace<Value: Sendable>: Sendable {
    case finished(Value)
    case elapsed
    case sleepCancelled
}

extension Duration {
    /// Whole nanoseconds, stopping at the ends of the range.
    var clampedNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds > 0 ? .max : .min }
        let (sum, overflowed) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflowed ? (seconds > 0 ? .max : .min) : sum
    }
}
