import PurchaseCore
import Testing

@Suite("Refunds and their reversal")
struct RefundTests {
    /// Paid at minute 2, refunded at minute 10, Apple's answer seen at minute 11.
    func refunded(_ product: String = "unlock", policy: Policy = .standard) -> History {
        var history = History(policy: policy)
        history.claim(alice)
        history.see(Sample(product, signed: 2))
        history.now = .minute(11)
        history.see(Sample(product, signed: 11).refunded(at: 10))
        return history
    }

    @Test("a refund takes the entitlement away in the same decision")
    func takesAway() {
        let history = refunded()
        #expect(history.short() == "refunded/refund_full")
        #expect(history.keys.isEmpty)
        #expect(history.rules.last == .refundSeen)
        #expect(history.money == ["sale 4990", "refund -4990"])
    }

    @Test("an answer from before the refund, given after it, changes nothing and is asked about again")
    func staleAnswer() {
        var history = refunded()
        history.see(Sample(signed: 5))
        #expect(history.short() == "refunded/refund_full")
        #expect(history.rules.last == .evidenceStale)
        #expect(history.alarms == [.contradiction])
        #expect(history.nextCheck() == .minute(12))
    }

    @Test("an old notification from before the refund is stale and no contradiction")
    func staleNotification() {
        var history = refunded()
        history.see(Sample(signed: 1).from(.notification, "ONE_TIME_CHARGE"))
        #expect(history.short() == "refunded/refund_full")
        #expect(history.rules.last == .evidenceStale)
        #expect(history.alarms.isEmpty)
        #expect(history.nextCheck() == .minute(12), "the refund itself is confirmed, nothing else")
    }

    @Test("one clean answer after the refund does not undo it; a second one an hour later does")
    func twoAnswers() {
        var history = refunded()
        history.now = .minute(100)
        history.see(Sample(signed: 100))
        #expect(history.short() == "refunded/refund_full")
        #expect(history.alarms == [.contradiction])
        history.now = .minute(159)
        history.see(Sample(signed: 159))
        #expect(history.short() == "refunded/refund_full")
        history.now = .minute(160)
        history.see(Sample(signed: 160))
        #expect(history.short() == "paid/refund_reversed")
        #expect(history.rules.last == .refundReversed)
        #expect(history.keys == ["pro"])
        #expect(history.money == ["sale 4990", "refund -4990", "reversal 4990"])
        #expect(history.nextCheck() == nil)
    }

    @Test("REFUND_REVERSED undoes it at once, and the redelivered REFUND does not bring it back")
    func reversed() {
        var history = refunded()
        history.see(Sample(signed: 20).from(.notification, "REFUND_REVERSED"))
        #expect(history.short() == "paid/refund_reversed")
        history.see(Sample(signed: 11).refunded(at: 10).from(.notification, "REFUND"))
        #expect(history.short() == "paid/refund_reversed")
        #expect(history.keys == ["pro"])
        #expect(history.money == ["sale 4990", "refund -4990", "reversal 4990"])
    }

    @Test("a reversal of a one-time product stays a one-time product: no end appears")
    func reversedOneTime() {
        var history = refunded()
        history.see(Sample(signed: 20).from(.notification, "REFUND_REVERSED"))
        #expect(history.chain.entitlements.values.map(\.until) == [nil])
    }

    @Test("a second refund after a reversal is a second generation")
    func secondRefund() {
        var history = refunded()
        history.see(Sample(signed: 20).from(.notification, "REFUND_REVERSED"))
        history.see(Sample(signed: 30).refunded(at: 29))
        #expect(history.short() == "refunded/refund_full")
        #expect(history.money == ["sale 4990", "refund -4990", "reversal 4990", "refund -4990"])
        #expect(history.chain.movements.map(\.generation) == [1, 1, 1, 2])
    }

