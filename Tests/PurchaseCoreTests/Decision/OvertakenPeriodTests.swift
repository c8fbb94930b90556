import PurchaseCore
import Testing

/// Periods of thirty days; an upgrade on the tenth day, to a product with periods of a week.
@Suite("A period in the middle of which another one begins")
struct OvertakenPeriodTests {
    private static let day: Int64 = 24 * 60
    private static let old = SubscriptionTests.period(1)
    private static let new = Sample("monthly", id: "1002", signed: 10 * day + 1).with {
        $0.purchaseDate = .minute(10 * day)
        $0.expiresDate = .minute(17 * day)
        $0.webOrderLineItemID = WebOrderLineItemID("72")
    }
    /// An upgrade is announced with the new period alone.
    private static let upgrade = new.from(.notification, "DID_CHANGE_RENEWAL_PREF")

    private func subscribed() -> History {
        var history = History()
        history.claim(alice)
        history.see(Self.old, renewal: Self.old.renewal())
        return history
    }

    private func isActive(_ history: History, day: Int64) -> Bool {
        history.chain.entitlements.values.contains { $0.isActive(at: .minute(day * Self.day)) }
    }

    /// Whether Apple is to be asked about the old period now; a sweep that was due before is no later moment.
    private func isDue(_ history: History) -> Bool {
        history.nextCheck("1001").map { $0 <= history.now } ?? false
    }

    @Test("Apple is asked at once whether it was superseded, and then access ends with the new one")
    func asked() {
        var history = subscribed()
        history.now = Self.upgrade.facts.signedDate
        history.see(Self.upgrade, renewal: Self.upgrade.renewal { $0.autoRenewStatus = 0 })
        #expect(isDue(history))
        #expect(isActive(history, day: 20), "nobody has said that it ended")
        history.wait(.seconds(1))
        let answer = Self.old.signed(10 * Self.day + 2).with { $0.isUpgraded = true }
        history.see(answer)
        #expect(history.nextCheck("1001") == nil, "asked once")
        #expect(isActive(history, day: 16))
        #expect(!isActive(history, day: 17))
    }

    @Test("what was paid back for its rest is known too")
    func refunded() {
        var history = subscribed()
        history.now = Self.upgrade.facts.signedDate
        history.see(Self.upgrade, renewal: Self.upgrade.renewal { $0.autoRenewStatus = 0 })
        let answer = Self.old.signed(10 * Self.day + 2)
            .refunded(at: 10 * Self.day, "REFUND_PRORATED", percentage: 66_666)
        history.see(answer.with { $0.isUpgraded = true })
        #expect(history.short("1001") == "refunded/refund_prorated")
        #expect(!isActive(history, day: 17))
    }

    @Test("it keeps its time where Apple says nothing of an upgrade: an offer can begin before a period is over")
    func notSuperseded() {
        var history = subscribed()
        history.now = Self.upgrade.facts.signedDate
        history.see(Self.upgrade)
        history.wait(.seconds(1))
        history.see(Self.old.signed(10 * Self.day + 2))
        #expect(history.nextCheck("1001") == nil)
        #expect(isActive(history, day: 29))
    }

    @Test("it is asked about also when it becomes known after the one that overtook it")
    func otherOrder() {
        var history = History()
        history.claim(alice)
        history.now = Self.upgrade.facts.signedDate
        history.see(Self.upgrade)
        history.see(Self.old.from(.history))
        #expect(isDue(history))
    }

    @Test("a renewal that was charged up to a day ahead overtakes nothing")
    func renewal() {
        let history = subscribed()
        for minutes in [0, 60, Self.day] {
            let begin = SubscriptionTests.period - minutes
            let renewal = SubscriptionTests.period(2).signed(begin).with { $0.purchaseDate = .minute(begin) }
            var renewed = history
            renewed.now = renewal.facts.signedDate
            renewed.see(renewal.from(.notification, "DID_RENEW"))
            #expect(renewed.nextCheck("1001") == nil, "\(minutes) minutes ahead")
        }
    }
}
