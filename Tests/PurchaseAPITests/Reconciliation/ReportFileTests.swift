import Foundation
import PurchaseCore
import Testing

@testable import AppStoreSimulator
@testable import PurchaseService
@testable import vouch

@Suite("Report files")
struct ReportFileTests {
    private static let text = SalesReportSample.text(
        (1...3_000).map { number in SalesReportSample.Line { $0.sku = "coins.\(number % 7)" } })

    private func read(_ bytes: [UInt8], bytesMax: Int = ReportFile.bytesMax) throws -> SalesReports {
        let file = FileManager.default.temporaryDirectory.appending(path: "report-\(UUID().uuidString).txt")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        var reports = SalesReports()
        try ReportFile.read(file.path, into: &reports, bytesMax: bytesMax)
        return reports
    }

    private func sentence(_ bytes: [UInt8], bytesMax: Int = ReportFile.bytesMax) -> String {
        let failure = #expect(throws: CommandFailure.self) { try read(bytes, bytesMax: bytesMax) }
        #expect(failure?.exit == .couldNot)
        return failure?.sentence ?? ""
    }

    @Test("text, gzip, and gzip of several members hold the same")
    func forms() throws {
        let plain = Array(Self.text.utf8)
        let expected = try read(plain).figures(ofApp: "MYAPP")
        #expect(expected.count == 7 && expected.values.reduce(0) { $0 + $1.units } == 3_000)
        #expect(try read(Gzip.compress(plain)).figures(ofApp: "MYAPP") == expected)
        let members = try Gzip.compress(Array(plain[..<70_001])) + Gzip.compress(Array(plain[70_001...]))
        #expect(try read(members).figures(ofApp: "MYAPP") == expected)
    }

    @Test("a gzip file that breaks off, is damaged or has something behind it is refused, wherever that is")
    func damage() throws {
        let gzip = try Gzip.compress(Array(Self.text.utf8))
        for length in [1, 5, 11, gzip.count / 2, gzip.count - 1] where length > 1 {
            #expect(sentence(Array(gzip[..<length])).contains("breaks off"), "\(length) bytes")
        }
        var flipped = gzip
        flipped[gzip.count - 6] ^= 0x40
        #expect(sentence(flipped).contains("the gzip file is damaged"))
        #expect(sentence(gzip + [1, 2, 3]).contains("the gzip file is damaged"))
        #expect(sentence(Array("PK\u{3}\u{4}rest".utf8)).contains("it is a ZIP archive"))
    }

    @Test("the same file twice is refused, and so are two whose names look the same")
    func twice() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "reports-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // Only the beginning of a long name is shown.
        let paths = ["a", "b"].map { folder.appending(path: String(repeating: "x", count: 220) + $0).path }
        for path in paths { try Data(Self.text.utf8).write(to: URL(filePath: path)) }
        #expect(Printable.quote(paths[0]) == Printable.quote(paths[1]))
        for second in paths {
            var reports = SalesReports()
            try ReportFile.read(paths[0], into: &reports)
            let failure = #expect(throws: CommandFailure.self) { try ReportFile.read(second, into: &reports) }
            #expect(failure?.exit == .couldNot)
            #expect(failure?.sentence.contains("a day must be counted once") == true, "\(failure?.sentence ?? "")")
            #expect(reports.inAppLines == 3_000)
        }
    }

    @Test("zlib without memory is a fault like any other")
    func noMemory() {
        #expect(throws: GzipInflater.Fault.memory) { _ = try GzipInflater(begin: { _ in -4 }) }
    }

    @Test("a small file that inflates to more than the bound is refused, and so is a large one")
    func bomb() throws {
        let bomb = try Gzip.compress(Array(Self.text.utf8))
        #expect(bomb.count < 20_000)
        #expect(sentence(bomb, bytesMax: 100_000).contains("more than 100000 bytes"))
        #expect(sentence(Array(Self.text.utf8), bytesMax: 100_000).contains("more than 100000 bytes"))
    }

    @Test("a fault names the file and the line, and nothing of the file reaches the terminal as it is")
    func faults() {
        let line = SalesReportSample.Line { $0.price = "4\u{1B}[2J99" }
        let said = sentence(Array(SalesReportSample.text([line]).utf8))
        #expect(said.contains("report-") && said.contains("\", line 2: Customer Price"), "\(said)")
        #expect(!said.contains("\u{1B}") && said.contains("\\u{1b}"), "\(said)")
        var reports = SalesReports()
        let missing = #expect(throws: CommandFailure.self) { try ReportFile.read("/nowhere/at/all", into: &reports) }
        #expect(missing?.sentence.contains("there is no such file") == true)
    }
}
