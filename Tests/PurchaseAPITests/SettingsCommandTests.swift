import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import Testing

@testable import vouch

@Suite("Commands: arguments, sentences and exit codes")
struct SettingsCommandTests {
    @Test(
        "what can't be understood ends with 64, of verify with 2",
        arguments: [
            (["serve", "--role", "boss"], 64), (["serve", "--rolle", "api"], 64), (["unheard-of"], 64),
            (["keys", "revoke"], 64),
            (["keys", "create", "--name", "n"], 64), (["keys", "create", "--role", "app"], 64),
            (["keys", "create", "--role", "user", "--name", "n"], 64),
            (["keys", "create", "--role", "boss", "--name", "n"], 64),
            (["keys", "create", "--role", "app", "--name", "17"], 64),
            (["keys", "create", "--role", "app", "--name", "a\nb"], 64),
            (["keys", "create", "--role", "app", "--name", " n"], 64), (["verify"], 2), (["verify", "--file"], 2),
            (["replay"], 64),
            (["verify", "--file", "-", "--environment", "Xcode"], 2),
        ] as [([String], Int32)])
    func usage(arguments: [String], code: Int32) async throws {
        let outcome = try #require(await Vouch.run(arguments))
        #expect(outcome.code == code)
        #expect(outcome.complaint?.isEmpty == false && outcome.output == nil)
    }

    @Test(
        "help and version go to standard output and end with 0",
        arguments: [["--help"], ["--version"], ["verify", "--help"]])
    func help(arguments: [String]) async throws {
        let outcome = try #require(await Vouch.run(arguments))
        #expect(outcome.code == 0 && outcome.complaint == nil && outcome.output?.isEmpty == false)
    }

