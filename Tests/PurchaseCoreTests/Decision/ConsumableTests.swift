import PurchaseCore
import Testing

@Suite("Consumables")
struct ConsumableTests {
    func bought(quantity: Int64 = 1, policy: Policy = .standard) -> History {
        var history = History(policy: policy)
        history.claim(alice)
        history.see(Sample("coins", signed: 2).with { $0.quantity = quantity })
        return history
    }

    @Test("a purchase is one grant of quantity × units, open until acknowledged")
    func grant() {
        var history = bought(quantity: 3)
        #expect(history.deliveries == ["grant 300 open"])
        #expect(history.keys.isEmpty)
        #expect(history.chain.grants.values.first?.id == GrantID("production.purchased.1001.grant.1"))
        history.acknowledgeAll()
        #expect(history.deliveries == ["grant 300 acknowledged"])
        #expect(history.rules.last == .grantAcknowledged)
        history.acknowledgeAll()
        #expect(history.decision == .nothing(.noEffect))
    }

    @Test("several transactionIds of one purchase are one sale and one grant")
    func oneGrant() {
        var history = bought()
        history.see(Sample("coins", id: "1002", signed: 3))
        history.see(Sample("coins", id: "1003", signed: 1).from(.history))
        history.claim(alice, "1002")
        #expect(history.deliveries == ["grant 100 open"])
        #expect(history.money == ["sale 4990"])
    }

    @Test("two accounts that claim one consumable: one grant, one conflict")
    func twoAccounts() {
        var history = History()
        history.claim(alice)
        history.claim(bob)
        history.see(Sample("coins", signed: 2))
        #expect(history.deliveries == ["grant 100 open"])
        #expect(history.chain.grants.values.map(\.account) == [alice])
        #expect(history.claimStatus(bob) == .conflict)
    }

    @Test("nobody's purchase is delivered when somebody claims it")
    func claimedLater() {
        var history = History(.original(.production, OriginalTransactionID("1001")))
        history.see(Sample("coins", signed: 2).from(.notification, "ONE_TIME_CHARGE"))
        #expect(history.deliveries.isEmpty)
        history.claim(alice)
        #expect(history.deliveries == ["grant 100 open"])
    }

    @Test("a refund cancels what is not acknowledged; the cancelled one can't be acknowledged")
    func cancels() {
        var history = bought()
        history.see(Sample("coins", signed: 11).refunded(at: 10))
        #expect(history.deliveries == ["grant 100 cancelled"])
        history.acknowledgeAll()
        #expect(history.deliveries == ["grant 100 cancelled"])
    }

    @Test("a refund reverses what is acknowledged, once")
    func reverses() {
        var history = bought()
        history.acknowledgeAll()
        history.see(Sample("coins", signed: 11).refunded(at: 10))
        history.see(Sample("coins", signed: 12).refunded(at: 10))
        #expect(history.deliveries == ["grant 100 acknowledged", "reversal 100 open"])
        history.acknowledgeAll()
        #expect(history.deliveries == ["grant 100 acknowledged", "reversal 100 acknowledged"])
    }

    @Test("a counted reversal of the refund delivers again, each time under an id of its own")
    func reinstates() {
        var history = bought()
        history.acknowledgeAll()
        var minute: Int64 = 10
        for round in 1...11 {
            history.see(Sample("coins", signed: minute).refunded(at: minute))
            history.acknowledgeAll()
            history.see(Sample("coins", signed: minute + 1).from(.notification, "REFUND_REVERSED"))
            #expect(history.deliveries.filter { $0.hasPrefix("reinstatement") }.count == round)
            #expect(Outcome.balance(history.chain.grants.values) == 100)
            history.acknowledgeAll()
            minute += 10
        }
        history.see(Sample("coins", signed: minute).refunded(at: minute))
        #expect(Outcome.balance(history.chain.grants.values) == 0)
        #expect(history.chain.grants[GrantID("production.purchased.1001.reversal.12")] != nil)
    }

    @Test("a cancelled delivery comes back as a reinstatement, and goes again")
    func cancelledComesBack() {
        var history = bought()
        history.see(Sample("coins", signed: 11).refunded(at: 10))
        history.see(Sample("coins", signed: 12).from(.notification, "REFUND_REVERSED"))
        #expect(history.deliveries == ["grant 100 cancelled", "reinstatement 100 open"])
        history.see(Sample("coins", signed: 13).refunded(at: 13))
        #expect(history.deliveries == ["grant 100 cancelled", "reinstatement 100 cancelled"])
    }

    @Test("first seen refunded: a sale, a refund, and no grant; delivered when the refund is undone")
    func firstSeenRefunded() {
        var history = History()
        history.claim(alice)
        history.see(Sample("coins", signed: 11).refunded(at: 10))
        #expect(history.deliveries.isEmpty)
        #expect(history.money == ["sale 4990", "refund -4990"])
        history.see(Sample("coins", signed: 12).from(.notification, "REFUND_REVERSED"))
        #expect(history.deliveries == ["grant 100 open"])
    }

    @Test("a prorated refund takes a consumable back whatever the product's rule: the order of arrival must not matter")
    func prorated() {
        let policy = Policy.standard.with(product: "coins") { $0.onProratedRefund = .keep }
        var history = bought(policy: policy)
        history.see(Sample("coins", signed: 11).refunded(at: 10, "REFUND_PRORATED", percentage: 50_000))
        #expect(history.deliveries == ["grant 100 cancelled"])
    }

    @Test("a family share of a consumable is not delivered: Apple shares none")
    func familyShare() {
        var history = History()
        history.claim(alice)
        history.see(Sample("coins", signed: 2).with { $0.inAppOwnershipType = .familyShared })
        #expect(history.short() == "paid/confirmed")
        #expect(history.deliveries.isEmpty && history.money.isEmpty)
    }

    @Test("a changed number of units changes later purchases, and not what was delivered")
    func changedUnits() {
        var history = bought()
        history.acknowledgeAll()
        history.change(.standard.with(product: "coins") { $0.units = 500 })
        history.see(Sample("coins", signed: 11).refunded(at: 10))
        history.see(Sample("coins", signed: 12).from(.notification, "REFUND_REVERSED"))
        #expect(history.deliveries == ["grant 100 acknowledged", "reversal 100 open", "reinstatement 100 open"])
    }

    @Test("no quantity traps, and every amount is positive", arguments: InstantTests.extremes)
    func extremeQuantities(quantity: Int64) {
        let history = bought(quantity: quantity)
        #expect(history.chain.grants.values.allSatisfy { $0.amount >= 1 })
        #expect(history.chain.grants.count == 1)
    }
}
