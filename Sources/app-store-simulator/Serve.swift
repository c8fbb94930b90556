import AppStoreSimulator
import ArgumentParser
import Foundation
import Hummingbird
import Logging

/// `app-store-simulator serve`: serves until SIGTERM or SIGINT.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the App Store Server API and the control interface until SIGTERM or SIGINT.",
        discussion: """
            The directory gets a root certificate (root.pem, root.cer) and an In-App Purchase key \
            (AuthKey_SIMULATOR1.p8) on the first run; later runs use them again. Whoever trusts that root believes \
            everything that this program signs, so never trust it outside of tests.
            """)

    @Option(help: "Where root and keys are kept.")
    var directory: String

    @Option(help: "HOST:PORT; port 0 takes a free one, and the line that is printed names it.")
    var address = "127.0.0.1:9100"

    @Option(help: "The app's bundle id.")
    var bundleID = "com.example.app"

    @Option(name: .customLong("app-apple-id"), help: "The app's number in the App Store.")
    var appAppleID: Int64 = 1_234_567_890

    @Flag(name: .customLong("no-authentication"), help: "Accept calls without a valid bearer token.")
    var hasNoAuthentication = false

    @Flag(name: .customLong("unreleased"), help: "Answer 401 to every production call, as for an unreleased app.")
    var isUnreleased = false

    @Option(help: "A number from which ids and chances are drawn; without it every run has others.")
    var seed: UInt64?

    @Option(
        name: .customLong("notification-url"),
        help: "Where production's notifications are sent; the control interface can change it.")
    var notificationURL: String?

    @Option(name: .customLong("sandbox-notification-url"), help: "Where the sandbox's notifications are sent.")
    var sandboxNotificationURL: String?

    @Option(
        name: .customLong("retry-hour"),
        help: "How many seconds an hour of Apple's retry schedule lasts: 1 makes all retries fit into three minutes.")
    var retryHourSeconds = 3600.0

    func run() async throws {
        let (host, port) = try Self.split(address)
        var configuration = AppStoreSimulator.Configuration()
        configuration.bundleID = bundleID
        configuration.appAppleID = appAppleID
        configuration.requiresAuthentication = !hasNoAuthentication
        configuration.isUnreleased = isUnreleased
        configuration.seed = seed
        guard (0.001...3600).contains(retryHourSeconds) else {
            throw ValidationError("--retry-hour must be from 0.001 to 3600 seconds")
        }
        configuration.retryHourMilliseconds = Int64(retryHourSeconds * 1000)
        configuration.notificationURLs[.production] = notificationURL
        configuration.notificationURLs[.sandbox] = sandboxNotificationURL
        let simulator: AppStoreSimulator
        do {
            simulator = try AppStoreSimulator(
                configuration: configuration, keys: try SimulatorKeys.loadOrCreate(directory: directory))
        } catch {
            throw ValidationError(error.description)
        }
        var logger = Logger(label: "app-store-simulator", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .warning
        let application = simulator.buildApplication(host: host, port: port, logger: logger) { port in
            Self.announce("app-store-simulator listening on http://\(host.contains(":") ? "[\(host)]" : host):\(port)")
        }
        try await HTTPNotificationSender.withSender { sender in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await application.runService() }
                group.addTask {
                    try await simulator.deliverUntilCancelled(every: Self.deliveryInterval, using: sender)
                }
                // The server ends on a signal; the deliveries end with it.
                try await group.next()
                group.cancelAll()
            }
        }
    }

    /// How often the simulator looks for notifications that have come due.
    private static let deliveryInterval = Duration.milliseconds(50)

    /// Splits `127.0.0.1:9100`, `localhost:0` and `[::1]:9100`.
    static func split(_ address: String) throws -> (host: String, port: Int) {
        guard let colon = address.lastIndex(of: ":"), let port = Int(address[address.index(after: colon)...]),
            (0...65535).contains(port), colon != address.startIndex
        else { throw ValidationError("--address must be HOST:PORT, not \(address)") }
        var host = String(address[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        return (host, port)
    }

    /// Prints a line at once, also into a pipe, where `print` would keep it in a buffer.
    private static func announce(_ line: String) {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8))
        } catch {
            print(line)
        }
    }
}
