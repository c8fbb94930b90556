import ArgumentParser
import Glibc

/// The command `vouch`.
@main
struct Vouch: AsyncParsableCommand {
    /// The version of the program; also in its User-Agent.
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "vouch",
        abstract: "Decides whether App Store in-app purchases are real, whose they are, and what they entitle to.",
        discussion: """
            Settings come from the environment (VOUCH_…) or from the YAML file of --config; the environment wins. \
            docs/configuration.md explains each, docs/commands.md each command.
            """,
        version: version,
        subcommands: [
            Serve.self, Migrate.self, Keys.self, Products.self, Backfill.self, Export.self, Reconcile.self,
            Doctor.self, Replay.self, Verify.self,
        ])

    /// Parses the arguments, runs the command, and ends the process with the exit code of `docs/commands.md`.
    static func main() async {
        if let outcome = await run(Array(CommandLine.arguments.dropFirst())) { Glibc.exit(outcome.report()) }
    }

    /// Parses arguments, without the program's name, and runs the command; `nil` when it did what it should.
    static func run(_ arguments: [String]) async -> Outcome? {
        do {
            var command = try await command(for: arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return nil
        } catch {
            return Outcome(of: error, arguments: arguments)
        }
    }

    /// The command that arguments, without the program's name, stand for; throws what ``Outcome`` explains.
    static func command(for arguments: [String]) async throws -> any ParsableCommand {
        try await asyncParseAsRoot(arguments)
    }

    /// What is shown of an error, and the exit code.
    struct Outcome: Equatable {
        /// For standard output: help and version.
        var output: String?
        /// For standard error, whole lines.
        var complaint: String?
        /// 0–255.
        var code: Int32

        /// Takes the arguments of the process too, since `verify` has exit codes of its own.
        init(of error: any Error, arguments: [String]) {
            let isVerify = arguments.first == "verify"
            switch error {
            case let faults as SettingsFaults:
                complaint = faults.description
                code = isVerify ? VerifyExit.undetermined.rawValue : CommandExit.settings.rawValue
            case let failure as CommandFailure:
                complaint = "vouch: \(failure.sentence)"
                code = failure.exit.rawValue
            case let exit as VerifyExit:
                code = exit.rawValue
            case let exit as DoctorExit:
                code = exit.rawValue
            default:
                let parsed = Vouch.exitCode(for: error)
                let message = Vouch.fullMessage(for: error)
                if parsed.isSuccess {
                    output = message
                    code = 0
                } else if parsed == .validationFailure {
                    complaint = message
                    code = isVerify ? VerifyExit.undetermined.rawValue : CommandExit.usage.rawValue
                } else {
                    complaint = "vouch: \(CommandFailure(explaining: error).sentence)"
                    code = isVerify ? VerifyExit.undetermined.rawValue : CommandExit.failure.rawValue
                }
            }
        }

        /// Prints, and gives the exit code back.
        func report() -> Int32 {
            if let output, !output.isEmpty { Console.output(output) }
            if let complaint, !complaint.isEmpty { Console.error(complaint) }
            return code
        }
    }
}
