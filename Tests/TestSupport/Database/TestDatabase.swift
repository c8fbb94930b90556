import Foundation
package import Logging
package import Postgres
import PurchaseStore
import Synchronization

/// A database of one test, cloned from a template that is migrated once per run.
package struct TestDatabase: Sendable {
    /// A libpq URI with the rights of the cluster's owner.
    package let uri: String

    /// The cluster: given by `make test`, else a private one under `.run/`, started here and left running.
    package static let server: String = {
        if let given = ProcessInfo.processInfo.environment["VOUCH_TEST_DATABASE_URL"], !given.isEmpty { return given }
        do {
            return try Shell.run([Checkout.path("scripts/cluster"), "start"])
        } catch {
            fatalError("no test cluster: \(error)")
        }
    }()

    private static let template = OnceAsync { () async throws -> String in
        let name = "vouch_template_\(ProcessInfo.processInfo.processIdentifier)"
        try await administrate("DROP DATABASE IF EXISTS \(name)")
        try await administrate("CREATE DATABASE \(name)")
        try await withClient(uri(of: name)) { client in
            _ = try await Migrator(client: client, logger: silent).migrate()
        }
        return name
    }

    /// A logger that says nothing.
    package static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs a test with a database of its own, and drops it afterwards.
    @discardableResult
    package static func withDatabase<Value>(
        migrated: Bool = true, _ body: (TestDatabase) async throws -> Value
    ) async throws -> Value {
        precondition(server.contains("127.0.0.1") || server.contains("localhost"), "tests run on this machine alone")
        await places.take()
        let result: Result<Value, any Error>
        do {
            result = .success(try await withOneOfThem(migrated: migrated, body))
        } catch {
            result = .failure(error)
        }
        await places.giveBack()
        return try result.get()
    }

    /// Tests at work at once; all of them together would keep none of their servers' deadlines on a small machine.
    private static let places = Places(8)

    private static func withOneOfThem<Value>(
        migrated: Bool, _ body: (TestDatabase) async throws -> Value
    ) async throws -> Value {
        let name = "vouch_test_\(UUID().uuidString.lowercased().replacing("-", with: ""))"
        if migrated {
            let source = try await template.value()
            try await administrate("CREATE DATABASE \(name) TEMPLATE \(source)")
        } else {
            try await administrate("CREATE DATABASE \(name)")
        }
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(TestDatabase(uri: uri(of: name))))
        } catch {
            result = .failure(error)
        }
        try await administrate("DROP DATABASE IF EXISTS \(name) WITH (FORCE)")
        return try result.get()
    }

    /// A client with the cluster owner's rights, closed afterwards.
    @discardableResult
    package static func withClient<Value>(
        _ uri: String, role: String? = nil, prelude: SQL? = nil, _ body: (PostgresClient) async throws -> Value
    ) async throws -> Value {
        var configuration = PostgresConfiguration(uri: uri)
        configuration.sessionRole = role
        configuration.commitPrelude = prelude
        if prelude != nil { configuration.commitSettings = LedgerStore.commitSettings }
        // Making and dropping databases waits for checkpoints, and the machine may be busy.
        configuration.statementTimeout = .seconds(120)
        let client = PostgresClient(configuration: configuration, logger: silent)
        do {
            let value = try await body(client)
            await client.close()
            return value
        } catch {
            await client.close()
            throw error
        }
    }

    /// A client as the service has it: its role, and the ledger lock before every commit.
    @discardableResult
    package func withServiceClient<Value>(_ body: (PostgresClient) async throws -> Value) async throws -> Value {
        try await Self.withClient(
            uri, role: Migrator.serviceRole, prelude: LedgerStore.ledgerLockStatement, body)
    }

    /// A client with the owner's rights, for looking behind the service's back.
    @discardableResult
    package func withOwnerClient<Value>(_ body: (PostgresClient) async throws -> Value) async throws -> Value {
        try await Self.withClient(uri, body)
    }

    /// Returns once nobody else is connected: a connection's counts in PostgreSQL's statistics are there when it has ended.
    package func othersEnded(_ client: PostgresClient) async throws {
        // Connections end slowly on a busy machine.
        for _ in 0..<20_000 {
            let others = try await client.query(
                """
                SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                    AND backend_type = 'client backend' AND pid <> pg_backend_pid()
                """)
            if try others[0].decode(0, as: Int64.self) == 0 { return }
        }
    }

    private static func uri(of database: String) -> String {
        let end = server.lastIndex(of: "/") ?? server.endIndex
        return server[..<end] + "/" + database
    }

    /// One statement that no transaction may hold; creating from a template waits for its turn.
    private static func administrate(_ statement: String) async throws {
        try await turn.run {
            try await withClient(server) { client in _ = try await client.query(SQL(unsafe: statement)) }
        }
    }

    private static let turn = Turn()
}

/// Lets one at a time through: PostgreSQL refuses two copies of a template at once.
private actor Turn {
    private var isTaken = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    func run(_ body: @Sendable () async throws -> Void) async throws {
        if isTaken {
            await withCheckedContinuation { waiters.append($0) }
        } else {
            isTaken = true
        }
        defer { next() }
        try await body()
    }

    private func next() {
        if waiters.isEmpty { isTaken = false } else { waiters.removeFirst().resume() }
    }
}

/// A value made by the first who asks.
private actor OnceAsync<Value: Sendable> {
    private let make: @Sendable () async throws -> Value
    private var task: Task<Value, any Error>?

    init(_ make: @escaping @Sendable () async throws -> Value) { self.make = make }

    func value() async throws -> Value {
        let running = task ?? Task { try await make() }
        task = running
        return try await running.value
    }
}

/// Where the checkout is.
package enum Checkout {
    /// The absolute path of a file of the checkout.
    package static func path(_ relative: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: relative).path(percentEncoded: false)
    }
}

/// Runs programs to their end.
package enum Shell {
    /// A program that ended with another code than 0.
    package struct Failure: Error {
        /// Its exit code.
        package let code: Int32
        /// What it printed, both streams.
        package let output: String

        /// Takes both.
        package init(code: Int32, output: String) {
            self.code = code
            self.output = output
        }
    }

    /// Runs a program and returns what it printed, without the last newline.
    @discardableResult
    package static func run(_ arguments: [String], environment: [String: String]? = nil) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        if let environment { process.environment = environment }
        // A file, not a pipe: a server started in there would keep a pipe open for ever.
        let file = FileManager.default.temporaryDirectory.appending(path: "vouch-\(UUID().uuidString).out")
        _ = FileManager.default.createFile(atPath: file.path, contents: nil)
        defer { try? FileManager.default.removeItem(at: file) }
        let handle = try FileHandle(forWritingTo: file)
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
        process.waitUntilExit()
        let output = try String(contentsOf: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        if process.terminationStatus != 0 { throw Failure(code: process.terminationStatus, output: output) }
        return output
    }
}

/// So many at once; the others wait in order.
private actor Places {
    private var free: Int
    private var waiters: [CheckedContinuation<Void, Never>] = []

    init(_ count: Int) { free = count }

    func take() async {
        guard free == 0 else {
            free -= 1
            return
        }
        await withCheckedContinuation { waiters.append($0) }
    }

    func giveBack() {
        guard !waiters.isEmpty else {
            free += 1
            return
        }
        waiters.removeFirst().resume()
    }
}
