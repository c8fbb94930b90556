import PurchaseCore
import PurchaseService
import Synchronization

/// A budget that gives whatever is asked, and remembers the draws.
final class UnlimitedBudget: RequestBudgetPort {
    private let draws = Mutex<[BudgetRequest]>([])

    var requests: [BudgetRequest] { draws.withLock { $0 } }

    func takeTokens(_ request: BudgetRequest) async throws -> BudgetBlock {
        draws.withLock { $0.append(request) }
        return BudgetBlock(count: request.count, nextTokenIn: .zero)
    }
}

/// A budget whose database is down.
struct BrokenBudget: RequestBudgetPort {
    struct Down: Error {}

    func takeTokens(_ request: BudgetRequest) async throws -> BudgetBlock { throw Down() }
}

/// A budget that never has a token.
struct EmptyBudget: RequestBudgetPort {
    func takeTokens(_ request: BudgetRequest) async throws -> BudgetBlock {
        BudgetBlock(count: 0, nextTokenIn: .seconds(3_600))
    }
}

/// A budget that answers when the test says so, or throws when it is cancelled.
final class SteeredBudget: RequestBudgetPort {
    private struct State {
        var nextID = 0
        var pending: [(id: Int, request: BudgetRequest, continuation: CheckedContinuation<BudgetBlock, any Error>)] = []
        var total = 0
        var watchers: [(total: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var pendingRequests: [BudgetRequest] { state.withLock { $0.pending.map(\.request) } }

    /// Waits until so many draws were made in all.
    func waitForDraws(_ total: Int) async {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                if state.total >= total { return continuation.resume() }
                state.watchers.append((total, continuation))
            }
        }
    }

    /// Answers the oldest open draw.
    func answer(_ result: Result<BudgetBlock, any Error>) {
        let first = state.withLock { $0.pending.isEmpty ? nil : $0.pending.removeFirst() }
        first?.continuation.resume(with: result)
    }

    func takeTokens(_ request: BudgetRequest) async throws -> BudgetBlock {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                state.withLock { state in
                    if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
                    state.pending.append((id, request, continuation))
                    state.total += 1
                    for watcher in state.watchers where watcher.total <= state.total { watcher.continuation.resume() }
                    state.watchers.removeAll { $0.total <= state.total }
                }
            }
        } onCancel: {
            let mine = state.withLock { state in
                state.pending.firstIndex { $0.id == id }.map { state.pending.remove(at: $0) }
            }
            mine?.continuation.resume(throwing: CancellationError())
        }
    }
}

/// The shared bucket as `RequestBudgetPort` documents it, over a time that the test passes in.
struct ModelBucket {
    private var stored: Double?
    private var refilledAt = Duration.zero

    mutating func take(_ request: BudgetRequest, now: Duration) -> BudgetBlock {
        let perSecond = Double(request.tokensPerHour) / 3_600
        let elapsed = max(0, (now - refilledAt) / .seconds(1))
        let available = min(Double(request.capacity), (stored ?? Double(request.capacity)) + elapsed * perSecond)
        let taken = min(Double(request.count), available.rounded(.down))
        stored = available - taken
        refilledAt = max(refilledAt, now)
        let wait = max(0, (1 - (available - taken)) / perSecond)
        return BudgetBlock(count: Int(taken), nextTokenIn: .nanoseconds(Int64((wait * 1_000_000_000).rounded(.up))))
    }
}
