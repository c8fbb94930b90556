/// When Apple is asked for the status of a subscription (Get All Subscription Statuses).
///
/// Where notifications arrive, nearly never: the renewal is known before the period ends. Without them these questions
/// are what keeps a paying customer's access, and ends everybody else's.
enum StatusesSchedule {
    /// How long a notification with the renewal info may take before Apple is asked for it.
    static let infoWait = Span.minutes(1)

    /// Before a period ends that Apple said is the last: the customer may have turned renewal on again since.
    static let lastLook = Span.minutes(10)

    /// Distances from the end of a period at which Apple is asked whether it was renewed.
    ///
    /// Dense within the default leeway, since by its end access does.
    static let afterEnd: [Span] = [
        .seconds(5), .minutes(1), .minutes(5), .minutes(15), .minutes(30), .minutes(55), .hours(6),
    ]

    /// The distance between questions after the last of ``afterEnd``.
    static let every = Span.days(1)

    /// Apple tries to charge for 60 days.
    static let endsAfter = Span.days(61)

    /// The next question about a subscription whose newest period is paid; `nil` when its outcome is known.
    ///
    /// A moment before `now` is due: the question has not been answered. `seenAt` is when the newest period was first
    /// recorded, `answeredAt` when Apple last answered this question about it.
    static func next(
        for subscription: Subscription, seenAt: Instant, answeredAt: Instant?, now: Instant
    ) -> Instant? {
        guard let newest = subscription.newest, now < newest.end + endsAfter else { return nil }
        if let upgradedAt = newest.upgradedAt {
            let giveUpAt = upgradedAt + Subscription.upgradeWait
            guard now < giveUpAt else { return nil }
            return first(of: afterEnd.map { upgradedAt + $0 }, after: answeredAt).flatMap { $0 < giveUpAt ? $0 : nil }
        }
        if subscription.hasLapsed { return nil }
        var moments: [Instant] = []
        if let renewal = subscription.renewal {
            if !renewal.willRenew { moments.append(newest.end - lastLook) }
            // The grace period's end is a new moment at which somebody may have paid.
            if let grace = renewal.gracePeriodExpiresDate { moments.append(grace + afterEnd[0]) }
        } else {
            moments.append(min(seenAt + infoWait, newest.end + afterEnd[0]))
        }
        moments += afterEnd.map { newest.end + $0 }
        let last = newest.end + afterEnd[afterEnd.count - 1]
        if let answeredAt, answeredAt >= last {
            let passed = (answeredAt - last).milliseconds / every.milliseconds
            moments.append(last + Span(milliseconds: (passed + 1) * every.milliseconds))
        } else {
            moments.append(last + every)
        }
        return first(of: moments, after: answeredAt)
    }

    private static func first(of moments: [Instant], after answeredAt: Instant?) -> Instant? {
        moments.filter { moment in answeredAt.map { moment > $0 } ?? true }.min()
    }
}
