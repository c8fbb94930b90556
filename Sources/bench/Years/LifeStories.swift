import PurchaseCore

/// What can become of a chain in three years, each as a story of its own that ``Storyteller`` plays.
///
/// One-time purchases come as posts alone; subscriptions renew monthly, each renewal by a notification of Apple's.
struct LifeStory: Sendable {
    /// Told in progress lines and failures.
    let name: String
    /// Of ten thousand chains; those of all stories are 10,000.
    let share: Int
    /// What a chain lives instead when this story would not be over by the end of the fill: the index of a later story.
    var insteadIfTooLong: Int?
    let kind: Kind

    /// What happens, and when.
    enum Kind: Sendable {
        /// Posted and settled at once; consumables may be acknowledged, and anything may be refunded after three days.
        case oneTime(ProductType, isAcknowledged: Bool, isRefunded: Bool)
        /// A non-consumable of somebody in the family.
        case familyShare
        /// A consumable in the sandbox.
        case sandbox
        /// Claimed, and unknown to Apple: refused in the end, or still asked for.
        case unknown(isRefused: Bool)
        /// So many months paid; ended means that Apple then said so.
        case subscription(months: Int, hasEnded: Bool)
    }

    /// The length of a period in milliseconds.
    static let month = Span.days(30)
    /// When a refund comes.
    static let refundAfter = Span.days(3)
    /// When Apple's word that there is no such transaction becomes final.
    static let refusedAfter = Span.days(3) + .hours(1)
    /// Subscriptions end after so many months, so many of ten thousand chains each.
    private static let lifetimes = [(12, 600), (6, 600), (3, 450), (2, 450), (1, 900)]

    /// All stories; the ones that others fall back on come after them.
    static let all: [LifeStory] = {
        var stories: [LifeStory] = []
        let lifetimesMax = lifetimes[0].0
        let alive = lifetimes.count
        for (months, share) in lifetimes {
            // Not over yet: so it is alive, with at most as many months as it would have had.
            stories.append(
                LifeStory(
                    name: "subscription, \(months) months", share: share,
                    insteadIfTooLong: alive + lifetimesMax - months,
                    kind: .subscription(months: months, hasEnded: true)))
        }
        for months in (1...lifetimesMax).reversed() {
            let shorter = months > 1 ? alive + lifetimesMax - months + 1 : nil
            stories.append(
                LifeStory(
                    name: "subscription, in its month \(months)", share: 0, insteadIfTooLong: shorter,
                    kind: .subscription(months: months, hasEnded: false)))
        }
        let first = stories.count
        stories += [
            LifeStory(
                name: "refunded consumable", share: 300, insteadIfTooLong: first + 2,
                kind: .oneTime(.consumable, isAcknowledged: true, isRefunded: true)),
            LifeStory(
                name: "refunded non-consumable", share: 100, insteadIfTooLong: first + 4,
                kind: .oneTime(.nonConsumable, isAcknowledged: false, isRefunded: true)),
            LifeStory(
                name: "consumable", share: 4_500, kind: .oneTime(.consumable, isAcknowledged: true, isRefunded: false)),
            LifeStory(
                name: "consumable, not acknowledged", share: 200,
                kind: .oneTime(.consumable, isAcknowledged: false, isRefunded: false)),
            LifeStory(
                name: "non-consumable", share: 1_500,
                kind: .oneTime(.nonConsumable, isAcknowledged: false, isRefunded: false)),
            LifeStory(name: "family share", share: 200, kind: .familyShare),
            LifeStory(name: "sandbox", share: 150, kind: .sandbox),
            LifeStory(
                name: "unknown to Apple", share: 50, insteadIfTooLong: first + 8, kind: .unknown(isRefused: true)),
            LifeStory(name: "not found yet", share: 0, kind: .unknown(isRefused: false)),
        ]
        return stories
    }()

    /// Plays the story: every input in its order, each at its time.
    func tell(_ teller: inout Storyteller) async throws {
        switch kind {
        case .oneTime(let type, let isAcknowledged, let isRefunded):
            try await teller.buy(type)
            if isAcknowledged { try await teller.acknowledge(after: .seconds(4)) }
            guard isRefunded else { return }
            try await teller.scene(after: Self.refundAfter)
            try await teller.notify(
                type, "REFUND", period: 0,
                facts: { facts in
                    facts.revocationDate = facts.signedDate - .hours(1)
                    facts.revocationReason = 0
                    facts.revocationType = "REFUND_FULL"
                    facts.revocationPercentage = 100_000
                })
        case .familyShare:
            try await teller.buy(.nonConsumable) { $0.inAppOwnershipType = .familyShared }
        case .sandbox:
            try await teller.buy(.consumable, in: .sandbox)
        case .unknown(let isRefused):
            try await teller.claim()
            try await teller.notFound(after: .seconds(1), isFinal: false)
            guard isRefused else { return }
            try await teller.scene(after: Self.refusedAfter)
            try await teller.notFound(after: .zero, isFinal: true)
        case .subscription(let months, let hasEnded):
            try await teller.buy(.autoRenewable)
            for month in 1..<max(months, 1) + 1 {
                let after = Span(milliseconds: Self.month.milliseconds * Int64(month))
                guard month < months || hasEnded else { return }
                try await teller.scene(after: after)
                if month < months {
                    try await teller.notify(
                        .autoRenewable, "DID_RENEW", period: month, renewal: { $0.autoRenewStatus = 1 })
                } else {
                    try await teller.notify(
                        .autoRenewable, "EXPIRED", period: month - 1,
                        renewal: { renewal in
                            renewal.autoRenewStatus = 0
                            renewal.expirationIntent = 1
                        })
                }
            }
        }
    }
}
