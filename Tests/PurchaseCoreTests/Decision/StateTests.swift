import PurchaseCore
import Testing

@Suite("States and their reasons")
struct StateTests {
    @Test("a posted id is received, and Apple is asked at once")
    func received() {
        var history = History()
        history.claim(alice)
        #expect(history.short() == "received/new")
        #expect(history.nextCheck() == history.now)
        #expect(history.claimStatus(alice) == .waiting)
        #expect(history.rules == [.claimRecorded])
    }

    @Test("Apple's clean answer makes it paid and gives it to who claimed it")
    func paid() {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 2))
        #expect(history.short() == "paid/confirmed")
        #expect(history.claimStatus(alice) == .held)
        #expect(history.keys == ["pro"])
        #expect(history.nextCheck() == nil)
        #expect(history.rules == [.claimRecorded, .purchaseConfirmed])
        #expect(history.chain.identity == .original(.production, OriginalTransactionID("1001")))
    }

    @Test("evidence of a purchase that nobody posted is stored, and entitles nobody")
    func neverPosted() {
        var history = History(.original(.production, OriginalTransactionID("1001")))
        history.see(Sample(signed: 2).from(.notification, "ONE_TIME_CHARGE"))
        #expect(history.short() == "paid/confirmed")
        #expect(history.keys.isEmpty)
        history.claim(alice)
        #expect(history.claimStatus(alice) == .held)
        #expect(history.rules.last == .claimHeld)
        #expect(history.keys == ["pro"])
    }

    @Test(
        "an unanswered question leaves it pending, with the reason that fits",
        arguments: [
            (AppStoreNonAnswer.unavailable, "app_store_unavailable"), (.throttled(retryAt: nil), "app_store_throttled"),
            (.answerRefused, "app_store_answer_refused"), (.notFound(in: [.production, .sandbox]), "not_found_yet"),
            (.verificationUndetermined, "verification_unavailable"), (.unauthorized, "environment_undetermined"),
            (.requestRefused, "app_store_unavailable"),
        ])
    func unanswered(answer: AppStoreNonAnswer, reason: String) {
        var history = History()
        history.claim(alice)
        history.unanswered(answer)
        #expect(history.short() == "pending/\(reason)")
        #expect(history.rules.last == .appStoreUnanswered)
        #expect(history.nextCheck().map { $0 > history.now } == true)
        #expect(history.keys.isEmpty)
        history.see(Sample(signed: 2))
        #expect(history.short() == "paid/confirmed")
    }

    @Test(
        "what no client and no operator error may hide raises an alarm",
        arguments: [
            (AppStoreNonAnswer.unauthorized, Alarm?.some(.unauthorized)), (.requestRefused, .requestRefused),
            (.answerRefused, .answerRefused), (.unavailable, nil), (.notFound(in: []), nil),
        ])
    func alarms(answer: AppStoreNonAnswer, alarm: Alarm?) {
        var history = History()
        history.claim(alice)
        history.unanswered(answer)
        #expect(history.alarms == (alarm.map { [$0] } ?? []))
        #expect(answer.alarm == alarm)
    }

    @Test(
        "a fault of Apple's never moves a settled transaction",
        arguments: [Sample(signed: 2), Sample(signed: 2).refunded(at: 1)])
    func settledStays(sample: Sample) {
        var history = History()
        history.claim(alice)
        history.see(sample)
        let settled = history.short()
        for answer in [AppStoreNonAnswer.unavailable, .answerRefused, .notFound(in: [.production]), .unauthorized] {
            history.unanswered(answer)
        }
        #expect(history.short() == settled)
        #expect(history.refusal() == nil)
    }

    @Test(
        "missing or unknown ownership is never entitled and never sold",
        arguments: [InAppOwnershipType?.none, .some(.unknown("GIFTED"))])
    func ownership(type: InAppOwnershipType?) {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 2).with { $0.inAppOwnershipType = type })
        #expect(history.short() == "pending/ownership_unconfirmed")
        #expect(history.rules.last == .ownershipMissing)
        #expect(history.claimStatus(alice) == .waiting)
        #expect(history.keys.isEmpty && history.money.isEmpty)
        #expect(history.nextCheck().map { $0 > history.now } == true)

        history.see(Sample(signed: 3))
        #expect(history.short() == "paid/confirmed")
        #expect(history.claimStatus(alice) == .held)
        #expect(history.money == ["sale 4990"])
    }

    @Test("an answer without ownership teaches nothing, so it does not unlearn it")
    func ownershipStays() {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 2))
        history.see(Sample(signed: 3).with { $0.inAppOwnershipType = nil })
        #expect(history.short() == "paid/confirmed")
        #expect(history.chain.ownership(of: TransactionID("1001")) == .purchased)
    }

    @Test("a refund is a refund even while ownership is unknown; money waits for it")
    func refundedWithoutOwnership() {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 2).with { $0.inAppOwnershipType = nil }.refunded(at: 1))
        #expect(history.short() == "refunded/refund_full")
        #expect(history.claimStatus(alice) == .waiting)
        #expect(history.money.isEmpty)
        history.see(Sample(signed: 1))
        #expect(history.short() == "refunded/refund_full")
        #expect(history.claimStatus(alice) == .held)
        #expect(history.money == ["sale 4990", "refund -4990"])
    }

    @Test(
        "the refund's kind is the reason",
        arguments: [
            (String?.some("REFUND_FULL"), "refund_full"), ("REFUND_PRORATED", "refund_prorated"),
            ("FAMILY_REVOKE", "family_revoke"), (nil, "refund"), ("SOMETHING_NEW", "refund"),
        ])
    func refundReasons(type: String?, reason: String) {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 2).refunded(at: 1, type))
        #expect(history.short() == "refunded/\(reason)")
        #expect(history.keys.isEmpty)
        #expect(history.rules.last == .refundSeen)
    }

    @Test("unknown product types are paid and entitle to nothing")
    func unknownType() {
        var history = History()
        history.claim(alice)
        history.see(Sample("other", signed: 2).with { $0.type = .unknown("New Kind") })
        #expect(history.short() == "paid/confirmed")
        #expect(history.keys.isEmpty)
        #expect(history.money == ["sale 4990"])
    }

    @Test("an unknown notification type is evidence like any other")
    func unknownNotification() {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 2).from(.notification, "BRAND_NEW_TYPE"))
        #expect(history.short() == "paid/confirmed")
    }
}

