/// Sums of movements in one currency: what customers paid, never what Apple pays out.
package struct MoneySums: Hashable, Sendable {
    /// Rows that carry an amount in this currency.
    package var rows: Int64
    /// Milliunits of the `sale` rows, their corrections included.
    package var gross: Int64
    /// Milliunits given back: refunds and their adjustments, less reversals; positive.
    package var refunded: Int64
    /// `gross - refunded`, which is the sum of all rows.
    package var net: Int64

    /// Takes every part.
    package init(rows: Int64, gross: Int64, refunded: Int64, net: Int64) {
        self.rows = rows
        self.gross = gross
        self.refunded = refunded
        self.net = net
    }
}

/// What a whole scope adds up to.
package struct PaidRecordsTotals: Hashable, Sendable {
    /// One currency's part.
    package struct Part: Hashable, Sendable {
        /// ISO 4217.
        package var currency: String
        /// Its sums.
        package var sums: MoneySums

        /// Takes both.
        package init(currency: String, sums: MoneySums) {
            self.currency = currency
            self.sums = sums
        }
    }

    /// By currency, in the order of their codes.
    package var currencies: [Part]
    /// Rows without an amount: Apple told no price.
    package var unpricedRows: Int64

    /// Every row.
    package var rows: Int64 { currencies.reduce(unpricedRows) { $0 + $1.sums.rows } }

    /// Takes every part.
    package init(currencies: [Part], unpricedRows: Int64) {
        self.currencies = currencies
        self.unpricedRows = unpricedRows
    }
}

/// Everything that is known of an export before its first row is written.
package struct PaidRecordsHead: Hashable, Sendable {
    /// What is exported.
    package var scope: PaidRecordsScope
    /// What the rows add up to.
    package var totals: PaidRecordsTotals
    /// The time of which Apple's notifications were complete in the ledger at ``PaidRecordsScope/asOf``.
    package var coverage: CoverageNote

    /// Takes every part.
    package init(scope: PaidRecordsScope, totals: PaidRecordsTotals, coverage: CoverageNote) {
        self.scope = scope
        self.totals = totals
        self.coverage = coverage
    }
}
