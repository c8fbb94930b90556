import ArgumentParser
import FoundationEssentials
import Logging
import Postgres
import PurchaseStore

/// The option that every command has.
struct ConfigOptions: ParsableArguments {
    @Option(name: .customLong("config"), help: "A YAML file with settings; the environment wins over it.")
    var path: String?

    /// The environment of the process.
    static var environment: [String: String] { ProcessInfo.processInfo.environment }
}

extension DatabaseSettings {
    /// What a short command logs: its own sentence says what went wrong, unless somebody asked for more.
    var shortCommandLogLevel: Logger.Level { logLevel < .info ? logLevel : .error }

    /// Runs work with a client of a few connections in a role (`nil` keeps the login's), and closes it.
    ///
    /// `bounds` are the client's, unless the usual ones will do.
    func withClient<Value>(
        role: String?, bounds: PostgresConfiguration? = nil, logger: Logger,
        _ body: (PostgresClient) async throws -> Value
    ) async throws -> Value {
        var configuration = bounds ?? PostgresConfiguration(uri: databaseURL)
        configuration.sessionRole = role
        if bounds == nil { configuration.readConnectionsMax = 2 }
        let client = PostgresClient(configuration: configuration, logger: logger)
        do {
            let value = try await body(client)
            await client.close()
            return value
        } catch {
            await client.close()
            throw error
        }
    }

    /// The same in the service's role, once the schema and that role are as they must be.
    func withServiceClient<Value>(
        bounds: PostgresConfiguration? = nil, logger: Logger, _ body: (PostgresClient) async throws -> Value
    ) async throws -> Value {
        try await withClient(role: Migrator.serviceRole, bounds: bounds, logger: logger) { client in
            try await SchemaCheck.check(client)
            return try await body(client)
        }
    }
}
