import AppStoreSimulator
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("The revenue report, end to end")
struct RevenueTests {
    private func report(_ stack: TestStack, _ more: String) async throws -> TestSupport.JSONValue {
        let answer = try await stack.api.get("/v1/reports/revenue?" + stack.period(more), as: .finance)
        #expect(answer.status == 200)
        return try #require(answer.json)
    }

    private func milliunits(_ value: TestSupport.JSONValue?, _ name: String) -> Int64? {
        guard case .integer(let number)? = value?[name]?["milliunits"] else { return nil }
        return number
    }

    @Test(
        "gross, refunded and net tie out with an export of the same position, however it is grouped",
        arguments: RevenueGrouping.allCases)
    func tiesOut(grouping: RevenueGrouping) async throws {
        try await TestStack.with { stack in
            try await stack.sellThreeDays()
            let export = try await stack.export()
            let asOf = try #require(export.header("Vouch-As-Of"))
            _ = try await stack.posted("late", .consumable)
            let report = try await report(stack, "&tz=Europe/Berlin&asOf=\(asOf)&groupBy=\(grouping.rawValue)")
            let totals = (report["totals"]?.items ?? []).map { part in
                "\(part["currency"]?.text ?? "-");gross=\(milliunits(part, "gross") ?? -1)"
                    + ";refunded=\(milliunits(part, "refunded") ?? -1);net=\(milliunits(part, "net") ?? -1)"
            }
            #expect(totals == ["EUR;gross=14970;refunded=2495;net=12475", "JPY;gross=900000;refunded=0;net=900000"])
            #expect(export.header("Vouch-Totals")?.split(separator: ",").count == 2)
            #expect(report["rows"].map { "\($0)" } == "integer(\(export.header("Vouch-Row-Count") ?? "-"))")
            #expect(report["unpricedRows"] == .integer(1) && report["asOf"]?.text == asOf)
            // The lines add up to the totals.
            let lines = report["lines"]?.items ?? []
            for currency in ["EUR", "JPY"] {
                let own = lines.filter { $0["currency"]?.text == currency }
                let total = report["totals"]?.items?.first { $0["currency"]?.text == currency }
                for name in ["gross", "refunded", "net"] {
                    #expect(own.reduce(0) { $0 + (milliunits($1, name) ?? 0) } == milliunits(total, name), "\(name)")
                }
            }
            let unpriced = lines.filter { $0["currency"] == .null }
            #expect(unpriced.count == 1 && unpriced.first?["net"] == .null && unpriced.first?["sales"] == .integer(1))
        }
    }

    @Test("lines are by day, by month, by product and by storefront, with counts")
    func groups() async throws {
        try await TestStack.with { stack in
            let start = String(RFC3339.text(stack.clock.now).prefix(10))
            try await stack.sellThreeDays()
            let days = try await report(stack, "")
            #expect(days["groupBy"]?.text == "day" && days["lines"]?.items?.first?["group"]?.text == start)
            let months = try await report(stack, "&groupBy=month")
            #expect(months["lines"]?.items?.first?["group"]?.text == String(start.prefix(7)))
            let products = try await report(stack, "&groupBy=product")
            let gold = try #require(products["lines"]?.items?.first)
            #expect(gold["group"]?.text == "gold" && gold["currency"]?.text == "EUR")
            #expect(gold["sales"] == .integer(3) && gold["refunds"] == .integer(2) && gold["reversals"] == .integer(1))
            let storefronts = try await report(stack, "&groupBy=storefront")
            #expect(
                (storefronts["lines"]?.items ?? []).map { $0["group"]?.text ?? "-" } == ["DEU", "JPN", "USA"])
        }
    }

    @Test("pages together are the whole, also while purchases arrive between them")
    func pages() async throws {
        try await TestStack.with { stack in
            try await stack.sellThreeDays()
            let whole = try await report(stack, "")
            var lines: [TestSupport.JSONValue] = []
            var cursor = ""
            repeat {
                let page = try await report(stack, "&limit=2" + cursor)
                lines += page["lines"]?.items ?? []
                #expect(page["totals"] == whole["totals"] && page["asOf"] == whole["asOf"])
                _ = try await stack.posted("more", .consumable) { $0.purchaseDate = 1_790_000_000_000 }
                cursor = page["nextCursor"]?.text.map { "&cursor=" + $0 } ?? ""
            } while !cursor.isEmpty
            #expect(lines == whole["lines"]?.items && lines.count > 4)
        }
    }

    @Test("a cursor of another list, another position with a cursor, and a position to come are refused")
    func refusals() async throws {
        try await TestStack.with { stack in
            try await stack.sellThreeDays()
            let cursor = try #require(try await report(stack, "&limit=1")["nextCursor"]?.text)
            for (query, status, pointer) in [
                ("&cursor=abc", 400, "/query/cursor"), ("&cursor=\(cursor)&asOf=1", 400, "/query/asOf"),
                ("&groupBy=week", 400, "/query/groupBy"), ("&limit=0", 400, "/query/limit"),
                ("&limit=1001", 400, "/query/limit"), ("&asOf=999999", 409, nil),
            ] as [(String, Int, String?)] {
                let answer = try await stack.api.get("/v1/reports/revenue?" + stack.period(query), as: .finance)
                #expect(answer.status == status && answer.pointers == (pointer.map { [$0] } ?? []), "\(query)")
            }
        }
    }
}
