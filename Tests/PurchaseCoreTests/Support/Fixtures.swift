import PurchaseCore

/// The tests' clock counts minutes from 2026-01-01T00:00:00Z.
let start = Instant(millisecondsSince1970: 1_767_225_600_000)

extension Instant {
    static func minute(_ minutes: Int64) -> Instant { start + .minutes(minutes) }
}

extension Policy {
    /// Both stores, no hold, tokens compared where both are known.
    static let standard = Policy(
        version: PolicyVersion("p1"), bundleID: BundleID("com.example.app"),
        allowedEnvironments: [.production, .sandbox], accountTokenRule: .matchWhenPresent,
        sandboxAccounts: .listed([]), catalogue: .standard,
        recheck: RecheckSchedule(first: .seconds(5), maximum: .minutes(15), notFoundDeadline: .days(3)),
        renewalLeeway: .hours(1))

    /// This policy with a change.
    func with(_ change: (inout Policy) -> Void) -> Policy {
        var copy = self
        change(&copy)
        copy.version = PolicyVersion(version.rawValue + "'")
        return copy
    }

    /// This policy with another rule for one product.
    func with(product: String, _ change: (inout Catalogue.Product) -> Void) -> Policy {
        with { policy in
            guard var rules = policy.catalogue.products[ProductID(product)] else { return }
            change(&rules)
            policy.catalogue.products[ProductID(product)] = rules
        }
    }
}

extension Catalogue {
    static let standard = Catalogue(products: [
        ProductID("coins"): Product(kind: .consumable, entitlements: [], units: 100),
        ProductID("unlock"): Product(kind: .nonConsumable, entitlements: ["pro"]),
        ProductID("season"): Product(
            kind: .nonRenewing, entitlements: ["season"], duration: CalendarDuration(months: 3, span: .zero)),
        ProductID("monthly"): Product(kind: .autoRenewable, entitlements: ["plus"]),
    ])
}

/// A signed payload to be: what an App Store answer about one purchase of `unlock` says, changed where a test needs it.
struct Sample {
    var facts: TransactionFacts
    var source: EvidenceSource
    var notificationType: String?

    init(_ product: String = "unlock", id: String = "1001", original: String = "1001", signed minute: Int64) {
        facts = TransactionFacts(
            transactionID: TransactionID(id), originalTransactionID: OriginalTransactionID(original),
            environment: .production, signedDate: .minute(minute))
        facts.bundleID = BundleID("com.example.app")
        facts.productID = ProductID(product)
        facts.type = Catalogue.standard.products[ProductID(product)]?.kind ?? .nonConsumable
        facts.inAppOwnershipType = .purchased
        facts.purchaseDate = .minute(0)
        facts.originalPurchaseDate = .minute(0)
        facts.price = 4_990
        facts.currency = "EUR"
        if facts.type == .autoRenewable {
            facts.expiresDate = .minute(43_200)
            facts.webOrderLineItemID = WebOrderLineItemID("77")
        }
        source = .appStore
    }

    func from(_ source: EvidenceSource, _ notificationType: String? = nil) -> Sample {
        var copy = self
        copy.source = source
        copy.notificationType = notificationType
        return copy
    }

    func refunded(at minute: Int64, _ type: String? = "REFUND_FULL", percentage: Int64? = nil) -> Sample {
        with {
            $0.revocationDate = .minute(minute)
            $0.revocationType = type
            $0.revocationPercentage = percentage
            $0.revocationReason = 0
        }
    }

    func with(_ change: (inout TransactionFacts) -> Void) -> Sample {
        var copy = self
        change(&copy.facts)
        return copy
    }

    /// The same facts signed at another minute.
    func signed(_ minute: Int64) -> Sample { with { $0.signedDate = .minute(minute) } }

    var evidence: Evidence {
        Evidence(
            id: EvidenceID(sha256: Self.digest("\(facts)|\(notificationType ?? "")"), source: source),
            facts: facts, notificationType: notificationType, seenAt: facts.signedDate)
    }

    /// Renewal info that came with it: auto-renewal is on, signed at the same time.
    func renewal(_ change: (inout RenewalFacts) -> Void = { _ in }) -> RenewalInfo {
        var renewal = RenewalFacts(
            originalTransactionID: facts.originalTransactionID, environment: facts.environment,
            signedDate: facts.signedDate)
        renewal.productID = facts.productID
        renewal.autoRenewProductID = facts.productID
        renewal.autoRenewStatus = 1
        renewal.renewalDate = facts.expiresDate
        change(&renewal)
        // Only Apple's own sources carry any; a device has none to hand in.
        let source = source == .device ? .notification : source
        return RenewalInfo(
            id: EvidenceID(sha256: Self.digest("\(renewal)"), source: source), facts: renewal,
            seenAt: renewal.signedDate)
    }

    /// Stands in for SHA-256: 64 hexadecimal digits that depend on the text alone.
    static func digest(_ text: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        var generator = SplitMix64(seed: hash)
        return (0..<4).map { _ in
            let digits = String(generator.next(), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

let alice = AccountNumber(1)
let bob = AccountNumber(2)
let carol = AccountNumber(3)

/// A token that differs only in its last digit.
func token(_ digit: Int) -> AppAccountToken? {
    AppAccountToken(validating: "10000000-0000-4000-8000-00000000000\(digit)")
}
