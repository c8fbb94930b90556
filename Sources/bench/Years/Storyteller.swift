import Crypto
import Foundation
import PurchaseCore
import PurchaseService
import PurchaseStore

/// Plays one story of a chain into the ledger as the service would: `decide`, then the one statement that commits.
///
/// Every id, digest, account and time in it is a ``Placeholder``, so that the rows can be written again with others.
struct Storyteller {
    private let store: LedgerStore
    private let marks: Placeholder.Marks
    private let afterScene: (Span) async throws -> Void
    private var chain: Chain
    private var begun: Span = .zero
    private var now: Instant
    private var digests = 0

    /// Starts a chain whose first transaction is the story's.
    ///
    /// `afterScene` is told the scene's distance from the beginning, once all of it is committed.
    init(
        _ store: LedgerStore, story number: Int, afterScene: @escaping (Span) async throws -> Void
    ) {
        self.store = store
        self.afterScene = afterScene
        marks = Placeholder.Marks(story: number)
        now = Placeholder.beginning
        chain = Chain(identity: .provisional(marks.transaction(0)))
        // What the loader would read beside the chain.
        chain.erasable.accounts[marks.account] = ErasableFacts.Account(
            id: AccountID("account"), token: AppAccountToken(validating: Placeholder.token))
    }

    /// Ends the scene and begins another, so long after the first.
    mutating func scene(after span: Span) async throws {
        try await afterScene(begun)
        begun = span
        now = Placeholder.beginning + span
    }

    /// Ends the last scene.
    func end() async throws { try await afterScene(begun) }

    /// Posted, and answered by Apple a second and a half later.
    mutating func buy(
        _ type: ProductType, in environment: StoreEnvironment = .production,
        change: (inout TransactionFacts) -> Void = { _ in }
    ) async throws {
        try await claim()
        now = now + Span(milliseconds: 1_500)
        var facts = facts(of: 0, type, environment)
        change(&facts)
        let (item, body) = try evidence(facts, source: .appStore, notificationType: nil)
        try await apply(.evidenceVerified(item, absorbing: nil), body: body)
    }

    /// The account says that the first transaction is its own.
    mutating func claim() async throws {
        try await apply(.claimed(marks.transaction(0), by: marks.account, at: now))
    }

    /// The app's server has credited the one delivery.
    mutating func acknowledge(after span: Span) async throws {
        now = now + span
        for grant in chain.grants.keys.sorted() { try await apply(.grantAcknowledged(grant)) }
    }

    /// Apple does not know the first transaction.
    mutating func notFound(after span: Span, isFinal: Bool) async throws {
        now = now + span
        try await apply(
            .appStoreUnanswered(marks.transaction(0), .notFound(in: [.production, .sandbox], isFinal: isFinal)))
    }

    /// One of Apple's notifications about a period, with the purchase and, for a subscription, its renewal info.
    mutating func notify(
        _ type: ProductType, _ notificationType: String, period: Int,
        renewal change: ((inout RenewalFacts) -> Void)? = nil,
        facts changeFacts: (inout TransactionFacts) -> Void = { _ in }
    ) async throws {
        now = now + .seconds(2)
        var facts = facts(of: period, type, .production)
        changeFacts(&facts)
        let (item, body) = try evidence(facts, source: .notification, notificationType: notificationType)
        var renewal: RenewalInfo?
        var renewalBody: EvidenceBody?
        if let change {
            var said = RenewalFacts(
                originalTransactionID: facts.originalTransactionID, environment: .production,
                signedDate: facts.signedDate)
            said.productID = facts.productID
            said.autoRenewProductID = facts.productID
            change(&said)
            if said.autoRenewStatus == 1 { said.renewalDate = facts.expiresDate }
            renewal = RenewalInfo(id: nextDigest(.notification), facts: said, seenAt: now)
            renewalBody = EvidenceBody(
                jws: try Self.jws(said, more: ["appTransactionId": "704\(marks.transaction(0))"]),
                appAccountToken: nil, appTransactionID: nil)
        }
        let notification = try envelope(notificationType, about: facts, [body, renewalBody].compactMap { $0?.jws })
        try await apply(
            .evidenceVerified(item, renewal: renewal, absorbing: nil), body: body, renewalBody: renewalBody,
            notification: notification)
    }

