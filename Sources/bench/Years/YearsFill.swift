import Foundation
import PurchaseCore

/// Fills a migrated database as years of purchases would, window by window, each in a transaction of its own.
///
/// What is filled is remembered in the schema `bench`, so that an interrupted fill goes on where it was.
struct YearsFill {
    /// Windows that one session writes before it tells the progress.
    private static let windowsPerSession = 10

    let database: ScratchDatabase
    let plan: FillPlan
    /// Also Apple's notifications as they were signed; they are half of all bytes.
    var withEnvelopes = false
    /// Foreign keys and triggers stay on; everything is one statement then, since rows refer to later ones.
    var isChecked = false

    /// Writes what is left; `say` is told the progress.
    ///
    /// `windowsMax` ends it early, as if it had been interrupted. Throws ``BenchFailure`` for a database that is neither
    /// empty nor filled by the same plan.
    func run(windowsMax: Int = .max, say: (String) -> Void) async throws {
        guard !isChecked || plan.windows == 1 else { throw BenchFailure("only a small fill can be checked") }
        var done = try begin()
        let script = FillScript(plan, try await pattern(), withEnvelopes: withEnvelopes)
        let start = ContinuousClock.now
        let first = done
        let last = min(windowsMax, plan.windows)
        while done < last {
            let next = min(done + Self.windowsPerSession, last)
            try database.psql(
                script.preparation(isChecked: isChecked) + (done..<next).map(script.window).joined(separator: "\n"))
            done = next
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            let left = seconds / Double(done - first) * Double(plan.windows - done)
            say("\(done) of \(plan.windows) windows, \(Int(seconds)) s, \(Int(left)) s left")
        }
        guard done == plan.windows else { return }
        try database.psql(Self.ending)
        say("\(try database.number("SELECT count(*) FROM transactions")) transactions")
    }

    /// The windows that are filled already.
    private func begin() throws -> Int {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let text = String(decoding: try encoder.encode(plan), as: UTF8.self)
        try database.psql(
            """
            CREATE SCHEMA IF NOT EXISTS bench;
            CREATE TABLE IF NOT EXISTS bench.fill (plan text NOT NULL, windows int NOT NULL);
            INSERT INTO bench.fill SELECT '\(text)', 0
                WHERE NOT EXISTS (SELECT FROM bench.fill) AND NOT EXISTS (SELECT FROM chains);
            """)
        let known = try database.psql("SELECT plan FROM bench.fill")
        guard known == text else {
            throw BenchFailure(known.isEmpty ? "the database is not empty" : "the database was filled by \(known)")
        }
        return try database.number("SELECT windows FROM bench.fill")
    }

    /// The stories are played in a migrated database of their own, with the schema of this one.
    private func pattern() async throws -> FillPattern {
        // Several fills of one process have a pattern each.
        let name = "vouch_bench_pattern_\(getpid())_\(UInt32.random(in: .min ... .max))"
        let other = try ScratchDatabase.create(name, on: database.uri)
        let result: Result<FillPattern, any Error>
        do {
            let schema = try Command.run(
                "pg_dump", ["--schema-only", "--schema=public", database.uri], environment: [:])
            try other.psql("DROP SCHEMA public CASCADE;\n" + schema.output)
            result = .success(try await FillPattern.make(in: other))
        } catch {
            result = .failure(error)
        }
        try ScratchDatabase.drop(name, on: database.uri)
        return try result.get()
    }

    /// New numbers go on after ours, and the planner knows what there is.
    private static let ending = """
        SELECT setval(pg_get_serial_sequence('chains', 'chain_id'), (SELECT max(chain_id) FROM chains)),
            setval(pg_get_serial_sequence('accounts', 'account_number'), (SELECT max(account_number) FROM accounts));
        VACUUM (ANALYZE);
        CHECKPOINT;
        """
}
