import PurchaseCore
import Testing

@Suite("Sweeps of what is paid")
struct SweepTests {
    func paid(_ product: String = "unlock") -> History {
        var history = History()
        history.claim(alice)
        history.see(Sample(product, signed: 2))
        return history
    }

    func minute(_ instant: Instant) -> Int64 { (instant - start).milliseconds / 60_000 }

    /// Plays Apple until `day`, only as far as sweeps ask; returns the days on which it was asked.
    func play(_ history: inout History, until day: Int64, answer: (Int64) -> Sample?) -> [Double] {
        var asked: [Double] = []
        while let next = history.nextSweep(), next < start + .days(day), asked.count < 500 {
            history.now = max(next, history.now)
            asked.append(Double((history.now - start).milliseconds) / 86_400_000)
            if let sample = answer(minute(history.now)) {
                history.see(sample)
            } else {
                history.unanswered(.unavailable)
            }
        }
        return asked
    }

    @Test("a paid purchase is asked about again on the schedule, and each answer moves it on")
    func schedule() {
        var history = paid()
        #expect(history.nextCheck() == nil, "nobody waits for it")
        let asked = play(&history, until: 900) { Sample(signed: $0) }
        #expect(asked.count == 10)
        #expect(asked == SweepScheduleTests.days(of: "1001", until: 900))
        #expect(history.short() == "paid/confirmed" && history.alarms.isEmpty)
    }

    @Test("an answer that is word for word the known one moves it on, too")
    func sameAnswer() {
        var history = paid()
        let asked = play(&history, until: 900) { _ in Sample(signed: 2) }
        #expect(asked == SweepScheduleTests.days(of: "1001", until: 900))
    }

    @Test("a refund that nobody told of is found, and ends the sweeps until it is undone")
    func refundFound() {
        var history = paid()
        let refundedAt = Int64(20 * 1_440)
        _ = play(&history, until: 900) { Sample(signed: $0).refunded(at: refundedAt) }
        #expect(history.short() == "refunded/refund_full")
        #expect(history.check()?.isSweep == false)
        // Apple may be asked to confirm so great a change; after that there is nothing left to ask.
        if let next = history.nextCheck() {
            history.now = next
            history.see(Sample(signed: minute(next)).refunded(at: refundedAt))
        }
        #expect(history.check()?.nextCheckAt == nil)
        let later = minute(history.now) + 60
        history.now = .minute(later)
        history.see(Sample(signed: later).from(.notification, "REFUND_REVERSED"))
        #expect(history.short() == "paid/refund_reversed")
        #expect(history.nextSweep().map { $0 > history.now } == true)
    }

    @Test("a refund that a notification tells of ends them")
    func refundTold() {
        var history = paid()
        history.see(Sample(signed: 20).refunded(at: 19).from(.notification, "REFUND"))
        #expect(history.short() == "refunded/refund_full")
        #expect(history.check()?.nextCheckAt == nil && history.check()?.isSweep == false)
    }

    @Test(
        "one without an answer is repeated ever more rarely, stays a sweep, and gives way to the next",
        arguments: [
            AppStoreNonAnswer.unavailable, .throttled(retryAt: nil), .notFound(in: [.production]), .unauthorized,
            .requestRefused, .answerRefused, .verificationUndetermined,
        ])
    func inVain(answer: AppStoreNonAnswer) {
        var history = paid()
        let moments = SweepScheduleTests.days(of: "1001", until: 500).map {
            start + Span(milliseconds: Int64($0 * 86_400_000))
        }
        var asked = 0
        var waits: [Span] = []
        while let next = history.nextSweep(), next < start + .days(500), asked < 1_000 {
            history.now = next
            history.unanswered(answer)
            asked += 1
            guard let after = history.nextSweep() else { break }
            #expect(!moments.contains { $0 > next && $0 < after }, "no moment of the schedule is passed over")
            if asked <= 8 { waits.append(after - next) }
        }
        #expect(history.nextSweep().map { $0 >= start + .days(500) } == true, "it is still planned, and as a sweep")
        #expect(asked <= moments.count * Int(RecheckSchedule.sweepAttemptsMax))
        #expect(asked > moments.count * 10, "and it is repeated")
        #expect(waits == waits.sorted() && waits[0] < .seconds(6))
        #expect(history.short() == "paid/confirmed" && history.refusal() == nil)
    }

    @Test("an outage of a day delays a sweep and skips none")
    func outage() {
        var history = paid()
        let asked = play(&history, until: 20) { $0 < 2 * 1_440 ? nil : Sample(signed: $0) }
        let answered = asked.filter { $0 >= 2 }
        #expect(answered.count == 2, "the late first one, and the one after a week: \(answered)")
        #expect(answered.first.map { $0 < 4 } == true)
    }

