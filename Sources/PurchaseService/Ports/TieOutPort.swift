package import PurchaseCore

/// Rows of the ledger that may explain a difference to Apple's reports, and are no rows of the export.
///
/// Implemented by `PurchaseStore`.
package protocol TieOutPort: Sendable {
    /// Transactions of family members in Production, by when they were bought, the earliest first.
    ///
    /// Their place has no currency, their figure no milliunits. Which purchases there are is as of the position; their
    /// transactions, with product, time and storefront, are as known now. Throws ``LedgerError``.
    func familyShares(
        of products: [String], from: Instant, to: Instant, asOf: Int64, limit: Int
    ) async throws(LedgerError) -> [TieOutRow]
    /// Sales of a place in Production that no refund has followed, the newest first.
    ///
    /// With a price, in milliunits, only those of a single unit at exactly that price. The same position gives the same
    /// rows. Throws ``LedgerError``.
    func unrefundedSales(
        at place: SalesPlace, ofOneUnitFor price: Int64?, from: Instant, to: Instant, asOf: Int64, limit: Int
    ) async throws(LedgerError) -> [TieOutRow]
}
