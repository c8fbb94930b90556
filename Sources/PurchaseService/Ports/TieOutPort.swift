package import PurchaseCore

/// Rows of the ledger that may explain a difference to Apple's reports, and are no rows of the export.
///
/// Implemented by `PurchaseStore`. The same position gives the same rows, as far as nothing was erased.
package protocol TieOutPort: Sendable {
    /// Transactions of family members in Production, by when they were bought, the earliest first.
    ///
    /// Their place has no currency, their figure no milliunits. Throws ``LedgerError``.
    func familyShares(
        of products: [String], from: Instant, to: Instant, asOf: Int64, limit: Int
    ) async throws(LedgerError) -> [TieOutRow]
    /// Sales of a place in Production that no refund has followed, the newest first.
    func unrefundedSales(
        at place: SalesPlace, from: Instant, to: Instant, asOf: Int64, limit: Int
    ) async throws(LedgerError) -> [TieOutRow]
}
