import AppStoreClient
import PurchaseCore
import PurchaseService
import Synchronization

/// The request budget of an examination: the shared one, and while the database can't give it, a small one of its own.
///
/// `serve` never calls Apple without the shared budget. The doctor must be able to say what Apple answers while the
/// database is down, and makes so few calls that they don't matter: at the rate of the terms, one at a time, and never
/// more than ``callsMax``.
final class DoctorBudget: RequestBudgetPort {
    /// The most calls without the shared budget.
    static let callsMax = 64

    private struct Key: Hashable {
        let environment: StoreEnvironment
        let endpointClass: EndpointClass
    }

    private struct State {
        var callsLeft = callsMax
        var nextAt: [Key: Duration] = [:]
    }

    private let shared: (any RequestBudgetPort)?
    private let time: ClientTime
    private let state = Mutex(State())

    /// Takes the shared budget, if the database answers.
    init(shared: (any RequestBudgetPort)?, time: ClientTime) {
        self.shared = shared
        self.time = time
    }

    /// A token of the shared budget, else one of its own.
    func takeTokens(_ request: BudgetRequest) async throws -> BudgetBlock {
        if let shared, let block = try? await shared.takeTokens(request) { return block }
        let key = Key(environment: request.environment, endpointClass: request.endpointClass)
        let interval = Duration.seconds(3_600) / request.tokensPerHour
        let now = time.monotonic()
        return state.withLock { state in
            let nextAt = state.nextAt[key] ?? now
            guard state.callsLeft > 0, nextAt <= now else {
                return BudgetBlock(count: 0, nextTokenIn: state.callsLeft > 0 ? nextAt - now : .seconds(3_600))
            }
            state.callsLeft -= 1
            state.nextAt[key] = now + interval
            return BudgetBlock(count: 1, nextTokenIn: interval)
        }
    }
}
