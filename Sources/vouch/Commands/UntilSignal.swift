import UnixSignals

/// Work that an operator may interrupt.
enum UntilSignal {
    /// Runs work until it ends, or cancels it at SIGINT or SIGTERM and waits for its end.
    static func run<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) async -> Value {
        await withTaskGroup(of: Value?.self) { group in
            group.addTask { await body() }
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { break }
                return nil
            }
            var result: Value?
            while result == nil {
                // The signal's end is `nil`, then the work is cancelled and its own end comes next.
                guard let next = await group.next() else { break }
                result = next
                group.cancelAll()
            }
            guard let result else { preconditionFailure("the work always has an end") }
            return result
        }
    }
}
