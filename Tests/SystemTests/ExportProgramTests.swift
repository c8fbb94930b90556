import Foundation
import TestSupport
import Testing

@Suite("vouch export as a program")
struct ExportProgramTests {
    @Test("the file, the exit codes, and nothing left over")
    func program() async throws {
        try await TestDatabase.withDatabase { database in
            try await Installation.with(database: database.uri) { vouch in
                let directory = FileManager.default.temporaryDirectory.appending(path: "export-\(UUID().uuidString)")
                try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
                defer { try? FileManager.default.removeItem(at: directory) }
                let file = directory.appending(path: "paid.ndjson").path
                let period = ["export", "paid-records", "--from", "2026-11-01", "--to", "2026-12-01"]
                let said = try Installation.vouch(
                    period + ["--tz", "Europe/Berlin", "--format", "ndjson", "--output", file], vouch.environment)
                #expect(
                    said.contains("as of 0: Production from 2026-10-31T23:00:00.000Z up to 2026-11-30T23:00:00.000Z"))
                #expect(said.contains("0 rows") && said.contains("not known to be complete"))
                #expect(FileManager.default.contents(atPath: file)?.isEmpty == true)
                #expect(try Installation.vouch(period, vouch.environment).contains("rowId,kind,occurredAt,"))
                for (arguments, code) in [
                    (["--as-of", "5"], 2), (["--tz", "Mars/Olympus"], 64), (["--output", directory.path], 1),
                ] as [([String], Int32)] {
                    let failure = #expect(throws: Shell.Failure.self) {
                        try Installation.vouch(period + arguments, vouch.environment)
                    }
                    #expect(failure?.code == code, "\(failure?.output ?? "")")
                }
                #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["paid.ndjson"])
            }
        }
    }
}
