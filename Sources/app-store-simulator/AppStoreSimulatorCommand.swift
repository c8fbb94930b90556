import AppStoreSimulator
import ArgumentParser
import Hummingbird
import Logging

/// The command `app-store-simulator`.
@main
struct AppStoreSimulatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "app-store-simulator",
        abstract: "A fake App Store with a root of its own, for tests and demonstrations.",
        subcommands: [Serve.self], defaultSubcommand: Serve.self)
}
