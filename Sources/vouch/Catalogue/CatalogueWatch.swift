import Logging
import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import ServiceLifecycle
import Synchronization

/// Puts the database's catalogue in force: at the start, and without a restart after each import.
///
/// Each process looks for a new one every ``every``, with one cheap query. Where the settings file carries the products,
/// that is the whole catalogue, and the database's is not looked at.
final class CatalogueWatch: Sendable {
    /// The pause between two looks; `ServiceConfiguration.policySettles` is longer.
    static let every = Duration.seconds(10)

    /// The policy in force, for everything that decides.
    let policies: PolicyHolder
    private let settings: Settings
    private let repository: CatalogueRepository
    private let store: LedgerStore
    private let logger: Logger
    private let seen: Mutex<Seen>

    private struct Seen {
        /// The catalogue in force; 0 for the file's, and while there is none.
        var number: Int64
        /// A newer one that can't be read, which is complained of once.
        var unreadable: Int64 = 0
    }

    private init(
        settings: Settings, repository: CatalogueRepository, store: LedgerStore, logger: Logger, policy: Policy,
        number: Int64
    ) {
        self.settings = settings
        self.repository = repository
        self.store = store
        self.logger = logger
        self.policies = PolicyHolder(policy)
        self.seen = Mutex(Seen(number: number))
    }

    /// Reads the catalogue in force and remembers the policy that it makes.
    ///
    /// - Throws: `PostgresError`, `LedgerError`, ``CommandFailure`` for a stored catalogue that this version can't read.
    static func begin(
        settings: Settings, client: PostgresClient, store: LedgerStore, logger: Logger
    ) async throws -> CatalogueWatch {
        let repository = CatalogueRepository(client: client)
        let stored = settings.entitling.catalogueIsFromFile ? nil : try await repository.newest()
        let policy: Policy
        do {
            policy = try await remember(stored, settings: settings, store: store)
        } catch let faults as SettingsFaults {
            throw CommandFailure(
                "the database's catalogue \(stored?.number ?? 0) can't be read by this version of vouch, which may be "
                    + "older than the one that imported it: \(faults.faults.first?.description ?? "")")
        }
        return CatalogueWatch(
            settings: settings, repository: repository, store: store, logger: logger, policy: policy,
            number: stored?.number ?? 0)
    }

    /// Looks again and again, until shut down.
    func run(every pause: Duration = every) async {
        guard !settings.entitling.catalogueIsFromFile else {
            // A service that returns would stop the group.
            try? await gracefulShutdown()
            return
        }
        await cancelWhenGracefulShutdown { [self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: pause)
                _ = await tick()
            }
        }
    }

    /// Looks once; whether another catalogue is in force now.
    func tick() async -> Bool {
        guard !settings.entitling.catalogueIsFromFile else { return false }
        do {
            guard let stored = try await repository.newest(after: seen.withLock { $0.number }) else { return false }
            return try await putInForce(stored)
        } catch {
            // The catalogue before stays in force; the next look may find the database well.
            logger.warning("can't look for a new catalogue", metadata: [LogKey.error.rawValue: "\(error)"])
            return false
        }
    }

    private func putInForce(_ stored: StoredCatalogue) async throws -> Bool {
        do {
            let policy = try await Self.remember(stored, settings: settings, store: store)
            let isNewer = seen.withLock { seen in
                guard stored.number > seen.number else { return false }
                seen.number = stored.number
                policies.replace(with: policy)
                return true
            }
            if isNewer {
                logger.notice("catalogue in force", metadata: [LogKey.catalogue.rawValue: "\(stored.number)"])
            }
            return isNewer
        } catch let faults as SettingsFaults {
            let isNews = seen.withLock { seen in
                defer { seen.unreadable = stored.number }
                return seen.unreadable != stored.number
            }
            if isNews {
                logger.error(
                    "the newest catalogue can't be read, and the one before stays in force",
                    metadata: [
                        LogKey.catalogue.rawValue: "\(stored.number)",
                        LogKey.error.rawValue: "\(faults.faults.first?.description ?? "")",
                    ])
            }
            return false
        }
    }

    /// The policy with a catalogue of the database (`nil`: that of the settings), its document stored before any event can
    /// name it.
    private static func remember(
        _ stored: StoredCatalogue?, settings: Settings, store: LedgerStore
    ) async throws -> Policy {
        var catalogue = settings.entitling.catalogue
        if let stored { catalogue.products = try CatalogueDocument(stored: stored.products).products }
        let (policy, document) = settings.policyAndDocument(catalogue: catalogue)
        _ = try await store.remember(policy: policy.version, document: document.text)
        return policy
    }
}
