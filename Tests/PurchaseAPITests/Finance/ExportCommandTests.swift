import AppStoreSimulator
import Foundation
import PurchaseCore
import PurchaseStore
import TestSupport
import Testing

@testable import PurchaseService
@testable import vouch

@Suite("vouch export paid-records")
struct ExportCommandTests {
    private func command(_ arguments: [String]) async throws -> Export.PaidRecords {
        try #require(try await Vouch.command(for: ["export", "paid-records"] + arguments) as? Export.PaidRecords)
    }

    private func inDirectory(_ body: (URL) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "export-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try await body(directory)
    }

    @Test("the file has the bytes of the API's answer, appears when it is whole, and replaces the one before")
    func sameBytes() async throws {
        try await TestStack.with { stack in
            _ = try await stack.posted()
            _ = try await stack.posted("coins", .consumable) { ($0.price, $0.currency) = (300_000, "JPY") }
            let answer = try await stack.export("&bom=true")
            let period = [stack.clock.now - .days(400), stack.clock.now + .days(400)].map {
                String(RFC3339.text($0).prefix(10))
            }
            try await stack.database.withServiceClient { client in
                let finance = Finance(records: PaidRecordsStore(client: client), coverage: LedgerStore(client: client))
                try await inDirectory { directory in
                    let file = directory.appending(path: "paid.csv")
                    try Data("an older export".utf8).write(to: file)
                    let asOf = try #require(answer.header("Vouch-As-Of"))
                    try await command([
                        "--from", period[0], "--to", period[1], "--bom", "--as-of", asOf, "--output", file.path,
                    ]).write(with: finance)
                    #expect(Array(try Data(contentsOf: file)) == answer.body)
                    let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions]
                    #expect(mode as? Int == 0o600)
                    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["paid.csv"])
                }
            }
        }
    }

    @Test("an export that fails leaves no file, and an older one as it was")
    func failure() async throws {
        try await inDirectory { directory in
            let file = directory.appending(path: "paid.csv")
            try Data("an older export".utf8).write(to: file)
            let output = try ExportOutput(path: file.path)
            try output.write(Array("half".utf8))
            output.discard()
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["paid.csv"])
            #expect(try String(contentsOf: file, encoding: .utf8) == "an older export")
            for path in [directory.path, directory.path + "/none/paid.csv", "/dev/null"] {
                #expect(throws: CommandFailure.self) { try ExportOutput(path: path) }
            }
        }
    }

    @Test(
        "what can't be understood ends with 64",
        arguments: [
            [], ["--from", "2026-11-01"], ["--from", "2026-11-01", "--to", "soon"],
            ["--from", "2026-11-01", "--to", "2026-12-01", "--tz", "+02"],
            ["--from", "2026-11-01", "--to", "2026-12-01", "--as-of", "-1"],
            ["--from", "2026-11-01", "--to", "2026-12-01", "--format", "xlsx"],
            ["--from", "2026-11-01", "--to", "2026-12-01", "--format", "ndjson", "--bom"],
            ["--from", "2026-11-01", "--to", "2026-12-01", "--environment", "Xcode"],
        ])
    func usage(arguments: [String]) async throws {
        let outcome = try #require(await Vouch.run(["export", "paid-records"] + arguments))
        #expect(outcome.code == 64 && outcome.complaint?.isEmpty == false)
    }

    @Test("a position to come ends with 2, a period that is none with 64, a database that goes away with 1")
    func exits() {
        let explain = { (error: any Error) in Export.PaidRecords.explain(error, output: "november.csv") }
        #expect(explain(ServiceError.asOfNotSettled).exit.rawValue == 2)
        #expect(explain(ServiceError.invalid(parameter: "to", rule: "Must be later.")).exit == .usage)
        #expect(explain(ServiceError.invalid(parameter: "to", rule: "Must be later.")).sentence.hasPrefix("--to"))
        #expect(explain(ServiceError.unavailable(retryAfterSeconds: 2)).exit == .failure)
        #expect(explain(CancellationError()).exit == .interrupted)
        #expect(explain(CancellationError()).sentence.contains("no file"))
        // What a pipe has taken can't be taken back.
        let piped = Export.PaidRecords.explain(CancellationError(), output: "-")
        #expect(piped.exit == .interrupted && piped.sentence.contains("incomplete"))
    }

    @Test("a terminal gets a bar that is drawn again, and everybody the position, the totals and the coverage")
    func display() {
        var plain = ExportDisplay(total: 4, isTerminal: false)
        #expect(plain.text(after: 1).isEmpty && plain.interruption.isEmpty)
        var bar = ExportDisplay(total: 4, isTerminal: true)
        #expect(bar.text(after: 1) == "\r[######..................] 1/4 rows\u{1B}[K")
        #expect(bar.text(after: 1).isEmpty && bar.interruption == "\n")
        #expect(bar.text(after: 4).hasSuffix("\u{1B}[K\n") && bar.interruption.isEmpty)
        var empty = ExportDisplay(total: 0, isTerminal: true)
        #expect(empty.text(after: 0).hasSuffix("0/0 rows\u{1B}[K\n"))

        let from = Instant(millisecondsSince1970: 1_790_000_000_000)
        let sums = MoneySums(rows: 3, gross: 14_970, refunded: 4_990, net: 9_980)
        var head = PaidRecordsHead(
            scope: PaidRecordsScope(
                from: from, to: from + .days(1), asOf: 8_812, environment: .production, timeZone: "UTC"),
            totals: PaidRecordsTotals(
                currencies: [.init(currency: "USD", sums: sums), .init(currency: "ABC", sums: sums)], unpricedRows: 1),
            coverage: CoverageNote(environment: .production, completeFrom: nil, completeThrough: nil))
        let lines = ExportDisplay.summary(of: head, sha256: "00")
        #expect(lines[0].hasPrefix("as of 8812: Production from 2026-"))
        #expect(lines[1] == "7 rows, 1 of them without an amount; SHA-256 00")
        #expect(lines[2] == "USD: gross 14.97, refunded 4.99, net 9.98")
        #expect(lines[3] == "ABC: gross 14970/1000, refunded 4990/1000, net 9980/1000")
        #expect(lines[4].contains("not known to be complete"))
        (head.coverage.completeFrom, head.coverage.completeThrough) = (from - .days(3), from + .days(2))
        #expect(ExportDisplay.summary(of: head, sha256: "")[4].contains("are complete from"))
        head.coverage.completeThrough = from
        #expect(ExportDisplay.summary(of: head, sha256: "")[4].contains("less than the period"))
    }
}
