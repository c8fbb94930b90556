import AppStoreSimulator
import Testing

@Suite("Subscriptions that go on by themselves")
struct SelfRunningTests {
    private let world: SubscriptionWorld
    private let day = SubscriptionWorld.day
    private var simulator: AppStoreSimulator { world.simulator }

    init() throws { world = try SubscriptionWorld() }

    @Test(
        "a subscription renews at each period's end, and one leap of the clock makes up for all of them, each in time")
    func renewals() throws {
        let id = try world.subscribe()
        world.moveTo(day: 30, milliseconds: -1)
        #expect(try world.story() == ["0 SUBSCRIBED/INITIAL_BUY"])
        world.moveTo(day: 95)
        #expect(try world.story() == ["0 SUBSCRIBED/INITIAL_BUY", "30 DID_RENEW", "60 DID_RENEW", "90 DID_RENEW"])
        let (status, renewal, newest) = try world.status(of: id)
        #expect(status == 1)
        #expect(newest.integer("purchaseDate") == world.start + 90 * day)
        #expect(renewal.integer("renewalDate") == world.start + 120 * day)
        #expect(simulator.nextSubscriptionEventAt == world.start + 120 * day)
    }

    @Test("a renewal is charged up to a day ahead, for the period that follows on the present one")
    func renewsAhead() throws {
        let id = try world.subscribe(SubscriptionTerms(renewsAheadMilliseconds: day))
        world.moveTo(day: 29)
        #expect(try world.story().last == "29 DID_RENEW")
        let newest = try world.status(of: id).transaction
        #expect(newest.integer("purchaseDate") == world.start + 30 * day)
        #expect(newest.integer("expiresDate") == world.start + 60 * day)
        #expect(try world.truth(of: id) == "paid 60")
    }

