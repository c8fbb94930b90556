/// The periods of a chain's auto-renewable subscription, and what each of them gives access to.
///
/// A function of the chain's evidence and its newest renewal info alone: no clock, so that time ends access by itself.
struct Subscription {
    /// One settled period.
    struct Period {
        /// What was charged once.
        let purchaseID: PurchaseID
        /// The transaction that Apple is asked about.
        let transactionID: TransactionID
        /// Whether it is paid, not refunded.
        let isPaid: Bool
        /// When it was charged, by the earliest account of it: a restore's own date is no beginning.
        let start: Instant
        /// From when on Apple's word on renewals is about this period: with its first signed word, or a little before.
        let knownFrom: Instant
        /// Apple's expiresDate.
        let end: Instant
        /// When Apple first signed that an upgrade superseded it; `nil` when none did.
        let upgradedAt: Instant?
    }

    /// What a period gives.
    struct Access: Equatable {
        /// Until when it may be used.
        let until: Instant
        /// What of that time is not paid for.
        let extended: Entitlement.Extended?
    }

    /// How long before a period's end Apple charges the one that renews it, at most.
    static let chargedAhead = Span.days(1)

    /// How far apart Apple signs a transaction and the renewal info beside it, at most.
    static let signedApart = Span.minutes(1)

    /// How long an upgraded period is served while the one that supersedes it is not known.
    static let upgradeWait = Span.hours(24)

    /// Oldest first.
    private let periods: [Period]
    /// Apple's newest word on the renewal of the newest period; `nil` when there is none about it.
    let renewal: RenewalFacts?
    private let leeway: Span

    /// Takes the settled periods in any order.
    init(periods: [Period], renewal: RenewalFacts?, leeway: Span) {
        let sorted = periods.sorted { ($0.start, $0.end, $0.purchaseID) < ($1.start, $1.end, $1.purchaseID) }
        self.periods = sorted
        // What was signed before the newest period was charged is about an earlier one.
        self.renewal = renewal.flatMap { renewal in
            sorted.last.flatMap { renewal.signedDate >= $0.knownFrom ? renewal : nil }
        }
        self.leeway = leeway
    }

    /// The period that began last, paid or refunded.
    var newest: Period? { periods.last }

    /// The paid periods in the middle of which a later one began.
    ///
    /// Most were superseded, which Apple tells of nobody but who asks: an upgrade is announced with the new period alone.
    var overtaken: [Period] {
        periods.filter { period in
            period.isPaid && period.upgradedAt == nil
                && periods.contains { $0.start > period.start && $0.start + Self.chargedAhead < period.end }
        }
    }

    /// Whether Apple's word is that the newest period is not followed by another one.
    ///
    /// Only a word from after the period's end tells: before it, a customer may turn renewal on again.
    var hasLapsed: Bool {
        guard let newest, let renewal, renewal.signedDate >= newest.end else { return false }
        return !renewal.willRenew && !renewal.isInBillingRetryPeriod
    }

    /// Whether a period lies so far back that it can give access to nobody: two that end later are paid.
    ///
    /// Two, not one: Apple charges a renewal up to a day before the period that it follows is over. Keeps the rows of an
    /// account few, however often a subscription was renewed.
    func isPast(_ purchase: PurchaseID) -> Bool {
        guard let period = periods.first(where: { $0.purchaseID == purchase }) else { return false }
        let later = periods.filter {
            $0.isPaid && $0.upgradedAt == nil && $0.start > period.start && $0.end > period.end
        }
        return later.count >= 2
    }

    /// Access by a period that is paid, or kept after a prorated refund; `nil` where an upgrade ended it.
    func access(during purchase: PurchaseID) -> Access? {
        guard let index = periods.firstIndex(where: { $0.purchaseID == purchase }) else { return nil }
        let period = periods[index]
        let isNewest = index == periods.count - 1
        if let upgradedAt = period.upgradedAt {
            // The successor's own row takes over; until it is known, the customer must not stand there with nothing.
            return isNewest ? Access(until: min(period.end, upgradedAt + Self.upgradeWait), extended: nil) : nil
        }
        guard isNewest, period.isPaid else { return Access(until: period.end, extended: nil) }
        if let grace = renewal?.gracePeriodExpiresDate {
            return extended(period, until: grace, .gracePeriod)
        }
        // Nothing is known of the renewal: ending access on silence would cut off who has paid.
        guard renewal?.willRenew ?? true else { return Access(until: period.end, extended: nil) }
        return extended(period, until: period.end + leeway, .renewalUnconfirmed)
    }

    private func extended(_ period: Period, until: Instant, _ reason: Entitlement.Extension) -> Access {
        guard until > period.end else { return Access(until: period.end, extended: nil) }
        return Access(until: until, extended: Entitlement.Extended(reason: reason, from: period.end))
    }
}

