package import PurchaseCore

/// What the client of the App Store knows of itself; asks nobody.
package protocol AppStoreHealthPort: Sendable {
    /// The terms of the budget, and what this process has seen since its start.
    func health() -> AppStoreHealth
}

/// The state of this process's dealings with the App Store.
package struct AppStoreHealth: Hashable, Sendable {
    /// One of Apple's limits as it is configured here.
    package struct Budget: Hashable, Sendable {
        /// Which store.
        package var environment: StoreEnvironment
        /// Which limit.
        package var endpointClass: EndpointClass
        /// The configured limit in requests an hour, the unit in which Apple enforces it.
        package var requestsPerHour: Int
        /// The refill rate of the shared bucket in tokens an hour, a little under the limit.
        package var tokensPerHour: Int
        /// The most tokens that the bucket holds.
        package var capacity: Int
        /// Until when this process asks nothing after a 429; `nil` when it may ask.
        package var throttledUntil: Instant?

        /// Takes every part.
        package init(
            environment: StoreEnvironment, endpointClass: EndpointClass, requestsPerHour: Int, tokensPerHour: Int,
            capacity: Int, throttledUntil: Instant?
        ) {
            self.environment = environment
            self.endpointClass = endpointClass
            self.requestsPerHour = requestsPerHour
            self.tokensPerHour = tokensPerHour
            self.capacity = capacity
            self.throttledUntil = throttledUntil
        }
    }

    /// How the newest call ended.
    package struct LastCall: Hashable, Sendable {
        /// The client's name of the endpoint, such as `transaction_info`.
        package var endpoint: String
        /// A snake_case outcome, such as `answered`, `throttled` or `timed_out`.
        package var outcome: String
        /// Our clock.
        package var at: Instant

        /// Takes every part.
        package init(endpoint: String, outcome: String, at: Instant) {
            self.endpoint = endpoint
            self.outcome = outcome
            self.at = at
        }
    }

    /// One for each store and endpoint class.
    package var budgets: [Budget]
    /// The newest call of this process to each store; absent before the first.
    package var lastCalls: [StoreEnvironment: LastCall]
    /// Our clock minus Apple's by the newest answer, positive when ours is fast; `nil` before the first.
    package var clockSkew: Span?

    /// Takes every part.
    package init(budgets: [Budget], lastCalls: [StoreEnvironment: LastCall], clockSkew: Span?) {
        self.budgets = budgets
        self.lastCalls = lastCalls
        self.clockSkew = clockSkew
    }
}
