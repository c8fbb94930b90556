import PurchaseCore
import Testing

@testable import PurchaseService

@Suite("Reading Apple's Summary Sales Reports")
struct SalesReportReaderTests {
    private typealias Line = SalesReportSample.Line

    private static let lines = [
        Line { $0.units = "2.00" },
        Line { $0.price = "4.99" },
        Line { ($0.units, $0.price) = ("-1", "-4.99") },
        Line {
            ($0.sku, $0.type, $0.units, $0.price, $0.currency, $0.country) = ("pro", "IAY", "3", "300", "JPY", "JP")
        },
        Line { ($0.sku, $0.type, $0.price, $0.app) = ("MYAPP", "1F", "0", " ") },
        Line { $0.type = "IA3" },
        Line { ($0.price, $0.currency) = ("0", " ") },
        Line { ($0.sku, $0.price, $0.currency, $0.country) = ("pro", "1.250", "KWD", "KW") },
    ]

    private static let sums = [
        "2026-11-20 coins USA - sale: 1 units, 0", "2026-11-20 coins USA USD refund: 1 units, 4990",
        "2026-11-20 coins USA USD sale: 3 units, 14970", "2026-11-20 pro JPN JPY sale: 3 units, 900000",
        "2026-11-20 pro KWT KWD sale: 1 units, 1250",
    ]

    @Test(
        "units and prices of In-App Purchases are summed up; refunds are negative in both; everything else is left out")
    func sums() throws {
        let reports = try SalesReportSample.read(SalesReportSample.text(Self.lines))
        #expect(described(reports.figures(ofApp: "MYAPP")) == Self.sums)
        #expect(reports.inAppLines == 6 && reports.otherLines == 2)
        #expect(reports.appSKUs == ["MYAPP"])
        #expect(reports.periods.map(\.description) == ["2026-11-20"])
    }

    @Test("the order of columns, further ones, the end of lines, a byte order mark and the pieces don't matter")
    func forms() throws {
        let other = Array((SalesReportSample.names + ["A Column of 2031"]).reversed())
        let text = "\u{FEFF}" + SalesReportSample.text(Self.lines, names: other, end: "\r\n") + "\r\n"
        for pieceBytes in [1, 7, 64, 4_096] {
            let reports = try SalesReportSample.read(text, pieceBytes: pieceBytes)
            #expect(described(reports.figures(ofApp: "MYAPP")) == Self.sums, "pieces of \(pieceBytes)")
        }
        // The last line may lack its end.
        let cut = String(SalesReportSample.text(Self.lines).dropLast())
        #expect(described(try SalesReportSample.read(cut).figures(ofApp: "MYAPP")) == Self.sums)
    }

