import PurchaseCore
import Testing

/// Periods of thirty days: the first ends at minute 43 200.
@Suite("What a subscription entitles to, at every instant")
struct SubscriptionTests {
    static let period: Int64 = 43_200

    /// Period `number`, from 1, signed one minute after it began.
    static func period(_ number: Int64, product: String = "monthly") -> Sample {
        Sample(product, id: "\(1_000 + number)", signed: (number - 1) * period + 1).with {
            $0.purchaseDate = .minute((number - 1) * period)
            $0.expiresDate = .minute(number * period)
            $0.webOrderLineItemID = WebOrderLineItemID("7\(number)")
        }
    }

    private func subscribed(_ renewal: ((inout RenewalFacts) -> Void)? = { _ in }) -> History {
        var history = History()
        history.claim(alice)
        history.see(Self.period(1), renewal: renewal.map { Self.period(1).renewal($0) })
        return history
    }

    /// The reason at an instant, as `GET …/entitlements` would give it for the one key; `nil` when nothing is active.
    private func reason(_ history: History, at instant: Instant) -> String? {
        let active = history.chain.entitlements.values.filter { $0.isActive(at: instant) }
        guard let row = active.max(by: { ($0.until ?? .minute(.max / 60_000)) < ($1.until ?? .minute(.max / 60_000)) })
        else { return nil }
        return row.extensionReason(at: instant)?.rawValue ?? row.rule.rawValue
    }

    private static let end = Instant.minute(period)
    private static let tick = Span(milliseconds: 1)

    @Test("auto-renewal on, no renewal seen: served for the leeway beyond expiresDate, and says so")
    func leeway() {
        let history = subscribed()
        #expect(reason(history, at: Self.end - Self.tick) == "paid")
        #expect(reason(history, at: Self.end) == "renewal_unconfirmed")
        #expect(reason(history, at: Self.end + .hours(1) - Self.tick) == "renewal_unconfirmed")
        #expect(reason(history, at: Self.end + .hours(1)) == nil)
    }

    @Test("without any renewal info the customer gets the leeway too: nobody knows that it was turned off")
    func leewayWithoutInfo() {
        #expect(reason(subscribed(nil), at: Self.end) == "renewal_unconfirmed")
        #expect(reason(subscribed(nil), at: Self.end + .hours(1)) == nil)
    }

    @Test(
        "no leeway where Apple said that it will not renew",
        arguments: ["off", "cancelled", "billing retry without grace"])
    func noLeeway(_ why: String) {
        let history = subscribed {
            switch why {
            case "off": $0.autoRenewStatus = 0
            case "cancelled": $0.expirationIntent = 1
            default: $0.isInBillingRetryPeriod = true
            }
        }
        #expect(reason(history, at: Self.end - Self.tick) == "paid")
        #expect(reason(history, at: Self.end) == nil)
    }

