import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import TestSupport
import Testing

@Suite("How PostgreSQL finds the rows of a decision")
struct DecisionPlanTests {
    private static let othersCount = 5_000

    @Test("a decision reads its own chain's rows, however many others came since its statement was planned")
    func ownRowsOnly() async throws {
        try await TestDatabase.withDatabase { database in
            // Statistics would let PostgreSQL plan anew; a busy hour between two ANALYZEs has none.
            try await database.withOwnerClient { client in
                _ = try await client.query("ALTER TABLE chains SET (autovacuum_enabled = false)")
                _ = try await client.query("ALTER TABLE transactions SET (autovacuum_enabled = false)")
            }
            try await database.withServiceClient { client in
                let ledger = LedgerFixture(store: LedgerStore(client: client), client: client, database: database)
                // Plans every statement over empty tables, on the one connection for commits.
                try await decide(about: 1_000, in: ledger)
                try await fill(database)
                try await decide(about: 2_000, in: ledger)
            }
            let read = try await rowsRead(database)
            #expect(read.values.reduce(0, +) < Int64(Self.othersCount), "\(read.filter { $0.value > 100 })")
        }
    }

    /// Decisions that make a chain, settle it, and take another one in.
    private func decide(about number: Int, in ledger: LedgerFixture) async throws {
        let settled = try await ledger.settled("\(number)")
        let id = TransactionID("\(number + 1)")
        let claimed = try #require(
            try await ledger.apply(
                .claimed(id, by: try await ledger.account("bob"), at: LedgerFixture.start),
                to: Chain(identity: .provisional(id))))
        let (item, body) = LedgerFixture.evidence(id.rawValue, original: "\(number)")
        let joined = try await ledger.apply(.evidenceVerified(item, absorbing: claimed), to: settled, body: body)
        #expect(joined?.transactions.count == 2)
    }

    /// Gives the ledger as many recorded chains that were taken in by none.
    private func fill(_ database: TestDatabase) async throws {
        try await database.withOwnerClient { client in
            _ = try await client.query(
                """
                DO $$ BEGIN
                    SET LOCAL session_replication_role = replica;
                    INSERT INTO chains (version, provisional_transaction_id)
                    SELECT 1, (1000000 + n)::text FROM generate_series(1, 5000) n;
                END $$
                """)
        }
    }

    /// Entries of indexes that were read, by index; a connection's counts are there once it has ended.
    private func rowsRead(_ database: TestDatabase) async throws -> [String: Int64] {
        try await database.withOwnerClient { client in
            try await database.othersEnded(client)
            var read: [String: Int64] = [:]
            for row in try await client.query("SELECT indexrelname::text, idx_tup_read FROM pg_stat_user_indexes") {
                read[try row.decode(0)] = try row.decode(1, as: Int64.self)
            }
            return read
        }
    }
}
