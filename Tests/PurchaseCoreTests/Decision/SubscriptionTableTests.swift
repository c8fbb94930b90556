import PurchaseCore
import Testing

/// What Apple has said of a subscription × time, with the access that follows.
///
/// A period of 30 days and a leeway of an hour, played through `decide`.
@Suite("The table of a subscription's access")
struct SubscriptionTableTests {
    /// What Apple has said, all of it known.
    enum Word: CaseIterable {
        /// The period was paid; nothing of its renewal.
        case nothing
        /// It will be renewed.
        case renews
        /// It will be renewed if the customer agrees to another price.
        case priceOpen
        /// Auto-renewal is off.
        case off
        /// It is over: the price was refused.
        case ended
        /// Billing fails, and there is no grace period.
        case retry
        /// Billing fails, with a grace period to day 46.
        case grace
        /// The second period is paid.
        case renewed
        /// It was recovered on day 40, after the grace period was announced.
        case recovered
        /// The end was moved to day 35.
        case extended
        /// Superseded on day 20; by what is not known.
        case upgradedSomewhere
        /// Superseded on day 20 by a period of 30 days.
        case upgraded
        /// The second period is paid, and the first was refunded.
        case earlierRefunded
        /// The second period was refunded on day 31.
        case newestRefunded
        /// The first period was refunded on day 10, and that was undone on day 11.
        case reversed
    }

    /// The access at an instant; the names are those of the answer's `reason`.
    enum Access: String {
        case paid
        case grace = "grace_period"
        case leeway = "renewal_unconfirmed"
        case none
    }

    /// The columns: day 20 and 23 hours, day 25, and so on.
    static let times: [(name: String, instant: Instant)] = [
        ("day 20.9", .minute(20 * day + 23 * 60)), ("day 25", .minute(25 * day)),
        ("1 ms before the end", .minute(30 * day) - Span(milliseconds: 1)), ("the end", .minute(30 * day)),
        ("1 ms before the leeway's end", .minute(30 * day + 60) - Span(milliseconds: 1)),
        ("the leeway's end", .minute(30 * day + 60)),
        ("1 ms before day 46", .minute(46 * day) - Span(milliseconds: 1)), ("day 46", .minute(46 * day)),
    ]

    // swift-format-ignore
    static let table: [(word: Word, access: [Access])] = [
        //                    20.9    25      -1 ms   30      +1h-1ms  +1h     46-1ms  46
        (.nothing,           [.paid,  .paid,  .paid,  .leeway, .leeway, .none,  .none,  .none]),
        (.renews,            [.paid,  .paid,  .paid,  .leeway, .leeway, .none,  .none,  .none]),
        (.priceOpen,         [.paid,  .paid,  .paid,  .leeway, .leeway, .none,  .none,  .none]),
        (.off,               [.paid,  .paid,  .paid,  .none,   .none,   .none,  .none,  .none]),
        (.ended,             [.paid,  .paid,  .paid,  .none,   .none,   .none,  .none,  .none]),
        (.retry,             [.paid,  .paid,  .paid,  .none,   .none,   .none,  .none,  .none]),
        (.grace,             [.paid,  .paid,  .paid,  .grace,  .grace,  .grace, .grace, .none]),
        (.renewed,           [.paid,  .paid,  .paid,  .paid,   .paid,   .paid,  .paid,  .paid]),
        // The days between the end and the recovery were not paid; by the time it is known they are past.
        (.recovered,         [.paid,  .paid,  .paid,  .paid,   .paid,   .paid,  .paid,  .paid]),
        (.extended,          [.paid,  .paid,  .paid,  .paid,   .paid,   .paid,  .none,  .none]),
        (.upgradedSomewhere, [.paid,  .none,  .none,  .none,   .none,   .none,  .none,  .none]),
        (.upgraded,          [.paid,  .paid,  .paid,  .paid,   .paid,   .paid,  .paid,  .paid]),
        (.earlierRefunded,   [.paid,  .paid,  .paid,  .paid,   .paid,   .paid,  .paid,  .paid]),
        (.newestRefunded,    [.paid,  .paid,  .paid,  .none,   .none,   .none,  .none,  .none]),
        (.reversed,          [.paid,  .paid,  .paid,  .leeway, .leeway, .none,  .none,  .none]),
    ]

