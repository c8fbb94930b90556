package import PurchaseCore
package import PurchaseService

/// The terms of each bucket, from the one setting `VOUCH_APP_STORE_REQUESTS_PER_SECOND`.
package struct BudgetTerms: Sendable, Equatable {
    /// Production's rate for the endpoints that Apple allows 50 requests a second.
    package let requestsPerSecond: Int

    /// Takes the setting; at least 1.
    package init(requestsPerSecond: Int) { self.requestsPerSecond = max(1, requestsPerSecond) }

    /// How long a block of tokens may be held before it expires, and how much of the rate a bucket holds.
    package static let block = Duration.milliseconds(250)

    /// Requests an hour that Apple's limit allows: a fifth of the setting for lookups, a fiftieth for tests
    /// (50 : 10 : 1, Apple's own proportions), and a tenth of all that in Sandbox.
    package func hourlyLimit(environment: StoreEnvironment, endpointClass: EndpointClass) -> Int {
        let standard = requestsPerSecond * 3_600
        let ofClass =
            switch endpointClass {
            case .standard: standard
            case .lookup: standard / 5
            case .test: standard / 50
            }
        switch environment {
        case .production: return max(1, ofClass)
        case .sandbox: return max(1, ofClass / 10)
        }
    }

    /// The most a bucket holds: 250 ms of the rate, at least one token.
    package func capacity(environment: StoreEnvironment, endpointClass: EndpointClass) -> Int {
        max(1, hourlyLimit(environment: environment, endpointClass: endpointClass) / 14_400)
    }

    /// The refill rate, a little under the limit.
    ///
    /// Apple counts by the hour, and an hour may begin with a full bucket and with a block in hand: what these hold is
    /// taken off the rate, so that no hour at all sees more than the limit.
    package func tokensPerHour(environment: StoreEnvironment, endpointClass: EndpointClass) -> Int {
        let limit = hourlyLimit(environment: environment, endpointClass: endpointClass)
        return max(1, limit - 2 * capacity(environment: environment, endpointClass: endpointClass))
    }

    /// A draw on one bucket.
    package func request(environment: StoreEnvironment, endpointClass: EndpointClass, count: Int) -> BudgetRequest {
        let most = capacity(environment: environment, endpointClass: endpointClass)
        return BudgetRequest(
            environment: environment, endpointClass: endpointClass, count: min(max(1, count), most),
            tokensPerHour: tokensPerHour(environment: environment, endpointClass: endpointClass), capacity: most)
    }
}
