/// What a revenue report is broken down by.
package enum RevenueGrouping: String, Hashable, Sendable, CaseIterable {
    /// Days in the query's time zone: `2026-11-20`.
    case day
    /// Months in the query's time zone: `2026-11`.
    case month
    /// Apple's productId.
    case product
    /// Apple's storefront.
    case storefront
}

/// One line of a revenue report: a group and a currency.
package struct RevenueLine: Hashable, Sendable {
    /// The day, the month, the product or the storefront; `nil` where Apple named none.
    package var group: String?
    /// ISO 4217; `nil` for the rows without an amount.
    package var currency: String?
    /// The sums; all zero but `rows` where there is no currency.
    package var sums: MoneySums
    /// Purchases sold.
    package var sales: Int64
    /// Refunds, in full or in part.
    package var refunds: Int64
    /// Refunds that were undone.
    package var reversals: Int64

    /// Takes every part.
    package init(
        group: String?, currency: String?, sums: MoneySums, sales: Int64, refunds: Int64, reversals: Int64
    ) {
        self.group = group
        self.currency = currency
        self.sums = sums
        self.sales = sales
        self.refunds = refunds
        self.reversals = reversals
    }
}

/// Where a revenue report goes on: pages of one position never shift.
package struct RevenueCursor: Hashable, Sendable {
    /// The ledger position of the first page.
    package var asOf: Int64
    /// Lines before the next page.
    package var offset: Int64

    /// Takes both parts.
    package init(asOf: Int64, offset: Int64) {
        self.asOf = asOf
        self.offset = offset
    }
}

/// A page of a revenue report, with the totals of the whole.
package struct RevenueReport: Hashable, Sendable {
    /// The same head as that of an export of the same scope.
    package var head: PaidRecordsHead
    /// What it is broken down by.
    package var grouping: RevenueGrouping
    /// Lines in the order of group and currency, what is absent last.
    package var lines: [RevenueLine]
    /// The next page; `nil` at the end.
    package var next: RevenueCursor?

    /// Takes every part.
    package init(head: PaidRecordsHead, grouping: RevenueGrouping, lines: [RevenueLine], next: RevenueCursor?) {
        self.head = head
        self.grouping = grouping
        self.lines = lines
        self.next = next
    }
}
