package import PurchaseCore

/// One row of the ledger that may explain a difference.
package struct TieOutRow: Hashable, Sendable {
    /// What kind of row it is.
    package enum Origin: String, Hashable, Sendable {
        /// A sale of the Production store.
        case sale
        /// A refund, or a correction of one.
        case refund
        /// A refund that was undone.
        case reversal
        /// A family member's transaction: no money, and no row of the export.
        case familyShare
        /// A sale or a refund of the Sandbox: no money.
        case sandbox
    }

    /// Apple's transactionId.
    package var transactionID: String
    /// What kind of row it is.
    package var origin: Origin
    /// When it happened.
    package var occurredAt: Instant
    /// Where, and which side.
    package var place: SalesPlace
    /// Units, and milliunits as ``SalesFigure`` counts them; 0 milliunits where Apple told no price.
    package var figure: SalesFigure
    /// Apple's revocationPercentage of a refund in part, thousandths of a percent; else `nil`.
    package var refundPercentage: Int64?

    /// Takes every part.
    package init(
        transactionID: String, origin: Origin, occurredAt: Instant, place: SalesPlace, figure: SalesFigure,
        refundPercentage: Int64? = nil
    ) {
        self.transactionID = transactionID
        self.origin = origin
        self.occurredAt = occurredAt
        self.place = place
        self.figure = figure
        self.refundPercentage = refundPercentage
    }

    /// The row of the export.
    init(_ record: PaidRecord) {
        let side: SalesSide =
            switch record.kind {
            case .sale, .reversal: .sale
            case .refund, .refundAdjustment: .refund
            }
        let amount = record.amountMilliunits ?? 0
        let origin: Origin =
            switch record.kind {
            case .sale: .sale
            case .refund, .refundAdjustment: .refund
            case .reversal: .reversal
            }
        self.init(
            transactionID: record.transactionID, origin: record.environment == .sandbox ? .sandbox : origin,
            occurredAt: record.occurredAt,
            place: SalesPlace(
                productID: record.productID, storefront: record.storefront, currency: record.currency, side: side),
            figure: SalesFigure(units: record.quantity, milliunits: side == .refund ? 0 &- amount : amount))
        if let percentage = record.refundPercentage, (1..<100_000).contains(percentage) {
            refundPercentage = percentage
        }
    }
}

/// Brings the units of a purchase whose price became known later under its currency.
///
/// The ledger never changes a row: a price that comes late is a further row without units, at the time of the first one.
struct LatePrices {
    /// The most purchases without a price that are kept in mind.
    static let unpricedMax = 100_000

    private var unpriced: [String: PaidRecord] = [:]

    /// What a row adds to the comparison, in the order of the export; empty while its currency isn't known.
    mutating func rows(of record: PaidRecord) throws(TieOutFault) -> [TieOutRow] {
        // `<purchase>.<kind>.<generation>.<step>`: the steps of one movement share what is before the last point.
        let kind = record.kind == .refundAdjustment ? "refund" : record.kind.rawValue
        let parts = record.rowID.split(separator: ".")
        let movement = parts.dropLast(3).joined(separator: ".") + "." + kind + "." + (parts.dropLast().last ?? "")
        guard record.currency != nil else {
            guard unpriced.count < Self.unpricedMax else { throw .tooManyUnpriced }
            unpriced[movement] = record
            return []
        }
        guard let waiting = unpriced.removeValue(forKey: movement) else { return [TieOutRow(record)] }
        var priced = record
        (priced.quantity, priced.occurredAt) = (waiting.quantity, waiting.occurredAt)
        return [TieOutRow(priced)]
    }

    /// The rows whose price never came.
    consuming func finish() -> [TieOutRow] { unpriced.values.map(TieOutRow.init) }
}

/// The ledger's side of the comparison.
struct LedgerFigures {
    private let calendar: ReportCalendar
    private var latePrices = LatePrices()
    private var figures: [SalesCell: SalesFigure] = [:]

    init(calendar: ReportCalendar) { self.calendar = calendar }

    /// Adds a row of the export; rows come in the order of the export.
    mutating func add(_ record: PaidRecord) throws(TieOutFault) {
        for row in try latePrices.rows(of: record) { try add(row) }
    }

    /// The sums.
    consuming func finish() throws(TieOutFault) -> [SalesCell: SalesFigure] {
        for row in latePrices.finish() { try add(row) }
        return figures
    }

    private mutating func add(_ row: TieOutRow) throws(TieOutFault) {
        guard let index = calendar.index(holding: row.occurredAt) else { return }
        let cell = SalesCell(period: calendar.entries[index].period, place: row.place)
        var sum = figures[cell] ?? .zero
        guard figures.count < SalesReports.groupsMax || figures[cell] != nil else { throw .tooManyGroups }
        try sum.add(row.figure)
        figures[cell] = sum
    }
}
