import ArgumentParser
import Logging
import PurchaseCore
import PurchaseService
import PurchaseStore

/// `vouch export`: what the ledger knows, in files.
struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write what the ledger knows into files.", subcommands: [PaidRecords.self])

    /// `vouch export paid-records`: the same rows as `GET /v1/exports/paid-records`.
    struct PaidRecords: AsyncParsableCommand {
        /// The longest that one export may take.
        private static let timeMax: Duration = .seconds(6 * 3_600)

        static let configuration = CommandConfiguration(
            commandName: "paid-records",
            abstract: "Write the movements of money of a period: sales, refunds, reversals.",
            discussion: """
                Dates are days in --tz, or RFC 3339 instants; --to is not included. The file appears under its name when it \
                is complete. Totals, the ledger position and the SHA-256 go to standard error; docs/export.md explains \
                every column. Ends with 2 when the ledger has not come as far as --as-of.
                """)

        @Option(help: "The beginning, such as 2026-11-01 or 2026-11-01T00:00:00Z.")
        var from: PeriodBoundary

        @Option(help: "The end, which is not included.")
        var to: PeriodBoundary

        @Option(help: "The IANA time zone in which days begin.")
        var tz = "UTC"

        @Option(help: "The ledger position up to which events count; the newest, unless given.")
        var asOf: Int64?

        @Option(help: "csv or ndjson.")
        var format = ExportFormat.csv

        @Option(help: "Production or Sandbox.")
        var environment = StoreEnvironment.production

        @Option(help: "The file to write, or - for standard output.")
        var output = "-"

        @Flag(help: "Begin a CSV file with a byte order mark.")
        var bom = false

        @OptionGroup var config: ConfigOptions

        func validate() throws {
            guard PaidRecordsQuery.isTimeZoneName(tz) else {
                throw ValidationError("--tz \(Printable.quote(tz)) is no IANA time zone, such as Europe/Berlin or UTC")
            }
            guard asOf.map({ $0 >= 0 }) ?? true else {
                throw ValidationError("--as-of is a ledger position, from 0 on")
            }
            guard format == .csv || !bom else { throw ValidationError("--bom is for --format csv") }
        }

        func run() async throws {
            let settings = try DatabaseSettings.load(environment: ConfigOptions.environment, configPath: config.path)
            let logger = Logger.bootstrapVouch(level: settings.shortCommandLogLevel)
            let result = await UntilSignal.run { () async -> Result<Void, CommandFailure> in
                do {
                    let bounds = PaidRecordsStore.configuration(uri: settings.databaseURL, streamsMax: 1)
                    try await settings.withServiceClient(bounds: bounds, logger: logger) { client in
                        let finance = Finance(
                            records: PaidRecordsStore(client: client), coverage: LedgerStore(client: client))
                        try await write(with: finance)
                    }
                    return .success(())
                } catch {
                    return .failure(Self.explain(error, output: output))
                }
            }
            try result.get()
        }

        /// Writes the file and says what is in it.
        func write(with finance: Finance) async throws {
            let query = PaidRecordsQuery(from: from, to: to, timeZone: tz, asOf: asOf, environment: environment)
            let head = try await finance.head(of: query)
            let target = try ExportOutput(path: output)
            var display = ExportDisplay(total: head.totals.rows, isTerminal: BackfillDisplay.standardErrorIsTerminal)
            do {
                let format: PaidRecordsFormat = format == .csv ? .csv(byteOrderMark: bom) : .ndjson
                try await finance.write(
                    head, as: format, within: Self.timeMax,
                    progress: { rows in Console.writeError(display.text(after: rows)) },
                    to: { bytes in
                        try Task.checkCancellation()
                        try target.write(bytes)
                    })
                try target.finish()
            } catch {
                target.discard()
                Console.writeError(display.interruption)
                throw error
            }
            for line in ExportDisplay.summary(of: head, sha256: target.sha256) { Console.error(line) }
        }

        /// What went wrong, for the operator; `output` is where the rows went.
        static func explain(_ error: any Error, output: String) -> CommandFailure {
            if error is CancellationError || Task.isCancelled {
                let outcome =
                    output == "-"
                    ? "what was written to standard output is incomplete" : "no file was written"
                return CommandFailure("interrupted: \(outcome)", exit: .interrupted)
            }
            guard let error = error as? ServiceError else { return CommandFailure(explaining: error) }
            switch error {
            case .asOfNotSettled:
                return CommandFailure(
                    "the ledger has not come as far as --as-of: leave it out for the newest position, or try again later",
                    exit: .couldNot)
            case .invalid(let parameter, let rule):
                return CommandFailure("--\(parameter): \(rule)", exit: .usage)
            case .overloaded, .rateLimited: return CommandFailure("PostgreSQL is busy: try again in a moment")
            case .unavailable:
                return CommandFailure("PostgreSQL could not be read to the end: see its log, then try again")
            case .fault(let cause): return CommandFailure(Printable.escape(cause, scalarsMax: 1_000))
            // None of these is an export's.
            case .notFound, .orderNotFound, .evidenceErased, .appStoreUnavailable, .grantCancelled, .overrideLimit,
                .identityUnavailable, .beingErased:
                return CommandFailure(explaining: error)
            }
        }
    }
}

/// What a file of paid records looks like.
enum ExportFormat: String, ExpressibleByArgument, CaseIterable {
    case csv
    case ndjson
}

extension PeriodBoundary: ExpressibleByArgument {
    /// Reads a day or an instant; `nil` for anything else.
    package init?(argument: String) { self.init(argument) }
}
