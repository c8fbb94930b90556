import PurchaseCore

/// Decisions about one made-up purchase, one upon the other, without a database.
enum DecisionWalk {
    private static let policy: Policy = {
        var policy = LedgerFixture.policy
        policy.catalogue = Catalogue(products: [
            ProductID("coins"): .init(kind: .consumable, entitlements: [], units: 100),
            ProductID("unlock"): .init(kind: .nonConsumable, entitlements: ["pro", "äther \"plus\""]),
        ])
        return policy
    }()

    /// Two accounts claim it in turn while Apple confirms it, takes it back, or doesn't know it.
    static func decisions(of number: Int, using generator: inout SplitMix) -> [Decision.Recorded] {
        let id = TransactionID("20000000\(number)")
        let isConsumable = Bool.random(using: &generator)
        var chain = Chain(identity: .provisional(id))
        var decisions: [Decision.Recorded] = []
        for step in 0..<Int.random(in: 3...9, using: &generator) {
            let now = LedgerFixture.start + .hours(Int64(step))
            let (item, _) = LedgerFixture.evidence(
                id.rawValue, type: isConsumable ? .consumable : .nonConsumable, signedAfter: .hours(Int64(step)),
                isRevoked: Int.random(in: 0..<3, using: &generator) == 0
            ) { $0.productID = ProductID(isConsumable ? "coins" : "unlock") }
            let input: Input =
                switch step == 0 ? 0 : Int.random(in: 0..<6, using: &generator) {
                case 0: .claimed(id, by: AccountNumber(1), at: now)
                case 1: .claimed(id, by: AccountNumber(2), at: now)
                case 2: .appStoreUnanswered(id, .notFound(in: [.production, .sandbox]))
                default: .evidenceVerified(item, absorbing: nil)
                }
            guard case .record(let recorded) = decide(chain, input, policy: policy, now: now) else { continue }
            decisions.append(recorded)
            chain = recorded.chain
            chain.id = ChainID(Int64(number))
        }
        return decisions
    }
}
