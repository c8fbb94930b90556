import Crypto
import PurchaseCore
import PurchaseService
import TestSupport

/// Purchases with random prices, refunds, parts, reversals and late prices, decided and committed as the service does.
struct RandomPurchases {
    private static let currencies = ["USD", "JPY", "KWD", "VND", "IDR", "EUR", "ABC"]
    private static let types: [ProductType] = [.consumable, .nonConsumable, .autoRenewable, .nonRenewing]

    let fixture: LedgerFixture
    let prefix: String
    private var generator: SplitMix
    private var count = 0

    /// Ids begin with digits of their own, so that several may work at once.
    init(_ fixture: LedgerFixture, prefix: String, seed: UInt64) {
        self.fixture = fixture
        self.prefix = prefix
        generator = SplitMix(seed: seed)
    }

    /// One purchase and what happened to it.
    mutating func add() async throws {
        count += 1
        let id = prefix + String(count)
        let at = LedgerFixture.start + .minutes(Int64.random(in: 0..<60 * 24 * 20, using: &generator))
        var facts = TransactionFacts(
            transactionID: TransactionID(id), originalTransactionID: OriginalTransactionID(id),
            environment: Int.random(in: 0..<6, using: &generator) == 0 ? .sandbox : .production, signedDate: at)
        facts.bundleID = LedgerFixture.policy.bundleID
        facts.productID = ProductID(["gold", "silver, \"pure\"", "=cmd()"][Int.random(in: 0..<3, using: &generator)])
        facts.type = Self.types[Int.random(in: 0..<4, using: &generator)]
        facts.inAppOwnershipType = Int.random(in: 0..<8, using: &generator) == 0 ? .familyShared : .purchased
        facts.purchaseDate = at
        facts.originalPurchaseDate = at
        facts.expiresDate = at + .days(30)
        facts.quantity = Int64.random(in: 1...3, using: &generator)
        facts.storefront = ["USA", "JPN", "KWT"][Int.random(in: 0..<3, using: &generator)]
        facts.offerType = Int.random(in: 0..<4, using: &generator) == 0 ? 1 : nil
        let price = Int64.random(in: 0...2_000_000, using: &generator)
        let currency = Self.currencies[Int.random(in: 0..<Self.currencies.count, using: &generator)]
        let isLate = Int.random(in: 0..<5, using: &generator) == 0
        if !isLate { (facts.price, facts.currency) = (price, currency) }
        var chain = Chain(identity: .original(facts.environment, facts.originalTransactionID))
        for step in 0..<Int.random(in: 1...6, using: &generator) {
            facts.signedDate = at + .hours(Int64(step) * 3 + 1)
            if step > 0, isLate { (facts.price, facts.currency) = (price, currency) }
            var notificationType: String?
            (facts.revocationDate, facts.revocationType, facts.revocationPercentage) = (nil, nil, nil)
            if step > 0, Int.random(in: 0..<3, using: &generator) == 0 {
                notificationType = "REFUND_REVERSED"
            } else if step > 0 {
                facts.revocationDate = facts.signedDate
                let part = Int64.random(in: 1...100_000, using: &generator)
                facts.revocationType = part > 80_000 ? "REFUND_FULL" : "REFUND_PRORATED"
                facts.revocationPercentage = part > 80_000 ? 100_000 : part
            }
            chain = try await apply(facts, notificationType, at: facts.signedDate, to: chain, step: step)
        }
    }

    private func apply(
        _ facts: TransactionFacts, _ notificationType: String?, at now: Instant, to chain: Chain, step: Int
    ) async throws -> Chain {
        let jws = "header.\(facts.transactionID)-\(step).signature"
        let digest = SHA256.hash(data: Array(jws.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let item = Evidence(
            id: EvidenceID(sha256: digest, source: notificationType == nil ? .appStore : .notification), facts: facts,
            notificationType: notificationType, seenAt: now)
        let body = EvidenceBody(jws: jws, appAccountToken: nil, appTransactionID: "download")
        return try await fixture.apply(.evidenceVerified(item, absorbing: nil), to: chain, body: body, at: now) ?? chain
    }
}

/// Sebastiano Vigna's SplitMix64 (public domain).
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
