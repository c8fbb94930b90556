package import PurchaseCore

/// Explains differences between Apple's sales reports and the ledger by rows of the ledger.
///
/// Pure: tables in, findings out. A reason is given only where rows add up to the difference exactly, in units and in
/// milliunits; a difference with several reasons becomes several findings, and what is left nothing explains. That rows
/// add up is no proof that Apple counted them so: it says nothing about the settlement of any transaction.
package struct TieOut {
    /// How far from midnight a row may have been counted on the other day.
    package static let edge = Span.hours(3)
    /// How long after its revocationDate a refund may be counted.
    package static let lateRefund = Span.days(7)

    let calendar: ReportCalendar
    let coverage: CoverageNote
    let rows: [TieOutRow]
    /// Indexes into `rows` by what they could explain, in the order of time.
    let rowsByKey: [RowKey: [Int]]
    /// Apple's sum less the ledger's, as far as nothing explains it yet; never ``SalesFigure/zero``.
    var residuals: [SalesCell: SalesFigure] = [:]
    var findings: [TieOutFinding] = []
    private var used: Set<Int> = []

    /// Rows that can stand for each other.
    struct RowKey: Hashable {
        var place: SalesPlace
        var origin: TieOutRow.Origin?
    }

    /// Takes the rows of the ledger around the differences: at least those of ``lateRefund`` before and ``edge`` after.
    package init(
        _ differences: [SalesDifference], calendar: ReportCalendar, rows: [TieOutRow], coverage: CoverageNote
    ) {
        self.calendar = calendar
        self.coverage = coverage
        self.rows = rows.sorted { ($0.occurredAt, $0.transactionID) < ($1.occurredAt, $1.transactionID) }
        var rowsByKey: [RowKey: [Int]] = [:]
        for (index, row) in self.rows.enumerated() {
            switch row.origin {
            case .sale, .refund, .reversal:
                // Both by what they are and by the side that they are counted on.
                rowsByKey[RowKey(place: row.place, origin: nil), default: []].append(index)
                rowsByKey[RowKey(place: row.place, origin: row.origin), default: []].append(index)
            case .familyShare, .sandbox:
                rowsByKey[RowKey(place: row.place, origin: row.origin), default: []].append(index)
            }
        }
        self.rowsByKey = rowsByKey
        for difference in differences { residuals[difference.cell] = difference.apple - difference.ledger }
    }

    /// Finds a reason for everything, the surest first; in the order of the cells.
    package consuming func explain() -> [TieOutFinding] {
        explainEdges(outside: false)
        explainLateRefunds()
        explainWithinCells()
        explainEdges(outside: true)
        explainRefundsCountedOutside()
        for cell in residuals.keys.sorted() {
            guard let residual = residuals[cell] else { continue }
            let isMissing = residual.isSurplus && residual.units > 0 && !isCovered(cell.period)
            settle(
                cell, residual, isMissing ? .missingNotification : .unexplained, rows: likelyRows(in: cell, residual))
        }
        return findings.sorted { ($0.cell, $0.reason.rawValue) < ($1.cell, $1.reason.rawValue) }
    }

    /// Whether every notification of a period is in the ledger.
    func isCovered(_ period: ReportPeriod) -> Bool {
        guard let from = coverage.completeFrom, let through = coverage.completeThrough, let entry = entry(of: period)
        else { return false }
        return from <= entry.from && entry.to <= through
    }

    func entry(of period: ReportPeriod) -> ReportCalendar.Entry? {
        calendar.index(of: period).map { calendar.entries[$0] }
    }

    /// The rows that Apple seems not to have, or to have at another price: those that add up, or else all of the cell's.
    ///
    /// Where Apple has more, the testers' rows that add up: no reason, since testers are never charged, but worth a look.
    private func likelyRows(in cell: SalesCell, _ residual: SalesFigure) -> [TieOutRow] {
        guard residual.units <= 0 else {
            // To a refund belong the sales that it may be of, which are not among these rows.
            guard cell.place.side == .sale else { return [] }
            let testers = rows(of: RowKey(place: cell.place, origin: .sandbox), in: cell.period)
            return (select(testers, addingUpTo: residual) ?? []).map { rows[$0] }
        }
        let indexes = rows(of: RowKey(place: cell.place, origin: nil), in: cell.period)
        let exact = RowSelection.indexes(of: indexes.map { rows[$0].figure }, addingUpTo: -residual)
        return (exact.map { $0.map { indexes[$0] } } ?? indexes).map { rows[$0] }
    }

    // MARK: Rows

    /// Unused rows from an instant on and before another, in the order of time.
    func rows(of key: RowKey, from: Instant, to: Instant) -> [Int] {
        (rowsByKey[key] ?? []).filter { !used.contains($0) && rows[$0].occurredAt >= from && rows[$0].occurredAt < to }
    }

    /// Unused rows of a period, in the order of time.
    func rows(of key: RowKey, in period: ReportPeriod) -> [Int] {
        guard let entry = entry(of: period) else { return [] }
        return rows(of: key, from: entry.from, to: entry.to)
    }

    /// Those of some rows that add up to a figure, by a figure of each; `nil` when none do.
    func select(
        _ indexes: [Int], addingUpTo target: SalesFigure, by figure: (TieOutRow) -> SalesFigure = { $0.figure }
    ) -> [Int]? {
        RowSelection.indexes(of: indexes.map { figure(rows[$0]) }, addingUpTo: target).map { $0.map { indexes[$0] } }
    }

    // MARK: Findings

    /// Notes a reason for a part of a cell's difference, and uses the rows up.
    mutating func settle(
        _ cell: SalesCell, _ part: SalesFigure, _ reason: TieOutReason,
        counterpart: TieOutFinding.Counterpart? = nil, using indexes: [Int] = []
    ) {
        settle(cell, part, reason, counterpart: counterpart, rows: indexes.sorted().map { rows[$0] })
        used.formUnion(indexes)
    }

    /// The same without using rows up.
    mutating func settle(
        _ cell: SalesCell, _ part: SalesFigure, _ reason: TieOutReason,
        counterpart: TieOutFinding.Counterpart? = nil, rows: [TieOutRow]
    ) {
        change(cell, by: -part)
        findings.append(
            TieOutFinding(reason, cell, difference: part, counterpart: counterpart, rows: rows))
    }

    /// Changes what is left to explain of a cell.
    mutating func change(_ cell: SalesCell, by figure: SalesFigure) {
        let rest = (residuals[cell] ?? .zero) + figure
        residuals[cell] = rest == .zero ? nil : rest
    }
}