    private func facts(of period: Int, _ type: ProductType, _ environment: StoreEnvironment) -> TransactionFacts {
        var facts = TransactionFacts(
            transactionID: marks.transaction(period), originalTransactionID: marks.original, environment: environment,
            signedDate: now - Span(milliseconds: 300))
        let paidFrom = Span(milliseconds: LifeStory.month.milliseconds * Int64(period))
        facts.bundleID = BundleID(Payload.bundleID)
        facts.productID = ProductID(
            "com.example.app.\(type == .autoRenewable ? "monthly" : "item").\(Placeholder.variant)")
        facts.type = type
        facts.inAppOwnershipType = .purchased
        facts.purchaseDate = Placeholder.beginning + paidFrom - .seconds(3)
        facts.originalPurchaseDate = Placeholder.beginning - .seconds(3)
        facts.price = Placeholder.price
        facts.currency = Placeholder.currency
        facts.storefront = Placeholder.storefront
        if type == .autoRenewable {
            facts.expiresDate = Placeholder.beginning + paidFrom + LifeStory.month
            facts.webOrderLineItemID = marks.webOrderLineItem(period)
        }
        return facts
    }

    private mutating func nextDigest(_ source: EvidenceSource) -> EvidenceID {
        digests += 1
        return EvidenceID(sha256: marks.digest(digests), source: source)
    }

    private mutating func evidence(
        _ facts: TransactionFacts, source: EvidenceSource, notificationType: String?
    ) throws -> (Evidence, EvidenceBody) {
        let download = "704\(marks.transaction(0))"
        let jws = try Self.jws(
            facts,
            more: [
                "transactionReason": digests > 1 ? "RENEWAL" : "PURCHASE", "storefrontId": "143441",
                "appTransactionId": download, "appAccountToken": Placeholder.token,
                "subscriptionGroupIdentifier": "20512345",
            ])
        return (
            Evidence(id: nextDigest(source), facts: facts, notificationType: notificationType, seenAt: now),
            EvidenceBody(
                jws: jws, appAccountToken: AppAccountToken(validating: Placeholder.token), appTransactionID: download)
        )
    }

    private mutating func envelope(
        _ type: String, about facts: TransactionFacts, _ signed: [String]
    ) throws -> NotificationRecord {
        let digest = nextDigest(.notification).sha256
        let uuid = marks.uuid(digests)
        var data = ["bundleId": Payload.bundleID, "bundleVersion": "1", "environment": "Production"]
        for (name, jws) in zip(["signedTransactionInfo", "signedRenewalInfo"], signed) { data[name] = jws }
        let payload = NotificationPayload(
            notificationType: type, notificationUUID: uuid, version: "2.0", signedDate: facts.signedDate, data: data)
        var record = NotificationRecord(
            uuid: uuid, environment: .production, notificationType: type, subtype: nil, signedDate: facts.signedDate,
            receivedAt: now, origin: .delivery, outcome: .applied, jws: try Self.jws(payload, more: [:]),
            sha256: Placeholder.bytes(ofHex: digest))
        record.transactionID = facts.transactionID
        record.originalTransactionID = facts.originalTransactionID
        return record
    }

    private struct NotificationPayload: Encodable {
        var notificationType: String
        var notificationUUID: String
        var version: String
        var signedDate: Instant
        var data: [String: String]
    }

    /// A JWS with a header of the placeholders; its signature is made up when the rows are written.
    private static func jws(_ payload: some Encodable, more: [String: String]) throws -> String {
        func object(_ value: some Encodable) throws -> String {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        }
        let text = try object(payload)
        let all = more.isEmpty ? text : text.dropLast() + "," + (try object(more)).dropFirst()
        return "\(Placeholder.header).\(JWSMint.base64URL(Array(all.utf8))).\(Placeholder.signature)"
    }

    private mutating func apply(
        _ input: Input, body: EvidenceBody? = nil, renewalBody: EvidenceBody? = nil,
        notification: NotificationRecord? = nil
    ) async throws {
        switch decide(chain, input, policy: Self.policy, now: now) {
        case .record(let recorded):
            let isPost = body == nil || notification == nil
            let id = try await store.commit(
                CommittableDecision(
                    recorded: recorded, before: chain, actor: isPost ? "bench-app" : nil,
                    requestID: isPost ? String(repeating: "0", count: 32) : nil, recordedAt: now, body: body,
                    renewalBody: renewalBody, notification: notification, process: "bench", lease: nil))
            guard let id else { throw BenchFailure("a chain changed under our hands") }
            chain = recorded.chain
            chain.id = id
            if let evidence = recorded.evidence, let token = body?.appAccountToken {
                chain.erasable.tokens[evidence.id] = token
            }
        case .reschedule(let after):
            guard let id = chain.id else { throw BenchFailure("a chain without a number") }
            _ = try await store.saveChecks(after.checks, of: id, at: chain.version, holder: "bench")
            chain = after
        case .nothing(let why): throw BenchFailure("nothing was decided: \(why)")
        }
    }

    private static let policy: Policy = {
        var policy = LedgerLoad.policy
        policy.allowedEnvironments = [.production, .sandbox]
        return policy
    }()
}
