import AppStoreClient
import AppStoreJWS
import AsyncHTTPClient
import Hummingbird
import HummingbirdCore
import Logging
import Postgres
import PurchaseAPI
import PurchaseConsole
import PurchaseCore
import PurchaseService
import PurchaseStore
import ServiceLifecycle
import UnixSignals
import UserTokens

/// The service, put together from its settings: the one place where the parts meet.
///
/// Tests use the same function.
struct VouchStack {
    /// The use cases.
    let service: VouchService
    /// The ledger.
    let store: LedgerStore
    /// The database client; runs as a service.
    let postgres: PostgresClient
    /// The one for finance, whose long reads take nobody's connection; runs as a service.
    let financePostgres: PostgresClient
    /// The client for Apple and its OCSP responder; shut down last.
    let httpClient: HTTPClient
    /// Judges users' tokens, and runs as a service, which fetches the keys; `nil` while the role `user` is off.
    let userTokens: UserTokenChecker?
    /// The routes of the API.
    let router: Router<VouchRequestContext>
    /// What refuses posts ahead of them.
    let shedding: PostShedding
    /// What the parts count.
    let metrics: PrometheusRegistry
    /// Puts new catalogues in force.
    let catalogueWatch: CatalogueWatch
    /// Set when the process is about to stop.
    let draining: Draining

    /// Ends what was started by ``build(settings:logger:now:)``; for tests and failed starts.
    func close() async {
        await financePostgres.close()
        await postgres.close()
        try? await httpClient.shutdown()
    }
}

