package import Metrics
package import PurchaseCore
package import PurchaseService

/// Every request to Apple passes here first: the shared budget, this replica's lanes, and the pause after a 429.
package final class RequestBudget: Sendable {
    /// Whether a request may be made.
    package enum Admission: Sendable, Equatable {
        /// Make exactly one request, now.
        case granted
        /// Apple asked for a pause that isn't over.
        case throttled(retryAt: Instant?)
        /// No token came free in time, or too many calls wait in the lane.
        case exhausted
        /// The database could not say.
        case unavailable
        /// The task was cancelled.
        case cancelled
    }

    private struct Key: Hashable {
        let environment: StoreEnvironment
        let endpointClass: EndpointClass
    }

    private let queues: [Key: BudgetQueue]
    private let time: ClientTime
    private let metrics: AppStoreMetrics

    /// Builds the queues of all buckets; nothing runs until somebody asks.
    ///
    /// `waitersMax` calls may wait in each lane of each bucket; further ones are turned away at once.
    package init(
        port: any RequestBudgetPort, terms: BudgetTerms, time: ClientTime, waitersMax: Int = 1_000,
        metricsFactory: any MetricsFactory = NOOPMetricsHandler.instance
    ) {
        var queues: [Key: BudgetQueue] = [:]
        for environment in StoreEnvironment.allCases {
            for endpointClass in EndpointClass.allCases {
                queues[Key(environment: environment, endpointClass: endpointClass)] = BudgetQueue(
                    port: port, terms: terms, environment: environment, endpointClass: endpointClass, time: time,
                    waitersMax: waitersMax,
                    metrics: BucketMetrics(
                        terms: terms, environment: environment, endpointClass: endpointClass, factory: metricsFactory))
            }
        }
        self.queues = queues
        self.time = time
        metrics = AppStoreMetrics(factory: metricsFactory)
    }

    /// Waits for one token, at most until `deadline` has passed.
    package func admission(
        in environment: StoreEnvironment, endpointClass: EndpointClass, lane: RequestLane, deadline: Duration
    ) async -> Admission {
        guard let queue = queues[Key(environment: environment, endpointClass: endpointClass)] else {
            preconditionFailure("a queue exists for every environment and endpoint class")
        }
        let from = time.monotonic()
        let admission = await withDeadline(deadline, time: time) { await queue.admission(lane: lane) } ?? .exhausted
        metrics.waited(lane, for: time.monotonic() - from, admission)
        return admission
    }

    /// Until when no request is let through after a 429, probes aside; `nil` when requests pass.
    package func throttledUntil(in environment: StoreEnvironment, endpointClass: EndpointClass) -> Instant? {
        queues[Key(environment: environment, endpointClass: endpointClass)]?.throttledUntil
    }

    /// Apple's answer to a request, as far as the budget is concerned.
    package enum Outcome: Sendable, Equatable {
        /// 429: the gate closes.
        case throttled(retryAt: Instant?)
        /// Any other status: the gate opens, if the request was made after it closed.
        case passed
    }

    /// Reports Apple's answer to a request that was admitted and sent at `askedAt`.
    package func report(
        _ outcome: Outcome, askedAt: Instant, in environment: StoreEnvironment, endpointClass: EndpointClass
    ) {
        queues[Key(environment: environment, endpointClass: endpointClass)]?.report(outcome, askedAt: askedAt)
    }
}
