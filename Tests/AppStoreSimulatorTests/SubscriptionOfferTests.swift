import AppStoreSimulator
import Testing

@Suite("Offers, switches and families of simulated subscriptions")
struct SubscriptionOfferTests {
    private let world: SubscriptionWorld
    private let day = SubscriptionWorld.day
    private var simulator: AppStoreSimulator { world.simulator }

    init() throws { world = try SubscriptionWorld() }

    @Test("a free trial costs nothing for its own length, and the regular price follows")
    func freeTrial() throws {
        let id = try world.subscribe { $0.offer = SimulatedOffer(.introductory, periodMilliseconds: 7 * day) }
        let trial = try SignedInspection(simulator.signedTransaction(id))
        #expect(trial.integer("price") == 0)
        #expect(trial.integer("offerType") == 1)
        #expect(trial.string("offerDiscountType") == "FREE_TRIAL")
        #expect(trial.string("offerPeriod") == "P1W")
        #expect(trial.payload["offerIdentifier"] == nil)
        #expect(trial.integer("expiresDate") == world.start + 7 * day)
        let announced = try world.status(of: id).renewal
        #expect(announced.integer("renewalPrice") == 4_990)
        #expect(announced.payload["offerType"] == nil, "the next period is under no offer")

        world.moveTo(day: 7)
        let paid = try world.status(of: id).transaction
        #expect(paid.integer("price") == 4_990)
        #expect(paid.payload.keys.filter { $0.hasPrefix("offer") } == [])
        #expect(paid.integer("expiresDate") == world.start + 37 * day)
        #expect(try world.story() == ["0 SUBSCRIBED/INITIAL_BUY", "7 DID_RENEW"])
    }

    @Test("pay as you go lasts its number of periods, and the renewal info says what the next one is under")
    func payAsYouGo() throws {
        let offer = SimulatedOffer(.promotional, .payAsYouGo, identifier: "autumn", price: 990, periodsCount: 2)
        let id = try world.subscribe { $0.offer = offer }
        #expect(try world.status(of: id).renewal.string("offerIdentifier") == "autumn")
        #expect(try world.status(of: id).renewal.integer("renewalPrice") == 990)
        var prices: [Int64?] = []
        for period in 0..<4 as Range<Int64> {
            world.moveTo(day: 30 * period)
            prices.append(try world.status(of: id).transaction.integer("price"))
        }
        #expect(prices == [990, 990, 4_990, 4_990])
        #expect(try world.status(of: id).renewal.payload["offerIdentifier"] == nil)
    }

    @Test("a win-back offer takes an ended subscription up in its chain")
    func winBack() throws {
        let id = try world.subscribe()
        try simulator.setAutoRenew(false, of: id)
        world.moveTo(day: 40)
        let offer = SimulatedOffer(
            .winBack, .payUpFront, identifier: "back", price: 1_990, periodMilliseconds: 90 * day)
        let back = try simulator.resubscribe(id, offer: offer)
        #expect(back.originalTransactionID == id)
        let seen = try SignedInspection(back.signedTransaction)
        #expect(seen.integer("offerType") == 4)
        #expect(seen.string("offerDiscountType") == "PAY_UP_FRONT")
        #expect(seen.integer("price") == 1_990)
        #expect(try world.truth(of: id) == "paid 130")
        #expect(try world.story().last == "40 SUBSCRIBED/RESUBSCRIBE")
        world.moveTo(day: 130)
        #expect(try world.status(of: id).transaction.integer("price") == 4_990)
    }