    @Test("a grace period is served to its last millisecond, and ends by time alone")
    func grace() {
        let graceEnd = Self.end + .days(16)
        let history = subscribed {
            $0.isInBillingRetryPeriod = true
            $0.gracePeriodExpiresDate = graceEnd
        }
        #expect(reason(history, at: Self.end) == "grace_period")
        #expect(reason(history, at: graceEnd - Self.tick) == "grace_period")
        #expect(reason(history, at: graceEnd) == nil)
        #expect(
            history.chain.entitlementVerdict(
                of: history.chain.transactions[TransactionID("1001")]!, policy: .standard, now: Self.end)
                == .gracePeriod)
    }

    @Test("recovered in the grace period: the new period counts, and the old grace says nothing about it")
    func recovered() {
        var history = subscribed {
            $0.isInBillingRetryPeriod = true
            $0.gracePeriodExpiresDate = Self.end + .days(60)
        }
        let recovered = Self.period(2).with {
            $0.purchaseDate = .minute(Self.period + 4_000)
            $0.signedDate = .minute(Self.period + 4_001)
        }
        history.see(recovered)
        let end = Instant.minute(2 * Self.period)
        #expect(reason(history, at: end - Self.tick) == "paid")
        #expect(reason(history, at: end) == "renewal_unconfirmed", "the grace of the period before is over")
        history.see(recovered, renewal: recovered.renewal { $0.autoRenewStatus = 0 })
        #expect(history.rules.last == .renewalInfoSeen)
        #expect(reason(history, at: end) == nil)
    }

    @Test("renewed up to a day ahead: no gap, and the rows of an account stay few over years")
    func renewals() {
        var history = subscribed()
        for number in Int64(2)...40 {
            let early = Self.period(number).with { $0.signedDate = .minute((number - 1) * Self.period - 1_000) }
            history.now = early.facts.signedDate
            history.see(early, renewal: early.renewal())
            for step in [Int64(-900), -1, 0, 1, 20_000] {
                let instant = Instant.minute((number - 1) * Self.period + step)
                #expect(reason(history, at: instant) == "paid", "period \(number), \(step) minutes around its start")
            }
            #expect(history.chain.entitlements.count <= 2)
        }
    }

    @Test(
        "an upgrade ends the old period once the new one is known; until then, at most a day, the customer keeps access"
    )
    func upgrade() {
        var history = subscribed()
        let upgraded = Self.period(1).with {
            $0.isUpgraded = true
            $0.signedDate = .minute(5_000)
        }
        history.see(upgraded)
        #expect(reason(history, at: .minute(5_000) + .hours(24) - Self.tick) == "paid")
        #expect(reason(history, at: .minute(5_000) + .hours(24)) == nil)
        #expect(history.check()?.statusesAt == .minute(5_000) + .seconds(5), "Apple is asked for the successor")
        history.see(
            Self.period(2, product: "yearly").with {
                $0.purchaseDate = .minute(4_990)
                $0.type = .autoRenewable
                $0.signedDate = .minute(4_991)
            })
        #expect(history.keys == ["yearly"])
        #expect(history.check()?.statusesAt == nil)
    }

    @Test(
        "a refund of an earlier period takes nothing from the paid one; a refund of the newest leaves the earlier its time"
    )
    func refunds() {
        var history = subscribed()
        history.see(Self.period(2).with { $0.signedDate = .minute(Self.period - 100) })
        var older = history
        older.see(Self.period(1).signed(Self.period + 5).refunded(at: Self.period + 4))
        #expect(reason(older, at: .minute(Self.period + 10)) == "paid")
        history.see(Self.period(2).signed(Self.period - 50).refunded(at: Self.period - 51))
        #expect(reason(history, at: Self.end - Self.tick) == "paid")
        #expect(reason(history, at: Self.end) == nil, "no leeway: what follows it was refunded")
    }

    @Test("an extension of the renewal date moves the end of the same period")
    func extended() {
        var history = subscribed()
        history.see(
            Self.period(1).with {
                $0.expiresDate = Self.end + .days(30)
                $0.signedDate = .minute(9)
            })
        #expect(reason(history, at: Self.end + .days(30) - Self.tick) == "paid")
    }

    @Test("older renewal info that comes late changes nothing, and the same one twice is no event")
    func lateRenewal() {
        var history = subscribed { $0.signedDate = .minute(100) }
        let version = history.chain.version
        history.see(Self.period(1), renewal: Self.period(1).renewal { $0.autoRenewStatus = 0 })
        #expect(history.chain.version == version)
        #expect(reason(history, at: Self.end) == "renewal_unconfirmed")
    }

    @Test("renewal info of another subscription or store, and of evidence that doesn't count, is not taken")
    func foreignRenewal() {
        for change: (inout RenewalFacts) -> Void in [
            { $0.originalTransactionID = OriginalTransactionID("9999") }, { $0.environment = .sandbox },
        ] {
            #expect(subscribed(change).chain.renewal == nil)
        }
        var history = History()
        history.claim(alice)
        let foreign = Self.period(1).with { $0.bundleID = BundleID("com.example.other") }
        history.see(foreign, renewal: foreign.renewal())
        #expect(history.chain.renewal == nil)
    }

    @Test("an earlier period that is restored while a later one runs is still the earlier one")
    func restored() {
        var history = subscribed()
        let next = Self.period(2)
        history.see(next, renewal: next.renewal())
        // A restore has an id and a date of its own, and the charge's webOrderLineItemId.
        let restore = Self.period(1).with {
            $0.transactionID = TransactionID("1009")
            $0.purchaseDate = .minute(Self.period + 500)
            $0.signedDate = .minute(Self.period + 501)
        }
        history.see(restore)
        #expect(reason(history, at: .minute(2 * Self.period)) == "renewal_unconfirmed")
        #expect(history.check("1002")?.statusesAt == .minute(2 * Self.period) + .seconds(5))
    }

    @Test("a settlement hold is for the first charge: a renewal is served at once")
    func holdOfRenewals() {
        var history = History(policy: .standard.with(product: "monthly") { $0.settlementHold = .hours(24) })
        history.claim(alice)
        history.see(Self.period(1))
        #expect(history.short() == "pending/settlement_hold")
        history.now = .minute(1_441)
        history.see(Self.period(1).signed(1_441))
        #expect(history.short() == "paid/confirmed")
        history.now = .minute(Self.period)
        history.see(Self.period(2))
        #expect(history.short("1002") == "paid/confirmed")
    }

    @Test("the longest leeway is the setting's")
    func leewaySetting() {
        var history = History(policy: .standard.with { $0.renewalLeeway = .zero })
        history.claim(alice)
        history.see(Self.period(1), renewal: Self.period(1).renewal())
        #expect(reason(history, at: Self.end - Self.tick) == "paid")
        #expect(reason(history, at: Self.end) == nil)
        history.change(.standard.with { $0.renewalLeeway = .days(3) })
        #expect(reason(history, at: Self.end + .days(2)) == "renewal_unconfirmed")
    }
}

