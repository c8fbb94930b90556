import PurchaseCore
import Testing

@Suite("Overrides")
struct OverrideTests {
    static let goodwill = Override.Terms(key: "pro", effect: .grant, environment: .production, until: nil)

    func history() -> History { History(.account(alice)) }

    @Test("an override is named after its account, in force from now, and replays")
    func made() {
        var history = history()
        history.take(.staffActed(.override(Self.goodwill), reasonNumber: 5))
        #expect(history.rules == [.overrideMade])
        let made = history.chain.overrides.values.first
        #expect(
            made
                == Override(
                    id: OverrideID("override-1-1"), account: alice, terms: Self.goodwill, since: history.now,
                    reasonNumber: 5))
        #expect(history.chain.transactions.isEmpty && history.chain.entitlements.isEmpty)
    }

    @Test("the same terms are the same override while it is in force, and a new one after its end")
    func same() {
        var history = history()
        history.take(.staffActed(.override(Self.goodwill), reasonNumber: 5))
        history.take(.staffActed(.override(Self.goodwill), reasonNumber: 6))
        #expect(history.decision == .nothing(.noEffect))
        history.take(.staffActed(.endOverride(OverrideID("override-1-1")), reasonNumber: 7))
        #expect(history.rules.last == .overrideEnded)
        history.take(.staffActed(.override(Self.goodwill), reasonNumber: 8))
        #expect(history.chain.overrides.keys.sorted() == [OverrideID("override-1-1"), OverrideID("override-1-2")])
    }

    @Test("other terms are another override: key, effect, store and end", arguments: 0..<4)
    func other(part: Int) {
        var terms = Self.goodwill
        switch part {
        case 0: terms.key = "plus"
        case 1: terms.effect = .withhold
        case 2: terms.environment = .sandbox
        default: terms.until = .minute(500)
        }
        var history = history()
        history.take(.staffActed(.override(Self.goodwill), reasonNumber: 5))
        history.take(.staffActed(.override(terms), reasonNumber: 6))
        #expect(history.chain.overrides.count == 2)
    }

    @Test("it is ended once; one whose time is over, and one that is not there, can't be")
    func ends() {
        var history = history()
        var terms = Self.goodwill
        terms.until = .minute(10)
        history.take(.staffActed(.override(terms), reasonNumber: 5))
        history.take(.staffActed(.override(Self.goodwill), reasonNumber: 5))
        history.now = .minute(10)
        history.take(.staffActed(.endOverride(OverrideID("override-1-1")), reasonNumber: 6))
        #expect(history.decision == .nothing(.noEffect))
        history.take(.staffActed(.endOverride(OverrideID("override-1-9")), reasonNumber: 6))
        #expect(history.decision == .nothing(.noEffect))
        history.take(.staffActed(.endOverride(OverrideID("override-1-2")), reasonNumber: 6))
        #expect(history.chain.overrides[OverrideID("override-1-2")]?.ending?.endedAt == .minute(10))
        history.take(.staffActed(.endOverride(OverrideID("override-1-2")), reasonNumber: 6))
        #expect(history.decision == .nothing(.noEffect))
    }

    @Test("one that would be over already is not made")
    func over() {
        var history = history()
        var terms = Self.goodwill
        terms.until = history.now
        history.take(.staffActed(.override(terms), reasonNumber: 5))
        #expect(history.decision == .nothing(.noEffect))
    }

    @Test("a hundred are in force at most; what is over makes room")
    func bounded() {
        var history = history()
        var terms = Self.goodwill
        for number in 0..<Override.liveMax {
            terms.key = "key-\(number)"
            terms.until = number == 0 ? .minute(50) : nil
            history.take(.staffActed(.override(terms), reasonNumber: 5), checkingLaws: false)
        }
        history.take(.staffActed(.override(Self.goodwill), reasonNumber: 5))
        #expect(history.decision == .nothing(.limitReached))
        history.now = .minute(50)
        history.take(.staffActed(.override(Self.goodwill), reasonNumber: 5))
        #expect(history.chain.overrides.count == Override.liveMax + 1)
    }

    @Test("a chain of an account takes nothing else, and other chains take no overrides")
    func separate() {
        var history = history()
        let id = TransactionID("1001")
        let inputs: [Input] = [
            .claimed(id, by: alice, at: history.now), .evidenceVerified(Sample(signed: 2).evidence, absorbing: nil),
            .mentioned(id), .appStoreUnanswered(id, .unavailable), .deadlineReached(id), .holdElapsed(id),
            .staffActed(.recheck(id), reasonNumber: 1), .grantAcknowledged(GrantID("-")), .policyChanged,
            .staffActed(.resolveCase(CaseID("-"), .refused), reasonNumber: 1),
        ]
        for input in inputs {
            history.take(input)
            guard case .nothing = history.decision else {
                Issue.record("\(input.kind) changed a chain of overrides")
                continue
            }
        }
        var bought = History()
        bought.claim(alice)
        let version = bought.chain.version
        bought.take(.staffActed(.override(Self.goodwill), reasonNumber: 1))
        bought.take(.staffActed(.endOverride(OverrideID("override-1-1")), reasonNumber: 1))
        #expect(bought.chain.version == version)
    }

    @Test(
        "any sequence of inputs keeps the laws",
        arguments: SplitMix64.seeds(fixed: 4_001...4_020, for: "override walk"))
    func walk(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var history = history()
        for _ in 0..<30 {
            history.wait(.minutes(Int64.random(in: 0...40, using: &random)))
            if random.oneIn(3), let id = history.chain.overrides.keys.sorted().randomElement(using: &random) {
                history.take(.staffActed(.endOverride(id), reasonNumber: 2))
            } else {
                let terms = Override.Terms(
                    key: random.pick(["pro", "plus"]), effect: random.pick(Override.Effect.allCases),
                    environment: random.pick(StoreEnvironment.allCases),
                    until: random.pick([nil, history.now + .minutes(30), .minute(200)]))
                history.take(.staffActed(.override(terms), reasonNumber: 1))
            }
            let live = history.chain.overrides.values.filter { $0.isLive(at: history.now) }
            #expect(Set(live.map(\.terms)).count == live.count, "SEED=\(seed): the same terms twice")
        }
        #expect(history.chain.version > 3, "SEED=\(seed)")
    }
}
