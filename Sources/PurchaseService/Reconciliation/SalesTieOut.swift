import PurchaseCore

/// Compares Apple's sales reports with the ledger.
///
/// Memory grows with the groups that are compared and with the rows around the differences, both bounded, and not with
/// the rows of the ledger. Reads as of one position: the same reports and position give the same sums and differences, as
/// long as the rules of the time zone stay the same. Reasons may still change, since coverage and family members'
/// transactions are those that are known now (``CoverageNote``, ``TieOutPort``).
package struct SalesTieOut: Sendable {
    /// The most rows of the ledger around the differences that are looked at.
    static let rowsMax = 200_000
    /// The most findings for which sales that may have been refunded are looked up.
    static let lookupsMax = 50
    /// The most sales of which those that add up to several refunded units are looked for.
    static let candidatesMax = 200
    /// How long before a refund its sale is looked for.
    static let refundable = Span.days(120)

    private let records: any PaidRecordsPort
    private let explanations: any TieOutPort
    private let finance: Finance

    /// Takes the rows, what may explain them, and what is known of their completeness.
    package init(records: any PaidRecordsPort, explanations: any TieOutPort, coverage: any CoveragePort) {
        self.records = records
        self.explanations = explanations
        finance = Finance(records: records, coverage: coverage)
    }

    /// Compares everything that the reports cover of one app; reads the ledger for at most `limit` each time.
    ///
    /// - Throws: ``ServiceError/asOfNotSettled``, ``ServiceError/invalid(parameter:rule:)`` for a time zone,
    ///   ``TieOutFault``, and the ledger's as ``ServiceError``.
    package func run(
        _ reports: SalesReports, appSKU: String, timeZone: String, asOf: Int64?, within limit: Duration
    ) async throws -> TieOutReport {
        do {
            return try await compare(reports, appSKU: appSKU, timeZone: timeZone, asOf: asOf, within: limit)
        } catch let error as LedgerError {
            throw ServiceError(error)
        }
    }

    private func compare(
        _ reports: SalesReports, appSKU: String, timeZone: String, asOf: Int64?, within limit: Duration
    ) async throws -> TieOutReport {
        let calendar = try await calendar(of: reports.periods, in: timeZone)
        guard let first = calendar.entries.first, let last = calendar.entries.last else {
            throw ServiceError.invalid(parameter: "sales", rule: "At least one report is needed.")
        }
        let head = try await finance.head(
            of: PaidRecordsQuery(
                from: .instant(first.from), to: .instant(last.to), timeZone: timeZone, asOf: asOf))
        var ledger = LedgerFigures(calendar: calendar)
        try await records.read(head.scope, within: limit) { record in try ledger.add(record) }
        let apple = reports.figures(ofApp: appSKU)
        let figures = try ledger.finish()
        let differences = SalesDifference.all(apple: apple, ledger: figures)
        var findings: [TieOutFinding] = []
        if !differences.isEmpty {
            let rows = try await rows(around: differences, calendar, head.scope, within: limit)
            let tieOut = TieOut(differences, calendar: calendar, rows: rows, coverage: head.coverage)
            findings = try await named(tieOut.explain(), calendar, asOf: head.scope.asOf)
        }
        return TieOutReport(
            asOf: head.scope.asOf, timeZone: timeZone, appSKU: appSKU, calendar: calendar, coverage: head.coverage,
            totals: try TieOutReport.Total.all(apple: apple, ledger: figures), findings: findings)
    }

    private func calendar(of periods: [ReportPeriod], in timeZone: String) async throws -> ReportCalendar {
        var entries: [ReportCalendar.Entry] = []
        for period in periods {
            let settled = try await records.settle(
                PaidRecordsQuery(from: .day(period.first), to: .day(period.next), timeZone: timeZone))
            guard let span = settled.period else {
                throw ServiceError.invalid(
                    parameter: "tz", rule: "Must be an IANA time zone, such as America/Los_Angeles or UTC.")
            }
            entries.append(ReportCalendar.Entry(period: period, from: span.from, to: span.to))
        }
        return ReportCalendar(entries)
    }

    // MARK: Rows

    /// The rows of the products that differ, around the periods in which they do.
    private func rows(
        around differences: [SalesDifference], _ calendar: ReportCalendar, _ scope: PaidRecordsScope,
        within limit: Duration
    ) async throws -> [TieOutRow] {
        let products = Set(differences.map(\.cell.place.productID))
        let periods = Set(differences.map(\.cell.period))
        let entries = calendar.entries.filter { periods.contains($0.period) }
        guard let first = entries.first, let last = entries.last else { return [] }
        var wide = scope
        (wide.from, wide.to) = (first.from - TieOut.lateRefund, last.to + TieOut.edge)
        var rows: [TieOutRow] = []
        func keep(_ row: TieOutRow) throws(TieOutFault) {
            let isNear = entries.contains {
                $0.from - TieOut.lateRefund <= row.occurredAt && row.occurredAt < $0.to + TieOut.edge
            }
            guard isNear, products.contains(row.place.productID) else { return }
            guard rows.count < Self.rowsMax else { throw .tooManyRows }
            rows.append(row)
        }
        for environment in [StoreEnvironment.production, .sandbox] {
            wide.environment = environment
            var latePrices = LatePrices()
            try await records.read(wide, within: limit) { record in
                for row in try latePrices.rows(of: record) { try keep(row) }
            }
            for row in latePrices.finish() { try keep(row) }
        }
        let shared = try await explanations.familyShares(
            of: products.compactMap { $0 }.sorted(), from: first.from, to: last.to, asOf: scope.asOf,
            limit: Self.rowsMax)
        for row in shared { try keep(row) }
        return rows
    }

    /// Adds to refunds that the ledger lacks the sales that they may belong to.
    private func named(
        _ findings: [TieOutFinding], _ calendar: ReportCalendar, asOf: Int64
    ) async throws -> [TieOutFinding] {
        var findings = findings
        var lookups = 0
        for (index, finding) in findings.enumerated() {
            guard finding.outcome != .explained, finding.cell.place.side == .refund,
                finding.difference.isSurplus, finding.rowsCount == 0, lookups < Self.lookupsMax,
                let place = calendar.index(of: finding.cell.period)
            else { continue }
            lookups += 1
            findings[index] = TieOutFinding(
                finding.reason, finding.cell, difference: finding.difference,
                rows: try await sales(for: finding, in: calendar.entries[place], asOf: asOf))
        }
        return findings
    }

    /// Sales that a refund may belong to which the ledger lacks, the newest first.
    ///
    /// For a single unit those at its price, as long as there are any; for several those that add up, if some do.
    private func sales(
        for finding: TieOutFinding, in entry: ReportCalendar.Entry, asOf: Int64
    ) async throws -> [TieOutRow] {
        var place = finding.cell.place
        place.side = .sale
        let from = entry.from - Self.refundable
        if finding.difference.units == 1 {
            let samePrice = try await explanations.unrefundedSales(
                at: place, ofOneUnitFor: finding.difference.milliunits, from: from, to: entry.to, asOf: asOf,
                limit: TieOutFinding.rowsMax)
            if !samePrice.isEmpty { return samePrice }
        }
        let candidates = try await explanations.unrefundedSales(
            at: place, ofOneUnitFor: nil, from: from, to: entry.to, asOf: asOf, limit: Self.candidatesMax)
        let exact = RowSelection.indexes(of: candidates.map(\.figure), addingUpTo: finding.difference)
        return exact.map { $0.map { candidates[$0] } } ?? Array(candidates.prefix(TieOutFinding.rowsMax))
    }
}

