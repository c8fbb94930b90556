import PurchaseCore
import Testing

@Suite("Resolving cases")
struct CaseResolutionTests {
    /// Alice holds a purchase, and Bob claims it too.
    func disputed(_ product: String = "unlock", policy: Policy = .standard, acknowledged: Bool = false) -> History {
        var history = History(policy: policy)
        history.claim(alice)
        history.see(Sample(product, signed: 2))
        if acknowledged { history.acknowledgeAll() }
        history.claim(bob)
        history.wait(.minutes(10))
        return history
    }

    func outcome(_ history: History, of account: AccountNumber) -> ClaimCase.Outcome? {
        history.chain.cases.values.first { $0.account == account }?.resolution?.outcome
    }

    /// Kind, status and account of each delivery, by id.
    func deliveries(_ history: History) -> [String] {
        history.chain.grants.values.sorted { $0.id < $1.id }
            .map { "\($0.kind.rawValue) \($0.status.rawValue) \($0.account.rawValue)" }
    }

    @Test("a refused claimant stays in conflict with its case, and posting again opens no new one")
    func refused() {
        var history = disputed()
        history.resolve(bob, .refused, reason: 7)
        #expect(history.rules.last == .caseResolved)
        #expect(history.claimStatus(alice) == .held && history.claimStatus(bob) == .conflict)
        let dispute = history.chain.cases.values.first
        #expect(dispute?.status == .resolved)
        #expect(
            dispute?.resolution
                == ClaimCase.Resolution(outcome: .refused, reasonNumber: 7, resolvedAt: history.now))
        let version = history.chain.version
        history.claim(bob)
        #expect(history.decision == .nothing(.duplicateClaim))
        #expect(history.chain.version == version && history.chain.cases.count == 1)
        #expect(history.chain.claims[bob]?.caseID == CaseID("case-production-1001-2"))
    }

    @Test("a transfer moves claim and entitlements, and gives the earlier holder a case that is refused")
    func transferred() {
        var history = disputed()
        history.resolve(bob, .transferred, reason: 7)
        #expect(history.chain.owner == bob)
        #expect(history.chain.claims[bob]?.caseID == nil)
        #expect(history.claimStatus(alice) == .conflict)
        #expect(history.chain.claims[alice]?.caseID == CaseID("case-production-1001-1"))
        #expect(outcome(history, of: alice) == .refused)
        #expect(outcome(history, of: bob) == .transferred)
        #expect(history.chain.cases.values.allSatisfy { $0.resolution?.reasonNumber == 7 })
        #expect(history.chain.entitlements.values.map(\.account) == [bob])
        #expect(history.money == ["sale 4990"], "who holds it is not revenue's business")
    }

    @Test("an open delivery is made anew to the new holder; later refunds and reinstatements find it")
    func openDelivery() {
        var history = disputed("coins")
        history.resolve(bob, .transferred)
        #expect(deliveries(history) == ["grant cancelled 1", "reinstatement open 2"])
        history.acknowledgeAll()
        #expect(deliveries(history) == ["grant cancelled 1", "reinstatement acknowledged 2"])
        history.see(Sample("coins", signed: 11).refunded(at: 10))
        #expect(deliveries(history) == ["grant cancelled 1", "reinstatement acknowledged 2", "reversal open 2"])
    }

    @Test("an acknowledged delivery stays, and so does the taking back of it; what comes later is the new holder's")
    func acknowledgedDelivery() {
        var history = disputed("coins", acknowledged: true)
        history.resolve(bob, .transferred)
        #expect(deliveries(history) == ["grant acknowledged 1"])
        history.see(Sample("coins", signed: 11).refunded(at: 10))
        #expect(deliveries(history) == ["grant acknowledged 1", "reversal open 1"])
        history.see(Sample("coins", signed: 12).from(.notification, "REFUND_REVERSED"))
        #expect(deliveries(history).last == "reversal open 1")
        #expect(deliveries(history).contains("reinstatement open 2"))
    }

    @Test("an open reversal stays with whoever was credited")
    func openReversal() {
        var history = disputed("coins", acknowledged: true)
        history.see(Sample("coins", signed: 11).refunded(at: 10))
        history.resolve(bob, .transferred)
        #expect(deliveries(history) == ["grant acknowledged 1", "reversal open 1"])
    }

    @Test("a sandbox delivery is not moved to an account that may not have it")
    func sandbox() {
        var policy = Policy.standard
        policy.sandboxAccounts = .listed([AccountID("account-1")])
        var history = History(policy: policy)
        history.claim(alice)
        history.see(Sample("coins", signed: 2).with { $0.environment = .sandbox })
        history.claim(bob)
        history.resolve(bob, .transferred)
        #expect(history.chain.owner == bob)
        #expect(deliveries(history) == ["grant cancelled 1"])
        policy.sandboxAccounts = .all
        history.change(policy)
        #expect(deliveries(history) == ["grant cancelled 1", "reinstatement open 2"])
    }

    @Test("the same outcome again changes nothing; another outcome is a new event")
    func again() {
        var history = disputed()
        history.resolve(bob, .refused)
        history.resolve(bob, .refused, reason: 2)
        #expect(history.decision == .nothing(.noEffect))
        history.resolve(bob, .transferred, reason: 3)
        #expect(history.chain.owner == bob)
        history.resolve(bob, .transferred, reason: 4)
        #expect(history.decision == .nothing(.noEffect))
        #expect(history.rules.filter { $0 == .caseResolved }.count == 2)
    }

    @Test("refusing what was transferred gives it back to the account that it was taken from")
    func mistake() {
        var history = disputed("coins")
        history.claim(carol)
        history.resolve(bob, .transferred)
        history.resolve(carol, .transferred)
        #expect(history.chain.owner == carol)
        history.resolve(carol, .refused)
        #expect(history.chain.owner == bob, "taken from Bob, who had it by then")
        #expect(outcome(history, of: carol) == .refused && outcome(history, of: bob) == .transferred)
        #expect(deliveries(history).filter { !$0.contains("cancelled") } == ["reinstatement open 2"])
    }

    @Test("other open cases of the chain stay open")
    func others() {
        var history = disputed()
        history.claim(carol)
        history.resolve(bob, .transferred)
        #expect(outcome(history, of: carol) == nil)
        #expect(history.chain.cases.values.first { $0.account == carol }?.status == .open)
        #expect(history.claimStatus(carol) == .conflict)
    }

    @Test("a chain that nobody holds any more can be given to a claimant, and taken from it again")
    func nobody() {
        var history = disputed("coins")
        // Erasing an account releases its claim.
        history.chain.claims[alice] = nil
        let input = Input.staffActed(.resolveCase(CaseID("case-production-1001-2"), .transferred), reasonNumber: 1)
        history.take(input, checkingLaws: false)
        #expect(history.chain.owner == bob)
        #expect(deliveries(history) == ["grant cancelled 1", "reinstatement open 2"])
        #expect(history.chain.cases.count == 1)
        history.take(
            .staffActed(.resolveCase(CaseID("case-production-1001-2"), .refused), reasonNumber: 1),
            checkingLaws: false)
        #expect(history.chain.owner == nil)
        #expect(deliveries(history) == ["grant cancelled 1", "reinstatement cancelled 2"])
    }

    @Test("a case that is not there, and a chain without cases, are no effect")
    func unknown() {
        var history = disputed()
        for outcome in ClaimCase.Outcome.allCases {
            history.take(.staffActed(.resolveCase(CaseID("case-production-1001-9"), outcome), reasonNumber: 1))
            #expect(history.decision == .nothing(.noEffect))
        }
    }

    @Test(
        "after a transfer all orders of evidence end the same",
        arguments: SplitMix64.seeds(fixed: 3_001...3_020, for: "law 4 after a transfer"))
    func orders(seed: UInt64) {
        var generator = EvidenceGenerator(seed: seed)
        generator.mayChangeOwnership = false
        generator.mayChangeBundle = false
        let items = generator.items(4)
        var history = OrderLawTests.claimed(.standard)
        let ownership = items.compactMap(\.facts.inAppOwnershipType).first { $0.isKnown } ?? .purchased
        history.see(
            Sample(generator.product, signed: 1).with { $0.inAppOwnershipType = ownership }
                .from(.notification, "ONE_TIME_CHARGE"))
        history.resolve(bob, .transferred)
        #expect(history.chain.owner == bob)
        let outcomes = OrderLawTests.outcomes(of: items, from: history)
        #expect(outcomes.count == 1, "SEED=\(seed)")
        #expect(outcomes.allSatisfy { $0.outcome.balances.keys.allSatisfy { $0 == bob } }, "SEED=\(seed)")
    }
}
