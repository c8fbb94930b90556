import Postgres
import PurchaseStore
import TestSupport

/// Which indexes and which whole tables PostgreSQL read for an operation, by its own count.
///
/// Not EXPLAIN: this is what ran, with the values that were bound, and foreign keys and triggers are in it.
struct PlanWatch {
    /// What one operation read.
    struct Reads {
        /// Tables that were read from end to end.
        var scanned: Set<String>
        /// Indexes that were used.
        var indexes: Set<String>
    }

    let database: TestDatabase

    /// Runs an operation on a client of its own; a connection's counts are there once it has ended.
    func reads(of operation: (LedgerStore, PaidRecordsStore) async throws -> Void) async throws -> Reads {
        let (tablesBefore, indexesBefore) = try await counts()
        try await database.withServiceClient { client in
            try await operation(LedgerStore(client: client), PaidRecordsStore(client: client))
        }
        let (tables, indexes) = try await counts()
        return Reads(
            scanned: Set(tables.filter { $0.value > tablesBefore[$0.key] ?? 0 }.keys),
            indexes: Set(indexes.filter { $0.value > indexesBefore[$0.key] ?? 0 }.keys))
    }

    private func counts() async throws -> (tables: [String: Int64], indexes: [String: Int64]) {
        try await database.withOwnerClient { client in
            try await database.othersEnded(client)
            func read(_ statement: SQL) async throws -> [String: Int64] {
                var counts: [String: Int64] = [:]
                for row in try await client.query(statement) {
                    counts[try row.decode(0)] = try row.decode(1, as: Int64.self)
                }
                return counts
            }
            return (
                try await read("SELECT relname::text, seq_scan FROM pg_stat_user_tables"),
                try await read("SELECT indexrelname::text, idx_scan FROM pg_stat_user_indexes")
            )
        }
    }
}
