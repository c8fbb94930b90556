package import NIOCore

/// Runs an operation for at most `limit`; then cancels it, waits for its end, and throws a 503 problem.
func withTimeLimit<Value: Sendable>(
    _ limit: Duration, on eventLoop: any EventLoop, _ operation: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withTimeLimit(limit, on: eventLoop, throwing: Problem.tooSlow, operation)
}

/// Runs an operation for at most `limit`; then cancels it, waits for its end, and throws `tooLate`.
///
/// The alarm is the event loop's: a cancelled `Task.sleep` would keep its timer until it is due, and a busy server would
/// carry tens of thousands of them.
package func withTimeLimit<Value: Sendable>(
    _ limit: Duration, on eventLoop: any EventLoop, throwing tooLate: any Error,
    _ operation: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let (alarm, bell) = AsyncStream.makeStream(of: Void.self)
    let timer = eventLoop.scheduleTask(in: TimeAmount(limit)) { _ = bell.yield() }
    defer {
        timer.cancel()
        bell.finish()
    }
    return try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await operation() }
        group.addTask {
            for await _ in alarm { throw tooLate }
            return nil
        }
        defer { group.cancelAll() }
        while let value = try await group.next() {
            if let value { return value }
        }
        throw CancellationError()
    }
}
