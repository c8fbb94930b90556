/// What a difference comes from, as far as the ledger's rows can say; the raw values are a contract.
package enum TieOutReason: String, Hashable, Sendable, CaseIterable {
    /// Apple counts rows near midnight on the day before or after.
    case dayEdge = "day_edge"
    /// Apple counts a refund some days after its revocationDate.
    case lateRefund = "late_refund"
    /// The ledger has units without a charge, such as free trials, that Apple doesn't count.
    case zeroPrice = "zero_price"
    /// The ledger counts the quantity of a purchase, Apple one unit.
    case quantity = "quantity"
    /// The ledger takes back the refunded part, Apple the whole price.
    case refundInPart = "refund_in_part"
    /// The ledger counts a refund that was undone as sold again, Apple doesn't.
    case refundReversed = "refund_reversed"
    /// The ledger has the units without a price.
    case priceUnknown = "price_unknown"
    /// The ledger has the units without a storefront.
    case storefrontUnknown = "storefront_unknown"
    /// Apple counts transactions of family members, which cost nothing.
    case familyShare = "family_share"
    /// Apple counts transactions of the Sandbox or TestFlight, which cost nothing.
    case sandbox = "sandbox"
    /// Apple has more, and its notifications of that time are not all in the ledger.
    case missingNotification = "missing_notification"
    /// Nothing in the ledger explains it.
    case unexplained = "unexplained"

    /// How much is known then; ``TieOutFinding/outcome`` also asks where the other side was looked for.
    package var outcome: TieOutOutcome {
        switch self {
        case .dayEdge, .lateRefund, .zeroPrice, .quantity, .refundInPart, .refundReversed, .priceUnknown,
            .storefrontUnknown, .familyShare, .sandbox:
            .explained
        case .missingNotification: .undecided
        case .unexplained: .unexplained
        }
    }
}

/// How much is known of a difference; never two outcomes alone.
package enum TieOutOutcome: String, Hashable, Sendable, CaseIterable {
    /// Rows of the ledger add up to it.
    case explained
    /// The ledger is not complete for that time, or a day was not compared, so nobody can say yet.
    case undecided
    /// Everything is there, and nothing adds up to it.
    case unexplained
}

/// A difference, or the part of one that has one reason.
package struct TieOutFinding: Hashable, Sendable {
    /// The most rows that a finding names.
    package static let rowsMax = 20

    /// Where the rows that one side counts in one period stand for the other side.
    package enum Counterpart: Hashable, Sendable {
        /// In another period of these reports.
        case period(ReportPeriod)
        /// Before or after what these reports cover.
        case outside
    }

    /// What it comes from.
    package var reason: TieOutReason
    /// Where.
    package var cell: SalesCell
    /// Apple's sum less the ledger's, as far as it has this reason.
    package var difference: SalesFigure
    /// For ``TieOutReason/dayEdge`` and ``TieOutReason/lateRefund``, where the other side counts it.
    package var counterpart: Counterpart?
    /// Rows of the ledger that explain it, or could be meant; at most ``rowsMax``.
    package var rows: [TieOutRow]
    /// How many rows there are in all; of sales that may have been refunded, how many were looked at.
    package var rowsCount: Int

    /// Takes every part; of the rows it keeps the first ``rowsMax``.
    package init(
        _ reason: TieOutReason, _ cell: SalesCell, difference: SalesFigure, counterpart: Counterpart? = nil,
        rows: [TieOutRow] = []
    ) {
        self.reason = reason
        self.cell = cell
        self.difference = difference
        self.counterpart = counterpart
        self.rows = Array(rows.prefix(Self.rowsMax))
        rowsCount = rows.count
    }

    /// How much is known: what would have to stand on a day that nobody compared is not explained before that day is.
    package var outcome: TieOutOutcome { counterpart == .outside ? .undecided : reason.outcome }
}

/// A number that Apple and the ledger don't agree on.
package struct SalesDifference: Hashable, Sendable {
    /// Where.
    package var cell: SalesCell
    /// What Apple's reports say.
    package var apple: SalesFigure
    /// What the ledger says.
    package var ledger: SalesFigure

    /// Every cell that the two tables don't agree on, in order.
    package static func all(
        apple: [SalesCell: SalesFigure], ledger: [SalesCell: SalesFigure]
    ) -> [SalesDifference] {
        Set(apple.keys).union(ledger.keys).compactMap { cell in
            let difference = SalesDifference(
                cell: cell, apple: apple[cell] ?? .zero, ledger: ledger[cell] ?? .zero)
            return difference.apple == difference.ledger ? nil : difference
        }.sorted { $0.cell < $1.cell }
    }
}
