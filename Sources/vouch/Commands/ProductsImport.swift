import ArgumentParser
import Glibc
import Logging
import PurchaseCore

extension Products {
    /// `vouch products import`: shows what a catalogue would change, and puts it in force once confirmed.
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what a catalogue would change, ask, and put it in force.",
            discussion: """
                Every server takes it up within seconds, without a restart, and decides again what it changes. Exit code: \
                0 imported, shown (--dry-run) or nothing to change; 1 refused, faulty or not confirmed; 2 could not be \
                done.
                """)

        /// The most examples of one figure.
        static let examplesMax = 1_000

        @Argument(help: "A YAML or JSON file with `products`; - reads standard input, and needs --yes or --dry-run.")
        var file: String

        @Flag(help: "Stop after showing what would change.")
        var dryRun = false

        @Flag(help: "Import without asking.")
        var yes = false

        @Option(help: "Transactions named for each figure, 0 to 1000.")
        var examples = 5

        @Flag(help: "Also name the accounts of these transactions.")
        var accounts = false

        @Option(name: .customLong("by"), help: "Who imports, for the history; the system's user, unless given.")
        var importedBy: String?

        @OptionGroup var config: ConfigOptions

        func validate() throws {
            guard (0...Self.examplesMax).contains(examples) else {
                throw ValidationError("--examples is a number from 0 to \(Self.examplesMax)")
            }
            if let importedBy, !Self.isName(importedBy) {
                throw ValidationError("--by must have 1 to 100 characters on one line and no space at its ends")
            }
        }

        func run() async throws {
            let settings = try ProductsSettings.load(
                environment: ConfigOptions.environment, configPath: config.path)
            let document = try Self.read(file)
            let logger = Logger.bootstrapVouch(level: settings.database.shortCommandLogLevel)
            let display = CatalogueProgress(isTerminal: BackfillDisplay.standardErrorIsTerminal)
            do {
                let outcome = try await settings.database.withServiceClient(logger: logger) { client in
                    try await CatalogueImport(
                        client: client, settings: settings, options: options, now: { UTCTime.now },
                        output: { Console.output($0) }, notice: { Console.error("vouch: " + $0) },
                        progress: { display.show($0) }, confirm: { try confirm(display) }
                    ).run(document)
                }
                Console.output(Self.sentence(outcome))
            } catch let failure as CommandFailure {
                throw failure
            } catch {
                throw CommandFailure(CommandFailure(explaining: error).sentence, exit: .couldNot)
            }
        }

        private var options: CatalogueImport.Options {
            CatalogueImport.Options(
                examplesMax: examples, showsAccounts: accounts, isDryRun: dryRun,
                importedBy: importedBy ?? Self.systemUser)
        }

        /// Reads the file; prints each of its faults, by path.
        static func read(_ path: String) throws(CommandFailure) -> CatalogueDocument {
            let name = path == "-" ? "standard input" : Printable.quote(path)
            let bytes: [UInt8]
            do throws(InputFile.Fault) {
                bytes = try InputFile.read(path, bytesMax: SettingsFile.bytesMax)
            } catch {
                throw CommandFailure("\(name): \(error)", exit: .couldNot)
            }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw CommandFailure("\(name): the file is not UTF-8 text; save it as UTF-8")
            }
            do throws(SettingsFaults) {
                return try CatalogueDocument(yaml: text, name: name)
            } catch {
                for fault in error.faults { Console.error(fault.description) }
                throw CommandFailure(
                    "not imported: \(error.faults.count) \(error.faults.count == 1 ? "fault" : "faults") in \(name)")
            }
        }

        /// Asks on the terminal; without one there is nobody to ask.
        private func confirm(_ display: CatalogueProgress) throws(CommandFailure) -> Bool {
            if yes { return true }
            guard file != "-", isatty(STDIN_FILENO) == 1, display.isTerminal else {
                throw CommandFailure(
                    "not imported: there is no terminal to ask on; give --yes to import without asking")
            }
            Console.writeError("Import this catalogue? [y/N] ")
            let answer = readLine()?.trimmed.lowercased()
            return answer == "y" || answer == "yes"
        }

        /// The last line.
        static func sentence(_ outcome: CatalogueImport.Outcome) -> String {
            switch outcome {
            case .unchanged(0): "nothing to change: there is no catalogue, and this one lists nothing"
            case .unchanged(let number): "nothing to change: catalogue \(number) has the same products"
            case .shown: "not imported: --dry-run"
            case .imported(let number): "imported as catalogue \(number); every server takes it up within seconds"
            }
        }

        private static func isName(_ text: String) -> Bool {
            (1...100).contains(text.unicodeScalars.count) && text == text.trimmed
                && text.unicodeScalars.allSatisfy(Printable.isPrintable)
        }

        /// Who runs this process.
        private static var systemUser: String {
            let id = geteuid()
            guard let entry = getpwuid(id), let name = entry.pointee.pw_name else { return "user \(id)" }
            let text = Printable.escape(String(cString: name), scalarsMax: 90)
            return isName(text) ? text : "user \(id)"
        }
    }
}

/// How far the look at the stored purchases is, on standard error: one line that is written over on a terminal, else a
/// line now and then.
struct CatalogueProgress: Sendable {
    /// Chains between two lines where nobody looks.
    static let linesEvery: Int64 = 10_000

    /// Whether somebody looks at it.
    let isTerminal: Bool

    /// Shows what is done so far; `nil` when all is.
    func show(_ effect: PolicyEffect?) {
        if let text = text(effect) { Console.writeError(text) }
    }

    /// What is written; `nil` for nothing.
    func text(_ effect: PolicyEffect?) -> String? {
        guard let effect else { return isTerminal ? "\r\u{1B}[K" : nil }
        let line = "\(effect.decided) originals looked at, \(effect.changed) would change"
        if isTerminal { return "\r\(line)\u{1B}[K" }
        // A page has fewer chains than lie between two lines, so none is passed over, and few are written twice.
        let isDue = effect.decided >= Self.linesEvery && effect.decided % Self.linesEvery < 100
        return isDue ? line + "\n" : nil
    }
}