@Suite("Law 4 for subscriptions: any order, any number of repeats")
struct SubscriptionOrderTests {
    /// Walks all orders of the items, each with its renewal info.
    private func outcomes(_ items: [(Sample, RenewalInfo?)], _ history: History) -> [Outcome] {
        var found: [Outcome] = []
        func walk(_ chain: Chain, _ rest: [Int]) {
            if rest.isEmpty, !found.contains(Outcome(chain)) { found.append(Outcome(chain)) }
            for index in rest {
                let input = Input.evidenceVerified(items[index].0.evidence, renewal: items[index].1, absorbing: nil)
                let decision = decide(chain, input, policy: history.policy, now: history.now)
                walk(decision.chain(from: chain), rest.filter { $0 != index })
            }
        }
        walk(history.chain, Array(items.indices))
        return found
    }

    @Test(
        "all orders of five items of a subscription's life end the same",
        arguments: SplitMix64.seeds(fixed: 5_001...5_040, for: "law 4, subscriptions"))
    func allOrders(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var items: [(Sample, RenewalInfo?)] = []
        for index in 0..<5 {
            let number = Int64(1 + random.next() % 3)
            var sample = SubscriptionTests.period(number)
            sample = sample.from(random.pick([.appStore, .notification, .history]), nil)
            sample = sample.signed(
                random.pick([0, 500, 40_000, 43_300]) + (number - 1) * SubscriptionTests.period + Int64(index))
            switch random.next() % 6 {
            case 0: sample = sample.refunded(at: number * 1_000)
            case 1: sample = sample.with { $0.isUpgraded = true }
            default: break
            }
            let renewal =
                random.oneIn(3)
                ? nil
                : sample.renewal {
                    $0.autoRenewStatus = random.pick([0, 1, 1])
                    $0.gracePeriodExpiresDate = random.oneIn(3) ? sample.facts.expiresDate.map { $0 + .days(6) } : nil
                    $0.isInBillingRetryPeriod = $0.gracePeriodExpiresDate != nil
                }
            items.append((sample, renewal))
        }
        let found = outcomes(items, OrderLawTests.claimed(.standard))
        #expect(found.count == 1, "SEED=\(seed): \(found)")
    }
}
