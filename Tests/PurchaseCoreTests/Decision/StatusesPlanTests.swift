import PurchaseCore
import Testing

@Suite("When Apple is asked for a subscription's status")
struct StatusesPlanTests {
    private static let end = Instant.minute(SubscriptionTests.period)

    private func subscribed(_ renewal: RenewalInfo?) -> History {
        var history = History()
        history.claim(alice)
        history.see(SubscriptionTests.period(1), renewal: renewal)
        return history
    }

    private func renewal(_ change: (inout RenewalFacts) -> Void = { _ in }) -> RenewalInfo {
        SubscriptionTests.period(1).renewal(change)
    }

    /// Apple answers the question with the same period and this renewal info.
    private func answer(_ history: inout History, at now: Instant, _ change: (inout RenewalFacts) -> Void = { _ in }) {
        history.now = now
        let sample = SubscriptionTests.period(1).with { $0.signedDate = now }
        history.see(sample, renewal: sample.renewal(change))
    }

    @Test("a minute after it was first seen without renewal info, since no notification brought it")
    func first() {
        var history = subscribed(nil)
        #expect(history.check()?.statusesAt == .minute(1) + .minutes(1))
        #expect(history.check()?.asksStatuses(at: .minute(2)) == true)
        #expect(history.check()?.asksStatuses(at: .minute(1)) == false)
        answer(&history, at: .minute(2))
        #expect(history.check()?.statusesAt == Self.end + .seconds(5))
    }

    @Test("not while nobody holds it, and not for other products")
    func nobody() {
        var history = History(.original(.production, OriginalTransactionID("1001")))
        history.see(SubscriptionTests.period(1))
        #expect(history.check()?.statusesAt == nil)
        history.claim(alice)
        #expect(history.check()?.statusesAt != nil)
        var other = History()
        other.claim(alice)
        other.see(Sample(signed: 2))
        #expect(other.check()?.statusesAt == nil)
    }

    @Test("around the end of the period, and on, while Apple says neither renewed nor over")
    func open() {
        var history = subscribed(renewal())
        var asked: [Span] = []
        for _ in 0..<9 {
            guard let at = history.check()?.statusesAt else { break }
            asked.append(at - Self.end)
            answer(&history, at: at)
        }
        #expect(
            asked == [
                .seconds(5), .minutes(1), .minutes(5), .minutes(15), .minutes(30), .minutes(55), .hours(6),
                .hours(30), .hours(54),
            ])
        answer(&history, at: Self.end + .days(61))
        #expect(history.check()?.statusesAt == nil)
    }

    @Test("no more once Apple says after the end that it is over; the successor is asked about instead of the old one")
    func settled() {
        var history = subscribed(renewal())
        answer(&history, at: Self.end + .seconds(5)) { $0.autoRenewStatus = 0 }
        #expect(history.check()?.statusesAt == nil)
        history = subscribed(renewal())
        history.now = Self.end - .hours(3)
        let next = SubscriptionTests.period(2).with { $0.signedDate = Self.end - .hours(3) }
        history.see(next, renewal: next.renewal())
        #expect(history.check()?.statusesAt == nil)
        #expect(history.check("1002")?.statusesAt == .minute(2 * SubscriptionTests.period) + .seconds(5))
    }

    @Test("ten minutes before the end where renewal is off: it may be on again")
    func lastLook() {
        var history = subscribed(renewal { $0.autoRenewStatus = 0 })
        #expect(history.check()?.statusesAt == Self.end - .minutes(10))
        answer(&history, at: Self.end - .minutes(10)) { $0.autoRenewStatus = 1 }
        #expect(history.check()?.statusesAt == Self.end + .seconds(5))
    }

    @Test("in billing retry once a day, and right after a grace period")
    func retry() {
        var history = subscribed(renewal())
        let grace = Self.end + .days(3)
        answer(&history, at: Self.end + .hours(7)) {
            $0.isInBillingRetryPeriod = true
            $0.gracePeriodExpiresDate = grace
        }
        #expect(history.check()?.statusesAt == Self.end + .hours(30))
        answer(&history, at: Self.end + .hours(71)) {
            $0.isInBillingRetryPeriod = true
            $0.gracePeriodExpiresDate = grace
        }
        #expect(history.check()?.statusesAt == grace + .seconds(5))
    }

    @Test("a fruitless question is repeated after growing waits, and Retry-After is kept")
    func fruitless() throws {
        var history = subscribed(renewal())
        history.now = Self.end + .seconds(5)
        history.take(.statusesUnanswered(TransactionID("1001"), .unavailable))
        let first = try #require(history.check()?.statusesAt)
        #expect(first > history.now && first < history.now + .seconds(10))
        history.now = first
        for _ in 0..<3 { history.take(.statusesUnanswered(TransactionID("1001"), .unavailable)) }
        let later = try #require(history.check()?.statusesAt)
        #expect(later > history.now + .seconds(30))
        history.take(.statusesUnanswered(TransactionID("1001"), .throttled(retryAt: history.now + .minutes(20))))
        #expect(history.check()?.statusesAt == history.now + .minutes(20))
        #expect(
            history.check()?.nextCheckAt != history.check()?.statusesAt,
            "the transaction's own questions go on as planned")
        answer(&history, at: Self.end + .minutes(20))
        #expect(history.check()?.statusesAttempts == 0)
        #expect(history.check()?.statusesAt == Self.end + .minutes(30))
    }

    @Test("an upgrade whose successor stays unknown is asked about for a day, and not again with each later decision")
    func unknownSuccessor() throws {
        var history = subscribed(renewal())
        history.now = .minute(5_000)
        history.see(
            SubscriptionTests.period(1).with {
                $0.isUpgraded = true
                $0.signedDate = .minute(5_000)
            })
        var asked = 0
        while let at = history.check()?.statusesAt, asked < 20 {
            history.now = max(at, history.now)
            let sample = SubscriptionTests.period(1).with {
                $0.isUpgraded = true
                $0.signedDate = history.now
            }
            history.see(sample, renewal: sample.renewal())
            asked += 1
        }
        #expect(asked == 7)
        history.wait(.hours(1))
        history.claim(bob)
        #expect(history.check()?.statusesAt == nil)
        history.wait(.days(2))
        history.take(.policyChanged)
        #expect(history.check()?.statusesAt == nil)
    }

    @Test("the question for the status and a sweep of the same transaction keep out of each other's way")
    func besideSweep() throws {
        let history = subscribed(renewal())
        let check = try #require(history.check())
        #expect(check.isSweep)
        #expect(check.isSweepDueFirst, "the sweep after a day comes before the period's end")
        #expect(check.dueAt == check.nextCheckAt)
        #expect(!check.asksStatuses(at: try #require(check.nextCheckAt)))
    }
}
