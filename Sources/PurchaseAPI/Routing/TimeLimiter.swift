package import NIOCore
import Synchronization

/// Ends operations that take too long, which nearly none does.
///
/// An alarm of its own for each request would wake the event loop twice. Here one alarm of a loop serves all operations
/// of its connections: it rings when the first of them is due, and looks who is.
package final class TimeLimiter: Sendable {
    /// The operations of one event loop.
    private struct Shift {
        var operations: [UInt64: (task: RunningTask, due: NIODeadline)] = [:]
        var alarmAt: NIODeadline?
    }

    private struct State {
        var begun: UInt64 = 0
        var shifts: [ObjectIdentifier: Shift] = [:]
    }

    /// A task that can be cancelled from elsewhere while it runs.
    // SAFETY: it is used only under the lock, and only while its task runs the operation, which takes it away first.
    private struct RunningTask: @unchecked Sendable {
        let task: UnsafeCurrentTask?
    }

    private let state = Mutex(State())

    /// Has nothing to do yet.
    package init() {}

    /// Runs an operation for at most `limit`; then cancels it, waits for its end, and throws a 503 problem.
    func run<Value: Sendable>(
        _ limit: Duration, on eventLoop: any EventLoop, _ operation: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await run(limit, on: eventLoop, throwing: Problem.tooSlow, operation)
    }

    /// Runs an operation for at most `limit`; then cancels it, waits for its end, and throws `tooLate`.
    package func run<Value: Sendable>(
        _ limit: Duration, on eventLoop: any EventLoop, throwing tooLate: any Error,
        _ operation: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        // A task of its own: what is cancelled must not be the connection's, which has to answer.
        async let value = withUnsafeCurrentTask { task in
            let id = begin(RunningTask(task: task), due: .now() + TimeAmount(limit), on: eventLoop)
            let result: Result<Value, any Error>
            do {
                result = .success(try await operation())
            } catch {
                result = .failure(error)
            }
            guard end(id, on: eventLoop) else { throw tooLate }
            return try result.get()
        }
        return try await value
    }

    private func begin(_ task: RunningTask, due: NIODeadline, on eventLoop: any EventLoop) -> UInt64 {
        let loop = ObjectIdentifier(eventLoop)
        let (id, isFirst) = state.withLock { state -> (UInt64, Bool) in
            state.begun += 1
            var shift = state.shifts.removeValue(forKey: loop) ?? Shift()
            shift.operations[state.begun] = (task, due)
            let isFirst = shift.alarmAt.map { due < $0 } ?? true
            if isFirst { shift.alarmAt = due }
            state.shifts[loop] = shift
            return (state.begun, isFirst)
        }
        if isFirst { setAlarm(at: due, on: eventLoop) }
        return id
    }

    /// Whether the operation was in time; after this its task is never touched.
    private func end(_ id: UInt64, on eventLoop: any EventLoop) -> Bool {
        let loop = ObjectIdentifier(eventLoop)
        return state.withLock { state in state.shifts[loop]?.operations.removeValue(forKey: id) != nil }
    }

    private func setAlarm(at due: NIODeadline, on eventLoop: any EventLoop) {
        eventLoop.scheduleTask(deadline: due) { [weak self] in self?.ring(at: due, on: eventLoop) }
    }

    /// Cancels what is due, and sets the alarm for what is due next.
    private func ring(at alarm: NIODeadline, on eventLoop: any EventLoop) {
        let loop = ObjectIdentifier(eventLoop)
        let now = NIODeadline.now()
        let next = state.withLock { state -> NIODeadline? in
            // An earlier alarm has been set since, and sets the next one.
            guard var shift = state.shifts[loop], shift.alarmAt == alarm else { return nil }
            for (id, operation) in shift.operations where operation.due <= max(now, alarm) {
                operation.task.task?.cancel()
                shift.operations[id] = nil
            }
            shift.alarmAt = shift.operations.values.map(\.due).min()
            state.shifts[loop] = shift.operations.isEmpty ? nil : shift
            return shift.alarmAt
        }
        if let next { setAlarm(at: next, on: eventLoop) }
    }
}
