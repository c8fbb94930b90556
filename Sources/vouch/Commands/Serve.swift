import ArgumentParser
import Logging
import ServiceLifecycle

/// What one process of the service does.
enum ServeRole: String, CaseIterable, Sendable, ExpressibleByArgument {
    /// Answers HTTP; rechecks are left to others.
    case api
    /// Rechecks and other work of the background; answers no HTTP but the operator's.
    case worker
    /// Both.
    case all
}

/// `vouch serve`: runs the service until SIGTERM or SIGINT.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the service until SIGTERM or SIGINT.",
        discussion: """
            All faults of the settings are listed at once, before anything is started. On SIGTERM, requests under way \
            are answered first.
            """)

    @Option(help: "What this process does.")
    var role = ServeRole.all

    @OptionGroup var config: ConfigOptions

    func run() async throws {
        let settings = try Settings.load(environment: ConfigOptions.environment, configPath: config.path)
        let logger = Logger.bootstrapVouch(level: settings.logLevel)
        let service = try await buildService(settings: settings, role: role, logger: logger)
        try await service.run()
    }
}
