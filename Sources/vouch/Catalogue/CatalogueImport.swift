import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore

/// One import of a catalogue: what it changes in the catalogue, what follows for stored purchases, and then the import.
///
/// Writes nothing but one row, and that only as the successor of the catalogue that everything was compared with.
struct CatalogueImport {
    /// What was asked for.
    struct Options: Equatable, Sendable {
        /// Transactions named for each figure.
        var examplesMax = 5
        /// Whether examples also name the account.
        var showsAccounts = false
        /// Whether to stop before the import.
        var isDryRun = false
        /// Who imports: a person or a system, 1 to 100 characters.
        var importedBy: String
    }

    /// How it ended.
    enum Outcome: Equatable, Sendable {
        /// The catalogue of this number has the same products; 0 when there is none, and none was to be imported.
        case unchanged(Int64)
        /// Shown, and not imported: a dry run.
        case shown
        /// Imported under this number.
        case imported(Int64)
    }

    /// In the service's role.
    let client: PostgresClient
    /// The settings that matter here.
    let settings: ProductsSettings
    /// What was asked for.
    let options: Options
    /// Our clock.
    let now: @Sendable () -> Instant
    /// Takes a line of the report.
    let output: (String) -> Void
    /// Takes a sentence for standard error.
    let notice: (String) -> Void
    /// Hears how far the look at the stored purchases is; `nil` when it is done.
    let progress: (PolicyEffect?) -> Void
    /// Asks whether to go on; throws ``CommandFailure`` where nobody can be asked.
    let confirm: () throws -> Bool

    /// Shows, asks and imports.
    ///
    /// - Throws: ``CommandFailure`` for a refusal, `PostgresError` and `LedgerError` for what could not be done.
    func run(_ document: CatalogueDocument) async throws -> Outcome {
        guard !settings.fileHasProducts else {
            throw CommandFailure(
                "the file of --config carries `products`, which is the whole catalogue then: take that section out, "
                    + "restart the servers, and import; or change the catalogue there")
        }
        let repository = CatalogueRepository(client: client)
        let stored = try await repository.newest()
        let current = try current(stored)
        guard !document.isSame(as: current) else { return .unchanged(stored?.number ?? 0) }
        for line in CatalogueReport.changes(from: current, to: document) { output(line) }
        if let effect = try await preview(document, current: current) {
            let names = options.showsAccounts ? try await names(in: effect) : nil
            for line in CatalogueReport.effect(effect, names: names) { output(line) }
        }
        if options.isDryRun { return .shown }
        guard try confirm() else { throw CommandFailure("not imported") }
        let number = try await repository.add(
            document.json, importedBy: options.importedBy, after: stored?.number ?? 0)
        guard let number else {
            throw CommandFailure(
                "not imported: somebody else imported another catalogue meanwhile, so what was shown no longer holds; "
                    + "run it again")
        }
        return .imported(number)
    }

    private func current(_ stored: StoredCatalogue?) throws -> CatalogueDocument {
        guard let stored else { return CatalogueDocument(products: [:]) }
        do throws(SettingsFaults) {
            return try CatalogueDocument(stored: stored.products)
        } catch {
            throw CommandFailure(
                "catalogue \(stored.number) was imported by a newer vouch, and this one can't read it: use the newer one",
                exit: .couldNot)
        }
    }

    // MARK: The what-if

    /// What the new products would change; `nil` on a database that no server has worked on.
    private func preview(
        _ document: CatalogueDocument, current: CatalogueDocument
    ) async throws -> PolicyEffect? {
        let store = LedgerStore(client: client)
        guard let inForce = try await store.policyInForce() else {
            notice("no server has run on this database yet, so there is nothing that would change")
            return nil
        }
        guard let base = StoredPolicy(document: inForce.document) else { throw Self.unreadablePolicy }
        let accounts = settings.sandboxAccounts ?? base.knownSandboxAccounts
        if accounts == nil {
            notice(
                "Sandbox purchases are left out of what follows: set VOUCH_SANDBOX_ACCOUNTS as the servers have it, and "
                    + "they are looked at too")
        }
        func policy(_ products: CatalogueDocument) throws -> (policy: Policy, document: PolicyDocument) {
            let made = base.policy(
                products: products.products, unknownProducts: settings.unknownProducts,
                sandboxAccounts: accounts ?? .listed([]))
            guard let made else { throw Self.unreadablePolicy }
            return made
        }
        let used = try await store.policyDifference(
            from: inForce.version, toDocument: try policy(current).document.text)
        if !used.products.isEmpty {
            notice(
                "the servers work with other products than the database's newest catalogue: they are about to take it up, "
                    + "or their settings file carries `products`, and then an import has no effect")
        }
        let new = try policy(document)
        var difference = PolicyDifference.everything
        if let decided = try await store.decidedPolicy() {
            difference = try await store.policyDifference(from: decided.version, toDocument: new.document.text)
        }
        if accounts == nil { difference.sandbox = false }
        let namespace = base.namespace
        let preview = PolicyPreview(
            source: store, policy: new.policy, skipsSandbox: accounts == nil,
            accountToken: { AccountNamespace.ruleToken(of: $0, namespace: namespace) })
        defer { progress(nil) }
        return try await preview.run(
            difference, examplesMax: options.examplesMax, now: now, progress: { progress($0) })
    }

    private static var unreadablePolicy: CommandFailure {
        CommandFailure(
            "the policy in force was written by another version of vouch: use the version of the servers",
            exit: .couldNot)
    }

    /// The ids of the accounts in the examples; one that was erased is absent.
    private func names(in effect: PolicyEffect) async throws -> [AccountNumber: AccountID] {
        try await LedgerStore(client: client).accountIDs(of: CatalogueReport.examples(of: effect).map(\.account))
    }
}
