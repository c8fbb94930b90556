import Hummingbird
import PurchaseAPI
import PurchaseCore
import PurchaseService

extension ConsolePages {
    private static var linesPerPage: Int { 100 }
    /// The most lines of a report that are drawn: 366 days in more currencies than the App Store has.
    private static var drawnLinesMax: Int { 20_000 }

    /// `GET /console/finance`: what customers paid and got back in a period.
    func finance(_ visit: ConsoleVisit) async throws -> Response {
        let fields = FinanceForm.withDefaults(visit.fields, now: visit.now)
        var reader = FormReader(fields, known: PaidRecordsRequest.periodParameters + ["groupBy", "cursor"])
        let query = PaidRecordsRequest.query(&reader)
        let grouping = reader.value("groupBy", rule: "Must be day, month, product or storefront.") {
            RevenueGrouping(rawValue: $0)
        }
        let cursor = reader.cursor(PageCursor.revenue)
        if let cursor, let asOf = query?.asOf, asOf != cursor.asOf {
            reader.blame("asOf", "Is another position than the next page's; begin anew.")
        }
        let days = FinanceForm.period(of: query)
        if query != nil, days == nil {
            reader.blame("from", "Must be a day such as 2026-11-01, and so must the other, without a time.")
        }
        guard reader.faults.isEmpty, let query, let days else { return financePage(nil, reader, visit) }
        do {
            let report = try await financeReport(query, days, grouping ?? .day, cursor, FinanceAddress(reader), visit)
            return financePage(report, reader, visit)
        } catch ServiceError.invalid(let parameter, let rule) {
            reader.blame(parameter, rule)
        } catch ServiceError.asOfNotSettled {
            reader.blame("asOf", "The ledger has not come that far. Leave it empty to take the newest position.")
        }
        return financePage(nil, reader, visit)
    }

    private func financePage(_ report: FinanceReport?, _ reader: FormReader, _ visit: ConsoleVisit) -> Response {
        let content = FinanceContent(form: FinanceForm(reader, now: visit.now), report: report)
        return page(.finance, "Finance", content, visit, status: report == nil ? .unprocessableContent : .ok)
    }

    private func financeReport(
        _ query: PaidRecordsQuery, _ days: DayPeriod, _ grouping: RevenueGrouping, _ cursor: RevenueCursor?,
        _ address: FinanceAddress, _ visit: ConsoleVisit
    ) async throws -> FinanceReport {
        let lines = try await useCases.revenue(query, by: grouping, after: cursor, limit: Self.linesPerPage)
        var chart: FinanceReport.Chart?
        // The drawing is of the whole period, and stands on the first page alone.
        if cursor == nil, let slots = PeriodSlots(from: days.from, to: days.to) {
            var same = query
            same.asOf = lines.head.scope.asOf
            let drawn = try await useCases.revenue(same, by: slots.grouping, after: nil, limit: Self.drawnLinesMax)
            if drawn.next == nil { chart = FinanceReport.Chart(drawn, slots) }
        }
        return FinanceReport(lines, days, chart: chart, address: address, isFirst: cursor == nil, now: visit.now)
    }

    /// `GET /console/finance/paid-records`: the export of the API, for somebody who is signed in.
    func paidRecords(_ visit: ConsoleVisit, _ context: VouchRequestContext) async throws -> Response {
        var reader = FormReader(
            visit.fields, known: PaidRecordsRequest.periodParameters + PaidRecordsRequest.formatParameters)
        let query = PaidRecordsRequest.query(&reader)
        let format = PaidRecordsRequest.format(&reader)
        try reader.check()
        guard let query else { throw ConsoleError.fault("a query without faults has a period") }
        return try await configuration.downloads.answer(
            query, as: format, for: visit.caller.name, context, from: useCases)
    }
}

/// Where links of the finance page lead: the same question, a little different.
struct FinanceAddress: Sendable {
    private let fields: [(name: String, value: String?)]

    init(_ reader: FormReader) {
        fields = (PaidRecordsRequest.periodParameters + ["groupBy"]).map { ($0, reader.text($0)) }
    }

    /// The page with other values.
    func page(_ changes: [String: String]) -> String { address(ConsoleAddress.finance, fields, changes) }

    /// The export of the same period.
    func download(_ changes: [String: String]) -> String {
        address(ConsoleAddress.paidRecords, fields.filter { $0.name != "groupBy" }, changes)
    }

    private func address(
        _ path: String, _ fields: [(name: String, value: String?)], _ changes: [String: String]
    ) -> String {
        let kept = fields.map { (name: $0.name, value: changes[$0.name] ?? $0.value) }
        let added = changes.filter { change in !fields.contains { $0.name == change.key } }.sorted { $0.key < $1.key }
        return ConsoleAddress.with(path, query: kept + added.map { (name: $0.key, value: $0.value) })
    }
}
