import ArgumentParser
import Foundation

/// `bench run`: all parts, or those that are named.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure every part, or those that are named, each beside its reference.",
        discussion: """
            Needs a PostgreSQL cluster on this machine in BENCH_DATABASE_URL (a superuser's URI), psql and pgbench; \
            scripts/bench provides all that. Ends with 1 when a part could not run or counted wrong, never for being slow.
            """)

    @Option(help: "Parts, separated by commas: \(Part.allCases.map(\.rawValue).joined(separator: ", ")).")
    var only: String?

    @Flag(help: "Run every part once and tiny: it proves counts, not speed.")
    var smoke = false

    @Option(help: "Also write JSON lines: how it was measured first, then a line for each figure.")
    var json: String?

    @Option(help: "The vouch program; by default the one beside this program.")
    var vouch: String?

    @Option(help: "How many seconds each load is measured.")
    var seconds = 3.0

    @Option(name: .customLong("warm-up"), help: "How many seconds each load runs before.")
    var warmUpSeconds = 1.0

    @Option(
        help: "Accounts with an entitlement; several numbers, separated by commas, are measured one after the other.")
    var accounts = "100000"

    @Option(name: .customLong("purchases"), help: "Purchases in the export; a tenth is refunded.")
    var exportedPurchases = 100_000

    @Option(
        help: """
            Transactions of the ledgers whose figures are compared, separated by commas; each is filled as three years \
            would.
            """)
    var history = "10000,100000"

    @Option(
        name: .customLong("history-filled"),
        help: """
            A database of the same cluster that `bench fill` has filled: the ledger of that size, kept for the next run. \
            It is migrated, and some ten thousand purchases are added to it.
            """)
    var filledDatabase: String?

    @Option(name: .customLong("apple-latency"), help: "How many milliseconds each of Apple's answers takes at least.")
    var appleLatencyMilliseconds: Int64 = 0

    @Option(help: "The number that random choices are drawn from.")
    var seed: UInt64 = 20_261_122

    @Option(help: "The service's VOUCH_LOG_LEVEL.")
    var logLevel = "info"

    func run() async throws {
        let settings = try settings()
        let parts = try parts()
        let report = try Report(jsonPath: json)
        try report.begin(RunHeader(settings))
        var failed: [String] = []
        try await Workshop.with(settings, report: report) { workshop in
            for part in parts {
                do {
                    try await part.measure(in: workshop)
                } catch {
                    report.say("\(part.rawValue): could not be measured: \(error)")
                    failed.append(part.rawValue)
                }
            }
        }
        guard failed.isEmpty else { throw ExitCode.failure }
    }

    private func parts() throws -> [Part] {
        guard let only else { return Part.allCases }
        return try only.split(separator: ",").map { name in
            guard let part = Part(rawValue: String(name)) else { throw ValidationError("there is no part \(name)") }
            return part
        }
    }

    private func settings() throws -> RunSettings {
        guard let server = ProcessInfo.processInfo.environment["BENCH_DATABASE_URL"], !server.isEmpty else {
            throw ValidationError("set BENCH_DATABASE_URL to a superuser's URI, or use scripts/bench")
        }
        let numbers = accounts.split(separator: ",").compactMap { Int($0) }
        guard !numbers.isEmpty, numbers.allSatisfy({ $0 > 0 }), exportedPurchases > 0, seconds > 0, warmUpSeconds >= 0
        else { throw ValidationError("--accounts, --purchases and --seconds must be above 0") }
        let histories = history.split(separator: ",").compactMap { Int($0) }
        guard !histories.isEmpty, histories.allSatisfy({ $0 >= 1_000 }), Set(histories).count == histories.count else {
            throw ValidationError("--history takes numbers from 1000, each once")
        }
        let own = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        let beside = own.deletingLastPathComponent().appending(path: "vouch").path
        return RunSettings(
            vouch: vouch ?? beside, bench: own.path, server: server, isSmoke: smoke, windowSeconds: seconds,
            warmUpSeconds: warmUpSeconds, accounts: numbers, exportedPurchases: exportedPurchases,
            history: histories, filledDatabase: filledDatabase,
            appleLatencyMilliseconds: appleLatencyMilliseconds, seed: seed, logLevel: logLevel)
    }
}