    @Test("a refund that arrives after a newer clean answer is a refund, and Apple is asked again")
    func lateRefund() {
        var history = History()
        history.claim(alice)
        history.now = .minute(20)
        history.see(Sample(signed: 20))
        history.see(Sample(signed: 11).refunded(at: 10).from(.notification, "REFUND"))
        #expect(history.short() == "refunded/refund_full")
        #expect(history.alarms == [.contradiction])
        #expect(history.nextCheck() == .minute(21))
    }

    @Test("all transactions of a purchase move together, and the others are asked about again")
    func siblings() {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 2))
        history.see(Sample(id: "1002", signed: 3).with { $0.purchaseDate = .minute(3) })
        #expect(history.short("1002") == "paid/confirmed")
        #expect(history.keys == ["pro"], "one entitlement for one purchase")
        history.now = .minute(12)
        history.see(Sample(id: "1002", signed: 11).refunded(at: 10))
        #expect(history.short() == "refunded/refund_full")
        #expect(history.short("1002") == "refunded/refund_full")
        #expect(history.keys.isEmpty)
        #expect(history.nextCheck("1001") == history.now)
        #expect(history.nextCheck("1002") == .minute(13), "so great a change is confirmed")
        #expect(history.money == ["sale 4990", "refund -4990"])
    }

    @Test("a refund of unknown ownership moves no other transaction, but they are asked about again")
    func unknownSibling() {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 2))
        history.see(Sample(id: "1002", signed: 11).with { $0.inAppOwnershipType = nil }.refunded(at: 10))
        #expect(history.short("1002") == "refunded/refund_full")
        #expect(history.short() == "paid/confirmed")
        #expect(history.nextCheck("1001") == history.now)
    }

    @Test("a transaction of unknown ownership takes no state from others; nothing settled is ever unsettled")
    func unknownStandsAlone() {
        var history = History(policy: .standard.with(product: "unlock") { $0.settlementHold = .hours(2) })
        history.claim(alice)
        history.see(Sample(signed: 20).with { $0.inAppOwnershipType = nil }.refunded(at: 19))
        history.see(Sample(id: "1002", signed: 10).with { $0.inAppOwnershipType = nil })
        #expect(history.short("1002") == "pending/ownership_unconfirmed")
        history.see(Sample(id: "1002", signed: 11))
        #expect(history.short("1002") == "pending/settlement_hold")
        history.see(Sample(signed: 21).refunded(at: 19))
        #expect(history.short("1002") == "refunded/refund_full")
        #expect(history.money == ["sale 4990", "refund -4990"])
    }

    @Test("a sibling that is to be asked about is still to be asked about after an outage")
    func siblingOutage() {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 2))
        history.see(Sample(id: "1002", signed: 3))
        history.see(Sample(id: "1002", signed: 11).refunded(at: 10))
        for _ in 0..<5 {
            history.unanswered(.unavailable, "1001")
            #expect(history.nextCheck("1001").map { $0 > history.now } == true)
            history.now = history.nextCheck("1001") ?? history.now
        }
        history.see(Sample(signed: 12).refunded(at: 10))
        #expect(history.nextCheck("1001") == nil)
    }

    @Test("a family member's REVOKE revokes that member's chain alone")
    func familyRevoke() {
        var member = History(.provisional(TransactionID("2001")))
        member.claim(bob, "2001")
        let shared = Sample(id: "2001", original: "2001", signed: 2).with { $0.inAppOwnershipType = .familyShared }
        member.see(shared)
        #expect(member.keys == ["pro"])
        member.see(shared.signed(11).refunded(at: 10, "FAMILY_REVOKE").from(.notification, "REVOKE"))
        #expect(member.short("2001") == "refunded/family_revoke")
        #expect(member.keys.isEmpty && member.money.isEmpty)
    }

    @Test("a prorated refund ends access, or keeps it where the product says so", arguments: [true, false])
    func prorated(keeps: Bool) {
        let policy = Policy.standard.with(product: "unlock") { $0.onProratedRefund = keeps ? .keep : .revoke }
        var history = History(policy: policy)
        history.claim(alice)
        history.see(Sample(signed: 2))
        history.see(Sample(signed: 11).refunded(at: 10, "REFUND_PRORATED", percentage: 40_000))
        #expect(history.short() == "refunded/refund_prorated")
        #expect(history.keys == (keeps ? ["pro"] : []))
        #expect(history.chain.entitlements.values.map(\.rule) == (keeps ? [.proratedKeep] : []))
        #expect(history.money == ["sale 4990", "refund -1996"])
        history.see(Sample(signed: 12).refunded(at: 10))
        #expect(history.keys.isEmpty, "a full refund ends it in any case")
        #expect(history.money == ["sale 4990", "refund -1996", "refund_adjustment -2994"])
    }
}

