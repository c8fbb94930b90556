import ArgumentParser
import Logging
import PurchaseCore
import PurchaseStore

/// `vouch replay --check`: whether the stored state is what the ledger's events say.
struct Replay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Replay the ledger's events and compare them with the stored state.",
        discussion: """
            Reads only, and may run beside a service that writes. Each chain that differs is a line on standard output: \
            its number, some of its transactions, and what differs. Ends with 1 when any does, and with 2 when the \
            database can't be read.
            """)

    @Flag(help: "Compare; there is nothing else to do yet, so it must be given.")
    var check = false

    @OptionGroup var config: ConfigOptions

    func validate() throws {
        guard check else { throw ValidationError("--check is missing: vouch replay --check") }
    }

    func run() async throws {
        let settings = try DatabaseSettings.load(
            environment: ConfigOptions.environment, configPath: config.path)
        let logger = Logger.bootstrapVouch(level: settings.shortCommandLogLevel)
        let showsProgress = BackfillDisplay.standardErrorIsTerminal
        let total: ReplayCheck.Progress
        do {
            total = try await settings.withServiceClient(logger: logger) { client in
                try await ReplayCheck(store: LedgerStore(client: client)).run(
                    found: { Console.output(Self.line($0)) },
                    progress: { progress in
                        if showsProgress { Console.writeError("\r\(Self.summary(progress))") }
                    })
            }
        } catch {
            throw Self.explain(error)
        }
        if showsProgress { Console.writeError("\n") }
        Console.error(Self.summary(total))
        guard total.differences == 0 else {
            throw CommandFailure(
                "\(total.differences) of \(total.chains) chains differ from their events; see docs/ledger.md")
        }
    }

    /// Why nothing can be said of the ledger; never with the exit code of a difference.
    static func explain(_ error: any Error) -> CommandFailure {
        CommandFailure(CommandFailure(explaining: error).sentence, exit: .couldNot)
    }

    /// `chain 7 (transactions 100, 101): grants, entitlements`.
    static func line(_ difference: ReplayCheck.Difference) -> String {
        let ids = difference.transactions.map(\.rawValue).joined(separator: ", ")
        let place = ids.isEmpty ? "" : " (transactions \(ids))"
        return "chain \(difference.chainID.rawValue)\(place): \(difference.parts.joined(separator: ", "))"
    }

    /// `12 chains, 40 events, 0 differences`.
    static func summary(_ progress: ReplayCheck.Progress) -> String {
        "\(progress.chains) chains, \(progress.events) events, \(progress.differences) differences"
    }
}
