import Logging
import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import TestSupport
import Testing

@testable import vouch

@Suite("Keys in the database")
struct SettingsKeysTests {
    private static func newKey() -> KeyText {
        var generator = SystemRandomNumberGenerator()
        return KeyText(using: &generator)
    }

    @Test("a key is found by its digest until it is revoked, and its text is nowhere")
    func life() async throws {
        try await TestDatabase.withDatabase { database in
            try await database.withServiceClient { client in
                let (repository, ledger) = (KeyRepository(client: client), LedgerStore(client: client))
                let (text, name) = (Self.newKey(), try #require(KeyName("shop backend")))
                let made = try await repository.create(name: name, roles: [.app, .support], sha256: text.sha256)
                #expect(made.roles == [.app, .support] && made.revokedAt == nil)
                #expect(try await ledger.key(sha256: text.sha256)?.name == "shop backend")

                let rows = try await client.query("SELECT to_jsonb(k)::text AS row FROM keys k")
                let row: String = try #require(rows.first).decode("row")
                #expect(!row.contains(text.reveal().suffix(43)))

                let revoked = try await repository.revoke(name: name)
                #expect(revoked.id == made.id && revoked.revokedAt != nil)
                #expect(try await ledger.key(sha256: text.sha256) == nil)
                await #expect(throws: KeyRepositoryError.noSuchKey) { try await repository.revoke(name: name) }
                // By number it can be said again, and the first moment stays.
                #expect(try await repository.revoke(id: made.id) == revoked)
                #expect(try await repository.list() == [revoked])
            }
        }
    }

    @Test("a name belongs to one key in force, and to another one once that is revoked")
    func names() async throws {
        try await TestDatabase.withDatabase { database in
            try await database.withServiceClient { client in
                let repository = KeyRepository(client: client)
                let name = try #require(KeyName("Erin O'Neil; DROP TABLE keys --"))
                let first = try await repository.create(name: name, roles: [.finance], sha256: Self.newKey().sha256)
                await #expect(throws: KeyRepositoryError.nameTaken) {
                    try await repository.create(name: name, roles: [.finance], sha256: Self.newKey().sha256)
                }
                _ = try await repository.revoke(id: first.id)
                let second = try await repository.create(name: name, roles: [.support], sha256: Self.newKey().sha256)
                #expect(try await repository.list().map(\.id) == [first.id, second.id])
                #expect(try await repository.revoke(name: name).id == second.id)
            }
        }
    }

    @Test("no key is made without a role, or with the role user")
    func roles() async throws {
        try await TestDatabase.withDatabase { database in
            try await database.withServiceClient { client in
                let repository = KeyRepository(client: client)
                let name = try #require(KeyName("n"))
                for roles: Set<Role> in [[], [.user], [.app, .user]] {
                    await #expect(throws: KeyRepositoryError.rolesNotAllowed) {
                        try await repository.create(name: name, roles: roles, sha256: Self.newKey().sha256)
                    }
                }
                #expect(try await repository.list().isEmpty)
                await #expect(throws: KeyRepositoryError.noSuchKey) { try await repository.revoke(id: 1) }
            }
        }
    }

    @Test("a command on a database without a schema says to migrate")
    func missingSchema() async throws {
        try await TestDatabase.withDatabase(migrated: false) { database in
            let settings = try DatabaseSettings.load(
                environment: ["VOUCH_DATABASE_URL": database.uri], configPath: nil)
            do {
                try await settings.withServiceClient(logger: TestDatabase.silent) { _ in }
                Issue.record("the work was done without a schema")
            } catch {
                #expect(CommandFailure(explaining: error).sentence.contains("`vouch migrate`"))
            }
        }
    }
}
