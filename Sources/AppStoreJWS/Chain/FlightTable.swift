import Synchronization

/// Single flight: of the tasks that want the same thing at the same time, one works and the others wait for its result.
///
/// The one that is told to ``Boarding/lead`` must ``land(_:_:)`` and then ``close(_:)``, whatever happens. Between the
/// two, newcomers still get the result, so that the leader can put it into a cache without a gap in which a second
/// flight could start. A task that is cancelled while it waits stops waiting.
final class FlightTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// What a task that boards has to do.
    enum Boarding: Sendable {
        /// Work, then land and close.
        case lead
        /// Use the leader's result; `nil` when the leader gave up without one, and somebody else should lead.
        case joined(Value?)
        /// The task was cancelled while it waited.
        case cancelled
    }

    private enum Flight {
        case underway(waiters: [UInt64: CheckedContinuation<Boarding, Never>])
        case landed(Value?)
    }

    private struct State {
        var flights: [Key: Flight] = [:]
        var lastWaiter: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Flights that are not closed; each is held by a task that runs.
    var count: Int { state.withLock { $0.flights.count } }
    /// Tasks that wait for the leader of a flight.
    func waiters(for key: Key) -> Int {
        state.withLock { state in
            guard case .underway(let waiters) = state.flights[key] else { return 0 }
            return waiters.count
        }
    }

    /// Joins the flight for a key, or starts one.
    func board(_ key: Key) async -> Boarding {
        let ticket = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Boarding? = state.withLock { state in
                    switch state.flights[key] {
                    case .none:
                        state.flights[key] = .underway(waiters: [:])
                        return .lead
                    case .landed(let value):
                        return .joined(value)
                    case .underway(var waiters):
                        // A cancellation that came before this lock has looked for the ticket in vain.
                        guard !Task.isCancelled else { return .cancelled }
                        waiters[ticket] = continuation
                        state.flights[key] = .underway(waiters: waiters)
                        return nil
                    }
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter: CheckedContinuation<Boarding, Never>? = state.withLock { state in
                guard case .underway(var waiters) = state.flights[key] else { return nil }
                let waiter = waiters.removeValue(forKey: ticket)
                state.flights[key] = .underway(waiters: waiters)
                return waiter
            }
            waiter?.resume(returning: .cancelled)
        }
    }

    /// Hands the leader's result to all who wait and to those who still come; `nil` when there is none.
    func land(_ key: Key, _ value: Value?) {
        let waiters = state.withLock { state in
            guard case .underway(let waiters) = state.flights[key] else {
                return [UInt64: CheckedContinuation<Boarding, Never>]()
            }
            state.flights[key] = .landed(value)
            return waiters
        }
        for waiter in waiters.values { waiter.resume(returning: .joined(value)) }
    }

    /// Ends a landed flight: whoever boards next leads a new one.
    func close(_ key: Key) { state.withLock { _ = $0.flights.removeValue(forKey: key) } }
}
