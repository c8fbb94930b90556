import PurchaseCore
import Testing

@Suite("Order of evidence (law 2)")
struct EvidenceOrderTests {
    func choose(_ samples: Sample...) -> Deciding? { Deciding.choose(from: samples.map(\.evidence)) }

    @Test("nothing decides an empty set")
    func empty() {
        #expect(choose() == nil)
    }

    @Test("the later signedDate decides")
    func signedDate() {
        let old = Sample(signed: 10)
        let new = Sample(signed: 11)
        #expect(choose(old, new)?.evidence == new.evidence)
        #expect(choose(new, old)?.evidence == new.evidence)
    }

    @Test("of one instant, revoked decides over not revoked")
    func revokedFirst() {
        let clean = Sample(signed: 10)
        let revoked = Sample(signed: 10).refunded(at: 9)
        #expect(choose(clean, revoked)?.evidence == revoked.evidence)
        #expect(choose(revoked, clean)?.evidence == revoked.evidence)
        #expect(choose(revoked, clean)?.uncountedReversal == false)
    }

    @Test("of one instant and one word, the larger digest decides")
    func digest() {
        let one = Sample(signed: 10)
        let two = Sample(signed: 10).with { $0.storefront = "DEU" }
        let larger = max(one.evidence.id, two.evidence.id)
        #expect(choose(one, two)?.evidence.id == larger)
        #expect(choose(two, one)?.evidence.id == larger)
    }

    @Test(
        "one clean answer after a refund does not undo it", arguments: EvidenceSource.allCases.filter(\.isAuthoritative)
    )
    func oneCleanAnswer(source: EvidenceSource) {
        let refund = Sample(signed: 10).refunded(at: 9)
        let deciding = choose(refund, Sample(signed: 500).from(source))
        #expect(deciding?.evidence == refund.evidence)
        #expect(deciding?.uncountedReversal == true)
        #expect(deciding?.refundReversed == false)
    }

    @Test(
        "two clean app_store answers undo it when they are signed an hour apart, and not a minute less",
        arguments: [(20, 79, false), (20, 80, true), (20, 81, true), (79, 20, false), (80, 20, true)])
    func hourApart(first: Int64, second: Int64, undone: Bool) {
        let deciding = choose(Sample(signed: first), Sample(signed: 10).refunded(at: 9), Sample(signed: second))
        #expect(deciding?.refundReversed == undone)
        #expect(deciding?.evidence.facts.isRevoked == !undone)
        #expect(deciding?.uncountedReversal == !undone)
    }

    @Test("only app_store answers count among the two", arguments: [EvidenceSource.notification, .history])
    func onlyAnswers(source: EvidenceSource) {
        let refund = Sample(signed: 10).refunded(at: 9)
        #expect(choose(refund, Sample(signed: 20).from(source), Sample(signed: 90))?.refundReversed == false)
        #expect(
            choose(refund, Sample(signed: 20).from(source), Sample(signed: 90).from(source))?.refundReversed == false)
    }

    @Test("a clean answer from before the refund is none of the two")
    func answersBefore() {
        let refund = Sample(signed: 100).refunded(at: 9)
        #expect(choose(Sample(signed: 10), refund, Sample(signed: 110))?.evidence == refund.evidence)
    }

    @Test("REFUND_REVERSED without revocationDate undoes it at once")
    func reversedNotification() {
        let refund = Sample(signed: 10).refunded(at: 9)
        let reversed = Sample(signed: 11).from(.notification, "REFUND_REVERSED")
        #expect(choose(refund, reversed)?.refundReversed == true)
        #expect(choose(refund, reversed)?.evidence == reversed.evidence)
    }

    @Test("REFUND_REVERSED that still carries a revocationDate is a refund")
    func reversedAndRevoked() {
        let refund = Sample(signed: 10).refunded(at: 9)
        let odd = Sample(signed: 11).refunded(at: 9).from(.notification, "REFUND_REVERSED")
        #expect(choose(refund, odd)?.evidence == odd.evidence)
        #expect(choose(refund, odd)?.refundReversed == false)
    }

    @Test("REFUND_REVERSED from before a later refund does not undo that one")
    func reversedBefore() {
        let second = Sample(signed: 20).refunded(at: 19)
        let deciding = choose(
            Sample(signed: 10).refunded(at: 9), Sample(signed: 15).from(.notification, "REFUND_REVERSED"), second,
            Sample(signed: 30))
        #expect(deciding?.evidence == second.evidence)
    }

    @Test("the original REFUND, redelivered after its reversal, changes nothing")
    func redelivered() {
        let refund = Sample(signed: 10).refunded(at: 9).from(.notification, "REFUND")
        let reversed = Sample(signed: 20).from(.notification, "REFUND_REVERSED")
        #expect(choose(refund, reversed, refund)?.evidence == reversed.evidence)
    }

    @Test("signedDates at the ends of the range do not trap")
    func extremes() {
        let refund = Sample(signed: 0).refunded(at: 0).with { $0.signedDate = Instant(millisecondsSince1970: .min) }
        let late = Sample(signed: 0).with { $0.signedDate = Instant(millisecondsSince1970: .max) }
        #expect(choose(refund, Sample(signed: 1), late)?.refundReversed == true)
    }
}