extension VouchStack {
    /// Builds every part and checks that the database is there, has the right schema, and can't be rewritten.
    ///
    /// `tune` changes bounds that are no settings; tests make them small.
    ///
    /// - Throws: `SchemaFault`, `PostgresError`, `LedgerError`, `ConsoleTemplateFault`, ``CommandFailure``.
    static func build(
        settings: Settings, logger: Logger, now: @escaping @Sendable () -> Instant,
        tune: (inout ServiceConfiguration) -> Void = { _ in }
    ) async throws -> VouchStack {
        var database = PostgresConfiguration(uri: settings.databaseURL)
        database.sessionRole = Migrator.serviceRole
        database.commitPrelude = LedgerStore.ledgerLockStatement
        database.commitSettings = LedgerStore.commitSettings
        let metrics = PrometheusRegistry()
        let draining = Draining()
        let postgres = PostgresClient(configuration: database, logger: logger, metricsFactory: metrics)
        let financePostgres = financeClient(settings, logger: logger)
        let httpClient = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: AppStoreHTTPClient.configuration(requestsPerSecond: settings.appStore.requestsPerSecond))
        do {
            try await SchemaCheck.check(postgres)
            let store = LedgerStore(client: postgres)
            let watch = try await CatalogueWatch.begin(
                settings: settings, client: postgres, store: store, logger: logger)
            let appStore = appStore(settings, httpClient, postgres, metrics, logger: logger, now: now)
            let userTokens = settings.users.map { users in
                userTokenChecker(users, httpClient, metrics, logger: logger, now: now)
            }
            let service = VouchService(
                dependencies: ServiceDependencies(
                    ledger: store, paidRecords: PaidRecordsStore(client: financePostgres), appStore: appStore,
                    orders: appStore, history: appStore, health: appStore,
                    verifier: verifier(settings, httpClient, metrics, now: now), policies: watch.policies,
                    clock: WallClock(now: now), cryptography: try await cryptography(settings, store),
                    processName: processName(), logger: logger, metrics: ServiceMetrics(factory: metrics),
                    userTokens: userTokens),
                configuration: serviceConfiguration(settings, tune))
            var edge = APIConfiguration(
                bundleID: settings.app.bundleID, openAPIDocument: openAPIDocument,
                requestTimeout: .milliseconds(settings.times.answerWithin.milliseconds) + .seconds(22), now: now)
            let requestMetrics = RequestMetrics(factory: metrics)
            edge.observe = { requestMetrics.answered($0) }
            edge.isDraining = { draining.hasBegun }
            edge.admitPost = { service.recordingGate.admit() }
            let networks = CallerNetwork(trustedProxies: settings.trustedProxies)
            edge.callerNetwork = { networks.name(peer: $0, forwardedFor: $1) }
            edge.concurrentExportsMax = exportsMax
            let downloads = PaidRecordsDownloads(edge)
            let console = try ConsoleSite(configuration: consoleConfiguration(edge, downloads))
            let router = buildRouter(
                useCases: service, configuration: edge, downloads: downloads, outer: [console.edge])
            console.addRoutes(to: router, useCases: service)
            return VouchStack(
                service: service, store: store, postgres: postgres, financePostgres: financePostgres,
                httpClient: httpClient, userTokens: userTokens,
                router: router, shedding: PostShedding(configuration: edge, logger: logger), metrics: metrics,
                catalogueWatch: watch, draining: draining)
        } catch {
            await financePostgres.close()
            await postgres.close()
            try? await httpClient.shutdown()
            throw error
        }
    }

    /// The pages know callers and time as the API does, and wait as long.
    private static func consoleConfiguration(
        _ edge: APIConfiguration, _ downloads: PaidRecordsDownloads
    ) -> ConsoleConfiguration {
        var configuration = ConsoleConfiguration(
            bundleID: edge.bundleID, downloads: downloads, requestTimeout: edge.requestTimeout, now: edge.now)
        configuration.callerNetwork = edge.callerNetwork
        return configuration
    }

    /// Exports that one process writes at once.
    private static let exportsMax = 2

    /// Connects when finance first asks for something.
    private static func financeClient(_ settings: Settings, logger: Logger) -> PostgresClient {
        var database = PaidRecordsStore.configuration(uri: settings.databaseURL, streamsMax: exportsMax)
        database.sessionRole = Migrator.serviceRole
        return PostgresClient(configuration: database, logger: logger)
    }

    private static func appStore(
        _ settings: Settings, _ httpClient: HTTPClient, _ postgres: PostgresClient, _ metrics: PrometheusRegistry,
        logger: Logger, now: @escaping @Sendable () -> Instant
    ) -> AppStoreClient {
        AppStoreClient(
            configuration: AppStoreClientConfiguration(
                productionURL: settings.appStore.productionURL, sandboxURL: settings.appStore.sandboxURL,
                issuerID: settings.app.issuerID, keyID: settings.app.keyID, key: settings.app.key,
                bundleID: settings.app.bundleID, requestsPerSecond: settings.appStore.requestsPerSecond,
                version: Vouch.version),
            httpClient: httpClient, budget: RequestBudgetStore(client: postgres), time: .continuous(wall: now),
            logger: logger, metricsFactory: metrics)
    }

    private static func verifier(
        _ settings: Settings, _ httpClient: HTTPClient, _ metrics: PrometheusRegistry,
        now: @escaping @Sendable () -> Instant
    ) -> JWSVerifier {
        let ocsp: OCSPChecker?
        switch settings.appStore.ocsp {
        case .off: ocsp = nil
        case .on(let hosts):
            let fetcher = OCSPFetcher(
                allowedHosts: hosts, httpClient: httpClient, version: Vouch.version, time: .continuous(wall: now),
                metricsFactory: metrics)
            ocsp = OCSPChecker(allowedHosts: hosts, fetch: fetcher.function)
        }
        let serviceMetrics = ServiceMetrics(factory: metrics)
        return JWSVerifier(
            trustedRoots: settings.appStore.trustedRoots, ocsp: ocsp, observe: { serviceMetrics.verified($0) })
    }

    private static func userTokenChecker(
        _ users: UserSettings, _ httpClient: HTTPClient, _ metrics: PrometheusRegistry, logger: Logger,
        now: @escaping @Sendable () -> Instant
    ) -> UserTokenChecker {
        let times: KeySetTimes =
            switch users.keys {
            case .file: .file
            case .url: .url
            }
        let reader = UserKeyReader(users.keys, httpClient: httpClient, time: .continuous(wall: now))
        return UserTokenChecker(
            rules: UserTokenRules(issuer: users.issuer, audience: users.audience), times: times, now: now,
            logger: logger, metrics: metrics, fetch: { () async throws(KeySetFault) in try await reader.read() })
    }

    private static func serviceConfiguration(
        _ settings: Settings, _ tune: (inout ServiceConfiguration) -> Void
    ) -> ServiceConfiguration {
        var configuration = ServiceConfiguration()
        configuration.answerWithin = .milliseconds(settings.times.answerWithin.milliseconds)
        configuration.freshFor = settings.times.freshFor
        configuration.appUnreleased = settings.app.isUnreleased
        configuration.appAppleID = settings.app.appAppleID
        tune(&configuration)
        return configuration
    }

    /// Unique per start, so that a lease of a dead process is never taken for one's own.
    private static func processName() -> String { "vouch-\(String(UInt64.random(in: .min ... .max), radix: 16))" }
}

