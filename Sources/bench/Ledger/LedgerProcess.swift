import ArgumentParser
import Foundation

/// One replica's share of a load on the ledger, in a process of its own: it prints its purchases a second.
struct LedgerProcess: ParsableArguments {
    @Option var database = ""
    @Option var tasks = 1
    /// The number of its first purchase; processes must not meet.
    @Option var first = 0
    @Option var warmUpMilliseconds: Int64 = 0
    @Option var windowMilliseconds: Int64 = 0
    /// Settles so many instead of measuring for a time.
    @Option var count: Int?

    /// Connects, settles purchases, and prints.
    func run() async throws {
        let first = first
        let rate = try await LedgerLoad.with(ScratchDatabase(uri: database), replicas: 1) { load in
            try await Repeating.rate(
                tasks: tasks, warmUp: .milliseconds(warmUpMilliseconds), window: .milliseconds(windowMilliseconds),
                count: count
            ) { number in try await load.settle(first + number) }
        }
        FileHandle.standardOutput.write(Data("\(rate)\n".utf8))
    }

    /// Runs so many of these processes at once over a database; the sum of what they print.
    static func rate(
        _ workshop: Workshop, database: ScratchDatabase, processes: Int, tasks: Int
    ) throws -> Double {
        let settings = workshop.settings
        var arguments = [
            "stand-in", "ledger", "--database", database.uri, "--tasks", String(max(1, tasks / processes)),
            "--warm-up-milliseconds", String(Int64(settings.warmUpSeconds * 1_000)),
            "--window-milliseconds", String(Int64(settings.windowSeconds * 1_000)),
        ]
        if settings.isSmoke { arguments += ["--count", String(Workshop.smokeRequests / processes)] }
        // A shell starts them together and waits for them all; the numbers keep them apart.
        let script = #"n=$1; shift; i=0; while [ $i -lt $n ]; do "$@" --first ${i}00000000 & i=$((i + 1)); done; wait"#
        let output = try Command.run("sh", ["-c", script, "sh", String(processes), settings.bench] + arguments).output
        let rates = output.split(separator: "\n").compactMap { Double($0) }
        guard rates.count == processes else { throw BenchFailure("\(rates.count) of \(processes) processes measured") }
        return rates.reduce(0, +)
    }
}
