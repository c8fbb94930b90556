import PurchaseCore
import Testing

@Suite("Money")
struct MoneyTests {
    func history(_ samples: Sample...) -> History {
        var history = History()
        history.claim(alice)
        for sample in samples { history.see(sample) }
        return history
    }

    @Test("a family share is never revenue", arguments: [false, true])
    func familyShare(refunded: Bool) {
        var shared = Sample(signed: 2).with { $0.inAppOwnershipType = .familyShared }
        if refunded { shared = shared.refunded(at: 1) }
        #expect(history(shared).money.isEmpty)
    }

    @Test("a free trial is a sale of 0, and its refund a refund of 0")
    func free() {
        let free = Sample("monthly", signed: 2).with { $0.price = 0 }
        #expect(history(free, free.signed(3).refunded(at: 3)).money == ["sale 0", "refund 0"])
    }

    @Test("first seen refunded is a sale and a refund")
    func firstSeenRefunded() {
        #expect(history(Sample(signed: 2).refunded(at: 1)).money == ["sale 4990", "refund -4990"])
    }

    @Test("one refund with two revocationDates is one refund")
    func twoDates() {
        let history = history(
            Sample(signed: 2), Sample(signed: 11).refunded(at: 10),
            Sample(signed: 12).refunded(at: 11).from(.notification, "REFUND"))
        #expect(history.money == ["sale 4990", "refund -4990"])
    }