@Suite("Asking again about a contradiction")
struct ContradictionTests {
    /// Refunded, with a clean answer above that does not count yet.
    func contradicted() -> History {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 1))
        history.see(Sample(signed: 2).refunded(at: 1))
        history.now = .minute(100)
        history.see(Sample(signed: 100))
        return history
    }

    /// Plays Apple until nothing is planned; returns the minutes at which it was asked.
    func play(_ history: inout History, limit: Int = 40, answer: (Int64) -> Sample?) -> [Int64] {
        var asked: [Int64] = []
        while let next = history.nextCheck(), asked.count < limit {
            history.now = max(next, history.now)
            let minute = (history.now - .minute(0)).milliseconds / 60_000
            asked.append(minute)
            if let sample = answer(minute) {
                history.see(sample)
            } else {
                history.unanswered(.unavailable)
            }
        }
        return asked
    }

    @Test("Apple is asked after 1, 15 and 65 minutes, and then the reversal counts")
    func counts() {
        var history = contradicted()
        #expect(play(&history) { Sample(signed: $0) } == [101, 115, 165])
        #expect(history.short() == "paid/refund_reversed")
        #expect(history.check()?.contradictedAt == nil)
    }

    @Test("Apple is asked at 1, 15, 65 minutes, 6 and 24 hours when it gives the same old answer, and not for ever")
    func sameAnswer() {
        var history = contradicted()
        #expect(play(&history) { _ in Sample(signed: 100) } == [101, 115, 165, 460, 1_540])
        #expect(history.short() == "refunded/refund_full")
        #expect(history.check()?.contradictedAt == nil)
    }

    @Test("it ends when Apple repeats the refund")
    func refundRepeated() {
        var history = contradicted()
        let asked = play(&history) { Sample(signed: $0).refunded(at: 1) }
        #expect(asked.count <= 5)
        #expect(history.short() == "refunded/refund_full")
        #expect(history.nextCheck() == nil)
        #expect(history.check()?.contradictedAt == nil)
    }

    @Test("a clean answer months after the schedule ended opens it anew")
    func opensAnew() {
        var history = contradicted()
        _ = play(&history) { _ in Sample(signed: 100) }
        history.now = .minute(200_000)
        // Signed within the hour of the first one, so that it can't count by itself.
        history.see(Sample(signed: 110))
        #expect(history.nextCheck() == .minute(200_001))
        _ = play(&history) { Sample(signed: $0) }
        #expect(history.short() == "paid/refund_reversed")
    }

    @Test("notifications in between use up none of the questions")
    func notifications() {
        var history = contradicted()
        for minute in Int64(1)...10 {
            history.see(Sample(signed: 100 + minute).from(.notification, "CONSUMPTION_REQUEST"))
        }
        #expect(history.nextCheck() == .minute(101))
        #expect(play(&history) { Sample(signed: $0) } == [101, 115, 165])
        #expect(history.short() == "paid/refund_reversed")
    }

    @Test("an outage in between only delays it", arguments: [Int64(30), 300, 2_000])
    func outage(minutes: Int64) {
        var history = contradicted()
        _ = play(&history, limit: 1_000) { $0 < 102 + minutes ? nil : Sample(signed: $0) }
        #expect(history.short() == "paid/refund_reversed")
        #expect(history.nextCheck() == nil)
    }

    @Test("when only a notification was clean, and an outage took the whole schedule, Apple's two answers still count")
    func outageFromTheStart() {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 2).refunded(at: 1))
        history.now = .minute(100)
        history.see(Sample(signed: 100).from(.notification, "DID_CHANGE_RENEWAL_STATUS"))
        _ = play(&history, limit: 1_000) { $0 < 2_000 ? nil : Sample(signed: $0) }
        #expect(history.short() == "paid/refund_reversed")
        #expect(history.nextCheck() == nil)
    }

    @Test("a reversal told about one transaction ends the questions about its siblings")
    func siblingsResolve() {
        var history = contradicted()
        history.see(Sample(id: "1002", signed: 3))
        history.see(Sample(id: "1002", signed: 101).from(.notification, "REFUND_REVERSED"))
        #expect(history.short() == "paid/refund_reversed")
        #expect(history.short("1002") == "paid/refund_reversed")
        #expect(history.check("1001")?.contradictedAt == nil)
    }

    @Test("a 404 to the last question does not end it while one clean answer waits for a second")
    func lastQuestionLost() throws {
        var history = contradicted()
        for _ in RecheckSchedule.contradiction {
            history.now = try #require(history.nextCheck())
            history.unanswered(.notFound(in: [.production]))
        }
        history.now = try #require(history.nextCheck(), "asked again")
        history.see(Sample(signed: (history.now - .minute(0)).milliseconds / 60_000))
        #expect(history.short() == "paid/refund_reversed")
        #expect(history.nextCheck() == nil)
    }

    @Test("a 404 about a settled transaction is no reason to ask for ever")
    func notFound() {
        var history = contradicted()
        var asked = 0
        while let next = history.nextCheck(), asked < 100 {
            history.now = max(next, history.now)
            history.unanswered(.notFound(in: [.production]))
            asked += 1
        }
        // The schedule, and as many more as a second clean answer is given.
        #expect(asked == 8)
        #expect(history.short() == "refunded/refund_full")
    }

    @Test("an answer that overturns what was settled is confirmed once; one that agrees ends it, a 404 does not")
    func confirmed() {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 2))
        history.now = .minute(12)
        history.see(Sample(signed: 11).refunded(at: 10))
        #expect(history.nextCheck() == .minute(13))
        history.now = .minute(13)
        history.unanswered(.notFound(in: [.production]))
        #expect(history.nextCheck() != nil)
        history.now = .minute(20)
        history.see(Sample(signed: 20).refunded(at: 10))
        #expect(history.nextCheck() == nil && history.alarms.isEmpty)
        #expect(history.money == ["sale 4990", "refund -4990"])
    }

    @Test("another refunded part in an answer is confirmed as well")
    func confirmedPart() {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 2))
        let half = Sample(signed: 5).refunded(at: 4, "REFUND_PRORATED", percentage: 50_000)
        history.see(half.from(.notification, "REFUND"))
        #expect(history.nextCheck() == nil, "Apple's own word needs no confirmation")
        history.now = .minute(12)
        history.see(Sample(signed: 12).refunded(at: 4, "REFUND_PRORATED", percentage: 10_000))
        #expect(history.nextCheck() == .minute(13))
    }

    @Test("an answer that denies an earlier REFUND_REVERSED is asked about on the whole schedule, until two agree")
    func deniedReversal() {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 2))
        history.see(Sample(signed: 5).refunded(at: 4).from(.notification, "REFUND"))
        history.see(Sample(signed: 8).from(.notification, "REFUND_REVERSED"))
        #expect(history.short() == "paid/refund_reversed")
        // The payload from before the reversal, signed now.
        history.now = .minute(20)
        history.see(Sample(signed: 20).refunded(at: 4))
        #expect(history.short() == "refunded/refund_full" && history.alarms == [.contradiction])
        for minute in [21, 35, 85] as [Int64] {
            #expect(history.nextCheck() == .minute(minute))
            history.now = .minute(minute)
            history.see(Sample(signed: minute))
        }
        #expect(history.short() == "paid/refund_reversed" && history.nextCheck() == nil)
        #expect(history.chain.movements.compactMap(\.amountMilliunits).reduce(0, +) == 4_990)
    }
}