    @Test("an offer is redeemed on a running subscription, at once, with an upgrade, or for the next product")
    func redeemed() throws {
        let id = try world.subscribe()
        let code = SimulatedOffer(.offerCode, identifier: "code", periodMilliseconds: 7 * day)
        world.moveTo(day: 10)
        try simulator.redeem(code, on: id)
        #expect(try world.truth(of: id) == "paid 37")
        try simulator.upgrade(id, SimulatedUpgrade(to: "platinum", price: 9_990, offer: code))
        #expect(try world.truth(of: id) == "paid 17")
        try simulator.changeRenewalPreference(of: id, to: "silver", periodMilliseconds: 60 * day, offer: code)
        #expect(try world.status(of: id).renewal.string("offerIdentifier") == "code")
        #expect(
            try world.story().suffix(3) == [
                "10 OFFER_REDEEMED", "10 OFFER_REDEEMED/UPGRADE", "10 OFFER_REDEEMED/DOWNGRADE",
            ])
        world.moveTo(day: 17)
        let silver = try world.status(of: id).transaction
        #expect(silver.string("productId") == "silver")
        #expect(silver.integer("price") == 0)
        #expect(silver.integer("expiresDate") == world.start + 24 * day)
        world.moveTo(day: 24)
        #expect(try world.status(of: id).transaction.integer("expiresDate") == world.start + 84 * day)
        #expect(throws: SimulatorError.self) { try simulator.redeem(SimulatedOffer(.winBack, periodsCount: 0), on: id) }
    }

    @Test("an upgrade ends the old period at once, paid back in part or not, under one notification")
    func upgrade() throws {
        let id = try world.subscribe()
        world.moveTo(day: 10)
        try simulator.setAutoRenew(false, of: id)
        let upgraded = try simulator.upgrade(
            id, SimulatedUpgrade(to: "yearly", price: 49_990, periodMilliseconds: 365 * day, isRefunded: true))
        let old = try simulator.payload(of: id)
        #expect(old["isUpgraded"] == true)
        #expect(old["revocationType"] == "REFUND_PRORATED")
        #expect(old["revocationPercentage"] == 66_666)
        #expect(try world.truth(of: id) == "paid 375")
        #expect(try simulator.truth(ofSubscription: id).productID == "yearly")
        #expect(try world.status(of: id).renewal.integer("autoRenewStatus") == 1, "who upgrades wants to go on")
        world.moveTo(day: 375)
        #expect(
            try world.story() == [
                "0 SUBSCRIBED/INITIAL_BUY", "10 DID_CHANGE_RENEWAL_STATUS/AUTO_RENEW_DISABLED",
                "10 DID_CHANGE_RENEWAL_PREF/UPGRADE", "375 DID_RENEW",
            ])
        #expect(try simulator.payload(of: upgraded.transactionID)["isUpgraded"] == nil)
    }

    @Test("a downgrade waits for the renewal, and then runs in its own periods")
    func downgrade() throws {
        let id = try world.subscribe()
        try simulator.changeRenewalPreference(of: id, to: "weekly", periodMilliseconds: 7 * day)
        world.moveTo(day: 29)
        #expect(try simulator.truth(ofSubscription: id).productID == "gold")
        world.moveTo(day: 38)
        #expect(try simulator.truth(ofSubscription: id).productID == "weekly")
        #expect(try world.story().suffix(2) == ["30 DID_RENEW", "37 DID_RENEW"])
        try simulator.changeRenewalPreference(of: id, to: "gold", periodMilliseconds: 30 * day)
        try simulator.changeRenewalPreference(of: id, to: "weekly")
        world.moveTo(day: 44)
        #expect(try world.truth(of: id) == "paid 51", "the change was taken back")
    }

    @Test("family members have periods of their own while they share, and lose them when sharing ends")
    func family() throws {
        let id = try world.subscribe(SubscriptionTerms(renewsAheadMilliseconds: day, gracePeriodMilliseconds: 6 * day))
        let child = try simulator.shareWithFamily(id).transactionID
        let other = try simulator.shareWithFamily(id).transactionID
        world.moveTo(day: 30)
        let seen = try world.status(of: child).transaction
        #expect(seen.integer("expiresDate") == world.start + 60 * day)
        #expect(seen.string("originalTransactionId") == child)
        #expect(seen.string("inAppOwnershipType") == "FAMILY_SHARED")
        for name in ["price", "currency"] { #expect(seen.payload[name] == nil) }
        #expect(try world.story().filter { $0.hasSuffix("DID_RENEW") }.count == 3)

        try simulator.stopSharing(other)
        #expect(try world.truth(of: other) == "revoked 30")
        try simulator.setBilling(works: false, of: id)
        world.moveTo(day: 61)
        #expect(try world.truth(of: child) == "grace_period 66")
        #expect(try world.status(of: child).status == 4)
        world.moveTo(day: 66)
        #expect(try world.truth(of: child) == "billing_retry 60")
        try simulator.setBilling(works: true, of: id)
        #expect(try world.truth(of: child) == "paid 96")
        #expect(try world.truth(of: other) == "revoked 30", "who left follows no longer")
        try simulator.refund(try #require(world.status(of: id).transaction.string("transactionId")))
        #expect(try world.truth(of: child) == "revoked 66")
        #expect(throws: SimulatorError.self) { try simulator.run(child) }
    }

    @Test("the truth is exact to the millisecond")
    func truth() throws {
        let id = try world.subscribe(SubscriptionTerms(gracePeriodMilliseconds: 6 * day))
        try simulator.setBilling(works: false, of: id)
        for (instant, offset, expected) in [
            (30, -1, "paid 30"), (30, 0, "grace_period 36"), (36, -1, "grace_period 36"), (36, 0, "billing_retry 30"),
            (90, -1, "billing_retry 30"), (90, 0, "expired 30"),
        ] as [(Int64, Int64, String)] {
            world.moveTo(day: instant, milliseconds: offset)
            #expect(try world.truth(of: id) == expected, "day \(instant) and \(offset) ms")
        }
        #expect(try world.truth(of: id, atDay: 29) == "paid 30")
        let coin = try simulator.purchase(SimulatedPurchase(productID: "coins", type: .consumable)).transactionID
        #expect(throws: SimulatorError.self) { try simulator.truth(ofSubscription: coin) }
    }
}
