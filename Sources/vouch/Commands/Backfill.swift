import ArgumentParser
import Logging
import PurchaseCore
import PurchaseService

/// `vouch backfill`: takes in Apple's history of notifications of a time in the past.
struct Backfill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take in the notifications that Apple sent in the past.",
        discussion: """
            Day by day, newest first. Finished days are remembered, so that an interrupted run goes on where it was. \
            Asks Apple no faster than a fifth of VOUCH_APP_STORE_REQUESTS_PER_SECOND. Dates are RFC 3339 instants, or \
            days in UTC. Apple keeps 180 days in Production and 30 in Sandbox.
            """)

    @Option(help: "The beginning, such as 2026-06-01 or 2026-06-01T12:00:00Z.")
    var from: String

    @Option(help: "The end, which is not included; now, unless given.")
    var to: String?

    @Option(help: "Production or Sandbox; every store of VOUCH_APP_ENVIRONMENTS, unless given.")
    var environment: StoreEnvironment?

    @Flag(help: "Also take in what earlier runs have done.")
    var again = false

    @OptionGroup var config: ConfigOptions

    func validate() throws {
        _ = try Self.instant(from, of: "--from")
        if let to { _ = try Self.instant(to, of: "--to") }
    }

    func run() async throws {
        let settings = try Settings.load(environment: ConfigOptions.environment, configPath: config.path)
        let request = try request(allowed: settings.app.environments, now: UTCTime.now)
        for notice in request.notices { Console.error("vouch: " + notice) }
        let logger = Logger.bootstrapVouch(level: settings.logLevel < .info ? settings.logLevel : .error)
        let stack: VouchStack
        do {
            stack = try await VouchStack.build(settings: settings, logger: logger, now: { UTCTime.now })
        } catch {
            throw CommandFailure(explaining: error)
        }
        let backfill = stack.service.notificationBackfill()
        let results = await UntilSignal.run {
            var results: [(StoreEnvironment, NotificationBackfill.Summary)] = []
            for part in request.parts {
                let display = BackfillDisplay(
                    environment: part.environment, isTerminal: BackfillDisplay.standardErrorIsTerminal)
                let summary = await backfill.run(
                    part.span, in: part.environment, again: request.again, progress: display.show)
                // The bar's line is still open.
                if display.isTerminal, summary.end != .finished { Console.writeError("\n") }
                results.append((part.environment, summary))
                if summary.end == .cancelled { break }
            }
            return results
        }
        await stack.close()
        for (environment, summary) in results { Console.output(BackfillDisplay.summary(summary, of: environment)) }
        if let failure = Self.failure(of: results) { throw failure }
    }

    /// A text as an instant; the error names the option.
    static func instant(_ text: String, of option: String) throws(ValidationError) -> Instant {
        guard let instant = BackfillDate.parse(text) else {
            throw ValidationError(
                "\(option) \(Printable.quote(text)) is no date: use one such as 2026-06-01 or 2026-06-01T12:00:00Z")
        }
        return instant
    }

    /// How the command ends when not everything is here: 130 after a signal, else 1; `nil` when everything is.
    static func failure(
        of results: [(environment: StoreEnvironment, summary: NotificationBackfill.Summary)]
    ) -> CommandFailure? {
        if results.contains(where: { $0.summary.end == .cancelled }) {
            return CommandFailure(
                "interrupted: run it again, and it goes on with the day it was at", exit: .interrupted)
        }
        let faults = results.compactMap { environment, summary -> String? in
            guard case .failed(let fault) = summary.end, fault != .unreleased else { return nil }
            return "\(environment.rawValue): \(explain(fault))"
        }
        guard !faults.isEmpty else { return nil }
        return CommandFailure(faults.joined(separator: "; ") + "; run it again, and it goes on with the day it was at")
    }

    /// What a fault means to an operator.
    private static func explain(_ fault: HistoryFault) -> String {
        switch fault {
        case .unreleased: "the app has no release yet"
        case .unauthorized: "the App Store does not accept the key (401): check the issuer, the key id and the key file"
        case .throttled: "the App Store limits our requests (429), and went on doing so"
        case .refusedRequest(let status, let errorCode):
            "the App Store refuses the question (\(status), errorCode \(errorCode.map(String.init) ?? "none"))"
        case .unavailable(let outage): "the App Store can't be asked (\(outage.code))"
        case .malformed: "the App Store's answers can't be read"
        case .tokensExpireTooSoon: "the App Store's pagination tokens expire before the last page"
        case .startTooFarInPast: "the App Store does not go back that far"
        case .ledger(let code): "the database could not take in the notifications (\(code.rawValue))"
        }
    }
}
