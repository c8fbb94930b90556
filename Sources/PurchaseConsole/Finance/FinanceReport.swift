import PurchaseAPI
import PurchaseCore
import PurchaseService

/// The figures of a period, for `finance.mustache`.
struct FinanceReport: Sendable {
    /// Sums of one currency.
    struct Sums: Sendable {
        let currency: String
        let rows: String
        let paid: String
        let refunded: String
        let net: String

        init(_ sums: MoneySums, in currency: String) {
            func text(_ milliunits: Int64) -> String {
                AmountText.text(Money(milliunits: milliunits, currency: currency))
            }
            self.currency = currency
            rows = FinanceReport.count(sums.rows)
            paid = text(sums.gross)
            refunded = text(sums.refunded)
            net = text(sums.net)
        }
    }

    /// One line of the table.
    struct Line: Sendable {
        let group: String?
        /// `nil` for rows of which Apple told no price.
        let sums: Sums?
        let rows: String
        let sales: String
        let refunds: String
        let reversals: String
    }

    /// One currency's drawing with the same figures as a table.
    struct Panel: Sendable {
        let id: String
        let currency: String
        let svg: String
        let caption: String
        /// Days or months on which anything moved.
        let figures: [Figure]
    }

    /// One day or month of a panel.
    struct Figure: Sendable {
        let label: String
        let paid: String
        let refunded: String
        let net: String
    }

    /// All drawings.
    struct Chart: Sendable {
        /// The most panels on the page; the totals and the table have every currency.
        static let panelsMax = 6

        /// `day` or `month`.
        let unit: String
        let panels: [Panel]
        /// Currencies that are not drawn.
        let others: String?
    }

    let asOf: String
    let period: String
    let zone: String
    let isSandbox: Bool
    /// The same page at this position for ever.
    let permanent: String
    let completeness: Badge
    let completenessText: String
    let totals: [Sums]
    let rows: String
    let unpriced: String?
    let chart: Chart?
    let heading: String
    /// The heading within a sentence.
    let by: String
    let groupLabel: String
    let lines: [Line]
    let next: String?
    /// The first page, when this is another.
    let first: String?
    let downloads: [ShownLink]

    init(
        _ report: RevenueReport, _ days: DayPeriod, chart: Chart?, address: FinanceAddress, isFirst: Bool, now: Instant
    ) {
        let scope = report.head.scope
        let position = ["asOf": String(scope.asOf)]
        asOf = String(scope.asOf)
        period = days.words
        zone = scope.timeZone
        isSandbox = scope.environment == .sandbox
        permanent = address.page(position)
        let completeness = Completeness(report.head, now: now)
        self.completeness = completeness.badge
        completenessText = completeness.text
        totals = report.head.totals.currencies.map { Sums($0.sums, in: $0.currency) }
        rows = Self.count(report.head.totals.rows)
        let unpricedRows = report.head.totals.unpricedRows
        unpriced = unpricedRows > 0 ? Self.count(unpricedRows) : nil
        self.chart = chart
        heading = "By \(report.grouping.rawValue)"
        by = "by \(report.grouping.rawValue)"
        groupLabel = report.grouping.rawValue.prefix(1).uppercased() + report.grouping.rawValue.dropFirst()
        lines = report.lines.map { line in
            Line(
                group: line.group, sums: line.currency.map { Sums(line.sums, in: $0) },
                rows: Self.count(line.sums.rows), sales: Self.count(line.sales), refunds: Self.count(line.refunds),
                reversals: Self.count(line.reversals))
        }
        next = report.next.map { address.page(position.merging(["cursor": PageCursor.text($0)]) { $1 }) }
        first = isFirst ? nil : address.page(position)
        downloads = [
            ("CSV", ["format": "csv"]), ("CSV for Excel", ["format": "csv", "bom": "true"]),
            ("NDJSON", ["format": "ndjson"]),
        ]
        .map { label, format in ShownLink(label, address.download(position.merging(format) { $1 })) }
    }

    /// A number of things.
    static func count(_ number: Int64) -> String {
        (number < 0 ? "\u{2212}" : "") + AmountText.grouped(String(number.magnitude)[...])
    }
}

extension FinanceReport.Chart {
    /// Draws a report by the slots' grouping, whole; `nil` when there is nothing to draw.
    init?(_ report: RevenueReport, _ slots: PeriodSlots) {
        let charts = RevenueChart.charts(of: report.lines, labels: slots.labels)
        guard !charts.isEmpty else { return nil }
        // Those that most rows are in; codes in order where there are equally many.
        let rows = Dictionary(
            report.head.totals.currencies.map { ($0.currency, $0.sums.rows) }, uniquingKeysWith: { one, _ in one })
        let ranked = charts.map(\.currency).sorted { (-(rows[$0] ?? 0), $0) < (-(rows[$1] ?? 0), $1) }
        let drawn = Set(ranked.prefix(Self.panelsMax))
        unit = slots.grouping.rawValue
        panels = charts.filter { drawn.contains($0.currency) }.enumerated().map { index, chart in
            FinanceReport.Panel(chart, id: "chart-\(index + 1)", unit: slots.grouping.rawValue)
        }
        let left = ranked.dropFirst(Self.panelsMax).sorted()
        others = left.isEmpty ? nil : left.joined(separator: ", ")
    }
}

extension FinanceReport.Panel {
    init(_ chart: RevenueChart, id: String, unit: String) {
        self.id = id
        currency = chart.currency
        svg = chart.svg(id: id)
        caption = "Paid, refunded and net in \(chart.currency) by \(unit); a \(unit) that is missing had no movement"
        figures = chart.slots.filter { !$0.isEmpty }.map { slot in
            FinanceReport.Figure(
                label: slot.label, paid: chart.text(slot.paid), refunded: chart.text(slot.refunded),
                net: chart.text(slot.net))
        }
    }
}

/// Whether all that Apple said about a period is in its figures, in words.
private struct Completeness {
    let badge: Badge
    let text: String

    /// A sweep lags so far behind when all is well.
    private static let usualLag = Span.minutes(15)

    init(_ head: PaidRecordsHead, now: Instant) {
        guard let from = head.coverage.completeFrom, let through = head.coverage.completeThrough else {
            badge = Badge(.waiting, "Not known to be complete")
            text =
                "Apple\u{2019}s notifications were not compared with Apple\u{2019}s own list yet. Refunds may be missing."
            return
        }
        let span = "from \(ShownTime(from).text) up to \(ShownTime(through).text)"
        let isWholePast = from <= head.scope.from
        if isWholePast, through >= head.scope.to {
            badge = Badge(.good, "Complete")
            text = "Every notification that Apple lists \(span) is in the ledger."
        } else if isWholePast, through >= now - Self.usualLag {
            badge = Badge(.good, "Complete so far")
            text = "The period is not over. Every notification that Apple lists \(span) is in the ledger."
        } else {
            badge = Badge(.waiting, "Not complete")
            text = "Apple\u{2019}s notifications are complete \(span) only. Refunds outside of that may be missing."
        }
    }
}
