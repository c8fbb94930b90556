import Hummingbird
import PurchaseCore

extension ControlRoutes {
    func addSalesReports(to group: RouterGroup<Context>) {
        let simulator = simulator
        on(group, "sales-reports", .get) { request throws(SimulatorError) in
            let first = try request.day("day")
            let last = request.query("through") == nil ? first : try request.day("through")
            var defects = SalesReportDefects()
            defects.lateRefunds = Set(request.list("lateRefund"))
            defects.nextDay = Set(request.list("nextDay"))
            defects.without = Set(request.list("without"))
            defects.extra = request.list("extra")
            let text = try simulator.salesReport(from: first, through: last, defects: defects)
            guard request.query("gzip") == "1" else {
                return ControlAnswer(status: 200, contentType: "text/tab-separated-values", body: text)
            }
            return ControlAnswer(status: 200, contentType: "application/a-gzip", body: try Gzip.compress(text))
        }
    }
}

extension ControlRequest {
    /// A day of the query, `2026-11-20`.
    fileprivate func day(_ name: String) throws(SimulatorError) -> CalendarDay {
        guard let text = query(name), let day = CalendarDay(text) else {
            throw .invalid("\(name) must be a day such as 2026-11-20")
        }
        return day
    }

    /// The parts of a query parameter between commas; none when it is absent.
    fileprivate func list(_ name: String) -> [String] {
        (query(name) ?? "").split(separator: ",").map(String.init)
    }
}
