import AppStoreClient
import AppStoreJWS
import AsyncHTTPClient
import Logging
import Postgres
import PurchaseCore
import PurchaseStore

/// Looks at everything that `vouch doctor` reports; what the answers mean is decided in `DoctorFinding`.
///
/// Changes nothing but the request budget. Every wait is bounded; all together take less than a minute.
struct DoctorExamination: Sendable {
    /// How long is waited for what.
    struct Limits: Sendable {
        /// All questions to the database but that about products.
        var database = Duration.seconds(12)
        /// The look through the transactions for unknown products.
        var products = Duration.seconds(5)
        /// One call of the App Store Server API, with its wait for the budget.
        var call = Duration.seconds(12)
        /// The wait for an attempt, after Apple took the request for a test notification.
        var attempt = Duration.seconds(15)
        /// The pause between two questions about it; the request budget (one a second, a tenth of that in Sandbox)
        /// comes on top.
        var pause = Duration.seconds(1)
        /// The wait for the database to tell whether a notification arrived.
        var arrival = Duration.seconds(3)
    }

    /// The settings, as far as they can be read.
    let settings: DoctorSettings
    /// Shut down by its owner.
    let httpClient: HTTPClient
    /// The clocks.
    let time: ClientTime
    /// For the clients underneath.
    let logger: Logger
    /// How long is waited for what.
    var limits = Limits()

    /// Looks at everything.
    func run() async -> DoctorReport {
        guard let databaseSettings = settings.database else {
            let why = settings.obstacle([.databaseURL]) ?? "not looked at: the settings can't be read"
            let findings = DoctorDatabaseFacts.notAsked(why).findings
            return await report(
                findings + productFindings(catalogueOfSettings ?? .notAsked(why), seen: .notAsked(why)), client: nil)
        }
        // One client logs in as the operator says, the other works in the service's role, as every command does.
        let login = makeClient(databaseSettings, role: nil)
        let service = makeClient(databaseSettings, role: Migrator.serviceRole)
        let facts = await databaseFacts(login: login, service: service)
        let catalogue = await catalogueInForce(service, facts)
        let seen = await seenProducts(service, facts, catalogue)
        let result = await report(
            facts.findings + productFindings(catalogue, seen: seen), client: facts.isUsable ? service : nil)
        await login.close()
        await service.close()
        return result
    }

    private func report(_ databaseFindings: [DoctorFinding], client: PostgresClient?) async -> DoctorReport {
        async let ocsp = ocspFindings()
        async let store = appStoreFindings(client: client)
        async let userKeys = userKeysFinding()
        return DoctorReport(localFindings + databaseFindings + (await ocsp) + (await store) + [await userKeys])
    }

    private func makeClient(_ settings: DatabaseSettings, role: String?) -> PostgresClient {
        var configuration = PostgresConfiguration(uri: settings.databaseURL)
        configuration.sessionRole = role
        configuration.applicationName = "vouch doctor"
        configuration.readConnectionsMax = 2
        configuration.statementTimeout = limits.products
        configuration.drainTimeout = .seconds(1)
        return PostgresClient(configuration: configuration, logger: logger)
    }

    // MARK: What needs neither network nor database

    private var localFindings: [DoctorFinding] {
        let file = keyFile
        let settings = settings
        var findings = DoctorFinding.settings(faults: settings.faults)
        findings += DoctorFinding.privateKey(file, faults: settings.faults(of: .appPrivateKeyFile))
        findings += DoctorFinding.keyIDs(
            keyID: settings.app?.keyID, issuerID: settings.app?.issuerID, file: file,
            faults: settings.faults(of: .appKeyID) + settings.faults(of: .appIssuerID))
        if settings.isReadable {
            let urls = [
                (SettingName.appStoreProductionURL, settings.appStore.productionURL),
                (.appStoreSandboxURL, settings.appStore.sandboxURL),
            ]
            findings += DoctorFinding.trustedRoots(
                fingerprints: settings.appStore.trustedRoots.fingerprints,
                isBuiltIn: settings.appStore.trustedRoots.isBuiltIn,
                appleHosts: urls.filter(\.1.isApple).map(\.0), faults: settings.faults(of: .trustedRootsFile))
        } else {
            findings.append(.notLookedAt(.trustedRoots, settings.obstacle([]) ?? ""))
        }
        return findings
    }

    private var keyFile: DoctorKeyFile? {
        guard let path = settings.keyPath, settings.faults(of: .appPrivateKeyFile).isEmpty else { return nil }
        return DoctorKeyFile(path: path)
    }

    private func productFindings(
        _ catalogue: DoctorDatabaseFacts.Answer<Catalogue>, seen: DoctorDatabaseFacts.Answer<[String]>
    ) -> [DoctorFinding] {
        var known = settings.entitling.catalogue
        if case .given(let inForce) = catalogue { known = inForce }
        return DoctorFinding.products(catalogue) + [.unknownProducts(known, seen: seen)]
    }
}
