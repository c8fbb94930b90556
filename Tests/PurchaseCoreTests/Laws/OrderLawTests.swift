import PurchaseCore
import Testing

extension Policy {
    fileprivate var bearsChangedOwnership: Bool {
        accountTokenRule != .require && catalogue.products.values.allSatisfy { $0.settlementHold == .zero }
    }
}

@Suite("Law 4: any order, any number of repeats")
struct OrderLawTests {
    static let policies: [Policy] = [
        .standard, .standard.with(product: "unlock") { $0.onProratedRefund = .keep },
        .standard.with { policy in
            for id in policy.catalogue.products.keys { policy.catalogue.products[id]?.settlementHold = .minutes(15) }
        },
        .standard.with { $0.accountTokenRule = .require },
    ]

    /// Walks all orders of the items as a tree, so that common beginnings are decided once; returns the outcomes found.
    static func outcomes(of items: [Evidence], from history: History) -> [(order: [Int], outcome: Outcome)] {
        var found: [(order: [Int], outcome: Outcome)] = []
        func walk(_ chain: Chain, _ order: [Int]) {
            guard order.count < items.count else {
                let outcome = Outcome(chain)
                if !found.contains(where: { $0.outcome == outcome }) { found.append((order, outcome)) }
                return
            }
            for index in items.indices where !order.contains(index) {
                let input = Input.evidenceVerified(items[index], absorbing: nil)
                let decision = decide(chain, input, policy: history.policy, now: history.now)
                walk(decision.chain(from: chain), order + [index])
            }
        }
        walk(history.chain, [])
        return found
    }

    static func claimed(_ policy: Policy) -> History {
        var history = History(.original(.production, OriginalTransactionID("1001")), policy: policy)
        history.claim(alice)
        history.claim(bob)
        history.now = .minute(200)
        return history
    }

    @Test(
        "all orders of four items end the same", arguments: SplitMix64.seeds(fixed: 1...150, for: "law 4, four items"))
    func fourItems(seed: UInt64) {
        check(seed: seed, items: 4)
    }

    @Test(
        "all orders of five items end the same",
        arguments: SplitMix64.seeds(fixed: 1_001...1_012, for: "law 4, five items"))
    func fiveItems(seed: UInt64) {
        check(seed: seed, items: 5)
    }

    private func check(seed: UInt64, items count: Int) {
        var generator = EvidenceGenerator(seed: seed)
        let policy = generator.random.pick(Self.policies)
        generator.mayChangeOwnership = policy.bearsChangedOwnership
        let items = generator.items(count)
        let outcomes = Self.outcomes(of: items, from: Self.claimed(policy))
        guard outcomes.count > 1 else { return }
        let listing = items.enumerated().map { "  \($0.offset): \($0.element.summary)" }.joined(separator: "\n")
        Issue.record("SEED=\(seed): \(outcomes.count) outcomes of\n\(listing)\n\(outcomes[0])\n\(outcomes[1])")
    }

    /// The plain stories of one purchase, each in all orders with each product and rule: exhaustive, no seed.
    @Test(
        "all orders of each plain story end the same", arguments: ["unlock", "coins", "monthly"],
        Array(policies.indices))
    func stories(product: String, policy: Int) {
        let charge = Sample(product, signed: 2).from(.notification, "ONE_TIME_CHARGE")
        let refund = Sample(product, signed: 20).refunded(at: 19).from(.notification, "REFUND")
        let stories: [[Sample]] = [
            [charge, Sample(product, signed: 3), refund, Sample(product, signed: 30)],
            [charge, refund, Sample(product, signed: 30), Sample(product, signed: 95)],
            [
                charge, refund, Sample(product, signed: 30).from(.notification, "REFUND_REVERSED"),
                Sample(product, id: "1002", signed: 5),
            ],
            [
                charge, refund, Sample(product, signed: 21).refunded(at: 18, "REFUND_PRORATED", percentage: 30_000),
                Sample(product, signed: 1).from(.device),
            ],
            [
                charge, Sample(product, id: "1002", signed: 4),
                Sample(product, id: "1002", signed: 20).refunded(at: 19),
                Sample(product, signed: 3).with { $0.inAppOwnershipType = nil },
            ],
        ]
        for (index, story) in stories.enumerated() {
            let outcomes = Self.outcomes(of: story.map(\.evidence), from: Self.claimed(Self.policies[policy]))
            #expect(outcomes.count == 1, "story \(index): \(outcomes.prefix(2))")
        }
    }

    @Test(
        "repeats and acknowledgements in between change nothing",
        arguments: SplitMix64.seeds(fixed: 2_001...2_030, for: "law 4, repeats"))
    func repeats(seed: UInt64) {
        var generator = EvidenceGenerator(seed: seed)
        let items = generator.items(6)
        var outcomes: [Outcome] = []
        for _ in 0..<4 {
            var history = Self.claimed(.standard)
            var order = items + items
            order.shuffle(using: &generator.random)
            for item in order {
                history.take(.evidenceVerified(item, absorbing: nil), checkingLaws: false)
                if generator.random.oneIn(3) { history.acknowledgeAll() }
            }
            history.checkLaws()
            outcomes.append(Outcome(history.chain))
        }
        for outcome in outcomes { #expect(outcome == outcomes[0], "SEED=\(seed)") }
    }
}

extension Evidence {
    /// What tells items of a generated set apart, in one line.
    fileprivate var summary: String {
        let minute = (facts.signedDate - start).milliseconds / 60_000
        let revoked =
            facts.isRevoked ? "revoked \(facts.revocationType ?? "-") \(facts.revocationPercentage ?? -1)" : "clean"
        return "\(facts.transactionID) \(id.source) \(notificationType ?? "") signed \(minute) \(revoked), "
            + "ownership \(facts.inAppOwnershipType?.appleValue ?? "-"), price \(facts.price ?? -1) \(facts.currency ?? "-"), "
            + "bundle \(facts.bundleID?.rawValue ?? "-"), line item \(facts.webOrderLineItemID?.rawValue ?? "-")"
    }
}
