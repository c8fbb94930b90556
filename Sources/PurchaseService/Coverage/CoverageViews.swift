package import PurchaseCore

/// Up to when Apple's notifications of a store are known to be complete, as the API tells it.
package struct CoverageView: Hashable, Sendable {
    /// Which store.
    package var environment: StoreEnvironment
    /// The beginning: notifications signed from here on are all in the ledger, verified and applied.
    package var completeFrom: Instant?
    /// The end, which is not included; `nil` before the first sweep.
    package var completeThrough: Instant?
    /// Whole seconds from there to now.
    package var lagSeconds: Int64?
    /// When a sweep last came to its end.
    package var sweptAt: Instant?
    /// Why the last one did not; a code of ``HistoryFault``.
    package var fault: String?
    /// Notifications that are stored and wait to be verified or applied.
    package var waiting: Int64

    /// Takes a report at a moment.
    init(_ report: CoverageReport, now: Instant) {
        environment = report.environment
        completeFrom = report.record?.completeFrom
        completeThrough = report.record?.completeThrough
        lagSeconds = report.record.map { max(0, (now - $0.completeThrough).milliseconds / 1_000) }
        sweptAt = report.record?.sweptAt
        fault = report.record?.fault
        waiting = report.waiting
    }

    /// The part that a list of money rows says about its own completeness.
    package var note: CoverageNote {
        CoverageNote(environment: environment, completeFrom: completeFrom, completeThrough: completeThrough)
    }
}

/// The span of time of which a store's notifications are known to be complete; `nil` where nothing is known.
package struct CoverageNote: Hashable, Sendable {
    /// Which store.
    package var environment: StoreEnvironment
    /// Its beginning.
    package var completeFrom: Instant?
    /// Its end.
    package var completeThrough: Instant?
}

/// How the service gets on with Apple, at one moment.
package struct AppleHealthView: Hashable, Sendable {
    /// One limit of Apple's.
    package struct Budget: Hashable, Sendable {
        /// The terms, and what this process knows.
        package var terms: AppStoreHealth.Budget
        /// Whole tokens in the shared bucket now.
        package var tokens: Int
    }

    /// The stores that are served, Production first.
    package var environments: [StoreEnvironment]
    /// Every limit of each.
    package var budgets: [Budget]
    /// How this process's newest call to each ended.
    package var lastCalls: [StoreEnvironment: AppStoreHealth.LastCall]
    /// Our clock minus Apple's; `nil` before this process's first answer.
    package var clockSkew: Span?
    /// What waits to be done.
    package var workload: Workload
    /// When all this was looked at.
    package var observedAt: Instant
}

extension AppleHealthView.Budget {
    /// What a bucket holds now: what the last draw left, and what has flowed in since; a bucket never drawn on is full.
    init(_ terms: AppStoreHealth.Budget, level: BudgetLevel?) {
        self.terms = terms
        guard let level else {
            tokens = terms.capacity
            return
        }
        let refilled = Double(level.age.milliseconds) * Double(terms.tokensPerHour) / 3_600_000
        tokens = Int(min(Double(terms.capacity), level.tokens + refilled))
    }
}
