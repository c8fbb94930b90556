import PurchaseCore
package import PurchaseService
import Synchronization

extension AppStoreClient {
    /// See ``AppStoreHealthPort``; from memory alone.
    package func health() -> AppStoreHealth {
        let terms = BudgetTerms(requestsPerSecond: configuration.requestsPerSecond)
        let buckets = StoreEnvironment.allCases.flatMap { environment in
            EndpointClass.allCases.map { (environment, $0) }
        }
        return AppStoreHealth(
            budgets: buckets.map { environment, endpointClass in
                AppStoreHealth.Budget(
                    environment: environment, endpointClass: endpointClass,
                    requestsPerHour: terms.hourlyLimit(environment: environment, endpointClass: endpointClass),
                    tokensPerHour: terms.tokensPerHour(environment: environment, endpointClass: endpointClass),
                    capacity: terms.capacity(environment: environment, endpointClass: endpointClass),
                    throttledUntil: throttledUntil(in: environment, endpointClass: endpointClass))
            },
            lastCalls: lastCalls.all, clockSkew: clockSkew.map { Span(milliseconds: $0.wholeMilliseconds) })
    }
}

/// How the newest call to each store ended, in this process.
final class LastCalls: Sendable {
    private let calls = Mutex<[StoreEnvironment: AppStoreHealth.LastCall]>([:])

    var all: [StoreEnvironment: AppStoreHealth.LastCall] { calls.withLock { $0 } }

    func note(_ endpoint: AppStoreEndpoint, in environment: StoreEnvironment, outcome: String, at: Instant) {
        calls.withLock {
            $0[environment] = AppStoreHealth.LastCall(endpoint: endpoint.name, outcome: outcome, at: at)
        }
    }
}

extension Duration {
    /// Rounded towards zero.
    fileprivate var wholeMilliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }
}