    @Test("commands are parsed")
    func parsing() async throws {
        let serve = try #require(
            try await Vouch.command(for: ["serve", "--role", "worker", "--config", "f"]) as? Serve)
        #expect(serve.role == .worker && serve.config.path == "f")
        #expect(try #require(try await Vouch.command(for: ["serve"]) as? Serve).role == .all)
        let create = try #require(
            try await Vouch.command(for: ["keys", "create", "--role", "app", "--role", "support", "--name", "Erin"])
                as? Keys.Create)
        #expect(create.roleNames == ["app", "support"] && create.name == "Erin")
        let verify = try #require(
            try await Vouch.command(for: ["verify", "--file", "-", "--bundle-id", "b", "--environment", "Sandbox"])
                as? Verify)
        #expect(verify.file == "-" && verify.bundleID == "b" && verify.environment == .sandbox)
    }

    @Test("faults of settings end with 78 and a line for each, of verify with 2")
    func settingsFaults() {
        let faults = SettingsFaults([
            SettingsFault(name: "VOUCH_B", problem: "x", fix: "y"),
            SettingsFault(name: "VOUCH_A", problem: "x", fix: "y"),
        ])
        let serve = Vouch.Outcome(of: faults, arguments: ["serve"])
        #expect(serve.code == 78 && serve.complaint == "VOUCH_A: x; y\nVOUCH_B: x; y")
        #expect(Vouch.Outcome(of: faults, arguments: ["verify"]).code == 2)
    }

    @Test(
        "a fault of the database is one sentence that says what to do",
        arguments: [
            ("FATAL:  database \"shop\" does not exist", "no database \"shop\""),
            ("FATAL:  password authentication failed for user \"vouch\"", "refused the password of \"vouch\""),
            ("fe_sendauth: no password supplied", "refused the password"),
            ("FATAL:  role \"ghost\" does not exist", "no role \"ghost\""),
            ("FATAL:  no pg_hba.conf entry for host \"10.0.0.1\"", "pg_hba.conf"),
            ("could not translate host name \"db\" to address", "has no address"),
            ("SSL error: certificate verify failed", "no TLS connection"),
            ("session is read-only", "add the primary"),
            ("Connection refused", "can't be reached"), ("no connection within 5.0 seconds to db", "can't be reached"),
        ])
    func databaseSentences(message: String, part: String) {
        let failure = CommandFailure(
            explaining: PostgresError(.connectionFailed, message: "connection failed: \(message)"))
        #expect(failure.sentence.contains(part))
        #expect(failure.exit == .failure && !failure.sentence.contains("\n"))
    }

    @Test("libpq's complaint about a URI, which can quote the password, is not repeated")
    func faultyURI() {
        let error = PostgresError(.connectionFailed, message: "the database URL is faulty: unexpected \"hunter2\"")
        #expect(!CommandFailure(explaining: error).sentence.contains("hunter2"))
        let unknown = PostgresError(.server, sqlState: "22P02", message: "invalid input: hunter2", detail: "hunter2")
        #expect(!CommandFailure(explaining: unknown).sentence.contains("hunter2"))
    }

    @Test("a missing schema, an old one and a login without rights say which command helps")
    func schemaSentences() {
        #expect(CommandFailure(explaining: SchemaFault.missing).sentence.contains("vouch migrate"))
        #expect(CommandFailure(explaining: SchemaFault.old(has: 1, needs: 2)).sentence.contains("vouch migrate"))
        for state in ["42P01", "42704", "42501"] {
            let error = PostgresError(.server, sqlState: state, message: "hunter2")
            #expect(CommandFailure(explaining: error).sentence.contains("vouch migrate"))
        }
    }

    @Test("a replay that can't read the database doesn't end as one that found a difference")
    func unreadableLedger() {
        let failure = Replay.explain(PostgresError(.connectionFailed, message: "Connection refused"))
        #expect(failure.exit == .couldNot && failure.sentence.contains("can't be reached"))
    }

    @Test("an error that nobody thought of shows its type and nothing else")
    func unexpected() {
        struct Odd: Error { let secret = "hunter2" }
        let outcome = Vouch.Outcome(of: Odd(), arguments: ["serve"])
        #expect(outcome.code == 1 && outcome.complaint?.contains("Odd") == true)
        #expect(outcome.complaint?.contains("hunter2") == false)
    }

    @Test("migrate prints a line for each applied file, or that the schema is current")
    func migrationLines() {
        #expect(Migrate.lines(applied: ["000001_a.sql", "000002_b.sql"], current: 2).count == 2)
        #expect(Migrate.lines(applied: [], current: 7) == ["schema is current (7)"])
    }

    @Test("the list of keys is a table on one line each, whatever a name holds")
    func keyTable() {
        let made = Instant(millisecondsSince1970: 0)
        let table = Keys.List.table(of: [
            StoredKey(id: 1, name: "a\nb\u{1B}", roles: [.support, .app], createdAt: made, revokedAt: nil),
            StoredKey(id: 20, name: "x", roles: [.finance], createdAt: made, revokedAt: made),
        ])
        #expect(table[0].split(separator: " ") == ["ID", "NAME", "ROLES", "CREATED", "REVOKED"])
        #expect(table[1].contains("app,support") && table[1].hasSuffix("  -"))
        #expect(table.allSatisfy { $0.unicodeScalars.allSatisfy(Printable.isPrintable) })
        let column = table.map {
            $0.distance(from: $0.startIndex, to: $0.firstRange(of: "1970")?.lowerBound ?? $0.startIndex)
        }
        #expect(column[1] == column[2])
    }

    @Test("keys are vouch_ and 43 characters, all different, and never printed by accident")
    func keyText() throws {
        var generator = SystemRandomNumberGenerator()
        let keys = (0..<100).map { _ in KeyText(using: &generator) }
        #expect(Set(keys.map { $0.reveal() }).count == keys.count)
        for key in keys { #expect(key.reveal().wholeMatch(of: /vouch_[A-Za-z0-9_-]{43}/) != nil) }
        let key = keys[0]
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(reflecting: key), dumped] { #expect(!text.contains(key.reveal().suffix(43))) }
        #expect(key.sha256 == KeyText.sha256(of: key.reveal()) && key.sha256.count == 32)
    }

    @Test("a key's text is base64url of its bytes")
    func keyBytes() {
        /// Gives the same bytes for ever.
        struct Ones: RandomNumberGenerator { func next() -> UInt64 { .max } }
        var ones = Ones()
        #expect(KeyText(using: &ones).reveal() == "vouch_" + String(repeating: "_", count: 42) + "8")
    }
}
