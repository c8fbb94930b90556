import AppStoreSimulator
import Postgres
import PurchaseCore
import PurchaseStore
import TestSupport
import Testing

@testable import PurchaseService

@Suite("Apple's reports against the whole service")
struct ReconcileStackTests {
    /// A stack whose clock stands at noon in California, and that day.
    private static func atNoon(
        _ body: @escaping @Sendable (TestStack, CalendarDay) async throws -> Void
    ) async throws {
        try await TestStack.with { stack in
            let tomorrow = RFC3339.text(stack.clock.now + .days(1)).prefix(10)
            stack.clock.stand(at: try #require(RFC3339.parse("\(tomorrow)T20:00:00Z")))
            try await body(stack, try #require(CalendarDay(String(tomorrow))))
        }
    }

    /// Compares the simulator's report of a day and of the next one.
    private static func tieOut(
        _ stack: TestStack, _ day: CalendarDay, timeZone: String = "America/Los_Angeles", asOf: Int64? = nil,
        _ change: (inout SalesReportDefects) -> Void = { _ in }
    ) async throws -> TieOutReport {
        var defects = SalesReportDefects()
        change(&defects)
        var reports = SalesReports()
        for day in [day, day.moved(by: 1)] {
            let text = try stack.simulator.salesReport(from: day, through: day, defects: defects)
            reports = try SalesReportSample.read(String(decoding: text, as: UTF8.self), file: "\(day)", into: reports)
        }
        return try await stack.database.withServiceClient { [reports] client in
            let store = PaidRecordsStore(client: client)
            return try await SalesTieOut(
                records: store, explanations: store, coverage: LedgerStore(client: client)
            ).run(reports, appSKU: "SIMULATOR", timeZone: timeZone, asOf: asOf, within: .seconds(60))
        }
    }

    /// A day's business: sales in two currencies, a refund, a family member, the Sandbox, a free trial.
    private static func trade(_ stack: TestStack) async throws -> (coins: String, pro: String) {
        let coins = try await stack.posted("coins", .consumable) { ($0.quantity, $0.price) = (3, 14_970) }
        let pro = try await stack.posted("pro") { ($0.price, $0.currency, $0.storefront) = (600_000, "JPY", "JPN") }
        _ = try await stack.posted("pro") { $0.environment = .sandbox }
        _ = try await stack.posted("plan", .autoRenewable) { $0.offer = SimulatedOffer(.introductory) }
        try stack.simulator.shareWithFamily(pro)
        #expect(try await stack.deliver(try stack.newest("ONE_TIME_CHARGE")).status == 200)
        try stack.simulator.refund(pro)
        #expect(try await stack.deliver(try stack.newest("REFUND")).status == 200)
        return (coins, pro)
    }

    @Test("sales, a refund, a family share, the Sandbox and a free trial tie out")
    func same() async throws {
        try await Self.atNoon { stack, day in
            _ = try await Self.trade(stack)
            let report = try await Self.tieOut(stack, day)
            #expect(report.findings.map(\.short) == [] && report.outcome == .explained)
            #expect(
                report.totals.map { "\($0.currency ?? "-") \($0.side) \($0.apple.units) \($0.apple.milliunits)" } == [
                    "JPY sale 1 600000", "JPY refund 1 600000", "USD sale 4 14970",
                ])
            #expect(report.totals.allSatisfy { $0.apple == $0.ledger })
            // In another zone the day is another one.
            let moved = try await Self.tieOut(stack, day, timeZone: "Pacific/Kiritimati")
            #expect(moved.outcome == .unexplained)
        }
    }

    @Test("a refund whose notification was lost is found, with the sale that it belongs to, and can't be judged yet")
    func lostNotification() async throws {
        try await Self.atNoon { stack, day in
            let (coins, _) = try await Self.trade(stack)
            // Another sale of the same product, which is not the one.
            _ = try await stack.posted("coins", .consumable)
            let before = try await Self.tieOut(stack, day)
            try stack.simulator.refund(coins)
            let report = try await Self.tieOut(stack, day)
            #expect(report.findings.map(\.short) == ["missing_notification 3/14970: \(coins)"])
            #expect(report.outcome == .undecided)
            // When it arrives, all is well; as of a position before, it was not.
            #expect(try await stack.deliver(try stack.newest("REFUND")).status == 200)
            #expect(try await Self.tieOut(stack, day).findings == [])
            #expect(try await Self.tieOut(stack, day, asOf: before.asOf).findings == report.findings)
        }
    }

    @Test("for a refund of one unit all sales of its price are named, however many others are newer")
    func lostRefundOfOne() async throws {
        try await Self.atNoon { stack, day in
            let coins = try await stack.posted("coins", .consumable)
            let twin = try await stack.posted("coins", .consumable)
            for _ in 1...TieOutFinding.rowsMax {
                _ = try await stack.posted("coins", .consumable) { $0.price = 9_990 }
            }
            try stack.simulator.refund(coins)
            #expect(
                try await Self.tieOut(stack, day).findings.map(\.short) == [
                    "missing_notification 1/4990: \(twin) \(coins)"
                ])
            // Several units are looked for among more sales than are named.
            let several = try await stack.posted("coins", .consumable) { ($0.quantity, $0.price) = (4, 19_960) }
            for _ in 1...TieOutFinding.rowsMax {
                _ = try await stack.posted("coins", .consumable) { $0.price = 9_990 }
            }
            try stack.simulator.refund(several)
            let findings = try await Self.tieOut(stack, day).findings
            #expect(findings.map(\.difference) == [SalesFigure(units: 5, milliunits: 24_950)])
            #expect(findings.first?.rows.map(\.transactionID).contains(several) == true)
        }
    }

    @Test("with complete notifications, what Apple has too much is unexplained")
    func unexplained() async throws {
        try await Self.atNoon { stack, day in
            let (coins, _) = try await Self.trade(stack)
            _ = await stack.sweeper().sweep(.production)
            try await stack.database.withOwnerClient { client in
                _ = try await client.query(
                    "UPDATE coverage SET complete_from = now() - interval '9 days', complete_through = now() + interval '9 days'"
                )
            }
            let report = try await Self.tieOut(stack, day) { ($0.extra, $0.without) = (["gems"], [coins]) }
            // The extra unit is in the report of both days.
            #expect(
                report.findings.map(\.short) == [
                    "unexplained -3/-14970: \(coins)", "unexplained 1/4990: ", "unexplained 1/4990: ",
                ])
        }
    }

    @Test("a refund that Apple counts a day late is explained by its row")
    func lateRefund() async throws {
        try await Self.atNoon { stack, day in
            let (_, pro) = try await Self.trade(stack)
            let report = try await Self.tieOut(stack, day) { $0.lateRefunds = [pro] }
            #expect(report.findings.map(\.short) == ["late_refund -1/-600000: \(pro)"])
        }
    }

    @Test("a sale shortly before midnight that Apple counts on the next day is paired up")
    func dayEdge() async throws {
        try await Self.atNoon { stack, day in
            // 22:59 in winter, 23:59 in summer.
            stack.clock.stand(at: stack.clock.now + .hours(10) + .minutes(59))
            let id = try await stack.posted("coins", .consumable)
            let report = try await Self.tieOut(stack, day) { $0.nextDay = [id] }
            #expect(report.findings.map(\.short) == ["day_edge -1/-4990: \(id)"])
            #expect(report.outcome == .explained)
        }
    }
}
