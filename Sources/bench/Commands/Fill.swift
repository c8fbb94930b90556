import ArgumentParser
import Foundation

/// `bench fill`: years of purchases in a database.
struct Fill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fill a migrated database as three years of purchases would.",
        discussion: """
            BENCH_DATABASE_URL is a superuser's URI of an empty database that `vouch migrate` made. An interrupted fill \
            goes on when it is started again with the same options. Foreign keys are not checked meanwhile: the rows are \
            those that the service's own decisions leave, with other ids, times, accounts, products and prices.
            """)

    @Option(help: "About so many transactions, spread over three years and growing fourfold.")
    var transactions = 10_000_000

    @Option(help: "The number that everything is drawn from.")
    var seed: UInt64 = 20_261_122

    @Option(help: "The first day after, as yyyy-mm-dd; by default today (UTC).")
    var end: String?

    @Flag(help: "Also write Apple's notifications as they were signed; they take about as much as everything else.")
    var withEnvelopes = false

    @Flag(help: "Leave foreign keys and triggers on; for a fill of at most \(FillPlan.transactionsPerWindow * 2 - 1).")
    var checked = false

    func run() async throws {
        guard let uri = ProcessInfo.processInfo.environment["BENCH_DATABASE_URL"], !uri.isEmpty else {
            throw ValidationError("set BENCH_DATABASE_URL to a superuser's URI of an empty, migrated database")
        }
        guard transactions > 0 else { throw ValidationError("--transactions must be above 0") }
        let day = end.map { try? Date($0, strategy: .iso8601.year().month().day()) } ?? Date()
        guard let day else { throw ValidationError("--end is a day, as 2026-01-31") }
        let milliseconds = Int64(day.timeIntervalSince1970 / 86_400) * 86_400_000
        let plan = FillPlan(transactions: transactions, seed: seed, end: milliseconds)
        let fill = YearsFill(
            database: ScratchDatabase(uri: uri), plan: plan, withEnvelopes: withEnvelopes, isChecked: checked)
        // Not kept back where the output is a file.
        try await fill.run { FileHandle.standardOutput.write(Data("\($0)\n".utf8)) }
    }
}
