import PurchaseCore
import Testing

@Suite("Refusals")
struct RefusalTests {
    let both: Set<StoreEnvironment> = [.production, .sandbox]
    let foreign = Sample(signed: 2).with { $0.bundleID = BundleID("com.example.other") }

    @Test(
        "a genuine purchase of another app is refused, stays in its state and is not pursued",
        arguments: EvidenceSource.allCases)
    func bundle(source: EvidenceSource) {
        var history = History()
        history.claim(alice)
        history.see(foreign.from(source))
        #expect(history.short() == "received/new")
        #expect(history.refusal() == .bundleMismatch)
        #expect(history.rules.last == .bundleMismatch)
        #expect(history.nextCheck() == nil)
        #expect(history.keys.isEmpty && history.money.isEmpty && history.claimStatus(alice) == .waiting)
        history.take(.deadlineReached(TransactionID("1001")))
        #expect(history.decision == .nothing(.noEffect))
    }

    @Test("a bundle id is compared exactly, and a missing one is nobody's")
    func bundleExact() {
        for bundle in [BundleID("com.example.App"), BundleID("com.example.app "), nil] {
            var history = History()
            history.claim(alice)
            history.see(Sample(signed: 2).with { $0.bundleID = bundle })
            #expect(history.refusal() == .bundleMismatch)
        }
    }

    @Test("a store that is not allowed is refused")
    func environment() {
        var history = History(policy: .standard.with { $0.allowedEnvironments = [.production] })
        history.claim(alice)
        history.see(Sample(signed: 2).with { $0.environment = .sandbox })
        #expect(history.refusal() == .environmentNotAllowed)
        #expect(history.rules.last == .environmentNotAllowed)
        #expect(history.short() == "received/new")
    }

    @Test("new authoritative evidence lifts a refusal, the device's word does not")
    func lifted() {
        var history = History()
        history.claim(alice)
        history.see(foreign)
        history.see(Sample(signed: 3).from(.device))
        #expect(history.refusal() == .bundleMismatch)
        history.see(Sample(signed: 4))
        #expect(history.refusal() == nil)
        #expect(history.short() == "paid/confirmed")
    }

    @Test("a corrected setting lifts it, from stored evidence alone")
    func corrected() {
        var history = History(policy: .standard.with { $0.allowedEnvironments = [.production] })
        history.claim(alice)
        history.see(Sample(signed: 2).with { $0.environment = .sandbox })
        history.change(.standard.with { $0.sandboxAccounts = .all })
        #expect(history.refusal() == nil)
        #expect(history.short() == "paid/confirmed")
        #expect(history.keys == ["pro"])
        #expect(history.rules.last == .policyChanged)
    }

    @Test("a corrected setting lets an unsettled transaction be asked about again")
    func correctedUnsettled() {
        var history = History(policy: .standard.with { $0.allowedEnvironments = [.production] })
        history.claim(alice)
        history.see(Sample(signed: 2).with { $0.environment = .sandbox }.from(.device))
        #expect(history.refusal() == .environmentNotAllowed)
        history.change(.standard)
        #expect(history.refusal() == nil)
        #expect(history.short() == "pending/revocation_unconfirmed")
        #expect(history.nextCheck() == history.now)
    }

    @Test("a narrowed setting stops new purchases and never un-pays old ones")
    func narrowed() {
        var history = History()
        history.claim(alice)
        history.see(Sample("coins", signed: 2))
        history.acknowledgeAll()
        let outcome = Outcome(history.chain)
        history.change(.standard.with { $0.allowedEnvironments = [.sandbox] })
        #expect(Outcome(history.chain) == outcome)
        history.change(.standard.with { $0.bundleID = BundleID("com.example.renamed") })
        #expect(Outcome(history.chain) == outcome)
        history.see(Sample("coins", signed: 20).refunded(at: 19))
        #expect(history.short() == "refunded/refund_full", "and goes on learning of refunds")
        history.see(Sample("coins", id: "1002", signed: 21))
        #expect(history.refusal("1002") == .bundleMismatch)
    }