    @Test("each row holds at each instant")
    func rows() {
        for (word, row) in Self.table {
            let history = Self.play(word)
            for (time, expected) in zip(Self.times, row) {
                #expect(Self.access(history, at: time.instant) == expected, "\(word), \(time.name)")
            }
        }
    }

    @Test("the table has a row for each word, and an entry for each instant")
    func complete() {
        #expect(Self.table.map(\.word) == Word.allCases)
        #expect(Self.table.allSatisfy { $0.access.count == Self.times.count })
    }

    // MARK: Playing a row

    private static let day: Int64 = 24 * 60

    private static func period(
        _ number: Int64, from start: Int64? = nil, to end: Int64? = nil, signed: Int64? = nil
    ) -> Sample {
        let begin = start ?? (number - 1) * 30 * day
        return Sample("monthly", id: "\(1_000 + number)", signed: signed ?? begin + 1).with {
            $0.purchaseDate = .minute(begin)
            $0.expiresDate = .minute(end ?? begin + 30 * day)
            $0.webOrderLineItemID = WebOrderLineItemID("7\(number)")
        }
    }

    private static func play(_ word: Word) -> History {
        var history = History()
        history.claim(alice)
        func see(_ sample: Sample, _ renewal: ((inout RenewalFacts) -> Void)? = nil) {
            history.now = max(history.now, sample.facts.signedDate)
            history.see(sample, renewal: renewal.map { sample.renewal($0) })
        }
        let first = period(1)
        switch word {
        case .nothing: see(first)
        case .renews: see(first) { _ in }
        case .priceOpen: see(first) { $0.priceIncreaseStatus = 0 }
        case .off: see(first) { $0.autoRenewStatus = 0 }
        case .ended: see(first) { ($0.autoRenewStatus, $0.expirationIntent) = (0, 3) }
        case .retry: see(first) { $0.isInBillingRetryPeriod = true }
        case .grace: see(first, inGrace)
        case .renewed:
            see(first) { _ in }
            see(period(2)) { _ in }
        case .recovered:
            see(first, inGrace)
            see(period(2, signed: 40 * day)) { _ in }
        case .extended:
            see(first) { _ in }
            see(period(1, to: 35 * day, signed: 12 * day)) { _ in }
        case .upgradedSomewhere:
            see(first) { _ in }
            see(period(1, signed: 20 * day).with { $0.isUpgraded = true }) { _ in }
        case .upgraded:
            see(first) { _ in }
            see(period(1, signed: 20 * day).with { $0.isUpgraded = true })
            see(period(2, from: 20 * day)) { _ in }
        case .earlierRefunded:
            see(first) { _ in }
            see(period(2)) { _ in }
            see(first.refunded(at: 33 * day).signed(33 * day))
        case .newestRefunded:
            see(first) { _ in }
            see(period(2)) { _ in }
            see(period(2).refunded(at: 31 * day).signed(31 * day)) { $0.autoRenewStatus = 0 }
        case .reversed:
            see(first) { _ in }
            see(first.refunded(at: 10 * day).signed(10 * day)) { $0.autoRenewStatus = 0 }
            see(first.signed(11 * day).from(.notification, "REFUND_REVERSED")) { _ in }
        }
        return history
    }

    private static func inGrace(_ renewal: inout RenewalFacts) {
        renewal.isInBillingRetryPeriod = true
        renewal.gracePeriodExpiresDate = .minute(46 * day)
    }

    private static func access(_ history: History, at now: Instant) -> Access {
        let active = history.chain.entitlements.values.filter { $0.isActive(at: now) }
        // Nobody is told that access is unsure while another period is paid.
        if active.contains(where: { $0.extensionReason(at: now) == nil }) { return .paid }
        guard let row = active.first, let reason = row.extensionReason(at: now) else { return .none }
        switch reason {
        case .gracePeriod: return .grace
        case .renewalUnconfirmed: return .leeway
        }
    }
}