/// The service as `vouch serve` runs it; also what a signal stops.
func buildService(settings: Settings, role: ServeRole, logger: Logger) async throws -> ServiceGroup {
    let stack: VouchStack
    do {
        stack = try await VouchStack.build(settings: settings, logger: logger, now: { UTCTime.now })
    } catch {
        throw CommandFailure(explaining: error)
    }
    // Stopped in reverse: first the notice, then the doors, the work, and the connections.
    let (httpClient, pool, watch) = (stack.httpClient, stack.service.pool, stack.catalogueWatch)
    var services: [any Service] = [
        Closing { try await httpClient.shutdown() },
        stack.postgres,
        stack.financePostgres,
        Running { await pool.run() },
        Running { await watch.run() },
    ]
    if role != .worker, let userTokens = stack.userTokens { services.append(Running { await userTokens.run() }) }
    if role != .api {
        let service = stack.service
        services.append(Running { try await service.recheckWorker.run() })
        services.append(Running { try await service.notificationWorker.run() })
        services.append(Running { try await service.erasureWorker.run() })
        services.append(Running { try await service.notificationSweeper().run() })
        services.append(Running { await service.policyWorker.work() })
    }
    services.append(operatorApplication(stack, settings: settings, logger: logger))
    if role != .worker { services.append(application(stack, settings: settings, logger: logger)) }
    services.append(DrainNotice(draining: stack.draining))
    var configuration = ServiceGroupConfiguration(
        services: services.map { .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup) },
        gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    // What is still under way then is ended; it is recorded, and stays due.
    configuration.maximumGracefulShutdownDuration = .seconds(25)
    return ServiceGroup(configuration: configuration)
}

/// Connections of callers that are open at once; more wait unaccepted, at most 256, until one of them ends.
///
/// One takes 11 to 30 KB. Descriptors for the database, Apple and operators are left over, whatever the process's limit is.
func connectionsMax(descriptorsMax: Double?) -> Int {
    let (most, least, kept) = (4_096, 64, 256)
    guard let descriptorsMax, descriptorsMax < Double(most + kept) else { return most }
    return max(least, Int(descriptorsMax) - kept)
}

private func application(_ stack: VouchStack, settings: Settings, logger: Logger) -> some ApplicationProtocol {
    Application(
        router: stack.router,
        server: .http1(shedding: stack.shedding, configuration: .init(idleTimeout: .seconds(60))),
        configuration: ApplicationConfiguration(
            address: .hostname(settings.httpAddress.host, port: settings.httpAddress.port), serverName: nil,
            availableConnectionsDelegate: MaximumAvailableConnections(
                connectionsMax(descriptorsMax: ProcessGauges.descriptorsMax()), logger: logger)),
        onServerRunning: { channel in
            let port = channel.localAddress?.port ?? settings.httpAddress.port
            Console.output("vouch listening on http://\(settings.httpAddress.host):\(port)")
        },
        logger: logger)
}

/// What operators and probes ask, on an address that is not the customers'.
private func operatorApplication(_ stack: VouchStack, settings: Settings, logger: Logger) -> some ApplicationProtocol {
    let router = Router()
    let (service, draining) = (stack.service, stack.draining)
    MetricsPage(stack: stack, settings: settings).addRoute(to: router)
    router.get("health/live") { _, _ in "live\n" }
    router.get("health/ready") { _, _ -> Response in
        do {
            guard !draining.hasBegun else { throw ServiceError.unavailable(retryAfterSeconds: 5) }
            try await service.checkReadiness()
            return Response(status: .ok, body: .init(byteBuffer: ByteBuffer(string: "ready\n")))
        } catch {
            return Response(status: .serviceUnavailable, body: .init(byteBuffer: ByteBuffer(string: "not ready\n")))
        }
    }
    return Application(
        router: router,
        server: .http1(configuration: .init(idleTimeout: .seconds(60))),
        configuration: ApplicationConfiguration(
            address: .hostname(settings.operatorAddress.host, port: settings.operatorAddress.port), serverName: nil),
        logger: logger)
}

/// Runs a loop as a service.
private struct Running: Service {
    let body: @Sendable () async throws -> Void
    func run() async throws { try await body() }
}

/// Does nothing until the service stops, then cleans up.
private struct Closing: Service {
    let body: @Sendable () async throws -> Void

    func run() async throws {
        try? await gracefulShutdown()
        try await body()
    }
}
