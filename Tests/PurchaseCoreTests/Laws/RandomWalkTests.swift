import PurchaseCore
import Testing

@Suite("Laws 1, 3, 5 and 7 on every reachable chain")
struct RandomWalkTests {
    static let policies: [Policy] = [
        .standard, .standard.with { $0.allowedEnvironments = [.sandbox] },
        .standard.with { $0.bundleID = BundleID("com.example.other") },
        .standard.with { $0.accountTokenRule = .require }, .standard.with { $0.accountTokenRule = .ignore },
        .standard.with { $0.catalogue = Catalogue(unknownProducts: .strict) },
        .standard.with(product: "unlock") { $0.onProratedRefund = .keep },
        .standard.with(product: "coins") { $0.settlementHold = .hours(1) },
    ]

    /// Each step checks in `History.take`: one event per change, replay, decided twice, the invariants of law 5.
    @Test("any sequence of inputs keeps the laws", arguments: SplitMix64.seeds(fixed: 1...60, for: "random walk"))
    func walk(seed: UInt64) {
        var generator = EvidenceGenerator(seed: seed)
        var history = History(
            generator.random.oneIn(2)
                ? .provisional(TransactionID("1001")) : .original(.production, OriginalTransactionID("1001")))
        for step in 0..<25 {
            history.wait(.minutes(Int64.random(in: 0...90, using: &generator.random)))
            let settledBefore = history.chain.transactions.filter { $0.value.state.isSettled }.mapValues(\.purchaseID)
            let paidBefore = history.chain.transactions.filter { $0.value.state.name == .paid }.keys
            let input = input(for: history, &generator)
            history.take(input)
            for (id, purchase) in settledBefore where purchase?.ownership != nil {
                // A refund of unknown ownership can be undone before anybody knows whose it was; nothing else unsettles.
                #expect(history.chain.transactions[id]?.state.isSettled == true, "SEED=\(seed) step \(step)")
            }
            checkOnlyEvidenceSettles(input, history, paidBefore: Set(paidBefore), "SEED=\(seed) step \(step)")
        }
    }

    private func checkOnlyEvidenceSettles(
        _ input: Input, _ history: History, paidBefore: Set<TransactionID>, _ place: Comment
    ) {
        let newlyPaid = history.chain.transactions.values.contains {
            $0.state.name == .paid && !paidBefore.contains($0.id)
        }
        guard newlyPaid else { return }
        switch input {
        case .evidenceVerified(let evidence, _, _): #expect(evidence.id.source.isAuthoritative, place)
        // A corrected setting decides again from stored evidence.
        case .policyChanged: break
        case .claimed, .mentioned, .appStoreUnanswered, .statusesUnanswered, .deadlineReached, .holdElapsed,
            .staffActed,
            .grantAcknowledged:
            Issue.record("paid by \(input.kind): \(place)")
        }
    }

    private func input(for history: History, _ generator: inout EvidenceGenerator) -> Input {
        let ids = history.chain.transactions.keys.sorted() + [TransactionID("1001")]
        let id = generator.random.pick(ids)
        switch generator.random.next() % 18 {
        case 0, 1: return .claimed(id, by: generator.random.pick([alice, bob, carol]), at: history.now)
        case 2: return .appStoreUnanswered(id, nonAnswer(history, &generator))
        case 3: return .deadlineReached(id)
        case 4: return .holdElapsed(id)
        case 5: return .staffActed(.recheck(id), reasonNumber: 1)
        case 6:
            guard let grant = history.chain.grants.keys.sorted().randomElement(using: &generator.random) else {
                return .policyChanged
            }
            return .grantAcknowledged(grant)
        case 7: return .policyChanged
        case 14: return .mentioned(id)
        case 15: return .statusesUnanswered(id, nonAnswer(history, &generator))
        case 16, 17:
            let id = history.chain.cases.keys.sorted().randomElement(using: &generator.random) ?? CaseID("-")
            return .staffActed(
                .resolveCase(id, generator.random.pick(ClaimCase.Outcome.allCases)), reasonNumber: 2)
        case 8:
            var sample = generator.sample()
            if generator.random.oneIn(3) { sample.facts.environment = .sandbox }
            return .evidenceVerified(sample.evidence, absorbing: posted(sample, history, &generator))
        default:
            let sample = generator.sample()
            let renewal = generator.renewal(beside: sample)
            return .evidenceVerified(
                sample.evidence, renewal: renewal, absorbing: posted(sample, history, &generator))
        }
    }

    /// The provisional chain under which an id was posted, if this chain does not have the id yet.
    private func posted(_ sample: Sample, _ history: History, _ generator: inout EvidenceGenerator) -> Chain? {
        let id = sample.facts.transactionID
        guard history.chain.transactions[id] == nil, history.chain.environment == sample.facts.environment,
            generator.random.oneIn(2)
        else { return nil }
        var posted = History(.provisional(id))
        posted.claim(generator.random.pick([alice, bob, carol]), id.rawValue)
        if generator.random.oneIn(2) { posted.unanswered(.unavailable, id.rawValue) }
        if generator.random.oneIn(4) { posted.mention(id.rawValue) }
        return posted.chain
    }

    private func nonAnswer(_ history: History, _ generator: inout EvidenceGenerator) -> AppStoreNonAnswer {
        generator.random.pick([
            .notFound(in: [.production, .sandbox]), .notFound(in: [.production]), .unauthorized, .requestRefused,
            .throttled(retryAt: history.now + .minutes(3)), .throttled(retryAt: nil), .unavailable, .answerRefused,
            .verificationUndetermined,
        ])
    }

    @Test(
        "policies that come and go keep the laws", arguments: SplitMix64.seeds(fixed: 3_001...3_030, for: "policy walk")
    )
    func policyWalk(seed: UInt64) {
        var generator = EvidenceGenerator(seed: seed)
        generator.mayChangeBundle = false
        var history = History(.original(.production, OriginalTransactionID("1001")))
        history.claim(alice)
        for _ in 0..<12 {
            history.see(generator.sample())
            if generator.random.oneIn(2) {
                let settled = history.chain.transactions.filter { $0.value.state.isSettled }.keys
                history.change(generator.random.pick(Self.policies))
                for id in settled {
                    #expect(
                        history.chain.transactions[id]?.state.isSettled == true, "SEED=\(seed): a setting never un-pays"
                    )
                }
            }
        }
    }

    @Test("no number that Apple can send traps", arguments: SplitMix64.seeds(fixed: 4_001...4_040, for: "extremes"))
    func extremes(seed: UInt64) {
        var generator = EvidenceGenerator(seed: seed)
        var history = History(.original(.production, OriginalTransactionID("1001")))
        history.claim(alice)
        for _ in 0..<10 {
            var sample = generator.sample()
            for _ in 0..<3 { exaggerate(&sample.facts, &generator.random) }
            history.see(sample)
        }
    }

    private func exaggerate(_ facts: inout TransactionFacts, _ random: inout SplitMix64) {
        let number = random.pick(InstantTests.extremes)
        let instant = Instant(millisecondsSince1970: number)
        switch random.next() % 9 {
        case 0: facts.price = number
        case 1: facts.quantity = number
        case 2: facts.revocationPercentage = number
        case 3: facts.signedDate = instant
        case 4: facts.purchaseDate = instant
        case 5: facts.originalPurchaseDate = instant
        case 6: facts.expiresDate = instant
        case 7: if facts.revocationDate != nil { facts.revocationDate = instant }
        default: facts.offerType = number
        }
    }
}