@Suite("The device's word")
struct DeviceEvidenceTests {
    @Test("opens pending/revocation_unconfirmed and asks for a check")
    func opens() {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 2).from(.device))
        #expect(history.short() == "pending/revocation_unconfirmed")
        #expect(history.rules.last == .deviceEvidence)
        #expect(history.nextCheck() == history.now)
        #expect(history.keys.isEmpty && history.money.isEmpty && history.claimStatus(alice) == .waiting)
        #expect(history.chain.environment == .production)
    }

    @Test("posted again it leaves the plan to ask Apple as it is")
    func repeatKeepsPlan() {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 2).from(.device))
        history.unanswered(.unavailable)
        let planned = history.check()
        history.wait(.seconds(1))
        history.see(Sample(signed: 2).from(.device))
        #expect(history.check() == planned)
        #expect(history.decision == .nothing(.duplicateEvidence))
    }

    @Test("counts for nothing, however often and however late it is signed")
    func neverPays() {
        var history = History()
        history.claim(alice)
        for minute in Int64(2)...5 { history.see(Sample(signed: minute * 60).from(.device, "REFUND_REVERSED")) }
        #expect(history.short() == "pending/revocation_unconfirmed")
    }

    @Test("never un-refunds, and one from before the refund is not even a contradiction")
    func neverUnrefunds() {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 10).refunded(at: 9))
        history.see(Sample(signed: 2).from(.device))
        #expect(history.short() == "refunded/refund_full")
        #expect(history.nextCheck() == nil)
        history.see(Sample(signed: 200).from(.device))
        #expect(history.short() == "refunded/refund_full")
        #expect(history.nextCheck() == history.now, "it is newer and says otherwise, so Apple is asked")
    }

    @Test("never refunds, but asks")
    func neverRefunds() {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 2))
        history.see(Sample(signed: 20).from(.device).refunded(at: 19))
        #expect(history.short() == "paid/confirmed")
        #expect(history.nextCheck() == history.now)
    }

    @Test("stays the reason while Apple can't be asked, but a refused answer is shown")
    func reasons() {
        var history = History()
        history.claim(alice)
        history.see(Sample(signed: 2).from(.device))
        history.unanswered(.unavailable)
        #expect(history.short() == "pending/revocation_unconfirmed")
        history.unanswered(.answerRefused)
        #expect(history.short() == "pending/app_store_answer_refused")
        history.see(Sample(signed: 3).from(.device))
        #expect(history.short() == "pending/app_store_answer_refused")
    }
}

