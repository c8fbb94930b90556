import Logging
import Postgres

/// A logger that keeps quiet: the tests break connections on purpose.
let quiet: Logger = {
    var logger = Logger(label: "postgres.tests")
    logger.logLevel = .critical
    return logger
}()

/// Runs the body against a new database on the shared cluster, which is dropped afterwards.
func withDatabase<Value>(
    on cluster: String = TestCluster.uri, _ body: (String) async throws -> Value
) async throws -> Value {
    let name = "test_" + String(UInt64.random(in: 0..<UInt64.max), radix: 36)
    let server = PostgresClient(configuration: PostgresConfiguration(uri: cluster), logger: quiet)
    try await server.withSession { try await $0.execute(script: SQL(unsafe: "CREATE DATABASE \(name)")) }
    let result: Result<Value, any Error>
    do {
        result = .success(try await body(replaceDatabase(of: cluster, by: name)))
    } catch {
        result = .failure(error)
    }
    try await server.withSession { try await $0.execute(script: SQL(unsafe: "DROP DATABASE \(name) WITH (FORCE)")) }
    await server.close()
    return try result.get()
}

/// Runs the body with a client of its own on a new database, and closes it afterwards.
func withClient<Value>(
    _ configure: (inout PostgresConfiguration) -> Void = { _ in }, _ body: (PostgresClient) async throws -> Value
) async throws -> Value {
    try await withDatabase { uri in
        var configuration = PostgresConfiguration(uri: uri)
        configure(&configuration)
        return try await withOpen(configuration, body)
    }
}

/// Runs the body with a client and closes it afterwards.
func withOpen<Value>(
    _ configuration: PostgresConfiguration, _ body: (PostgresClient) async throws -> Value
) async throws -> Value {
    let client = PostgresClient(configuration: configuration, logger: quiet)
    do {
        let value = try await body(client)
        await client.close()
        return value
    } catch {
        await client.close()
        throw error
    }
}

/// The same server, another database.
func replaceDatabase(of uri: String, by name: String) -> String {
    let parts = uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let base = parts[0].split(separator: "/", omittingEmptySubsequences: false)
    let path = base.count > 3 ? base.dropLast() : base
    return (path + [Substring(name)]).joined(separator: "/") + (parts.count > 1 ? "?" + parts[1] : "")
}

/// The error a call threw, or nil.
func failure(_ body: () async throws -> Void) async -> PostgresError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? PostgresError
    }
}
