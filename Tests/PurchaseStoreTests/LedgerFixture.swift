import Crypto
import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import TestSupport
import Testing

/// A ledger over a database of its own, driven without HTTP and without Apple: decisions in, rows out.
struct LedgerFixture: Sendable {
    let store: LedgerStore
    let client: PostgresClient
    let database: TestDatabase

    static let start = Instant(millisecondsSince1970: 1_790_000_000_000)

    static let policy = Policy(
        version: PolicyVersion("test"), bundleID: BundleID("com.example.app"),
        allowedEnvironments: [.production, .sandbox], accountTokenRule: .matchWhenPresent, sandboxAccounts: .all,
        catalogue: Catalogue(),
        recheck: RecheckSchedule(first: .seconds(5), maximum: .minutes(15), notFoundDeadline: .days(3)),
        renewalLeeway: .hours(1))

    static func with(_ body: (LedgerFixture) async throws -> Void) async throws {
        try await TestDatabase.withDatabase { database in
            try await database.withServiceClient { client in
                try await body(
                    LedgerFixture(store: LedgerStore(client: client), client: client, database: database))
            }
        }
    }

    /// Evidence with a digest made from its own content; the JWS is no real one, since nothing here verifies.
    static func evidence(
        _ id: String, original: String? = nil, type: ProductType = .nonConsumable, source: EvidenceSource = .appStore,
        signedAfter: Span = .zero, isRevoked: Bool = false, ownership: InAppOwnershipType? = .purchased,
        change: (inout TransactionFacts) -> Void = { _ in }
    ) -> (item: Evidence, body: EvidenceBody) {
        var facts = TransactionFacts(
            transactionID: TransactionID(id), originalTransactionID: OriginalTransactionID(original ?? id),
            environment: .production, signedDate: start + signedAfter)
        facts.bundleID = policy.bundleID
        facts.productID = ProductID("product")
        facts.type = type
        facts.inAppOwnershipType = ownership
        facts.purchaseDate = start
        facts.originalPurchaseDate = start
        facts.price = 4_990
        facts.currency = "USD"
        if isRevoked {
            facts.revocationDate = start + signedAfter
            facts.revocationType = "REFUND_FULL"
        }
        change(&facts)
        let jws = "header.\(id)-\(signedAfter.milliseconds)-\(isRevoked)-\(source.rawValue).signature"
        let digest = SHA256.hash(data: Array(jws.utf8)).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return (
            Evidence(id: EvidenceID(sha256: digest.joined(), source: source), facts: facts, seenAt: start),
            EvidenceBody(jws: jws, appAccountToken: nil, appTransactionID: "download-1")
        )
    }

    func account(_ name: String) async throws -> AccountNumber {
        try await store.register(AccountID(name), statedToken: nil, ruleToken: nil).number
    }

    /// Decides and commits once; `nil` when the version was stale, the chain otherwise.
    func apply(
        _ input: Input, to chain: Chain, body: EvidenceBody? = nil, renewalBody: EvidenceBody? = nil,
        at now: Instant = start
    ) async throws -> Chain? {
        guard case .record(let recorded) = decide(chain, input, policy: Self.policy, now: now) else { return chain }
        let id = try await store.commit(
            CommittableDecision(
                recorded: recorded, before: chain, actor: "tester", requestID: "request-1", recordedAt: now,
                body: body, renewalBody: renewalBody, process: "tester", lease: nil))
        guard let id else { return nil }
        var after = recorded.chain
        after.id = id
        return after
    }

    /// A transaction claimed by an account and settled by one item of evidence.
    @discardableResult
    func settled(
        _ id: String, by name: String = "ada", type: ProductType = .nonConsumable, isRevoked: Bool = false,
        ownership: InAppOwnershipType? = .purchased
    ) async throws -> Chain {
        let account = try await account(name)
        let empty = Chain(identity: .provisional(TransactionID(id)))
        let claimed = try #require(
            try await apply(.claimed(TransactionID(id), by: account, at: Self.start), to: empty))
        let (item, body) = Self.evidence(id, type: type, isRevoked: isRevoked, ownership: ownership)
        return try #require(try await apply(.evidenceVerified(item, absorbing: nil), to: claimed, body: body))
    }

    func count(_ statement: SQL) async throws -> Int64 {
        try await database.withOwnerClient { try #require(try await $0.query(statement).first).decode(0) }
    }
}
