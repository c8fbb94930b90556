import ArgumentParser
import Logging
import PurchaseStore

/// `vouch migrate`: brings the database to the schema that this version needs.
struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring the database to the schema that this version needs.",
        discussion: """
            Needs VOUCH_DATABASE_URL with the login that owns the database. Creates the role vouch_service, which every \
            other command works as; a login that may not create roles gets the SQL to run by hand. Runs that happen at \
            the same time wait for each other, and a repeat changes nothing.
            """)

    @OptionGroup var config: ConfigOptions

    func run() async throws {
        let settings = try DatabaseSettings.load(
            environment: ConfigOptions.environment, configPath: config.path)
        let logger = Logger.bootstrapVouch(level: settings.shortCommandLogLevel)
        let report = try await settings.withClient(role: nil, logger: logger) { client in
            try await Migrator(client: client, logger: logger).migrate()
        }
        for line in Self.lines(applied: report.applied, current: report.current) { Console.output(line) }
    }

    /// A line for each applied file, or one that says that nothing was to do.
    static func lines(applied: [String], current: Int64) -> [String] {
        if applied.isEmpty { return ["schema is current (\(current))"] }
        return applied.map { "applied \($0)" }
    }
}
