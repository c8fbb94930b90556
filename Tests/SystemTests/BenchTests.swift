import Foundation
import Postgres
import TestSupport
import Testing

@Suite("The bench program")
struct BenchTests {
    /// A line of the JSON file, as far as it is looked at.
    private struct Line: Decodable {
        struct Reference: Decodable {
            var value: Double
        }

        var part: String
        var name: String
        var value: Double
        var reference: Reference?
        var details: [String: Double]?
    }

    private func bench(_ arguments: [String]) throws {
        let products = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        _ = try Shell.run(
            [products.appending(path: "bench").path] + arguments,
            environment: [
                "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
                "BENCH_DATABASE_URL": TestDatabase.server,
            ])
    }

    @Test("a smoke run measures every part beside its reference, counts exactly, and leaves no database behind")
    func smoke() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "bench-\(UUID().uuidString).jsonl")
        defer { try? FileManager.default.removeItem(at: file) }
        try bench(["run", "--smoke", "--json", file.path])
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").dropFirst()
            .map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
        let parts = [
            "validation", "repeat", "entitlements", "notification", "ledger", "export", "footprint", "once", "overload",
            "replicas", "years",
        ]
        #expect(Set(lines.map(\.part)) == Set(parts))
        for line in lines {
            // So few are due in a stage that all may be answered in the next.
            #expect(line.value > 0 || line.part == "overload", "\(line)")
            let standsAlone = ["footprint", "years"].contains(line.part) || line.name.hasPrefix("bytes of ")
            #expect(standsAlone || (line.reference?.value ?? 0) > 0, "\(line)")
        }
        #expect(lines.filter { $0.name.hasPrefix("overload ") }.map { $0.details?["reads served"] } == [1, 1, 1, 1])
        // Everything that is asked of the smaller ledger is asked of the larger one, and compared.
        let compared = lines.filter { $0.part == "years" && $0.name.hasSuffix("300 transactions") }
        #expect(compared.count == 10)
        for line in compared where !line.name.hasPrefix("bytes ") {
            #expect((line.reference?.value ?? 0) > 0, "\(line)")
            #expect((line.details?["least ratio of a turn"] ?? 0) > 0, "\(line)")
        }
        let once = try #require(lines.first { $0.part == "once" })
        #expect(once.value == 10 && once.reference?.value == 10)
        let repeated = try #require(lines.first { $0.part == "repeat" })
        #expect(repeated.details?["calls to Apple"] == 0)
        try await TestDatabase.withClient(TestDatabase.server) { client in
            // Tests of filling ledgers work beside this one, in databases of this process.
            let others = "vouch_bench_pattern_\(getpid())_"
            let left = try await client.query(
                "SELECT datname FROM pg_database WHERE datname LIKE 'vouch_bench%' AND NOT starts_with(datname, \(others))"
            )
            #expect(left.isEmpty)
        }
    }

    @Test("what can not be measured ends with 1, what is asked wrongly with 64")
    func failure() throws {
        let failure = #expect(throws: Shell.Failure.self) {
            try bench(["run", "--smoke", "--only", "footprint", "--vouch", "/bin/false"])
        }
        #expect(failure?.code == 1, "\(failure?.output ?? "")")
        let unknown = #expect(throws: Shell.Failure.self) { try bench(["run", "--only", "everything"]) }
        #expect(unknown?.code == 64)
        let twice = #expect(throws: Shell.Failure.self) {
            try bench(["run", "--only", "years", "--history", "2000,2000"])
        }
        #expect(twice?.code == 64)
    }

    @Test("every single operation runs")
    func micro() throws { try bench(["micro", "--iterations", "1"]) }
}
