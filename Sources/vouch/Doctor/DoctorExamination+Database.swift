import AppStoreClient
import Postgres
import PurchaseCore
import PurchaseStore

extension DoctorDatabaseFacts {
    /// Whether the schema is one that can be worked with.
    var isUsable: Bool {
        if case .given(nil) = schema { return true }
        return false
    }
}

extension DoctorExamination {
    /// The secret that claim tokens are signed with.
    private static let claimTokenSecret = "claim-token"

    /// Asks the database about itself; when it takes too long, nothing is known.
    func databaseFacts(login: PostgresClient, service: PostgresClient) async -> DoctorDatabaseFacts {
        let facts = await withLimit(limits.database, time: time) {
            await askDatabase(login: login, service: service)
        }
        guard let facts else {
            let late = PostgresError(.deadlineExceeded, message: "the questions took longer than \(limits.database)")
            var facts = DoctorDatabaseFacts.notAsked("the database took too long")
            facts.server = .refused(late)
            return facts
        }
        return facts
    }

    private func askDatabase(login: PostgresClient, service: PostgresClient) async -> DoctorDatabaseFacts {
        var facts = DoctorDatabaseFacts.notAsked("the database did not answer")
        do throws(PostgresError) {
            let before = time.wall()
            let server = try await DatabaseExamination(client: login).server()
            let middle = before + Span(milliseconds: (time.wall() - before).milliseconds / 2)
            facts.server = .given(server)
            facts.skew = .milliseconds((middle - server.clock).milliseconds)
        } catch {
            facts.server = .refused(error)
            return facts
        }
        let examination = DatabaseExamination(client: service)
        do throws(PostgresError) {
            facts.privileges = .given(try await examination.privileges())
        } catch {
            // Without the role, the login can still tell whether there is a schema at all.
            facts.privileges = .refused(error)
            facts.schema = await schema(DatabaseExamination(client: login))
            facts.secrets = .notAsked("the service's role can't be taken: see database_privileges")
            return facts
        }
        facts.schema = await schema(examination)
        guard facts.isUsable else {
            facts.secrets = .notAsked("the schema is not the one that this version needs")
            return facts
        }
        do throws(PostgresError) {
            facts.secrets = .given(try await examination.secret(named: Self.claimTokenSecret))
        } catch {
            facts.secrets = .refused(error)
        }
        return facts
    }

    private func schema(_ examination: DatabaseExamination) async -> DoctorDatabaseFacts.Answer<SchemaFault?> {
        do throws(PostgresError) {
            return .given(try await examination.schema())
        } catch {
            return .refused(error)
        }
    }

    /// The catalogue in force, as far as the settings alone tell; `nil` when it is the database's.
    var catalogueOfSettings: DoctorDatabaseFacts.Answer<Catalogue>? {
        if let why = settings.obstacle([.catalogue]) { return .notAsked(why) }
        if settings.faults.contains(where: { $0.name.hasPrefix("products") }) {
            return .notAsked("the catalogue has faults of its own: see settings")
        }
        return settings.entitling.catalogueIsFromFile ? .given(settings.entitling.catalogue) : nil
    }

    /// The catalogue in force: the file's, else the database's newest.
    func catalogueInForce(
        _ service: PostgresClient, _ facts: DoctorDatabaseFacts
    ) async -> DoctorDatabaseFacts.Answer<Catalogue> {
        if let known = catalogueOfSettings { return known }
        guard facts.isUsable else { return .notAsked("there is no schema to look into") }
        do throws(PostgresError) {
            var catalogue = settings.entitling.catalogue
            guard let stored = try await CatalogueRepository(client: service).newest() else { return .given(catalogue) }
            guard let document = try? CatalogueDocument(stored: stored.products) else {
                return .notAsked("catalogue \(stored.number) can't be read by this version of vouch")
            }
            catalogue.products = document.products
            return .given(catalogue)
        } catch {
            return .refused(error)
        }
    }

    /// The products that were bought and that the catalogue in force lacks, one more than are named.
    func seenProducts(
        _ service: PostgresClient, _ facts: DoctorDatabaseFacts, _ catalogue: DoctorDatabaseFacts.Answer<Catalogue>
    ) async -> DoctorDatabaseFacts.Answer<[String]> {
        let known: Catalogue
        switch catalogue {
        case .given(let inForce): known = inForce
        case .refused(let error): return .refused(error)
        case .notAsked(let why): return .notAsked(why)
        }
        guard facts.isUsable else { return .notAsked("there is no schema to look into") }
        do throws(PostgresError) {
            return .given(
                try await DatabaseExamination(client: service).products(
                    notAmong: known.products.keys.sorted { $0.rawValue < $1.rawValue },
                    limit: DoctorFinding.productsMax + 1))
        } catch {
            return .refused(error)
        }
    }
}

/// Runs an operation for at most `limit`; `nil` when time ran out first, and the operation was cancelled.
///
/// Waits for the cancelled operation to end, so it must answer cancellation promptly.
func withLimit<Value: Sendable>(
    _ limit: Duration, time: ClientTime, operation: @escaping @Sendable () async -> Value
) async -> Value? {
    await withTaskGroup(of: Value?.self) { group in
        group.addTask { await operation() }
        group.addTask {
            try? await time.sleep(limit)
            return nil
        }
        let first = await group.next() ?? nil
        group.cancelAll()
        return first
    }
}
