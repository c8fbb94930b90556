import Crypto
import PurchaseCore

/// Everything that decisions depend on, as one JSON text.
///
/// The text is the same whenever its content is: names sorted, no white space. Its fingerprint is the policy's version,
/// and the text itself is kept beside the ledger.
struct PolicyDocument: Equatable, Sendable {
    /// Raised when the same settings come to mean something else.
    static let format: Int64 = 2

    /// The JSON text.
    let text: String
    /// The first 16 bytes of the text's SHA-256, in hexadecimal.
    let version: PolicyVersion

    /// Describes a policy, whose own version is not looked at.
    init(_ policy: Policy, accountTokenNamespace: AppAccountToken?) {
        let json = CanonicalJSON.object([
            "format": .integer(Self.format),
            "bundleId": .string(policy.bundleID.rawValue),
            "environments": .array(policy.allowedEnvironments.sorted().map { .string($0.rawValue) }),
            "accountTokenRule": .string(policy.accountTokenRule.rawValue),
            "accountTokenNamespace": accountTokenNamespace.map { .string($0.rawValue) } ?? .null,
            "sandboxAccounts": Self.describe(policy.sandboxAccounts),
            "recheck": .object([
                "firstMilliseconds": .integer(policy.recheck.first.milliseconds),
                "maxMilliseconds": .integer(policy.recheck.maximum.milliseconds),
                "notFoundDeadlineMilliseconds": .integer(policy.recheck.notFoundDeadline.milliseconds),
            ]),
            "renewalLeewayMilliseconds": .integer(policy.renewalLeeway.milliseconds),
            "unknownProducts": .string(policy.catalogue.unknownProducts.rawValue),
            "products": .object(
                Dictionary(
                    uniqueKeysWithValues: policy.catalogue.products.map { ($0.rawValue, Self.describe($1)) })),
        ])
        text = json.text
        version = PolicyVersion(Hexadecimal.text(SHA256.hash(data: Array(json.text.utf8)).prefix(16)))
    }

    /// No account ids, since the document outlives every erasure: a number, and a fingerprint that tells lists apart.
    private static func describe(_ accounts: SandboxAccounts) -> CanonicalJSON {
        switch accounts {
        case .all: return .string("all")
        case .listed(let listed):
            let joined = listed.map(\.rawValue).sorted().joined(separator: "\n")
            return .object([
                "count": .integer(Int64(listed.count)),
                "sha256": .string(Hexadecimal.text(SHA256.hash(data: Array(joined.utf8)))),
            ])
        }
    }

    private static func describe(_ product: Catalogue.Product) -> CanonicalJSON {
        .object([
            "kind": .string(product.kind.appleValue),
            "entitlements": .array(product.entitlements.sorted().map { .string($0) }),
            "units": .integer(product.units),
            "duration": product.duration.map {
                .object(["months": .integer($0.months), "milliseconds": .integer($0.span.milliseconds)])
            } ?? .null,
            "familySharing": .boolean(product.familySharing),
            "settlementHoldMilliseconds": .integer(product.settlementHold.milliseconds),
            "onProratedRefund": .string(product.onProratedRefund.rawValue),
        ])
    }
}

extension Settings {
    /// The policy that decisions are made under, with the catalogue in force; `nil` takes that of the file.
    func policy(catalogue: Catalogue? = nil) -> Policy { policyAndDocument(catalogue: catalogue).policy }

    /// The policy, and the document that its version is the fingerprint of.
    func policyAndDocument(catalogue: Catalogue? = nil) -> (policy: Policy, document: PolicyDocument) {
        var policy = Policy(
            version: PolicyVersion(""), bundleID: app.bundleID, allowedEnvironments: app.environments,
            accountTokenRule: entitling.accountTokenRule, sandboxAccounts: entitling.sandboxAccounts,
            catalogue: catalogue ?? entitling.catalogue, recheck: times.recheck,
            renewalLeeway: times.renewalLeeway)
        let document = PolicyDocument(policy, accountTokenNamespace: entitling.accountTokenNamespace)
        policy.version = document.version
        return (policy, document)
    }
}
