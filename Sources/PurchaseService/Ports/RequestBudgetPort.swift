package import PurchaseCore

/// Apple's request limit, kept in one database row per (environment, endpoint class) and shared by all replicas.
///
/// Implemented by `PurchaseStore` with one SQL statement in a transaction of its own: never inside a business
/// transaction, whose locks would then hold up every replica's requests.
package protocol RequestBudgetPort: Sendable {
    /// Takes up to `request.count` tokens out of the bucket, and says when the next one falls due.
    ///
    /// A token bucket, refilled by the **database's** clock (`clock_timestamp()`), so that replicas need not agree on
    /// the time. With `stored` and `refilledAt` from the row (an absent row counts as a full bucket, and is inserted):
    ///
    ///     elapsed    = greatest(0 s, now − refilledAt)
    ///     available  = least(request.capacity, stored + elapsed × request.tokensPerHour ∕ 3600 s)
    ///     taken      = least(request.count, floor(available))
    ///     stored     := available − taken;  refilledAt := greatest(refilledAt, now)
    ///     nextTokenIn = greatest(0 s, (1 − (available − taken)) × 3600 s ∕ request.tokensPerHour)
    ///
    /// `stored` is fractional (double precision or numeric), or slow rates would never reach a whole token. Over any
    /// span T at most `capacity + T × tokensPerHour ∕ 3600 s` tokens leave the bucket, however many replicas take.
    /// Terms travel with each call, so a changed setting needs no migration: a smaller capacity takes effect at once.
    ///
    /// Tokens are never given back; unused ones expire with the replica's block. Not idempotent: a lost answer loses
    /// its tokens, which is the safe side. Answers promptly when the task is cancelled.
    /// - Throws: any error of the database. The client then answers `.unavailable(.budgetUnavailable)` and makes no call.
    func takeTokens(_ request: BudgetRequest) async throws -> BudgetBlock
}

/// One draw on the shared budget, with the terms of its bucket.
package struct BudgetRequest: Sendable, Equatable {
    /// Which App Store; Sandbox has a tenth of Production's rate.
    package let environment: StoreEnvironment
    /// Which of Apple's limits; half of the row's key.
    package let endpointClass: EndpointClass
    /// How many tokens are wanted, 1...capacity; fewer may come, also none.
    package let count: Int
    /// The refill rate in tokens per hour, the unit in which Apple enforces its limits; at least 1.
    package let tokensPerHour: Int
    /// The most that the bucket holds: 250 ms of the rate, at least 1.
    package let capacity: Int

    /// Puts a draw together; the client computes the terms from its configuration.
    package init(
        environment: StoreEnvironment, endpointClass: EndpointClass, count: Int, tokensPerHour: Int, capacity: Int
    ) {
        self.environment = environment
        self.endpointClass = endpointClass
        self.count = count
        self.tokensPerHour = tokensPerHour
        self.capacity = capacity
    }
}

/// What a draw on the budget gave.
package struct BudgetBlock: Sendable, Equatable {
    /// Tokens taken, 0...`BudgetRequest.count`; the client uses them within 250 ms of the answer or not at all.
    package let count: Int
    /// How long until the bucket holds a whole token again, after this draw; zero if it holds one now.
    package let nextTokenIn: Duration

    /// Reports a draw.
    package init(count: Int, nextTokenIn: Duration) {
        self.count = count
        self.nextTokenIn = nextTokenIn
    }
}

/// One of Apple's request limits (App Store Server API, "Identifying rate limits"); the raw value is the row's key.
package enum EndpointClass: String, Sendable, Hashable, CaseIterable {
    /// 50 requests a second: Transaction Info, History, Subscription Statuses, Notification History.
    case standard
    /// 10 requests a second: Look Up Order ID, Refund History.
    case lookup
    /// 1 request a second: Request a Test Notification and its status.
    case test
}
