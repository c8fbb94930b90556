import PurchaseCore
import TestSupport
import Testing

@testable import PurchaseService

@Suite("How paid records are written")
struct PaidRecordsFormatTests {
    private static func record(product: String?, amount: Int64? = 4_990) -> PaidRecord {
        var record = PaidRecord(
            rowID: "production.purchased.1.sale.1.0", kind: .sale, occurredAt: Sample.now, recordedAt: Sample.now,
            environment: .production, transactionID: "1", originalTransactionID: "1", quantity: 1)
        record.productID = product
        record.amountMilliunits = amount
        record.currency = amount == nil ? nil : "USD"
        return record
    }

    private static func cell(_ product: String?) throws -> String {
        let format = PaidRecordsFormat.csv(byteOrderMark: false)
        var bytes = format.prologue
        format.append(record(product: product), to: &bytes)
        return try #require(try CSVText(parsing: bytes).cells("productId").first?.first)
    }

    @Test(
        "a cell that a spreadsheet would run as a formula begins with an apostrophe instead",
        arguments: [
            "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=cmd|' /C calc'!A0", " =1", "\u{A0}=1", "＝1", "'x",
            "=HYPERLINK(\"http://x\",\"y\")",
        ])
    func formulas(text: String) throws { #expect(try Self.cell(text) == "'" + text) }

    @Test(
        "any other cell is what Apple signed",
        arguments: ["", "pro", "a,b", "a\"b", "a\r\nb", "ä日本", " x", "1-2", "a=b"])
    func plain(text: String) throws { #expect(try Self.cell(text) == text) }

    @Test("a negative amount stays a number")
    func negative() throws {
        let format = PaidRecordsFormat.csv(byteOrderMark: false)
        var bytes: [UInt8] = []
        format.append(Self.record(product: "p", amount: -4_990), to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self).contains(",-4990,USD,-4.99,"))
    }

    @Test("NDJSON escapes what JSON must, and tells null from empty")
    func json() throws {
        var bytes: [UInt8] = []
        PaidRecordsFormat.ndjson.append(Self.record(product: "a\"\\\u{1}\u{7F}\n=", amount: nil), to: &bytes)
        PaidRecordsFormat.ndjson.append(Self.record(product: ""), to: &bytes)
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        let first = try TestSupport.JSONValue(parsing: Array(lines[0].utf8))
        #expect(first["productId"]?.text == "a\"\\\u{1}\u{7F}\n=" && first["amount"] == .null)
        #expect(first.members.map { Set($0.keys) } == Set(PaidRecordsFormat.columns))
        #expect(try TestSupport.JSONValue(parsing: Array(lines[1].utf8))["productId"]?.text == "")
    }

    private static let texts = [
        nil, "", "com.example.app.pro", "a,b", "a\"b", "\"", "a\r\nb", "\n", "\t", "=1+1", "+1", "-1", "@x", "'x",
        " =1",
        "\u{A0}\u{A0}-1", "  ", " x", "＝1", "＋", "－", "＠", "ä日本👩‍👩‍👧", "a\\b", "\u{0}\u{1F}\u{7F}", "\u{2028}",
        "a product whose name is longer than fifteen bytes", "e\u{301}", "1-2", "a=b", "\r",
    ]
    private static let numbers: [Int64?] = [
        nil, .min, -1_000_000, -4_990, -5, -1, 0, 1, 4, 5, 499, 500, 4_990, 99_995, .max,
    ]

    @Test(
        "a row's bytes are those of the plainest way to say it, in both formats",
        arguments: [1, 2, UInt64.random(in: 3...999_999)])
    func plainRows(seed: UInt64) throws {
        print("paid records, plain rows: SEED=\(seed)")
        var generator = EdgeGenerator(state: seed)
        var (csv, ndjson): ([UInt8], [UInt8]) = ([], [])
        var (expectedCSV, expectedNDJSON): ([UInt8], [UInt8]) = ([], [])
        for _ in 0..<2_000 {
            let record = Self.varied(using: &generator)
            PaidRecordsFormat.csv(byteOrderMark: false).append(record, to: &csv)
            PaidRecordsFormat.ndjson.append(record, to: &ndjson)
            expectedCSV += PlainRows.csv(record)
            expectedNDJSON += PlainRows.ndjson(record)
        }
        Self.expectEqual(csv, expectedCSV, "CSV, SEED=\(seed)")
        Self.expectEqual(ndjson, expectedNDJSON, "NDJSON, SEED=\(seed)")
    }

    private static func varied(using generator: inout some RandomNumberGenerator) -> PaidRecord {
        func text() -> String? { texts.randomElement(using: &generator) ?? nil }
        func number() -> Int64? { numbers.randomElement(using: &generator) ?? nil }
        func instant() -> Instant {
            // From the first day of the calendar that Foundation and RFC 3339 share to the end of 9999.
            let ends: [Int64] = [-12_219_292_800_000, 253_402_300_799_999, 0, -1, 951_782_400_000, 1_709_164_799_999]
            return Instant(
                millisecondsSince1970: Bool.random(using: &generator)
                    ? ends.randomElement(using: &generator) ?? 0
                    : Int64.random(in: -2_208_988_800_000...4_102_444_800_000, using: &generator))
        }
        var record = PaidRecord(
            rowID: text() ?? "row",
            kind: [.sale, .refund, .refundAdjustment, .reversal].randomElement(using: &generator) ?? .sale,
            occurredAt: instant(), recordedAt: instant(),
            environment: Bool.random(using: &generator) ? .production : .sandbox,
            transactionID: text() ?? "1", originalTransactionID: text() ?? "1", quantity: number() ?? 1)
        (record.bundleID, record.productID, record.type) = (text(), text(), text())
        (record.webOrderLineItemID, record.storefront) = (text(), text())
        record.amountMilliunits = number()
        record.currency = [nil, "USD", "JPY", "KWD", "CLF", "ABC", "=cmd()"].randomElement(using: &generator) ?? nil
        (record.offerType, record.refundPercentage) = (number(), number())
        return record
    }

    /// Says where two runs of bytes part, instead of printing both.
    private static func expectEqual(_ bytes: [UInt8], _ expected: [UInt8], _ what: String) {
        guard bytes != expected else { return }
        let place = zip(bytes, expected).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? 0
        let around = max(0, place - 60)..<min(bytes.count, expected.count, place + 60)
        Issue.record(
            "\(what): at \(place): \(String(decoding: bytes[around], as: UTF8.self)) instead of \(String(decoding: expected[around], as: UTF8.self))"
        )
    }

    @Test("every column is explained in docs/export.md, and no other")
    func manual() throws {
        let text = try SettingsFixture.repositoryFile("docs/export.md")
        let table = try #require(text.split(separator: "| column | what it says |").last)
        let explained = table.split(separator: "\n").filter { $0.hasPrefix("| `") }
            .compactMap { $0.split(separator: "`").dropFirst().first.map(String.init) }
        #expect(explained == PaidRecordsFormat.columns)
    }
}