/// How a comparison ended.
package struct TieOutReport: Hashable, Sendable {
    /// What one side adds up to in a currency.
    package struct Total: Hashable, Sendable {
        /// ISO 4217; `nil` where no price is known.
        package var currency: String?
        /// Sold or given back.
        package var side: SalesSide
        /// Apple's reports.
        package var apple: SalesFigure
        /// The ledger.
        package var ledger: SalesFigure
    }

    /// The ledger position up to which events count.
    package var asOf: Int64
    /// The IANA time zone in which Apple's days begin.
    package var timeZone: String
    /// The app, by its SKU.
    package var appSKU: String
    /// What the reports cover.
    package var calendar: ReportCalendar
    /// The time of which Apple's notifications were complete in the ledger at ``asOf``.
    package var coverage: CoverageNote
    /// By currency and side, in that order.
    package var totals: [Total]
    /// Every difference, by period and place.
    package var findings: [TieOutFinding]

    /// The worst of all findings: everything ties out when it is ``TieOutOutcome/explained``.
    package var outcome: TieOutOutcome {
        let outcomes = Set(findings.map(\.outcome))
        if outcomes.contains(.unexplained) { return .unexplained }
        return outcomes.contains(.undecided) ? .undecided : .explained
    }
}

extension TieOutReport.Total {
    /// The sums of two tables.
    static func all(
        apple: [SalesCell: SalesFigure], ledger: [SalesCell: SalesFigure]
    ) throws(TieOutFault) -> [Self] {
        struct Key: Hashable {
            let currency: String?
            let side: SalesSide
        }
        var sums: [Key: (apple: SalesFigure, ledger: SalesFigure)] = [:]
        for (cell, figure) in apple {
            try sums[Key(currency: cell.place.currency, side: cell.place.side), default: (.zero, .zero)].apple
                .add(figure)
        }
        for (cell, figure) in ledger {
            try sums[Key(currency: cell.place.currency, side: cell.place.side), default: (.zero, .zero)].ledger
                .add(figure)
        }
        return sums.map { key, sums in
            Self(currency: key.currency, side: key.side, apple: sums.apple, ledger: sums.ledger)
        }.sorted {
            ($0.currency ?? "~", $0.side == .sale ? 0 : 1) < ($1.currency ?? "~", $1.side == .sale ? 0 : 1)
        }
    }
}
