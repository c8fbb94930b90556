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

    @Test("every column is explained in docs/export.md, and no other")
    func manual() throws {
        let text = try SettingsFixture.repositoryFile("docs/export.md")
        let table = try #require(text.split(separator: "| column | what it says |").last)
        let explained = table.split(separator: "\n").filter { $0.hasPrefix("| `") }
            .compactMap { $0.split(separator: "`").dropFirst().first.map(String.init) }
        #expect(explained == PaidRecordsFormat.columns)
    }
}
