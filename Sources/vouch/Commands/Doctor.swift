import AppStoreClient
import ArgumentParser
import AsyncHTTPClient
import Logging

/// `vouch doctor`: looks for what is wrong with a deployment.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look for what is wrong: settings, key, clocks, trust, database, App Store, notifications, products.",
        discussion: """
            Looks at everything, also when the settings have faults, and changes nothing. Asks Apple for a test \
            notification in each allowed environment. Takes less than a minute. Exit code: 0 nothing is at fault, 1 \
            something is, 2 something could not be looked at.
            """)

    @Flag(help: "Print JSON in place of text.")
    var json = false

    @OptionGroup var config: ConfigOptions

    func run() async throws {
        let settings = DoctorSettings.load(environment: ConfigOptions.environment, configPath: config.path)
        // What goes wrong underneath is what the report is about.
        let asked = settings.database?.logLevel ?? .info
        let logger = Logger.bootstrapVouch(level: asked < .info ? asked : .critical)
        let httpClient = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: AppStoreHTTPClient.configuration(
                requestsPerSecond: settings.appStore.requestsPerSecond))
        let report = await DoctorExamination(
            settings: settings, httpClient: httpClient, time: .continuous(wall: { UTCTime.now }), logger: logger
        ).run()
        try? await httpClient.shutdown()
        for line in json ? [report.json] : report.lines { Console.output(line) }
        if report.exit != .well { throw report.exit }
    }
}