    @Test("a new refunded amount is an adjustment by the difference, up or down")
    func adjustments() {
        let history = history(
            Sample(signed: 2), Sample(signed: 11).refunded(at: 10, "REFUND_PRORATED", percentage: 50_000),
            Sample(signed: 12).refunded(at: 10, "REFUND_PRORATED", percentage: 20_000),
            Sample(signed: 13).refunded(at: 10),
            Sample(signed: 14).from(.notification, "REFUND_REVERSED"))
        #expect(
            history.money == [
                "sale 4990", "refund -2495", "refund_adjustment 1497", "refund_adjustment -3992", "reversal 4990",
            ])
        #expect(history.chain.movements.map(\.step) == [0, 0, 1, 2, 0])
    }

    @Test("occurredAt is the charge, the revocationDate, and the signedDate of the reversal")
    func occurredAt() {
        let one = history(
            Sample(signed: 2).with { $0.purchaseDate = .minute(1) }, Sample(signed: 11).refunded(at: 10),
            Sample(signed: 20).from(.notification, "REFUND_REVERSED"))
        #expect(one.chain.movements.map(\.occurredAt) == [.minute(0), .minute(10), .minute(20)])
        let renewal = history(Sample("monthly", signed: 2).with { $0.purchaseDate = .minute(1) })
        #expect(renewal.chain.movements.map(\.occurredAt) == [.minute(1)])
    }

    @Test("each renewal is a sale of its own, and a refund of an earlier period is that period's")
    func renewals() {
        let renewal = Sample("monthly", id: "1002", signed: 50_000).with {
            $0.webOrderLineItemID = WebOrderLineItemID("78")
        }
        let history = history(
            Sample("monthly", signed: 2), renewal, Sample("monthly", signed: 50_001).refunded(at: 50_000))
        #expect(history.money == ["sale 4990", "sale 4990", "refund -4990"])
        #expect(history.chain.movements.last?.purchaseID == PurchaseID("production.purchased.77"))
        #expect(history.short("1002") == "paid/confirmed")
        #expect(history.short("1001") == "refunded/refund_full")
    }

    @Test("two transactions of one billing event are one sale")
    func oneBillingEvent() {
        let restored = Sample("monthly", id: "1002", signed: 3)
        #expect(history(Sample("monthly", signed: 2), restored).money == ["sale 4990"])
    }

    @Test("without webOrderLineItemId the transactionId tells renewals apart")
    func withoutLineItem() {
        let first = Sample("monthly", signed: 2).with { $0.webOrderLineItemID = nil }
        let second = Sample("monthly", id: "1002", signed: 3).with { $0.webOrderLineItemID = nil }
        #expect(history(first, second).money == ["sale 4990", "sale 4990"])
    }

    @Test(
        "a prorated part is rounded to whole milliunits, halves away from zero",
        arguments: [
            (4_990, 67_932, 3_390), (4_990, 50_000, 2_495), (1, 50_000, 1), (1, 49_999, 0), (3, 50_000, 2),
            (0, 50_000, 0),
            (4_990, 0, 0), (4_990, 100_000, 4_990), (4_990, 1, 0), (999, 33_333, 333),
            // VND 24 999 000 and IDR 1 599 000 000 in milliunits, and the largest price there can be.
            (24_999_000_000, 33_333, 8_332_916_670), (1_599_000_000_000, 99_999, 1_598_984_010_000),
            (Int64.max, 50_000, 4_611_686_018_427_387_904), (Int64.max, 100_000, Int64.max),
        ] as [(Int64, Int64, Int64)])
    func rounding(price: Int64, percentage: Int64, refunded: Int64) {
        let sold = Sample(signed: 2).with { $0.price = price }
        let history = history(sold, sold.signed(11).refunded(at: 10, "REFUND_PRORATED", percentage: percentage))
        #expect(history.money == ["sale \(price)", "refund \(-refunded)"])
    }

    @Test(
        "a part that Apple does not name, or names impossibly, is all of it",
        arguments: [Int64?.none, -1, 100_001, .min, .max])
    func impossiblePercentage(percentage: Int64?) {
        let history = history(
            Sample(signed: 2), Sample(signed: 11).refunded(at: 10, "REFUND_PRORATED", percentage: percentage))
        #expect(history.money == ["sale 4990", "refund -4990"])
    }

    @Test("a percentage beside another type than REFUND_PRORATED is not a part", arguments: ["REFUND_FULL", nil])
    func percentageOfFull(type: String?) {
        let history = history(Sample(signed: 2), Sample(signed: 11).refunded(at: 10, type, percentage: 10_000))
        #expect(history.money == ["sale 4990", "refund -4990"])
    }

    @Test("a missing price stays null, in the sale and in the refund")
    func nullPrice() {
        let unpriced = Sample(signed: 2).with {
            $0.price = nil
            $0.currency = nil
        }
        let history = history(
            unpriced, unpriced.signed(11).refunded(at: 10), unpriced.signed(12).from(.notification, "REFUND_REVERSED"))
        #expect(history.money == ["sale null", "refund null", "reversal null"])
    }

    @Test(
        "a price that can't be one is no price",
        arguments: [(-1, "EUR"), (.min, "EUR"), (4_990, ""), (4_990, "EURO"), (4_990, "E\u{1F4B6}R"), (4_990, "eu")]
            as [(Int64, String)])
    func impossiblePrice(price: Int64, currency: String) {
        let history = history(
            Sample(signed: 2).with {
                $0.price = price
                $0.currency = currency
            }, Sample(signed: 3).with { $0.price = nil }.refunded(at: 3))
        #expect(history.money == ["sale null", "refund null"])
    }

    @Test("a price that becomes known later is added to the sale; the same net amount as in the other order")
    func knownLater() {
        let unpriced = Sample(signed: 2).with {
            $0.price = nil
            $0.currency = nil
        }
        let late = history(unpriced, Sample(signed: 3))
        #expect(late.money == ["sale null", "sale 4990"])
        #expect(late.chain.movements.map(\.step) == [0, 1])
        #expect(late.chain.movements[1].rowID == "production.purchased.1001.sale.1.1")
        #expect(Outcome(late.chain).net == Outcome(history(Sample(signed: 3), unpriced).chain).net)

        let refundedFirst = history(unpriced.refunded(at: 1), Sample(signed: 3).refunded(at: 1))
        #expect(refundedFirst.money == ["sale null", "refund null", "sale 4990", "refund_adjustment -4990"])
        #expect(Outcome(refundedFirst.chain).net.isEmpty)
    }

    @Test("a charge does not change after it was made: a later answer without a price, or with another, adds nothing")
    func priceStays() {
        let history = history(
            Sample(signed: 2), Sample(signed: 3).with { $0.price = nil }, Sample(signed: 4).with { $0.price = 9_990 })
        #expect(history.money == ["sale 4990"])
    }

    @Test("the original transaction's price is the purchase's, whatever a restore's payload says")
    func restorePrice() {
        for minute in [Int64(2), 5] {
            let restore = Sample(id: "1002", signed: minute).with { $0.price = 0 }
            let restoredFirst = history(restore, Sample(signed: 3))
            let originalFirst = history(Sample(signed: 3), restore)
            #expect(originalFirst.money == ["sale 4990"])
            #expect(restoredFirst.money == ["sale 0", "sale 4990"])
            #expect(Outcome(restoredFirst.chain).net == Outcome(originalFirst.chain).net)
        }
    }

    @Test("a purchase that turns out to be a family share nets to zero, and its grant is taken back")
    func turnsOutShared() {
        let history = history(
            Sample("coins", signed: 2), Sample("coins", signed: 3).with { $0.inAppOwnershipType = .familyShared })
        #expect(history.money == ["sale 4990", "sale -4990"])
        #expect(history.deliveries == ["grant 100 cancelled"])
        #expect(history.short() == "paid/confirmed")
    }

    @Test("money names the evidence that told of it")
    func evidence() {
        let sale = Sample(signed: 2)
        let refund = Sample(signed: 11).refunded(at: 10)
        let history = history(sale, refund)
        #expect(history.chain.movements.map(\.evidence) == [sale.evidence.id, refund.evidence.id])
    }
}
