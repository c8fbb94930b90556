import Foundation
import NIOHTTP1
import TestSupport
import Testing

@Suite("vouch reconcile as a program")
struct ReconcileProgramTests {
    /// Runs the command to its end; its exit code and everything that it printed.
    private func reconcile(_ arguments: [String], _ vouch: Installation) throws -> (code: Int32, output: String) {
        // The database alone is needed.
        let settings = ["VOUCH_DATABASE_URL": vouch.database]
        do {
            return (0, try Installation.vouch(["reconcile"] + arguments, settings))
        } catch let failure as Shell.Failure {
            return (failure.code, failure.output)
        }
    }

    /// The simulator's report of some days around now, in a file.
    private func download(_ query: String, from vouch: Installation, to file: URL) throws -> String {
        let days = [-2, 2].map { number in
            String(ISO8601DateFormatter().string(from: Date(timeIntervalSinceNow: Double(number) * 86_400)).prefix(10))
        }
        let url = "\(vouch.simulator.url)/control/sales-reports?day=\(days[0])&through=\(days[1])\(query)"
        try Shell.run(["curl", "-fsS", "-o", file.path, url])
        return file.path
    }

    @Test("ties out over a downloaded report; a lost notification, a missing line and a broken file end as they should")
    func program() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "reports-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try await TestDatabase.withDatabase(migrated: false) { database in
            try await Installation.with(database: database.uri) { vouch in
                let server = try vouch.startServer()
                let ids = [
                    try await vouch.buy(), try await vouch.buy("gems"),
                    try await vouch.buy("pro", type: "Non-Consumable"),
                ]
                for id in ids { #expect(try await vouch.post("ada", id, to: server.url).state == "paid") }
                let control = vouch.simulator.url + "/control/transactions/"
                #expect(try await vouch.send(.POST, control + ids[2] + "/family-share", "{}").status == 201)

                let good = try download("&gzip=1", from: vouch, to: directory.appending(path: "good.txt.gz"))
                let same = try reconcile(["--sales", good], vouch)
                #expect(same.code == 0, "\(same.output)")
                #expect(same.output.contains("0 explained, 0 undecided, 0 unexplained"), "\(same.output)")
                #expect(same.output.contains("USD       sale      3   14.97       3   14.97"), "\(same.output)")

                let less = try download("&without=\(ids[1])", from: vouch, to: directory.appending(path: "less.txt"))
                let missing = try reconcile(["--sales", less], vouch)
                #expect(missing.code == 1 && missing.output.contains(ids[1]), "\(missing.output)")

                // Nobody delivers the notification of this refund.
                #expect(try await vouch.send(.POST, control + ids[0] + "/refund", "{}").status == 200)
                let lost = try download("", from: vouch, to: directory.appending(path: "lost.txt"))
                let undecided = try reconcile(["--sales", lost, "--json"], vouch)
                #expect(undecided.code == 2, "\(undecided.output)")
                #expect(undecided.output.contains("missing_notification") && undecided.output.contains(ids[0]))

                try Data([0x1F, 0x8B, 8, 0, 0, 0]).write(to: directory.appending(path: "broken.gz"))
                let broken = try reconcile(["--sales", directory.appending(path: "broken.gz").path], vouch)
                #expect(broken.code == 2 && broken.output.contains("breaks off"), "\(broken.output)")
                #expect(try reconcile(["--sales", good, lost], vouch).code == 2, "the same days twice")
                #expect(try reconcile(["--sales", good, "--as-of", "999999"], vouch).code == 2)
                #expect(try reconcile(["--sales", good, "--tz", "Mars/Olympus"], vouch).code == 64)
                #expect(try reconcile([], vouch).code == 64)
            }
        }
    }
}
