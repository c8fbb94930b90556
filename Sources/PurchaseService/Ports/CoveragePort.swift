package import PurchaseCore

/// Up to which moment Apple's notifications are known to be complete, and what waits to be done.
///
/// Part of ``LedgerPort``; throws ``LedgerError`` alone.
package protocol CoveragePort: Sendable {
    /// Takes the right to sweep a store until `until`; `nil` when a sweep isn't due or another process has the right.
    ///
    /// On first sight of a store its coverage begins, empty, at `firstStart`.
    func beginSweep(
        of environment: StoreEnvironment, holder: String, firstStart: Instant, until: Instant, now: Instant
    ) async throws(LedgerError) -> CoverageRecord?
    /// Keeps the right until `until`; false when another process has taken it over: stop.
    func renewSweep(of environment: StoreEnvironment, holder: String, until: Instant) async throws(LedgerError) -> Bool
    /// Notes that everything up to `completeThrough` is here, and keeps the right; false when it is lost.
    ///
    /// `completeFrom` is given after a gap that can't be healed: what is known then begins there. Never moves
    /// `completeThrough` back. Idempotent.
    func advanceCoverage(
        of environment: StoreEnvironment, holder: String, completeFrom: Instant?, completeThrough: Instant,
        until: Instant
    ) async throws(LedgerError) -> Bool
    /// Ends a sweep that came to its end, and gives the right back.
    func finishSweep(
        of environment: StoreEnvironment, holder: String, sweptAt: Instant, dueAt: Instant
    ) async throws(LedgerError)
    /// Ends a sweep that did not, and gives the right back; `failedAt` is kept only for the first of several in a row.
    func failSweep(
        of environment: StoreEnvironment, holder: String, fault: String, failedAt: Instant, dueAt: Instant
    ) async throws(LedgerError)

    /// Notes that a backfill has all of a slice. Idempotent.
    func finishBackfill(
        of slice: HistorySlice, in environment: StoreEnvironment, notifications: Int, at: Instant
    ) async throws(LedgerError)
    /// The slices that backfills have finished and that share a moment with a span, oldest first.
    func finishedBackfills(
        touching span: HistorySlice, in environment: StoreEnvironment
    ) async throws(LedgerError) -> [HistorySlice]
    /// Moves the beginning of what is complete back over the backfilled slices that join it without a gap.
    func joinBackfills(in environment: StoreEnvironment) async throws(LedgerError)

    /// What is known of some stores, in the order of ``PurchaseCore/StoreEnvironment``; one that was never swept has
    /// no record.
    func coverage(of environments: Set<StoreEnvironment>) async throws(LedgerError) -> [CoverageReport]
    /// What waits to be done, and what came in.
    func workload(at now: Instant) async throws(LedgerError) -> Workload
    /// How full the shared buckets of the request budget are; one that nobody has drawn on yet is absent.
    func budgetLevels() async throws(LedgerError) -> [BudgetLevel]
}

/// One store's row of coverage.
package struct CoverageRecord: Hashable, Sendable {
    /// The beginning: notifications signed from here on are all stored.
    package var completeFrom: Instant
    /// The end, which is not included.
    package var completeThrough: Instant
    /// When a sweep last came to its end.
    package var sweptAt: Instant?
    /// Why the last one did not, a short code; `nil` when it did.
    package var fault: String?
    /// Since when none did.
    package var failingSince: Instant?

    /// Takes every column.
    package init(
        completeFrom: Instant, completeThrough: Instant, sweptAt: Instant?, fault: String?, failingSince: Instant?
    ) {
        self.completeFrom = completeFrom
        self.completeThrough = completeThrough
        self.sweptAt = sweptAt
        self.fault = fault
        self.failingSince = failingSince
    }
}

/// One store's coverage as it may be told: what is stored and waits to be verified or applied doesn't count.
package struct CoverageReport: Hashable, Sendable {
    /// Which store.
    package var environment: StoreEnvironment
    /// The row, its `completeThrough` held back to the oldest notification that waits; `nil` before the first sweep.
    package var record: CoverageRecord?
    /// Stored notifications that wait to be verified or applied.
    package var waiting: Int64

    /// Takes every part.
    package init(environment: StoreEnvironment, record: CoverageRecord?, waiting: Int64) {
        self.environment = environment
        self.record = record
        self.waiting = waiting
    }
}

/// What waits to be done, and what came in, at one moment.
package struct Workload: Hashable, Sendable {
    /// Checks whose time has come.
    package struct Queue: Hashable, Sendable {
        /// How many.
        package var due: Int64
        /// When the oldest fell due; `nil` when none is due.
        package var oldestDueAt: Instant?

        /// Takes both parts.
        package init(due: Int64 = 0, oldestDueAt: Instant? = nil) {
            self.due = due
            self.oldestDueAt = oldestDueAt
        }
    }

    /// Questions about purchases that somebody waits for.
    package var retry = Queue()
    /// Sweeps of settled purchases, which use only what of the budget nobody else needs.
    package var sweep = Queue()
    /// When the last notification came in, from Apple or from its history; `nil` before the first.
    package var notificationReceivedAt: Instant?
    /// Notifications that are stored and wait to be verified or applied.
    package var notificationsWaiting: Int64 = 0
    /// CONSUMPTION_REQUESTs whose deadline has not passed.
    package var consumptionRequestsOpen: Int64 = 0
    /// The next of these deadlines.
    package var nextConsumptionDeadline: Instant?

    /// Nothing at all.
    package init() {}
}

/// How full one shared bucket of the request budget was left, and how long ago.
package struct BudgetLevel: Hashable, Sendable {
    /// Which store.
    package var environment: StoreEnvironment
    /// Which limit.
    package var endpointClass: EndpointClass
    /// Tokens after the last draw, fractional.
    package var tokens: Double
    /// The time since that draw, by the database's clock.
    package var age: Span

    /// Takes every part.
    package init(environment: StoreEnvironment, endpointClass: EndpointClass, tokens: Double, age: Span) {
        self.environment = environment
        self.endpointClass = endpointClass
        self.tokens = tokens
        self.age = age
    }
}
