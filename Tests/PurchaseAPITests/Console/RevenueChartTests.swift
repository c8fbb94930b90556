import Foundation
import PurchaseConsole
import PurchaseCore
import PurchaseService
import Testing

#if canImport(FoundationXML)
import FoundationXML
#endif

@Suite("The revenue chart")
struct RevenueChartTests {
    private static func slot(_ label: String, _ paid: Int64, _ refunded: Int64 = 0) -> RevenueChart.Slot {
        .init(label: label, sums: MoneySums(rows: 1, gross: paid, refunded: refunded, net: paid - refunded))
    }

    /// Attributes of every element of a name and a class, in the order of the drawing.
    private static func elements(_ name: String, _ kind: String, in svg: String) throws -> [[String: String]] {
        let reader = ElementReader()
        let parser = XMLParser(data: Data(svg.utf8))
        parser.delegate = reader
        try #require(parser.parse(), "\(parser.parserError.debugDescription) in \(svg)")
        return reader.elements.filter { $0.name == name && $0.attributes["class"] == kind }.map(\.attributes)
    }

    private static func tickLabels(_ svg: String) throws -> [String] {
        try svg.matches(of: Regex(#"text-anchor="end">([^<]*)</text>"#)).map { String($0.output[1].substring ?? "") }
    }

    @Test("one day: paid rises from zero, refunded hangs below it, net is between, all to the hundredth")
    func singleDay() throws {
        let svg = RevenueChart(currency: "USD", slots: [Self.slot("2026-11-20", 10_000, 4_000)]).svg(id: "c")
        // The axis goes from -4 or less to 10: steps of 5, so from -5 to 10 over a height of 214.
        #expect(try Self.tickLabels(svg) == ["\u{2212}5", "0", "5", "10"])
        // The plot begins at 14 + 2 × 7 and ends at 704; a bar is two fifths of the slot, a tenth of it is free.
        #expect(
            try Self.elements("rect", "chart-paid", in: svg) == [
                ["class": "chart-paid", "x": "95.6", "y": "12", "width": "270.4", "height": "142.67"]
            ])
        #expect(
            try Self.elements("rect", "chart-refunded", in: svg) == [
                ["class": "chart-refunded", "x": "366", "y": "154.67", "width": "270.4", "height": "57.06"]
            ])
        #expect(try Self.elements("path", "chart-net", in: svg).first?["d"] == "M28 69.07H704")
        #expect(try Self.elements("path", "chart-zero", in: svg).first?["d"] == "M28 154.67H704")
        #expect(svg.contains("<title>2026-11-20: paid 10.00, refunded 4.00, net 6.00 USD</title>"))
        #expect(svg.contains(#"role="img" aria-labelledby="c-title" aria-describedby="c-desc""#))
        #expect(svg.contains("On 2026-11-20 customers paid 10.00 USD and got 4.00 back: net 6.00 USD."))
    }

    @Test("a day that gives back more than it takes in has its net below zero, and a reversal points upwards")
    func negative() throws {
        let days = [Self.slot("2026-11-20", 0, 2_000), Self.slot("2026-11-21", 0, -2_000)]
        let svg = RevenueChart(currency: "EUR", slots: days).svg(id: "c")
        #expect(try Self.tickLabels(svg) == ["\u{2212}2", "\u{2212}1", "0", "1", "2"])
        let refunded = try Self.elements("rect", "chart-refunded", in: svg)
        #expect(refunded.map { $0["y"] } == ["119", "12"] && refunded.map { $0["height"] } == ["107", "107"])
        #expect(try Self.elements("rect", "chart-paid", in: svg).isEmpty)
        #expect(try Self.elements("path", "chart-net", in: svg).first?["d"] == "M28 226H366M366 12H704")
    }

    @Test("an empty period has an axis and says that nothing moved; so has a period without days")
    func empty() throws {
        let svg = RevenueChart(currency: "JPY", slots: [.init(label: "2026-11-20"), .init(label: "2026-11-21")]).svg(
            id: "c")
        #expect(try Self.tickLabels(svg) == ["0", "1"])
        #expect(try Self.elements("rect", "chart-slot", in: svg).isEmpty)
        #expect(try Self.elements("path", "chart-net", in: svg).isEmpty)
        #expect(svg.contains("From 2026-11-20 through 2026-11-21 nothing was paid or refunded in JPY."))
        let none = RevenueChart(currency: "JPY", slots: []).svg(id: "c")
        #expect(try Self.elements("path", "chart-net", in: none).isEmpty)
        #expect(none.contains("The period is empty."))
    }

    @Test(
        "ticks are round amounts of the currency, and never finer than it can pay",
        arguments: [
            ("USD", 30, ["0.00", "0.01", "0.02", "0.03"]), ("USD", 4_990, ["0", "1", "2", "3", "4", "5"]),
            ("JPY", 3_000, ["0", "1", "2", "3"]), ("JPY", 1_200_000, ["0", "500", "1,000", "1,500"]),
            ("KWD", 4, ["0.000", "0.001", "0.002", "0.003", "0.004"]),
            ("KWD", 1_250, ["0.000", "0.500", "1.000", "1.500"]),
            ("QQQ", 5, ["0.000", "0.001", "0.002", "0.003", "0.004", "0.005"]),
        ] as [(String, Int64, [String])])
    func ticks(currency: String, paid: Int64, expected: [String]) throws {
        let svg = RevenueChart(currency: currency, slots: [Self.slot("2026-11-20", paid)]).svg(id: "c")
        #expect(try Self.tickLabels(svg) == expected)
    }

