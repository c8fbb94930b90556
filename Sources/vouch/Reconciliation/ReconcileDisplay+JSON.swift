import FoundationEssentials
import PurchaseCore
import PurchaseService

/// The result of `vouch reconcile --json`; names and codes are a contract (`docs/reconciling.md`).
extension ReconcileDisplay {
    /// One JSON object.
    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(document) else {
            preconditionFailure("texts and numbers always encode")
        }
        return String(decoding: data, as: UTF8.self)
    }

    private var document: Document {
        Document(
            asOf: String(report.asOf), timeZone: report.timeZone, appSku: report.appSKU,
            outcome: report.outcome.rawValue,
            periods: report.calendar.entries.map { Document.Period($0.period) },
            gaps: report.calendar.gaps.map(Document.Period.init),
            coverageFrom: report.coverage.completeFrom.map(RFC3339.text),
            coverageThrough: report.coverage.completeThrough.map(RFC3339.text),
            unknownProductTypes: reports.unknownTypes, unknownCountryCodes: reports.unknownCountries,
            totals: report.totals.map { total in
                Document.Total(
                    currency: total.currency, side: total.side.rawValue,
                    apple: Document.Figure(total.apple), ledger: Document.Figure(total.ledger))
            },
            findings: report.findings.map(Document.Finding.init),
            exitCode: Reconcile.failure(of: report)?.exit.rawValue ?? 0)
    }

    private struct Document: Encodable {
        let asOf: String
        let timeZone: String
        let appSku: String
        let outcome: String
        let periods: [Period]
        let gaps: [Period]
        let coverageFrom: String?
        let coverageThrough: String?
        let unknownProductTypes: [String]
        let unknownCountryCodes: [String]
        let totals: [Total]
        let findings: [Finding]
        let exitCode: Int32

        struct Period: Encodable {
            let from: String
            let through: String

            init(_ period: ReportPeriod) {
                from = period.first.description
                through = period.last.description
            }
        }

        struct Figure: Encodable {
            let units: Int64
            let amountMilliunits: Int64

            init(_ figure: SalesFigure) {
                units = figure.units
                amountMilliunits = figure.milliunits
            }
        }

        struct Total: Encodable {
            let currency: String?
            let side: String
            let apple: Figure
            let ledger: Figure
        }

        struct Row: Encodable {
            let transactionId: String
            let kind: String
            let occurredAt: String
            let units: Int64
            let amountMilliunits: Int64

            init(_ row: TieOutRow) {
                transactionId = row.transactionID
                kind = row.origin.rawValue
                occurredAt = RFC3339.text(row.occurredAt)
                units = row.figure.units
                amountMilliunits = row.figure.milliunits
            }
        }

        struct Finding: Encodable {
            let reason: String
            let outcome: String
            let period: Period
            let productId: String?
            let storefront: String?
            let currency: String?
            let side: String
            let difference: Figure
            let counterpart: Period?
            let counterpartIsCovered: Bool?
            let rowCount: Int
            let rows: [Row]

            init(_ finding: TieOutFinding) {
                reason = finding.reason.rawValue
                outcome = finding.outcome.rawValue
                period = Period(finding.cell.period)
                productId = finding.cell.place.productID
                storefront = finding.cell.place.storefront
                currency = finding.cell.place.currency
                side = finding.cell.place.side.rawValue
                difference = Figure(finding.difference)
                switch finding.counterpart {
                case .period(let period)?: (counterpart, counterpartIsCovered) = (Period(period), true)
                case .outside?: (counterpart, counterpartIsCovered) = (nil, false)
                case nil: (counterpart, counterpartIsCovered) = (nil, nil)
                }
                rowCount = finding.rowsCount
                rows = finding.rows.map(Row.init)
            }
        }
    }
}
