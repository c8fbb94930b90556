import Crypto
import Logging
import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore

/// Purchases that are claimed and settled straight in the ledger: no HTTP, no Apple, no signature.
///
/// Each is two decisions and two commits, one after the other, as a post makes them.
struct LedgerLoad: Sendable {
    /// Of one replica each: a client of its own, with its own connection for commits.
    private let stores: [LedgerStore]
    private let accounts: [AccountNumber]

    private static let accountsCount = 64
    private static let header = String(repeating: "A", count: 4_200)
    private static let signature = String(repeating: "A", count: 86)

    static let policy = Policy(
        version: PolicyVersion("bench"), bundleID: BundleID(Payload.bundleID), allowedEnvironments: [.production],
        accountTokenRule: .matchWhenPresent, sandboxAccounts: .all, catalogue: Catalogue(),
        recheck: RecheckSchedule(first: .seconds(5), maximum: .minutes(15), notFoundDeadline: .days(3)),
        renewalLeeway: .hours(1))

    /// Connects so many replicas to a database, and closes them afterwards.
    static func with<Value>(
        _ database: ScratchDatabase, replicas: Int, _ body: (LedgerLoad) async throws -> Value
    ) async throws -> Value {
        var configuration = PostgresConfiguration(uri: database.uri)
        configuration.sessionRole = Migrator.serviceRole
        configuration.commitPrelude = LedgerStore.ledgerLockStatement
        configuration.commitSettings = LedgerStore.commitSettings
        let silent = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        let clients = (0..<replicas).map { _ in PostgresClient(configuration: configuration, logger: silent) }
        let result: Result<Value, any Error>
        do {
            let stores = clients.map { LedgerStore(client: $0) }
            var accounts: [AccountNumber] = []
            for number in 0..<accountsCount {
                let account = AccountID("bench-\(number)")
                accounts.append(
                    try await stores[0].register(account, statedToken: nil, ruleToken: nil).number)
            }
            result = .success(try await body(LedgerLoad(stores: stores, accounts: accounts)))
        } catch {
            result = .failure(error)
        }
        for client in clients { await client.close() }
        return try result.get()
    }

    /// The claim and the settlement of one purchase, each durable before the next begins.
    func settle(_ number: Int) async throws {
        let store = stores[number % stores.count]
        let id = TransactionID(Workshop.transactionID(number))
        let account = accounts[number % accounts.count]
        let now = Instant(millisecondsSince1970: Payload.now)
        let empty = Chain(identity: .provisional(id))
        let claimed = try await Self.commit(.claimed(id, by: account, at: now), to: empty, in: store, now: now)
        let (item, body) = Self.evidence(of: id, at: now)
        _ = try await Self.commit(
            .evidenceVerified(item, absorbing: nil), to: claimed, body: body, in: store, now: now)
    }

    /// What Apple answers to a sweep of a settled purchase so long after it: the same, signed anew.
    func sweep(_ number: Int, after: Span) async throws {
        let store = stores[number % stores.count]
        let id = TransactionID(Workshop.transactionID(number))
        guard let chain = try await store.chain(holding: id),
            case .paid(_, let deciding)? = chain.transactions[id]?.state,
            let boughtAt = chain.evidence[deciding]?.facts.purchaseDate
        else { throw BenchFailure("\(id.rawValue) is not paid") }
        let now = boughtAt + after
        let (item, body) = Self.evidence(of: id, at: boughtAt, signedAt: now)
        _ = try await Self.commit(.evidenceVerified(item, absorbing: nil), to: chain, body: body, in: store, now: now)
    }

    private static func commit(
        _ input: Input, to chain: Chain, body: EvidenceBody? = nil, in store: LedgerStore, now: Instant
    ) async throws -> Chain {
        guard case .record(let recorded) = decide(chain, input, policy: policy, now: now) else {
            throw BenchFailure("nothing was decided")
        }
        let decision = CommittableDecision(
            recorded: recorded, before: chain, actor: "bench-app", requestID: "00000000000000000000000000000000",
            recordedAt: now, body: body, process: "bench", lease: nil)
        guard let id = try await store.commit(decision) else { throw BenchFailure("a chain changed under our hands") }
        var after = recorded.chain
        after.id = id
        return after
    }

    /// Evidence as Apple's answer would give it; the text has the size of a real one, and is not verified here.
    static func evidence(
        of id: TransactionID, at now: Instant, signedAt: Instant? = nil
    ) -> (item: Evidence, body: EvidenceBody) {
        var facts = TransactionFacts(
            transactionID: id, originalTransactionID: OriginalTransactionID(id.rawValue), environment: .production,
            signedDate: signedAt ?? now)
        facts.bundleID = BundleID(Payload.bundleID)
        facts.productID = ProductID(Payload.productID)
        facts.type = .nonConsumable
        facts.inAppOwnershipType = .purchased
        facts.purchaseDate = now
        facts.originalPurchaseDate = now
        facts.quantity = 1
        facts.price = 4_990
        facts.currency = "USD"
        facts.storefront = "USA"
        let payload = Payload.transaction(
            id.rawValue, at: now.millisecondsSince1970, signedAt: (signedAt ?? now).millisecondsSince1970)
        let jws = "\(header).\(JWSMint.base64URL(Array(payload.utf8))).\(signature)"
        let digest = SHA256.hash(data: Array(jws.utf8)).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return (
            Evidence(
                id: EvidenceID(sha256: digest.joined(), source: .appStore), facts: facts,
                seenAt: signedAt ?? now),
            EvidenceBody(jws: jws, appAccountToken: nil, appTransactionID: "704" + id.rawValue)
        )
    }
}