    @Test("billing fails, the grace period ends, and after 60 days nothing is tried any more")
    func billingRetry() throws {
        let id = try world.subscribe(SubscriptionTerms(gracePeriodMilliseconds: 16 * day))
        try simulator.setBilling(works: false, of: id)
        var statuses: [Int64?] = []
        for instant in [29, 30, 45, 46, 89, 90] as [Int64] {
            world.moveTo(day: instant)
            statuses.append(try world.status(of: id).status)
        }
        #expect(statuses == [1, 4, 4, 3, 3, 2])
        #expect(
            try world.story() == [
                "0 SUBSCRIBED/INITIAL_BUY", "30 DID_FAIL_TO_RENEW/GRACE_PERIOD", "46 GRACE_PERIOD_EXPIRED",
                "90 EXPIRED/BILLING_RETRY",
            ])
        #expect(simulator.nextSubscriptionEventAt == nil)
        #expect(try world.status(of: id).renewal.integer("expirationIntent") == 2)
        try simulator.resubscribe(id)
        #expect(try world.truth(of: id) == "paid 120")
        #expect(simulator.nextSubscriptionEventAt == world.start + 120 * day, "it goes on as before")
    }

    @Test(
        "a payment that works again recovers: without a gap in the grace period, else with a period from that day",
        arguments: [(40, 60), (50, 80)] as [(Int64, Int64)])
    func recovery(on recovered: Int64, until end: Int64) throws {
        let id = try world.subscribe(SubscriptionTerms(gracePeriodMilliseconds: 16 * day))
        try simulator.setBilling(works: false, of: id)
        world.moveTo(day: recovered)
        try simulator.setBilling(works: true, of: id)
        #expect(try world.story().last == "\(recovered) DID_RENEW/BILLING_RECOVERY")
        #expect(try world.truth(of: id) == "paid \(end)")
        let renewal = try world.status(of: id).renewal
        #expect(renewal.payload["gracePeriodExpiresDate"] == nil)
        #expect(renewal.payload["isInBillingRetryPeriod"] as? Bool == false)
    }

    @Test("without a grace period access ends with the period")
    func noGrace() throws {
        let id = try world.subscribe()
        try simulator.setBilling(works: false, of: id)
        world.moveTo(day: 30)
        #expect(try world.story().last == "30 DID_FAIL_TO_RENEW")
        #expect(try world.truth(of: id) == "billing_retry 30")
        #expect(try world.status(of: id).status == 3)
    }

    @Test("who turns the renewal off keeps the period, or the grace period, and then it expires")
    func cancelled() throws {
        let id = try world.subscribe()
        world.moveTo(day: 10)
        try simulator.setAutoRenew(false, of: id)
        world.moveTo(day: 30, milliseconds: -1)
        #expect(try world.truth(of: id) == "paid 30")
        world.moveTo(day: 30)
        #expect(try world.story().last == "30 EXPIRED/VOLUNTARY")
        #expect(try world.truth(of: id) == "expired 30")
        #expect(try world.status(of: id).renewal.integer("expirationIntent") == 1)

        let other = try world.subscribe(SubscriptionTerms(gracePeriodMilliseconds: 6 * day))
        try simulator.setBilling(works: false, of: other)
        world.moveTo(day: 62)
        try simulator.setAutoRenew(false, of: other)
        world.moveTo(day: 70)
        #expect(try world.story().last == "66 EXPIRED/VOLUNTARY")
    }

    @Test("a product that is sold no longer, and a price that nobody agreed to, end a subscription with the period")
    func otherEnds() throws {
        for (expected, act) in [
            ("PRODUCT_NOT_FOR_SALE", { try simulator.setForSale(false, of: $0) }),
            ("PRICE_INCREASE", { try simulator.raisePrice(of: $0, to: 9_990) }),
            (
                "PRICE_INCREASE",
                {
                    try simulator.raisePrice(of: $0, to: 9_990)
                    try simulator.answerPriceIncrease(of: $0, isAccepted: false)
                }
            ),
        ] as [(String, (String) throws -> Void)] {
            let id = try world.subscribe()
            try act(id)
            world.clock.advance(by: 30 * day)
            #expect(try world.story().last?.hasSuffix("EXPIRED/\(expected)") == true)
            #expect(try world.status(of: id).status == 2)
        }
    }

    @Test("who agrees to a price is charged it")
    func acceptedPrice() throws {
        let id = try world.subscribe()
        try simulator.raisePrice(of: id, to: 9_990)
        try simulator.answerPriceIncrease(of: id, isAccepted: true)
        world.moveTo(day: 61)
        #expect(try world.story().suffix(3) == ["0 PRICE_INCREASE/ACCEPTED", "30 DID_RENEW", "60 DID_RENEW"])
        #expect(try world.status(of: id).transaction.integer("price") == 9_990)
        #expect(throws: SimulatorError.self) { try simulator.answerPriceIncrease(of: id, isAccepted: true) }
    }

    @Test("an extended period ends later, and so does the renewal come later")
    func extended() throws {
        let id = try world.subscribe()
        try simulator.extendRenewal(of: id, days: 5)
        world.moveTo(day: 35, milliseconds: -1)
        #expect(try world.story().last == "0 RENEWAL_EXTENDED")
        world.moveTo(day: 35)
        #expect(try world.story().last == "35 DID_RENEW")
        #expect(try world.truth(of: id) == "paid 65")
    }

    @Test("family members have the extension too, and hear of it")
    func extendedFamily() throws {
        let id = try world.subscribe()
        let member = try simulator.shareWithFamily(id).transactionID
        try simulator.extendRenewal(of: id, days: 5)
        #expect(try world.story().suffix(2) == ["0 RENEWAL_EXTENDED", "0 RENEWAL_EXTENDED"])
        #expect(try world.truth(of: member) == "paid 35")
    }

    @Test("a refund of the current period ends it for good, of an earlier one it changes nothing")
    func refunds() throws {
        let id = try world.subscribe()
        world.moveTo(day: 40)
        try simulator.refund(id)
        #expect(try world.truth(of: id) == "paid 60")
        world.moveTo(day: 70)
        let current = try #require(world.status(of: id).transaction.string("transactionId"))
        try simulator.refund(current)
        #expect(try world.truth(of: id) == "revoked 70")
        #expect(try world.status(of: id).status == 5)
        world.moveTo(day: 80)
        try simulator.reverseRefund(current)
        #expect(try world.truth(of: id) == "paid 90", "the end is where it was")
        world.moveTo(day: 200)
        #expect(try world.story().last == "90 EXPIRED/VOLUNTARY")
    }

    @Test("what can't run by itself is refused")
    func refusals() throws {
        let coin = try simulator.purchase(SimulatedPurchase(productID: "coins", type: .consumable)).transactionID
        let short = try world.subscribe(nil) { $0.periodMilliseconds = 1_000 }
        let long = try world.subscribe(nil)
        for (id, terms) in [
            (coin, SubscriptionTerms()), (short, SubscriptionTerms()),
            (long, SubscriptionTerms(renewsAheadMilliseconds: day + 1)),
            (long, SubscriptionTerms(gracePeriodMilliseconds: 0)),
            (long, SubscriptionTerms(billingRetryMilliseconds: 61 * day)),
        ] {
            #expect(throws: SimulatorError.self) { try simulator.run(id, terms) }
        }
        try simulator.run(long)
        try simulator.run(long, nil)
        world.moveTo(day: 100)
        #expect(simulator.notificationsCount(in: .production) == 3, "on command alone again")
    }
}