    @Test("amounts beyond 2^53 milliunits keep their last digit, and the ends of Int64 fit")
    func large() throws {
        let svg = RevenueChart(currency: "VND", slots: [Self.slot("2026-11-20", 9_007_199_254_741_993_000)]).svg(
            id: "c")
        #expect(svg.contains("paid 9,007,199,254,741,993, refunded 0, net 9,007,199,254,741,993 VND"))
        #expect(try Self.tickLabels(svg).last == "10,000,000,000,000,000")
        let slots = [
            RevenueChart.Slot(label: "a", sums: MoneySums(rows: 1, gross: .max, refunded: .min, net: .max)),
            RevenueChart.Slot(label: "b", sums: MoneySums(rows: 1, gross: .min, refunded: .max, net: .min)),
        ]
        let extremes = RevenueChart(currency: "KWD", slots: slots).svg(id: "c")
        #expect(extremes.contains("paid \u{2212}9,223,372,036,854,775.808"))
        #expect(try Self.elements("rect", "chart-paid", in: extremes).count == 2)
    }

    @Test("a leap year has 366 slots that fill the width without a gap or an overlap, and at most eight names")
    func leapYear() throws {
        let from = try #require(CalendarDay("2028-01-01"))
        let to = try #require(CalendarDay("2029-01-01"))
        let slots = try #require(PeriodSlots(from: from, to: to))
        #expect(slots.grouping == .day && slots.labels.count == 366)
        #expect(slots.labels[59] == "2028-02-29" && slots.labels.last == "2028-12-31")
        let svg = RevenueChart(currency: "USD", slots: slots.labels.map { Self.slot($0, 1_000) }).svg(id: "c")
        let fields = try Self.elements("rect", "chart-slot", in: svg).map { field in
            (start: try Self.hundredths(field["x"]), width: try Self.hundredths(field["width"]))
        }
        #expect(fields.count == 366)
        for (one, next) in zip(fields, fields.dropFirst()) { #expect(one.start + one.width == next.start) }
        #expect(fields.last.map { $0.start + $0.width } == 70_400)
        #expect(svg.matches(of: /text-anchor="middle"/).count == 8)
    }

    private static func hundredths(_ text: String?) throws -> Int {
        let parts = try #require(text).split(separator: ".")
        let fraction = parts.count > 1 ? String(parts[1]) : ""
        return try #require(Int(parts[0])) * 100
            + (Int(fraction.padding(toLength: 2, withPad: "0", startingAt: 0)) ?? 0)
    }

    @Test("a period longer than a year is drawn by month, one without days or of centuries not at all")
    func months() throws {
        func slots(_ from: String, _ to: String) throws -> PeriodSlots? {
            PeriodSlots(from: try #require(CalendarDay(from)), to: try #require(CalendarDay(to)))
        }
        let long = try #require(try slots("2025-11-30", "2027-01-01"))
        #expect(long.grouping == .month && long.labels.count == 14)
        #expect(long.labels.first == "2025-11" && long.labels.last == "2026-12")
        #expect(try slots("2026-11-20", "2026-11-21")?.labels == ["2026-11-20"])
        #expect(try slots("2026-11-20", "2026-11-20") == nil && slots("1900-01-01", "2026-11-20") == nil)
    }

    @Test("each currency is drawn for itself, with every day of the period, and rows without a price are in none")
    func currencies() {
        func line(_ day: String?, _ currency: String?, _ gross: Int64) -> RevenueLine {
            let sums = MoneySums(rows: 1, gross: gross, refunded: 0, net: gross)
            return RevenueLine(group: day, currency: currency, sums: sums, sales: 1, refunds: 0, reversals: 0)
        }
        let charts = RevenueChart.charts(
            of: [line("2", "USD", 1_000), line("1", "EUR", 2_000), line("2", "EUR", 3_000), line("1", nil, 0)],
            labels: ["1", "2", "3"])
        #expect(charts.map(\.currency) == ["EUR", "USD"])
        #expect(charts.map { $0.slots.map(\.paid) } == [[2_000, 3_000, 0], [0, 1_000, 0]])
    }

    @Test("what Apple signed is text in the chart, never markup")
    func escaping() throws {
        let slot = Self.slot(#"</title><script>"&'"# + "\u{1}", 1_000)
        let svg = RevenueChart(currency: "<b>\u{FFFE}", slots: [slot]).svg(id: "c")
        #expect(try Self.elements("rect", "chart-paid", in: svg).count == 1)
        #expect(!svg.contains("<script") && !svg.contains("<b>") && svg.contains("&lt;b&gt;\u{FFFD}"))
    }

    @Test("an amount is grouped by threes, exact to the milliunit, and negative ones have a true minus")
    func amounts() {
        func text(_ milliunits: Int64, _ currency: String) -> String {
            AmountText.text(Money(milliunits: milliunits, currency: currency))
        }
        #expect(text(1_234_565_000, "USD") == "1,234,565.00" && text(999_990, "USD") == "999.99")
        #expect(text(-4_995, "USD") == "\u{2212}4.995" && text(0, "JPY") == "0")
        #expect(text(-4, "USD") == "\u{2212}0.004" && text(300_500, "JPY") == "300.5" && text(0, "USD") == "0.00")
        #expect(
            text(1_250, "KWD") == "1.250" && text(1_000_000, "JPY") == "1,000" && text(-1_001, "QQQ") == "\u{2212}1.001"
        )
    }
}

/// Collects the elements of a document.
private final class ElementReader: NSObject, XMLParserDelegate {
    var elements: [(name: String, attributes: [String: String])] = []

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) { elements.append((name, attributes)) }
}
