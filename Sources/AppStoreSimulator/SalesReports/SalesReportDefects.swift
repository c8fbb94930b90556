/// What a sales report has in another way than the ledger of a server should.
package struct SalesReportDefects: Sendable {
    /// Transactions whose refund is counted a day late.
    package var lateRefunds: Set<String> = []
    /// Transactions whose sale is counted on the day after.
    package var nextDay: Set<String> = []
    /// Transactions that are left out, with their refunds.
    package var without: Set<String> = []
    /// Products of which one unit more is sold, for 4.99 USD in the United States.
    package var extra: [String] = []

    /// No defect.
    package init() {}
}
