import Foundation
import Postgres
import PurchaseStore
import TestSupport
import Testing

@Suite("Migrations")
struct MigratorTests {
    private func migrate(_ uri: String) async throws -> MigrationReport {
        try await TestDatabase.withClient(uri) { client in
            try await Migrator(client: client, logger: TestDatabase.silent).migrate()
        }
    }

    @Test("an empty database gets every file once; again changes nothing")
    func idempotent() async throws {
        try await TestDatabase.withDatabase(migrated: false) { database in
            let first = try await migrate(database.uri)
            #expect(first.applied.count == Int(first.current))
            #expect(try await migrate(database.uri).applied.isEmpty)
        }
    }

    @Test("runs at the same moment wait for each other")
    func concurrent() async throws {
        try await TestDatabase.withDatabase(migrated: false) { database in
            let applied = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 { group.addTask { try await migrate(database.uri).applied.count } }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(applied.sorted().dropLast().allSatisfy { $0 == 0 })
            #expect(applied.max() == Int(Migration.newest))
        }
    }

    @Test("the service refuses a database without schema, with an old one, and with a newer breaking one")
    func schemaFaults() async throws {
        try await TestDatabase.withDatabase(migrated: false) { database in
            try await database.withOwnerClient { client in
                await #expect(throws: SchemaFault.missing) { try await SchemaCheck.check(client) }
            }
        }
        try await TestDatabase.withDatabase { database in
            try await database.withOwnerClient { owner in
                try await database.withServiceClient { client in
                    try await SchemaCheck.check(client)
                    _ = try await owner.query(
                        "INSERT INTO schema_migrations VALUES (\(Migration.newest + 1), 'later.sql', 'x', false)")
                    try await SchemaCheck.check(client)
                    _ = try await owner.query(
                        "UPDATE schema_migrations SET breaking = true WHERE file_name = 'later.sql'")
                    await #expect(
                        throws: SchemaFault.newer(has: Migration.newest + 1, knows: Migration.newest)
                    ) { try await SchemaCheck.check(client) }
                    _ = try await owner.query("DELETE FROM schema_migrations WHERE number >= \(Migration.newest)")
                    await #expect(
                        throws: SchemaFault.old(has: Migration.newest - 1, needs: Migration.newest)
                    ) { try await SchemaCheck.check(client) }
                }
            }
        }
    }

    @Test("a landed file that differs from this version's is refused")
    func checksum() async throws {
        try await TestDatabase.withDatabase { database in
            try await database.withOwnerClient { owner in
                _ = try await owner.query("UPDATE schema_migrations SET checksum = 'other' WHERE number = 1")
            }
            await #expect(throws: SchemaFault.checksumChanged(fileName: "000001_create_ledger.sql")) {
                try await migrate(database.uri)
            }
        }
    }

    @Test("a role that could rewrite history is refused")
    func mayRewrite() async throws {
        try await TestDatabase.withDatabase { database in
            try await database.withOwnerClient { owner in
                await #expect(throws: SchemaFault.mayRewriteHistory(role: "postgres")) {
                    try await SchemaCheck.check(owner)
                }
            }
        }
    }

    @Test("commits are flushed although the database says otherwise; options of the URI that say otherwise are refused")
    func flushed() async throws {
        try await TestDatabase.withDatabase { database in
            try await database.withOwnerClient { owner in
                let name = try #require(
                    try await owner.query("SELECT quote_ident(current_database()) AS name").first)
                _ = try await owner.query(
                    SQL(
                        text: "ALTER DATABASE \(try name.decode(0, as: String.self)) SET synchronous_commit = off",
                        values: []))
            }
            try await database.withServiceClient { client in
                try await SchemaCheck.check(client)
                let setting: SQL = "SELECT current_setting('synchronous_commit')"
                #expect(try await client.query(setting).first?.decode(0, as: String.self) == "on")
                let committed = try await client.commit(setting)
                #expect(try committed.first?.decode(0, as: String.self) == "on")
            }
            let careless = database.uri + "?options=-c%20synchronous_commit%3Doff"
            try await TestDatabase.withClient(careless, role: Migrator.serviceRole) { client in
                await #expect(throws: SchemaFault.forgetsCommits) { try await SchemaCheck.check(client) }
            }
        }
    }

    @Test("the files in migrations/ are the ones that are built in, and their checksums are listed")
    func embedded() throws {
        try Shell.run([Checkout.path("scripts/embed"), "--check"])
    }
}
