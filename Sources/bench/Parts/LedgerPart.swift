import Foundation
import NIOCore

extension Workshop {
    /// Durable decisions by one and two replicas, beside pgbench writing the same rows a commit each.
    func measureLedger() async throws {
        let best = try await pgbench()
        for replicas in [1, 2] {
            for tasks in settings.isSmoke ? [4] : [64, 256] {
                try await withDatabase("ledger") { database in
                    try await LedgerLoad.with(database, replicas: replicas) { load in
                        let before = WatchedProcesses(postmaster: postmaster).cpuSeconds()
                        let perSecond = 2 * (try await repeatedly(tasks: tasks) { try await load.settle($0) })
                        let spent = WatchedProcesses(postmaster: postmaster).cpuSeconds()
                        let decisions = try database.number("SELECT count(*) FROM events")
                        if settings.isSmoke { try checkRows(database, decisions: 2 * Self.smokeRequests) }
                        var measurement = Measurement(
                            .ledger, "ledger, \(tasks) tasks, \(replicas) replica\(replicas > 1 ? "s" : "")", perSecond)
                        measurement.reference = .init(name: "pgbench's best, same rows", value: best.perSecond)
                        measurement.atLeast = settings.isSmoke ? nil : tasks >= 256 ? 2 : 1.5
                        measurement.details = ["pgbench clients": Double(best.clients)]
                        measurement.cpuMicroseconds = spent.mapValues { $0 }.reduce(into: [:]) { result, item in
                            let used = item.value - (before[item.key] ?? 0)
                            result[item.key == "generator" ? "decider" : item.key] =
                                used * 1e6 / Double(max(1, decisions))
                        }
                        try report.add(measurement)
                    }
                }
            }
        }
    }

    /// The best that one commit per decision reaches, over 1 to 64 clients, in decisions a second.
    private func pgbench() async throws -> (perSecond: Double, clients: Int) {
        var best = (perSecond: 0.0, clients: 0)
        for clients in settings.isSmoke ? [2] : [1, 8, 16, 32, 64] {
            let perSecond = try await withDatabase("pgbench") { database in
                try database.psql(PgbenchScript.preparation)
                let file = directory.appending(path: "decisions.pgbench")
                try PgbenchScript.text.write(to: file, atomically: true, encoding: .utf8)
                let amount = settings.isSmoke ? ["-t", "12"] : ["-T", String(max(1, Int(settings.windowSeconds)))]
                let output = try Command.run(
                    "pgbench",
                    [
                        "-n", "-M", "prepared", "-c", String(clients), "-j", String(min(clients, System.coreCount)),
                        "--random-seed=\(settings.seed)", "-f", file.path,
                    ] + amount + [database.uri]
                ).output
                if settings.isSmoke { try checkRows(database, decisions: 48) }
                guard let line = output.split(separator: "\n").first(where: { $0.hasPrefix("tps = ") }),
                    let rate = line.split(separator: " ").dropFirst(2).first.flatMap({ Double($0) })
                else { throw BenchFailure("pgbench said nothing of tps: \(output)") }
                return rate * 2
            }
            if perSecond > best.perSecond { best = (perSecond, clients) }
        }
        return best
    }

    /// Both sides must leave the same rows behind: so many of each table for two decisions about a purchase.
    private func checkRows(_ database: ScratchDatabase, decisions: Int) throws {
        for (table, rows) in PgbenchScript.rowsPerPurchase {
            let count = try database.number("SELECT count(*) FROM \(table)")
            guard count == rows * decisions / 2 else {
                throw BenchFailure("\(count) rows in \(table), wanted \(rows * decisions / 2)")
            }
        }
    }
}
