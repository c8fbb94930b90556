import Postgres
import Synchronization

/// Waits until the condition holds, looking again each time something else had a turn; fails after a minute.
///
/// Not a sleep: it ends at once when the condition holds, and a fast machine is not slowed down.
func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(60)
    while try await !condition() {
        if ContinuousClock.now > end { throw NeverHappened(what: what) }
        await Task.yield()
    }
}

struct NeverHappened: Error {
    let what: String
}

/// How many backends run a statement with that text in it, the asking one aside.
func running(_ text: String, _ client: PostgresClient) async throws -> Int {
    let rows = try await client.query(
        """
        SELECT count(*) AS n FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()
          AND position(\(text) IN query) > 0
        """)
    return try rows[0].decode("n", as: Int.self)
}

/// Values gathered by many tasks.
final class Gathered<Value: Sendable>: Sendable {
    private let values = Mutex<[Value]>([])
    func add(_ value: Value) { values.withLock { $0.append(value) } }
    var all: [Value] { values.withLock { $0 } }
}
