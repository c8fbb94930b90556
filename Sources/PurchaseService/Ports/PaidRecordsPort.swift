package import PurchaseCore

/// The money rows of the ledger, as finance reads them; on connections of its own, so that nobody who pays waits.
///
/// Implemented by `PurchaseStore`. Everything but ``settle(_:)`` answers the same for the same scope, for ever.
package protocol PaidRecordsPort: Sendable {
    /// The newest ledger position, and the period as instants; throws ``LedgerError``.
    func settle(_ query: PaidRecordsQuery) async throws(LedgerError) -> SettledPeriod
    /// What the rows of a scope add up to.
    func totals(of scope: PaidRecordsScope) async throws(LedgerError) -> PaidRecordsTotals
    /// The earliest signedDate of what Apple's notifications told only after a position; `nil` when nothing.
    func earliestSignedDate(
        after position: Int64, in environment: StoreEnvironment
    ) async throws(LedgerError) -> Instant?
    /// Lines of a report in the order of group and currency, after as many as `offset`.
    func revenue(
        of scope: PaidRecordsScope, by grouping: RevenueGrouping, offset: Int64, limit: Int
    ) async throws(LedgerError) -> [RevenueLine]
    /// Hands over every row of a scope, by `occurredAt`, from one snapshot and with constant memory.
    ///
    /// While the body is busy nothing more is read. Throws what the body throws, and ``LedgerError``, also when all of
    /// it took longer than `limit`.
    func read(
        _ scope: PaidRecordsScope, within limit: Duration, _ body: (PaidRecord) async throws -> Void
    ) async throws
}

/// What a database says of a query.
package struct SettledPeriod: Hashable, Sendable {
    /// The newest position; 0 for an empty ledger.
    package var newest: Int64
    /// The period as instants; `nil` when the database knows no such time zone.
    package var period: Period?

    /// A period's two ends.
    package struct Period: Hashable, Sendable {
        /// Included.
        package var from: Instant
        /// Not included.
        package var to: Instant

        /// Takes both.
        package init(from: Instant, to: Instant) {
            self.from = from
            self.to = to
        }
    }

    /// Takes both parts.
    package init(newest: Int64, period: Period?) {
        self.newest = newest
        self.period = period
    }
}