    @Test("apps are kept apart; new kinds of In-App Purchases and countries that nobody knows are counted, and named")
    func unknown() throws {
        let reports = try SalesReportSample.read(
            SalesReportSample.text([
                Line { $0.app = "OTHER" }, Line { $0.type = "IAZ-V" }, Line { ($0.country, $0.units) = ("QQ", "7") },
            ]))
        #expect(reports.appSKUs == ["MYAPP", "OTHER"])
        #expect(described(reports.figures(ofApp: "OTHER")) == ["2026-11-20 coins USA USD sale: 1 units, 4990"])
        #expect(
            described(reports.figures(ofApp: "MYAPP")) == [
                "2026-11-20 coins QQ USD sale: 7 units, 34930", "2026-11-20 coins USA USD sale: 1 units, 4990",
            ])
        #expect(reports.unknownTypes == ["IAZ-V"] && reports.unknownCountries == ["QQ"])
    }

    @Test("weeks, months and days side by side; the days between them that no file covers are named")
    func periods() throws {
        var reports = try SalesReportSample.read(
            SalesReportSample.text([Line { ($0.day, $0.lastDay) = ("10/01/2026", "10/31/2026") }]), file: "october")
        for day in ["11/02/2026", "11/05/2026"] {
            reports = try SalesReportSample.read(
                SalesReportSample.text([Line { $0.day = day }]), file: day, into: reports)
        }
        #expect(
            reports.periods.map(\.description) == ["2026-10-01 to 2026-10-31", "2026-11-02", "2026-11-05"])
        let entries = reports.periods.map {
            ReportCalendar.Entry(period: $0, from: $0.first.startInUTC, to: $0.next.startInUTC)
        }
        #expect(
            ReportCalendar(entries.shuffled()).gaps.map(\.description) == ["2026-11-01", "2026-11-03 to 2026-11-04"])
    }

    @Test("a day that two files have is refused, also inside a month, and as a day without sales")
    func overlap() throws {
        let month = try SalesReportSample.read(
            SalesReportSample.text([Line { ($0.day, $0.lastDay) = ("11/01/2026", "11/30/2026") }]), file: "november")
        for (day, last) in [("11/20/2026", "11/20/2026"), ("11/01/2026", "11/30/2026"), ("11/30/2026", "12/01/2026")] {
            let fault = #expect(throws: SalesReportFault.self) {
                try SalesReportSample.read(
                    SalesReportSample.text([Line { ($0.day, $0.lastDay) = (day, last) }]), file: "again", into: month)
            }
            #expect(fault?.line == 2 && fault?.sentence.contains("november") == true, "\(fault?.sentence ?? "")")
        }
        let fault = #expect(throws: SalesReportFault.self) {
            try SalesReportSample.read(
                SalesReportSample.text([Line { ($0.day, $0.lastDay) = ("11/01/2026", "11/30/2026") }]),
                file: "november", into: month)
        }
        #expect(fault?.line == 2, "a second file of the same name is another file")
        var reports = month
        let day = try #require(CalendarDay("2026-11-20"))
        #expect(throws: SalesReportFault.self) { try reports.addEmptyDay(day) }
        // To say twice that a day had no sales adds nothing.
        for _ in 1...2 { try reports.addEmptyDay(try #require(CalendarDay("2026-12-01"))) }
        #expect(reports.periods.count == 2)
    }

    @Test(
        "a fault names its line",
        arguments: [
            (Line { $0.units = "1.5" }, "Units \"1.5\" is no whole number"),
            (Line { $0.units = "" }, "Units \"\" is no whole number"),
            (Line { $0.units = "9999999999999999" }, "is no whole number"),
            (Line { $0.price = "4,99" }, "Customer Price \"4,99\""),
            (Line { $0.price = "4.9901" }, "at most three decimals"),
            (Line { $0.price = "-4.99" }, "a negative Customer Price with positive Units"),
            (Line { $0.currency = " " }, "a Customer Price without a Customer Currency"),
            (Line { ($0.units, $0.price) = ("100000000000", "100000000000") }, "beyond what is counted with"),
            (Line { $0.day = "20/11/2026" }, "Begin Date \"20/11/2026\" is no date"),
            (Line { $0.lastDay = "11/19/2026" }, "are not in order"),
            (Line { $0.lastDay = "11/21/2027" }, "more than a year apart"),
            (Line { $0.sku = " " }, "SKU and Country Code must not be empty"),
        ])
    private func faults(line: Line, sentence: String) throws {
        let fault = #expect(throws: SalesReportFault.self) {
            try SalesReportSample.read(SalesReportSample.text([Line { $0.units = "5" }, line]))
        }
        #expect(fault?.line == 3)
        #expect(fault?.sentence.contains(sentence) == true, "\(fault?.sentence ?? "")")
    }

    @Test("what is no such report is refused with what is wrong about it")
    func noReport() {
        let cases: [(String, Int?, String)] = [
            ("", nil, "the file is empty"),
            (SalesReportSample.text([]), nil, "--no-sales"),
            (
                SalesReportSample.text([], names: SalesReportSample.names.filter { $0 != "Units" && $0 != "SKU" }), 1,
                "no column SKU, Units"
            ),
            ("Transaction Date\tSKU\tQuantity\tPartner Share\n", 1, "this is a financial report"),
            (SalesReportSample.text([], names: SalesReportSample.names + ["SKU"]), 1, "two columns SKU"),
            (SalesReportSample.text([Line()]) + "APPLE\tUS\tcoins\n", 3, "3 columns instead of at least 18"),
            (String(repeating: "x", count: SalesReportReader.lineBytesMax + 1), 1, "more than 65536 bytes"),
        ]
        for (text, line, sentence) in cases {
            let fault = #expect(throws: SalesReportFault.self) { try SalesReportSample.read(text, pieceBytes: 1_000) }
            #expect(fault?.line == line && fault?.sentence.contains(sentence) == true, "\(fault?.sentence ?? "")")
        }
    }

    @Test("decimal numbers are read exactly or not at all")
    func decimals() {
        let numbers: [(String, Int64?)] = [
            ("4.99", 4_990), (".99", 990), ("300", 300_000), ("300.", 300_000), ("-0.99", -990), ("1.2500", 1_250),
            ("0", 0), ("-0", 0), ("1.2505", nil), ("", nil), (".", nil), ("-", nil), ("+1", nil), ("1e3", nil),
            ("1.2.3", nil), ("999999999999999.999", 999_999_999_999_999_999), ("1000000000000000", nil),
        ]
        for (text, thousandths) in numbers { #expect(Thousandths.parse(text) == thousandths, "\(text)") }
    }
}