@Suite("Settlement hold")
struct SettlementHoldTests {
    let policy = Policy.standard.with(product: "unlock") { $0.settlementHold = .hours(2) }

    @Test("a verified purchase waits, and is confirmed again with Apple before it is paid")
    func waits() {
        var history = History(policy: policy)
        history.claim(alice)
        history.see(Sample(signed: 2))
        #expect(history.short() == "pending/settlement_hold")
        #expect(history.rules.last == .settlementHeld)
        #expect(history.nextCheck() == .minute(120))
        #expect(history.keys.isEmpty && history.money.isEmpty)

        history.now = .minute(121)
        history.take(.holdElapsed(TransactionID("1001")))
        #expect(history.short() == "pending/settlement_hold", "time alone pays nothing")
        history.see(Sample(signed: 121))
        #expect(history.short() == "paid/confirmed")
        #expect(history.nextCheck() == nil)
    }

    @Test("only Apple's own answer ends it, not a notification signed later")
    func notificationDoesNotEndIt() {
        var history = History(policy: policy)
        history.claim(alice)
        history.now = .minute(130)
        history.see(Sample(signed: 130).from(.notification, "ONE_TIME_CHARGE"))
        #expect(history.short() == "pending/settlement_hold")
        #expect(history.nextCheck() == history.now, "the hold is over, so Apple is asked at once")
    }

    @Test("an answer signed before the end, by a clock that is behind, is asked for again and not in a loop")
    func clockBehind() {
        var history = History(policy: policy)
        history.claim(alice)
        history.now = .minute(121)
        history.see(Sample(signed: 119))
        #expect(history.short() == "pending/settlement_hold")
        #expect(history.nextCheck().map { $0 > history.now } == true)
    }

    @Test("a refund inside the hold is a refund: sold and refunded, never entitled")
    func refundInside() {
        var history = History(policy: policy)
        history.claim(alice)
        history.see(Sample(signed: 2))
        history.see(Sample(signed: 30).refunded(at: 29))
        #expect(history.short() == "refunded/refund_full")
        #expect(history.money == ["sale 4990", "refund -4990"])
    }

    @Test("it counts from the charge: a restore years later is not held again")
    func restore() {
        var history = History(policy: policy)
        history.now = .minute(500_000)
        history.claim(alice)
        history.see(Sample(signed: 500_000).with { $0.purchaseDate = .minute(500_000) })
        #expect(history.short() == "paid/confirmed")
    }

    @Test("a hold that is set later never un-pays, one that is removed lets go")
    func policyChanges() {
        var paid = History()
        paid.claim(alice)
        paid.see(Sample(signed: 2))
        paid.change(policy)
        #expect(paid.short() == "paid/confirmed")
        paid.see(Sample(signed: 3))
        #expect(paid.short() == "paid/confirmed")

        var held = History(policy: policy)
        held.claim(alice)
        held.see(Sample(signed: 2))
        held.change(policy.with(product: "unlock") { $0.settlementHold = .minutes(60) })
        #expect(held.nextCheck() == .minute(60), "a shorter hold is planned anew")
        held.change(.standard)
        #expect(held.short() == "paid/confirmed")
        #expect(held.rules.last == .policyChanged)
    }
}
