import AppStoreClient
import AsyncHTTPClient
import Crypto
import Logging
import Metrics
import NIOPosix
import PurchaseCore
import PurchaseService
import Synchronization

/// A P-256 key that exists for these tests alone.
let testSigningKey = P256.Signing.PrivateKey()

/// A client over a scripted server, with its own pool.
func withClient<Value>(
    script: @escaping ScriptedServer.Script, budget: any RequestBudgetPort = UnlimitedBudget(),
    time: ClientTime = fixedWallTime(),
    logger: Logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
    metricsFactory: any MetricsFactory = NOOPMetricsHandler.instance,
    body: (AppStoreClient, ScriptedServer) async throws -> Value
) async throws -> Value {
    try await ScriptedServer.run(script) { server in
        try await withHTTPClient { httpClient in
            let client = try makeClient(
                production: server.url + "/production", sandbox: server.url + "/sandbox/", httpClient: httpClient,
                budget: budget, time: time, logger: logger, metricsFactory: metricsFactory)
            return try await body(client, server)
        }
    }
}

func withHTTPClient<Value>(_ body: (HTTPClient) async throws -> Value) async throws -> Value {
    let httpClient = HTTPClient(
        eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
        configuration: AppStoreHTTPClient.configuration(requestsPerSecond: 50))
    do {
        let value = try await body(httpClient)
        try await httpClient.shutdown()
        return value
    } catch {
        try? await httpClient.shutdown()
        throw error
    }
}

func makeClient(
    production: String, sandbox: String, httpClient: HTTPClient, budget: any RequestBudgetPort, time: ClientTime,
    logger: Logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
    metricsFactory: any MetricsFactory = NOOPMetricsHandler.instance
) throws -> AppStoreClient {
    let configuration = AppStoreClientConfiguration(
        productionURL: try AppStoreBaseURL(validating: production),
        sandboxURL: try AppStoreBaseURL(validating: sandbox),
        issuerID: "57246542-96fe-1a63-e053-0824d011072a", keyID: "2X9R4HXF34",
        key: try InAppPurchaseKey(pem: testSigningKey.pemRepresentation), bundleID: BundleID("com.example.app"),
        version: "1.2.3")
    return AppStoreClient(
        configuration: configuration, httpClient: httpClient, budget: budget, time: time, logger: logger,
        metricsFactory: metricsFactory)
}

/// Keeps every log line as one text.
final class LogCapture: Sendable {
    private let stored = Mutex<[String]>([])

    var lines: [String] { stored.withLock { $0 } }

    var logger: Logger {
        var logger = Logger(label: "test", factory: { _ in Handler(capture: self) })
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let capture: LogCapture
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = "\(event.level) \(event.message) \(event.metadata ?? [:])"
            capture.stored.withLock { $0.append(line) }
        }
    }
}
