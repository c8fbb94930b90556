import FoundationEssentials
import PurchaseCore

/// A policy as it is kept beside the ledger, read back: what ``PolicyDocument`` wrote.
///
/// The document has no account ids. Where Sandbox purchases entitle listed accounts, the list is not in it.
struct StoredPolicy: Decodable, Sendable {
    private let format: Int64
    private let bundleId: String
    private let environments: [StoreEnvironment]
    private let accountTokenRule: String
    private let accountTokenNamespace: String?
    private let sandboxAccounts: Sandbox
    private let recheck: Recheck
    private let renewalLeewayMilliseconds: Span
    private let unknownProducts: String

    private struct Recheck: Decodable {
        let firstMilliseconds: Span
        let maxMilliseconds: Span
        let notFoundDeadlineMilliseconds: Span
    }

    /// `"all"`, or how many accounts are listed.
    private enum Sandbox: Decodable {
        case all
        case listed(Int)

        private struct List: Decodable { let count: Int }

        init(from decoder: any Decoder) throws {
            if let word = try? decoder.singleValueContainer().decode(String.self), word == "all" {
                self = .all
            } else {
                self = .listed(try List(from: decoder).count)
            }
        }
    }

    /// Reads a document; `nil` for one of another format than this version writes.
    init?(document: String) {
        guard let stored = try? JSONDecoder().decode(StoredPolicy.self, from: Data(document.utf8)),
            stored.format == PolicyDocument.format
        else { return nil }
        self = stored
    }

    /// Who is entitled by Sandbox purchases; `nil` when the document only counts them.
    var knownSandboxAccounts: SandboxAccounts? {
        switch sandboxAccounts {
        case .all: .all
        case .listed(0): .listed([])
        case .listed: nil
        }
    }

    /// The namespace in which an account's token is the UUIDv5 of its id.
    var namespace: AppAccountToken? { accountTokenNamespace.flatMap { AppAccountToken(validating: $0) } }

    /// The same policy with other products, and with what the settings say where they say it; `nil` for a word that this
    /// version doesn't know.
    func policy(
        products: [ProductID: Catalogue.Product], unknownProducts rule: Catalogue.UnknownProducts?,
        sandboxAccounts accounts: SandboxAccounts
    ) -> (policy: Policy, document: PolicyDocument)? {
        guard let tokenRule = AccountTokenRule(rawValue: accountTokenRule),
            let unknown = rule ?? Catalogue.UnknownProducts(rawValue: unknownProducts)
        else { return nil }
        var policy = Policy(
            version: PolicyVersion(""), bundleID: BundleID(bundleId), allowedEnvironments: Set(environments),
            accountTokenRule: tokenRule, sandboxAccounts: accounts,
            catalogue: Catalogue(products: products, unknownProducts: unknown),
            recheck: RecheckSchedule(
                first: recheck.firstMilliseconds, maximum: recheck.maxMilliseconds,
                notFoundDeadline: recheck.notFoundDeadlineMilliseconds),
            renewalLeeway: renewalLeewayMilliseconds)
        let document = PolicyDocument(policy, accountTokenNamespace: namespace)
        policy.version = document.version
        return (policy, document)
    }
}