extension Draft {
    /// The chain's subscription as its purchases have it; without periods where nothing renews.
    func subscription(of purchases: [PurchaseSet]) -> Subscription {
        let periods = purchases.compactMap { purchase -> Subscription.Period? in
            guard let speaker = purchase.members.first, let state = chain.transactions[speaker]?.state,
                let facts = chain.decidingEvidence(of: state)?.facts, rules(for: facts)?.kind == .autoRenewable,
                let end = facts.expiresDate
            else { return nil }
            let start = purchase.chargedAt ?? facts.signedDate
            let signedFirst = purchase.evidence.first?.facts.signedDate ?? facts.signedDate
            let upgrades = purchase.evidence.filter(\.facts.isUpgraded).map(\.facts.signedDate)
            return Subscription.Period(
                purchaseID: purchase.id, transactionID: speaker, isPaid: state.name == .paid,
                start: start, knownFrom: signedFirst - Subscription.signedApart, end: end,
                upgradedAt: facts.isUpgraded ? upgrades.min() : nil)
        }
        return Subscription(periods: periods, renewal: chain.renewal?.facts, leeway: policy.renewalLeeway)
    }

    /// Takes renewal info that came with evidence; true when it is newer than what was known.
    ///
    /// Only with evidence that counts, since it names no app itself. What is older than the known one has nothing to say
    /// any more, and is not recorded again.
    mutating func take(_ renewal: RenewalInfo?, with evidence: Evidence) -> Bool {
        guard let renewal, counts(evidence), evidence.id.source.isAuthoritative,
            case .original(let environment, let original) = chain.identity,
            renewal.facts.environment == environment, renewal.facts.originalTransactionID == original
        else { return false }
        if evidence.id.source == .appStore { statusesAnswered() }
        if let known = chain.renewal, !RenewalInfo.precedes(known, renewal) { return false }
        record(.renewal(renewal))
        return true
    }

    // MARK: Asking for statuses

    /// Apple gave nothing usable to the question for statuses: it is repeated after ever longer waits.
    mutating func statusesUnanswered(_ id: TransactionID, _ answer: AppStoreNonAnswer) -> Decision {
        guard chain.transactions[id] != nil else { return .nothing(.unknownTransaction) }
        if let alarm = answer.alarm { alarms.append(alarm) }
        purchases = purchaseSets()
        if var check = chain.checks[id], check.statusesAt != nil {
            check.statusesAttempts += 1
            let isLate = subscription(of: purchases).newest.map { now > $0.end + policy.renewalLeeway } ?? true
            let wait = policy.recheck.wait(afterAttempts: check.statusesAttempts, transaction: id, isPatient: isLate)
            check.statusesRetryAt = now + wait
            if case .throttled(let retryAt?) = answer {
                check.statusesRetryAt = max(now + wait, min(retryAt, now + RecheckSchedule.throttledMax))
            }
            chain.checks[id] = check
        }
        return finish(.appStoreAnswer, rule: .appStoreUnanswered, otherwise: .noEffect)
    }

    private mutating func statusesAnswered() {
        for (id, check) in chain.checks where check.statusesAt != nil {
            var check = check
            check.statusesAskedAt = now
            check.statusesAttempts = 0
            check.statusesRetryAt = nil
            chain.checks[id] = check
        }
    }

    /// Plans the question for the newest period's transaction, and takes it from all others; for the end of every decision.
    mutating func planStatuses() {
        let subject = statusesSubject()
        for (id, check) in chain.checks
        where id != subject?.id && (check.statusesAt != nil || check.statusesAskedAt != nil) {
            var check = check
            (check.statusesAt, check.statusesAskedAt, check.statusesRetryAt) = (nil, nil, nil)
            check.statusesAttempts = 0
            chain.checks[id] = check
        }
        guard let subject else { return }
        var check = chain.checks[subject.id] ?? Check()
        let planned = StatusesSchedule.next(
            for: subject.subscription, seenAt: chain.transactions[subject.id]?.createdAt ?? now,
            answeredAt: check.statusesAskedAt, now: now)
        // When Apple answered is remembered also while nothing is planned: else the same question would begin anew.
        check.statusesAt = planned.map { max($0, check.statusesRetryAt ?? $0) }
        if check != chain.checks[subject.id] ?? Check() { chain.checks[subject.id] = check }
    }

    /// The newest period's transaction, while it is paid and held: nobody is entitled by what nobody holds.
    private func statusesSubject() -> (id: TransactionID, subscription: Subscription)? {
        guard chain.owner != nil else { return nil }
        let subscription = subscription(of: purchases.isEmpty ? purchaseSets() : purchases)
        guard let newest = subscription.newest, newest.isPaid else { return nil }
        return (newest.transactionID, subscription)
    }
}
