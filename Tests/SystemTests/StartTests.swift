import Foundation
import Postgres
import TestSupport
import Testing

@Suite("Starting with something wrong")
struct StartTests {
    private func serve(_ environment: [String: String]) -> Shell.Failure? {
        do {
            try Installation.vouch(["serve"], environment)
            return nil
        } catch {
            return error as? Shell.Failure
        }
    }

    @Test("every fault of the settings is listed by name, at once")
    func settings() throws {
        let failure = try #require(
            serve([
                "VOUCH_APP_BUNDLE_ID": "com.example app", "VOUCH_APP_ENVIRONMENTS": "Xcode",
                "VOUCH_ANSWER_WITHIN": "8s",
                "VOUCH_TYPO": "1", "VOUCH_APP_STORE_PRODUCTION_URL": "http://example.com",
            ]))
        #expect(failure.code == 78)
        for name in [
            "VOUCH_DATABASE_URL", "VOUCH_APP_BUNDLE_ID", "VOUCH_APP_APPLE_ID", "VOUCH_APP_ISSUER_ID",
            "VOUCH_APP_KEY_ID", "VOUCH_APP_PRIVATE_KEY_FILE", "VOUCH_APP_ENVIRONMENTS", "VOUCH_ANSWER_WITHIN",
            "VOUCH_TYPO", "VOUCH_APP_STORE_PRODUCTION_URL",
        ] {
            #expect(failure.output.contains(name + ":"), "\(failure.output)")
        }
    }

    @Test(
        "a missing schema, an old one, a missing database and a silent server each get a sentence that says what to do")
    func database() async throws {
        try await TestDatabase.withDatabase(migrated: false) { database in
            try await Installation.with(database: database.uri) { vouch in
                let missing = try #require(
                    serve(vouch.environment.merging(["VOUCH_DATABASE_URL": database.uri + "_gone"]) { $1 }))
                #expect(missing.code == 1 && missing.output.contains("create it"), "\(missing.output)")
                let silent = try #require(
                    serve(
                        vouch.environment.merging(["VOUCH_DATABASE_URL": "postgresql://postgres@127.0.0.1:1/x"]) { $1 })
                )
                #expect(silent.code == 1 && silent.output.contains("can't be reached"), "\(silent.output)")
                try await database.withOwnerClient { client in
                    _ = try await client.query("DELETE FROM schema_migrations WHERE number = 2")
                }
                let old = try #require(serve(vouch.environment))
                #expect(old.code == 1 && old.output.contains("run `vouch migrate`"), "\(old.output)")
            }
        }
        try await TestDatabase.withDatabase(migrated: false) { database in
            try await TestDatabase.withDatabase(migrated: false) { other in
                try await Installation.with(database: other.uri) { vouch in
                    let empty = try #require(
                        serve(vouch.environment.merging(["VOUCH_DATABASE_URL": database.uri]) { $1 }))
                    #expect(empty.code == 1 && empty.output.contains("run `vouch migrate`"), "\(empty.output)")
                }
            }
        }
    }

    @Test("vouch verify: Apple's own samples verify against the built-in root, the tampered one is refused")
    func samples() throws {
        let fixtures = Checkout.path("Tests/AppStoreJWSTests/Fixtures")
        for name in ["transaction-sandbox-consumable-jpy", "test-notification-sandbox-loki"] {
            let output = try Installation.vouch(["verify", "--file", "\(fixtures)/\(name).jws"], [:])
            #expect(output.contains("ocsp"), "\(output)")
        }
        do {
            try Installation.vouch(["verify", "--file", "\(fixtures)/tampered-price-changed.jws"], [:])
            Issue.record("the tampered sample verified")
        } catch let failure as Shell.Failure {
            #expect(failure.code == 1, "\(failure.output)")
        }
    }

    @Test("a key that is none is named as such, and its text is not shown")
    func key() async throws {
        try await TestDatabase.withDatabase(migrated: false) { database in
            try await Installation.with(database: database.uri) { vouch in
                let file = FileManager.default.temporaryDirectory.appending(path: "key-\(UUID().uuidString).p8")
                try Data("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n".utf8).write(to: file)
                defer { try? FileManager.default.removeItem(at: file) }
                let failure = try #require(
                    serve(vouch.environment.merging(["VOUCH_APP_PRIVATE_KEY_FILE": file.path]) { $1 }))
                #expect(failure.code == 78 && failure.output.contains("VOUCH_APP_PRIVATE_KEY_FILE:"))
                #expect(!failure.output.contains("c2VjcmV0"))
            }
        }
    }
}