    @Test("a moment that Apple names is waited for")
    func retryAfter() {
        var history = paid()
        history.now = history.nextSweep() ?? history.now
        history.unanswered(.throttled(retryAt: history.now + .minutes(20)))
        #expect(history.nextSweep() == history.now + .minutes(20))
    }

    @Test("somebody else's fruitless question before its time leaves it as it was planned")
    func earlier() {
        var history = paid()
        let planned = history.nextSweep()
        for _ in 0..<20 {
            history.unanswered(.unavailable)
            history.wait(.minutes(1))
        }
        #expect(history.nextSweep() == planned)
        #expect(history.check()?.attempts == 0)
        #expect(history.check()?.lastAskedAt == history.now - .minutes(1))
    }

    @Test(
        "a question that somebody asks takes its place, is repeated as one, and gives it back",
        arguments: [true, false])
    func overtaken(byPerson: Bool) {
        var history = paid()
        history.now = history.nextSweep() ?? history.now
        for _ in 0..<12 {
            history.unanswered(.unavailable)
            history.now = history.nextSweep() ?? history.now
        }
        let id = TransactionID("1001")
        history.take(byPerson ? .staffActed(.recheck(id), reasonNumber: 1) : .deadlineReached(id))
        #expect(history.nextCheck() == history.now)
        history.unanswered(.unavailable)
        #expect(history.nextCheck().map { $0 < history.now + .seconds(6) } == true, "not as slow as the sweep was")
        history.see(Sample(signed: minute(history.now)))
        #expect(history.nextCheck() == nil)
        #expect(
            history.nextSweep() == RecheckSchedule.nextSweep(of: id, chargedAt: .minute(0), after: history.now))
    }

    @Test("a doubt takes its place: a contradiction, and the device's contrary word")
    func doubts() {
        var told = paid()
        told.see(Sample(signed: 20).from(.device).refunded(at: 19))
        #expect(told.nextCheck() == told.now)

        var contradicted = paid()
        contradicted.now = .minute(30)
        contradicted.see(Sample(signed: 1).refunded(at: 1).from(.notification, "REFUND"))
        contradicted.see(Sample(signed: 29).from(.notification, "REFUND_REVERSED"))
        contradicted.see(Sample(signed: 28).refunded(at: 1))
        #expect(contradicted.short() == "paid/refund_reversed")
        #expect(contradicted.nextCheck() == .minute(31))
    }

    @Test("inputs that change nothing leave it alone")
    func unchanged() {
        var history = paid("coins")
        let check = history.check()
        history.wait(.days(3))
        history.claim(alice)
        #expect(history.decision == .nothing(.duplicateClaim))
        history.take(.policyChanged)
        #expect(history.decision == .nothing(.noEffect))
        history.acknowledgeAll()
        history.claim(bob)
        #expect(history.check() == check)
    }

    @Test("a paid transaction that has no plan, as from an older version, gets one with the next decision")
    func healed() {
        var history = paid()
        let planned = history.nextSweep()
        history.chain.checks[TransactionID("1001")] = Check()
        history.claim(alice)
        #expect(history.nextSweep() == planned)
        guard case .reschedule = history.decision else {
            Issue.record("a plan is no event")
            return
        }
    }

    @Test("each period of a subscription is swept on its own, a family share and a sandbox purchase too")
    func kinds() {
        var subscription = paid("monthly")
        subscription.now = .minute(43_200)
        let renewal = Sample("monthly", id: "1002", signed: 43_200).with {
            $0.purchaseDate = .minute(43_200)
            $0.webOrderLineItemID = WebOrderLineItemID("78")
        }
        subscription.see(renewal.from(.notification, "DID_RENEW"))
        let (first, second) = (subscription.nextSweep("1001"), subscription.nextSweep("1002"))
        #expect(first.map { $0 < start + .days(2) } == true, "still due")
        #expect(second.map { $0 > start + .hours(30 * 24 + 21) && $0 < start + .hours(30 * 24 + 27) } == true)

        var family = History()
        family.claim(alice)
        family.see(Sample(signed: 2).with { $0.inAppOwnershipType = .familyShared })
        #expect(family.nextSweep() != nil)

        var sandbox = History()
        sandbox.claim(alice)
        sandbox.see(Sample(signed: 2).with { $0.environment = .sandbox })
        #expect(sandbox.nextSweep() != nil)
    }

    @Test("a restore is swept by its charge: years later there is no second week of questions")
    func restore() {
        var history = History()
        history.now = start + .days(1_000)
        history.claim(alice)
        history.see(Sample(id: "1001", signed: 1_440_000).with { $0.purchaseDate = start + .days(1_000) })
        #expect(history.nextSweep().map { $0 > history.now + .days(1) } == true)
    }
}
