import PurchaseCore
import Synchronization

/// One lane's bounded queue of questions, for one taker.
///
/// In the order of arrival; but while the oldest has waited for longer than people's patience, from the beginning of its
/// recording on, the newest comes first. More
/// is asked then than can be answered, whoever waited longest will be told to come back anyway, and the order of arrival
/// would make everybody wait as long. As soon as the load falls, posts are answered as if few waited, and the rest is
/// worked off in between.
final class JobQueue: Sendable {
    private struct State {
        var jobs: [AskPool.Job] = []
        var taker: CheckedContinuation<AskPool.Job?, Never>?
        var isFinished = false
    }

    private let bound: Int
    private let patience: Duration?
    private let now: @Sendable () -> Instant
    private let state = Mutex(State())

    /// A queue for `bound` jobs, above 0; without `patience` always in the order of arrival.
    init(bound: Int, patience: Duration?, now: @escaping @Sendable () -> Instant) {
        self.bound = max(1, bound)
        self.patience = patience
        self.now = now
    }

    /// Adds a job; what found no room, or had to make it, is returned.
    ///
    /// The oldest makes room once it has waited for too long. A finished queue has no room.
    func add(_ job: AskPool.Job) -> AskPool.Job? {
        let (taker, displaced) = state.withLock { state -> (CheckedContinuation<AskPool.Job?, Never>?, AskPool.Job?) in
            guard !state.isFinished else { return (nil, job) }
            if let taker = state.taker {
                state.taker = nil
                return (taker, nil)
            }
            var displaced: AskPool.Job?
            if state.jobs.count >= bound {
                guard isLate(state.jobs.first) else { return (nil, job) }
                displaced = state.jobs.removeFirst()
            }
            state.jobs.append(job)
            return (nil, displaced)
        }
        taker?.resume(returning: job)
        return displaced
    }

    /// The next job, once there is one; `nil` after the last one of a finished queue.
    func next() async -> AskPool.Job? {
        await withCheckedContinuation { continuation in
            let (isKnown, job) = state.withLock { state -> (Bool, AskPool.Job?) in
                if !state.jobs.isEmpty {
                    return (true, isLate(state.jobs.first) ? state.jobs.removeLast() : state.jobs.removeFirst())
                }
                if state.isFinished { return (true, nil) }
                state.taker = continuation
                return (false, nil)
            }
            if isKnown { continuation.resume(returning: job) }
        }
    }

    private func isLate(_ oldest: AskPool.Job?) -> Bool {
        guard let patience, let oldest else { return false }
        return .milliseconds((now() - oldest.enqueuedAt).milliseconds) > patience
    }

    /// Takes no more; what waits is still handed out.
    func finish() {
        let taker = state.withLock { state in
            state.isFinished = true
            defer { state.taker = nil }
            return state.taker
        }
        taker?.resume(returning: nil)
    }
}
