import Hummingbird
import PurchaseCore
import PurchaseService

extension Handlers {
    /// `GET /v1/reports/revenue`: gross, refunded and net by currency and by day, month, product or storefront.
    func getRevenue(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        var parameters = ParameterReader(
            request, context, query: PaidRecordsRequest.periodParameters + ["groupBy", "cursor", "limit"])
        let query = PaidRecordsRequest.query(&parameters)
        let grouping = parameters.value("groupBy", rule: "Must be day, month, product or storefront.") { text in
            RevenueGrouping(rawValue: text)
        }
        let cursor = parameters.cursor(PageCursor.revenue)
        if let cursor, let asOf = query?.asOf, asOf != cursor.asOf {
            parameters.blame("asOf", "Is another position than the cursor's; leave it out, or begin anew.")
        }
        let limit = parameters.number("limit", in: 1...1_000, default: 500)
        try parameters.check()
        guard let query else { throw Problem.fault("a query without faults has a period") }
        let report = try await useCases.revenue(query, by: grouping ?? .day, after: cursor, limit: limit)
        var writer = JSONWriter()
        writer.object { writer in writer.members(of: report) }
        return .json(writer)
    }
}

extension JSONWriter {
    fileprivate mutating func members(of report: RevenueReport) {
        let scope = report.head.scope
        member("asOf", String(scope.asOf))
        member("from", scope.from)
        member("to", scope.to)
        member("tz", scope.timeZone)
        member("environment", scope.environment.rawValue)
        member("groupBy", report.grouping.rawValue)
        member("basis", "customer_price")
        member("coverage") { writer in
            writer.object { writer in
                writer.member("completeFrom", report.head.coverage.completeFrom)
                writer.member("completeThrough", report.head.coverage.completeThrough)
            }
        }
        member("rows", report.head.totals.rows)
        member("unpricedRows", report.head.totals.unpricedRows)
        member("totals", report.head.totals.currencies) { writer, part in
            writer.object { writer in writer.sums(part.sums, in: part.currency) }
        }
        member("lines", report.lines) { writer, line in
            writer.object { writer in
                writer.member("group", line.group)
                writer.sums(line.sums, in: line.currency)
                writer.member("sales", line.sales)
                writer.member("refunds", line.refunds)
                writer.member("reversals", line.reversals)
            }
        }
        member("nextCursor", report.next.map { PageCursor.text($0) })
    }

    /// Without a currency there are no amounts to tell.
    private mutating func sums(_ sums: MoneySums, in currency: String?) {
        member("currency", currency)
        member("rows", sums.rows)
        member("gross", currency.map { Money(milliunits: sums.gross, currency: $0) })
        member("refunded", currency.map { Money(milliunits: sums.refunded, currency: $0) })
        member("net", currency.map { Money(milliunits: sums.net, currency: $0) })
    }
}
