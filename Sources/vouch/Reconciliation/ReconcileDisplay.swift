import PurchaseCore
import PurchaseService

/// What `vouch reconcile` prints.
struct ReconcileDisplay {
    /// The most findings that are shown to people; `--json` has all.
    static let findingsMax = 500

    /// The result.
    let report: TieOutReport
    /// What was read.
    let reports: SalesReports

    // MARK: For people

    /// Lines for a terminal; everything foreign in them is escaped.
    var lines: [String] {
        var lines = head
        lines.append("")
        lines += table
        for outcome in [TieOutOutcome.explained, .undecided, .unexplained] { lines += section(outcome) }
        return lines + ["", summary, Self.caveat]
    }

    private static let caveat =
        "This compares numbers at customer price. It says nothing about what Apple pays for a transaction, or when."

    private var head: [String] {
        let app = report.appSKU.isEmpty ? "" : " of app \(Printable.escape(report.appSKU))"
        var lines = ["Apple's Summary Sales Reports\(app) against the ledger as of \(report.asOf)"]
        let periods = report.calendar.entries.map(\.period)
        if let first = periods.first, let last = periods.last {
            lines.append("covered: \(first.first) to \(last.last), days of \(report.timeZone)")
        }
        for gap in report.calendar.gaps { lines.append("not covered: \(gap)") }
        if let from = report.coverage.completeFrom, let through = report.coverage.completeThrough {
            lines.append("notifications: complete from \(RFC3339.text(from)) up to \(RFC3339.text(through))")
        } else {
            lines.append("notifications: not known to be complete for any time")
        }
        lines.append("lines: \(reports.inAppLines) of In-App Purchases, \(reports.otherLines) of anything else")
        if !reports.unknownTypes.isEmpty {
            lines.append("unknown Product Type Identifiers, counted as In-App Purchases: \(list(reports.unknownTypes))")
        }
        if !reports.unknownCountries.isEmpty {
            lines.append("unknown Country Codes, compared as they are: \(list(reports.unknownCountries))")
        }
        return lines
    }

    private func list(_ names: [String]) -> String { names.map { Printable.quote($0) }.joined(separator: ", ") }

    private var table: [String] {
        var rows = [["", "", "Apple", "", "ledger", "", "difference", ""]]
        rows.append(["currency", "side", "units", "amount", "units", "amount", "units", "amount"])
        for total in report.totals {
            let difference = SalesFigure(
                units: total.apple.units - total.ledger.units,
                milliunits: total.apple.milliunits - total.ledger.milliunits)
            var figures = [total.apple, total.ledger].flatMap { figure in
                [String(figure.units), Self.amount(figure.milliunits, total.currency)]
            }
            figures += [Self.signed(difference.units), Self.signedAmount(difference.milliunits, total.currency)]
            rows.append([total.currency.map { Printable.escape($0) } ?? "-", total.side.rawValue] + figures)
        }
        return Self.aligned(rows, leading: 2)
    }

    private func section(_ outcome: TieOutOutcome) -> [String] {
        let findings = report.findings.filter { $0.outcome == outcome }
        guard !findings.isEmpty else { return [] }
        var lines = ["", outcome.rawValue]
        for finding in findings.prefix(Self.findingsMax) { lines += self.lines(of: finding) }
        if findings.count > Self.findingsMax {
            lines.append("  … and \(findings.count - Self.findingsMax) more: --json has all")
        }
        return lines
    }

    private func lines(of finding: TieOutFinding) -> [String] {
        let place = finding.cell.place
        let names = [place.productID, place.storefront, place.currency].map { $0.map { Printable.escape($0) } ?? "-" }
        let difference =
            "\(Self.signed(finding.difference.units)) units, "
            + Self.signedAmount(finding.difference.milliunits, place.currency)
        var lines = [
            "  \(finding.cell.period)  \(names.joined(separator: "  "))  \(place.side.rawValue)  \(difference)",
            "    \(finding.reason.rawValue): \(Self.sentence(finding))",
        ]
        for row in finding.rows {
            let amount = Self.amount(row.figure.milliunits, row.place.currency)
            lines.append(
                "    \(Printable.escape(row.transactionID))  \(RFC3339.text(row.occurredAt))  \(row.origin.rawValue)  "
                    + "\(row.figure.units) units, \(amount)")
        }
        if finding.rowsCount > finding.rows.count {
            lines.append("    … and \(finding.rowsCount - finding.rows.count) more rows")
        }
        return lines
    }

    private var summary: String {
        [TieOutOutcome.explained, .undecided, .unexplained].map { outcome in
            "\(report.findings.count { $0.outcome == outcome }) \(outcome.rawValue)"
        }.joined(separator: ", ")
    }

    /// What a reason means, for somebody who has not read the documentation.
    static func sentence(_ finding: TieOutFinding) -> String {
        let other: String =
            switch finding.counterpart {
            case .period(let period)?: "\(period)"
            case .outside?: "a day that no report here covers: add that day's report"
            case nil: ""
            }
        let counts = finding.counterpart == .outside ? "may count" : "counts"
        switch finding.reason {
        case .dayEdge:
            return finding.difference.units < 0
                ? "Apple \(counts) these rows of near midnight on \(other)"
                : "Apple \(counts) these rows here, of near midnight on \(other)"
        case .lateRefund:
            return finding.difference.units < 0
                ? "Apple \(counts) these refunds on \(other)"
                : "Apple \(counts) here refunds of \(other)"
        case .zeroPrice: return "nothing was charged, and Apple counts no units"
        case .quantity: return "Apple counts one unit for each of these purchases"
        case .refundInPart: return "Apple shows the whole price where a part was refunded"
        case .refundReversed: return "Apple doesn't count a refund that was undone as sold again"
        case .priceUnknown: return "Apple told no price for these transactions"
        case .storefrontUnknown: return "Apple told no storefront for these transactions"
        case .familyShare: return "these units are family members', who paid nothing"
        case .sandbox: return "these units are of the Sandbox or TestFlight"
        case .missingNotification:
            return "not all of Apple's notifications of that time are in the ledger"
                + (candidates(finding, or: "it may be one of these").map { "; \($0)" } ?? "")
        case .unexplained:
            return candidates(finding, or: "these rows may be meant") ?? "no row of the ledger explains it"
        }
    }

    /// What the rows are that are no reason; `nil` when there are none.
    private static func candidates(_ finding: TieOutFinding, or usual: String) -> String? {
        if finding.rows.isEmpty { return nil }
        return finding.rows.contains { $0.origin == .sandbox }
            ? "testers have these, but they are never charged" : usual
    }

    // MARK: Numbers

    static func amount(_ milliunits: Int64, _ currency: String?) -> String {
        guard let currency else { return milliunits == 0 ? "-" : "\(milliunits)/1000" }
        return Money(milliunits: milliunits, currency: currency).decimalText ?? "\(milliunits)/1000"
    }

    private static func signed(_ number: Int64) -> String { number > 0 ? "+\(number)" : "\(number)" }

    private static func signedAmount(_ milliunits: Int64, _ currency: String?) -> String {
        (milliunits > 0 ? "+" : "") + amount(milliunits, currency)
    }

    /// Columns padded to their widest cell: the first ones to the left, the others to the right.
    private static func aligned(_ rows: [[String]], leading: Int) -> [String] {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                line += (column == 0 ? "" : "  ") + (column < leading ? cell + padding : padding + cell)
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
