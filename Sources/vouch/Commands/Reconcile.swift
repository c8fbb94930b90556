import ArgumentParser
import Logging
import PurchaseCore
import PurchaseService
import PurchaseStore

/// `vouch reconcile`: Apple's sales reports against the ledger.
struct Reconcile: AsyncParsableCommand {
    /// The longest that one reading of the ledger may take.
    private static let readingMax: Duration = .seconds(3_600)

    static let configuration = CommandConfiguration(
        abstract: "Compare Apple's sales reports with the ledger.",
        discussion: """
            Takes Summary Sales Reports of App Store Connect (daily, weekly or monthly; text or gzip), and compares units \
            and customer price by Apple's day, product, storefront and currency. What differs is explained by rows of \
            the ledger where they add up to it. Ends with 1 when nothing explains a difference, and with 2 when a \
            report or the database can't be read, or when the ledger or the reports are not complete for a difference. \
            It says nothing about what Apple pays for a transaction. docs/reconciling.md explains every line.
            """)

    @Option(name: .customLong("sales"), parsing: .upToNextOption, help: "The reports.")
    var files: [String]

    @Option(help: "A day without any sale, of which Apple made no report, such as 2026-11-20; may be given often.")
    var noSales: [CalendarDay] = []

    @Option(help: "The SKU of the app, when the reports have In-App Purchases of several.")
    var appSku: String?

    @Option(help: "The IANA time zone in which the reports' days begin.")
    var tz = "America/Los_Angeles"

    @Option(help: "The ledger position up to which events count; the newest, unless given.")
    var asOf: Int64?

    @Flag(help: "Print JSON in place of text.")
    var json = false

    @OptionGroup var config: ConfigOptions

    func validate() throws {
        guard !files.isEmpty else { throw ValidationError("--sales needs at least one file") }
        guard PaidRecordsQuery.isTimeZoneName(tz) else {
            throw ValidationError(
                "--tz \(Printable.quote(tz)) is no IANA time zone, such as America/Los_Angeles or UTC")
        }
        guard asOf.map({ $0 >= 0 }) ?? true else {
            throw ValidationError("--as-of is a ledger position, from 0 on")
        }
    }

    func run() async throws {
        let settings = try DatabaseSettings.load(environment: ConfigOptions.environment, configPath: config.path)
        let logger = Logger.bootstrapVouch(level: settings.shortCommandLogLevel)
        let reports = try readReports()
        let appSKU = try appSKU(of: reports)
        let result = await UntilSignal.run { () async -> Result<TieOutReport, CommandFailure> in
            do {
                let bounds = PaidRecordsStore.configuration(uri: settings.databaseURL, streamsMax: 1)
                return .success(
                    try await settings.withServiceClient(bounds: bounds, logger: logger) { client in
                        let store = PaidRecordsStore(client: client)
                        let tieOut = SalesTieOut(
                            records: store, explanations: store, coverage: LedgerStore(client: client))
                        return try await tieOut.run(
                            reports, appSKU: appSKU, timeZone: tz, asOf: asOf, within: Self.readingMax)
                    })
            } catch {
                return .failure(Self.explain(error))
            }
        }
        let report = try result.get()
        let display = ReconcileDisplay(report: report, reports: reports)
        for line in json ? [display.json] : display.lines { Console.output(line) }
        if let failure = Self.failure(of: report) { throw failure }
    }

    /// Reads every file, and the days without any.
    func readReports() throws(CommandFailure) -> SalesReports {
        var reports = SalesReports()
        for file in files { try ReportFile.read(file, into: &reports) }
        for day in noSales {
            do {
                try reports.addEmptyDay(day)
            } catch {
                throw CommandFailure("--no-sales: \(error.sentence)", exit: .usage)
            }
        }
        return reports
    }

    /// The app that is meant: one that the reports have, unless they have none at all.
    func appSKU(of reports: SalesReports) throws(CommandFailure) -> String {
        let names = reports.appSKUs.prefix(20).map { Printable.quote($0) }.joined(separator: ", ")
        if let appSku {
            guard reports.appSKUs.isEmpty || reports.appSKUs.contains(appSku) else {
                throw CommandFailure(
                    "--app-sku \(Printable.quote(appSku)): the reports have no In-App Purchases of this app, only of "
                        + names,
                    exit: .usage)
            }
            return appSku
        }
        guard reports.appSKUs.count <= 1 else {
            throw CommandFailure(
                "the reports have In-App Purchases of several apps: name yours with --app-sku, one of \(names)",
                exit: .usage)
        }
        return reports.appSKUs.first ?? ""
    }

    /// How the command ends: `nil` when everything ties out or is explained.
    static func failure(of report: TieOutReport) -> CommandFailure? {
        let count = report.findings.count { $0.outcome == report.outcome }
        let differences = count == 1 ? "1 difference" : "\(count) differences"
        switch report.outcome {
        case .explained: return nil
        case .undecided:
            var steps: [String] = []
            if report.findings.contains(where: { $0.reason == .missingNotification }) {
                steps.append(
                    "Apple's notifications of that time are not all here (see GET /v1/coverage, run `vouch backfill`)")
            }
            if report.findings.contains(where: { $0.counterpart == .outside }) {
                steps.append("no report covers the neighbouring day (add its report, or --no-sales)")
            }
            return CommandFailure(
                "\(differences) can't be judged: \(steps.joined(separator: "; ")); then compare again", exit: .couldNot)
        case .unexplained:
            return CommandFailure("nothing explains \(differences); see docs/reconciling.md")
        }
    }

    /// Why nothing can be said; never with the exit code of a difference.
    static func explain(_ error: any Error) -> CommandFailure {
        if error is CancellationError || Task.isCancelled { return CommandFailure("interrupted", exit: .interrupted) }
        switch error {
        case ServiceError.asOfNotSettled:
            return CommandFailure(
                "the ledger has not come as far as --as-of: leave it out for the newest position, or try again later",
                exit: .couldNot)
        case ServiceError.invalid(let parameter, let rule):
            return CommandFailure("--\(parameter): \(rule)", exit: .usage)
        case let fault as TieOutFault: return CommandFailure(sentence(for: fault), exit: .couldNot)
        case let error as ServiceError:
            return CommandFailure(Export.PaidRecords.explain(error, output: "-").sentence, exit: .couldNot)
        default: return CommandFailure(CommandFailure(explaining: error).sentence, exit: .couldNot)
        }
    }

    private static func sentence(for fault: TieOutFault) -> String {
        switch fault {
        case .tooManyGroups:
            "more than \(SalesReports.groupsMax) groups of day, product, storefront and currency: compare fewer days at once"
        case .tooManyRows:
            "too many rows of the ledger lie around the differences: compare fewer days at once, and check --tz"
        case .tooManyUnpriced: "too many purchases without a price: compare fewer days at once"
        case .tooLarge: "the sums are beyond what is counted with"
        }
    }
}

extension CalendarDay: ExpressibleByArgument {
    /// Reads `2026-11-20`; `nil` for anything else.
    package init?(argument: String) { self.init(argument) }
}