    @Test(
        "the other store's evidence about the same id is kept, changes nothing and raises an alarm",
        arguments: EvidenceSource.allCases)
    func otherEnvironment(source: EvidenceSource) {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 2))
        let outcome = Outcome(history.chain)
        let other = Sample(signed: 90).with { $0.environment = .sandbox }.refunded(at: 80).from(source)
        history.see(other)
        #expect(Outcome(history.chain) == outcome)
        #expect(history.alarms == [.otherEnvironment])
        #expect(history.rules.last == .otherEnvironment)
        #expect(history.chain.evidence[other.evidence.id] != nil)
        history.see(other)
        #expect(history.decision == .nothing(.duplicateEvidence))
    }

    // MARK: not_found

    /// Asks once an interval, until refused or the limit is reached; returns the number of answers.
    func ask(_ history: inout History, every span: Span, limit: Int, _ answer: (Int) -> AppStoreNonAnswer) -> Int {
        for count in 1...limit {
            history.unanswered(answer(count))
            if history.refusal() != nil { return count }
            history.wait(span)
        }
        return limit
    }

    @Test("not_found takes the deadline and five definitive answers")
    func notFound() {
        var patient = History()
        patient.claim(alice)
        #expect(ask(&patient, every: .hours(1), limit: 100) { _ in .notFound(in: both) } == 73)
        #expect(patient.refusal() == .notFound)
        #expect(patient.short() == "pending/not_found_yet")
        #expect(patient.rules.last == .notFoundDeadline)
        #expect(patient.nextCheck() == nil)

        var rare = History()
        rare.claim(alice)
        #expect(ask(&rare, every: .days(2), limit: 100) { _ in .notFound(in: both) } == 5)

        var hasty = History()
        hasty.claim(alice)
        #expect(ask(&hasty, every: .seconds(1), limit: 50) { _ in .notFound(in: both) } == 50)
        #expect(hasty.refusal() == nil)
    }

    @Test("every allowed store must have said so; a store that can't be asked keeps it open")
    func everyStore() {
        var history = History()
        history.claim(alice)
        _ = ask(&history, every: .hours(6), limit: 40) { _ in .notFound(in: [.production]) }
        #expect(history.refusal() == nil)
        #expect(history.short() == "pending/not_found_yet")

        var single = History(policy: .standard.with { $0.allowedEnvironments = [.production] })
        single.claim(alice)
        _ = ask(&single, every: .hours(6), limit: 40) { _ in .notFound(in: [.production]) }
        #expect(single.refusal() == .notFound)
    }

    @Test("only the store that verified evidence names is needed")
    func namedStore() {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 2).with { $0.environment = .sandbox }.from(.device))
        _ = ask(&history, every: .hours(6), limit: 40) { _ in .notFound(in: [.sandbox]) }
        #expect(history.refusal() == .notFound)
        #expect(history.short() == "pending/revocation_unconfirmed")
    }

    @Test(
        "time without definitive answers doesn't count",
        arguments: [AppStoreNonAnswer.unavailable, .throttled(retryAt: nil), .notFound(in: [.sandbox])])
    func outageTime(fault: AppStoreNonAnswer) {
        var history = History()
        history.claim(alice)
        // Definitive answers alternate with faults four hours apart: no interval between two definitive ones.
        _ = ask(&history, every: .hours(4), limit: 60) { $0.isMultiple(of: 2) ? fault : .notFound(in: both) }
        #expect(history.refusal() == nil)
        // Then two and a half days of definitive answers are not yet three.
        _ = ask(&history, every: .hours(12), limit: 6) { _ in .notFound(in: both) }
        #expect(history.refusal() == nil)
        _ = ask(&history, every: .hours(12), limit: 1) { _ in .notFound(in: both) }
        #expect(history.refusal() == .notFound)
    }

    @Test("a new post after not_found lifts it and asks Apple at once; so does evidence")
    func newPost() {
        var history = History()
        history.claim(alice)
        _ = ask(&history, every: .hours(24), limit: 20) { _ in .notFound(in: both) }
        #expect(history.refusal() == .notFound)
        history.wait(.days(1))
        history.claim(alice)
        #expect(history.refusal() == nil)
        #expect(history.short() == "pending/not_found_yet")
        #expect(history.nextCheck() == history.now)
        #expect(ask(&history, every: .hours(24), limit: 20) { _ in .notFound(in: both) } == 5, "counted from the start")
        history.see(Sample(signed: 2).from(.notification, "ONE_TIME_CHARGE"))
        #expect(history.refusal() == nil)
        #expect(history.short() == "paid/confirmed")
        #expect(history.claimStatus(alice) == .held)
    }

    @Test("the device's word alone does not lift not_found")
    func deviceAfterNotFound() {
        var history = History()
        history.claim(alice)
        _ = ask(&history, every: .hours(24), limit: 20) { _ in .notFound(in: both) }
        history.see(Sample(signed: 2).from(.device))
        #expect(history.refusal() == .notFound)
    }

    @Test("a store that is newly allowed has not been asked enough: not_found is lifted")
    func storeAdded() {
        var history = History(policy: .standard.with { $0.allowedEnvironments = [.production] })
        history.claim(alice)
        _ = ask(&history, every: .hours(24), limit: 20) { _ in .notFound(in: [.production]) }
        #expect(history.refusal() == .notFound)
        history.change(
            .standard.with {
                $0.accountTokenRule = .ignore
                $0.allowedEnvironments = [.production]
            })
        #expect(history.refusal() == .notFound, "another setting changes nothing")
        history.change(.standard)
        #expect(history.refusal() == nil)
        #expect(history.nextCheck() == history.now)
    }

    @Test("a person may have a refused transaction asked about again")
    func recheck() {
        var history = History()
        history.claim(alice)
        _ = ask(&history, every: .hours(24), limit: 20) { _ in .notFound(in: both) }
        history.take(.staffActed(.recheck(TransactionID("1001")), reasonNumber: 7))
        #expect(history.nextCheck() == history.now)
        #expect(history.rules.last == .recheckRequested)
        #expect(history.refusal() == .notFound)
        history.see(Sample(signed: 2))
        #expect(history.short() == "paid/confirmed")
    }

    @Test("Retry-After is honoured, but not for years", arguments: [Int64(20), 50, 1_000_000])
    func retryAfter(minutes: Int64) {
        var history = History()
        history.claim(alice)
        history.unanswered(.throttled(retryAt: history.now + .minutes(minutes)))
        let wait = (history.nextCheck() ?? .minute(0)) - history.now
        #expect(wait == (minutes > 60 ? .hours(1) : .minutes(minutes)))
    }
}
