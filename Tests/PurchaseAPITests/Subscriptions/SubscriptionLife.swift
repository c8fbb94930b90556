import AppStoreSimulator
import PurchaseCore
import TestSupport

/// How a simulated service hears of what happens in the App Store.
enum Hearing: String, CaseIterable {
    /// Every notification arrives, at once and in order.
    case notifications
    /// None does: what the service knows, it asked for, or the app posted.
    case silence
    /// They are lost, held back, doubled and shuffled.
    case disorder
    /// None does, and for two months in the middle Apple can't be asked either.
    case outage

    /// Whether the service can know everything at once.
    var isExact: Bool { self == .notifications }
}

/// What a customer, a bank or a developer does to a subscription.
enum SubscriptionAct: CaseIterable {
    case cancel, takeBackCancellation
    case breakBilling, repairBilling
    case upgrade, upgradeWithRefund, upgradeToWeeks, chooseNext
    case extend
    case raisePrice, acceptPrice, refusePrice
    case withdrawProduct
    case refundEarlier, refundCurrent, reverseRefund
    case resubscribe, winBack, redeemOffer
    case share, stopSharing

    /// Often what is frequent in life, and what leads on from where others end.
    static let weighted: [SubscriptionAct] =
        allCases + [
            .cancel, .cancel, .takeBackCancellation, .breakBilling, .breakBilling, .breakBilling, .repairBilling,
            .repairBilling, .repairBilling, .resubscribe, .resubscribe, .resubscribe, .upgrade, .extend, .refundEarlier,
        ]

    /// Whether it changes access in the middle of a period without a purchase that the app would post: only a
    /// notification, or a sweep some day, can tell of it.
    var needsNotification: Bool {
        switch self {
        case .reverseRefund: true
        case .cancel, .takeBackCancellation, .breakBilling, .repairBilling, .upgrade, .upgradeWithRefund,
            .upgradeToWeeks, .chooseNext, .extend, .raisePrice, .acceptPrice, .refusePrice, .withdrawProduct,
            .refundEarlier, .refundCurrent, .resubscribe, .winBack, .redeemOffer, .share, .stopSharing:
            false
        }
    }
}

/// One account with a subscription of its own, or a family member's, and what its account of the story is.
struct SubscriptionLife {
    let account: String
    /// The id of the first transaction.
    let id: String
    /// What happened so far, for whoever reads a failure.
    var story: [String] = []
    /// What the App Store knew at the last look.
    var truth: SubscriptionTruth?
    /// Until when the service may not have heard yet that there is access again: nobody told it.
    var mayLagUntil: Int64 = .min
    /// The end of a period that was taken away without a word, until which the service may believe in it.
    var believedUntil: Int64 = .min
    /// What was promised when the outage began.
    var promise: OutagePromise?
    /// Set by the first disagreement: one story is told once.
    var isOver = false

    /// A copy whose owner follows somebody else's subscription.
    var isMember = false
}

/// What an outage may change: nothing for who has paid, and nobody is served beyond the end that was known.
struct OutagePromise {
    /// Access lasts at least until then; `nil`: it was unsure when the outage began.
    var atLeastUntil: Int64?
    /// And at most until then.
    var atMostUntil: Int64
}

extension SubscriptionLife {
    static let day: Int64 = 86_400_000
    static let hour: Int64 = 3_600_000

    /// How many days the world lasts: periods, retries and what comes after them.
    static let days: Int64 = 160

    /// The subscription with which a life begins, and how it goes on.
    static func beginning(_ generator: inout EdgeGenerator) -> (SimulatedPurchase, SubscriptionTerms) {
        var purchase = SimulatedPurchase(productID: "gold", type: .autoRenewable)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: purchase.offer = SimulatedOffer(.introductory, periodMilliseconds: 7 * day)
        case 1:
            purchase.offer = SimulatedOffer(
                .promotional, .payAsYouGo, identifier: "spring", price: 990, periodsCount: 2)
        default: break
        }
        let terms = SubscriptionTerms(
            renewsAheadMilliseconds: [0, hour, 24 * hour].randomElement(using: &generator) ?? 0,
            gracePeriodMilliseconds: [nil, 3 * day, 16 * day, 28 * day].randomElement(using: &generator) ?? nil)
        return (purchase, terms)
    }

    /// When what is tried, in milliseconds after the beginning: some acts of each life come to nothing.
    static func plan(_ hearing: Hearing, _ generator: inout EdgeGenerator) -> [(at: Int64, act: SubscriptionAct)] {
        var plan: [(at: Int64, act: SubscriptionAct)] = []
        for _ in 0..<Int.random(in: 4...12, using: &generator) {
            let act = SubscriptionAct.weighted.randomElement(using: &generator) ?? .cancel
            // An odd time of day: not in the last minutes of a period, where only a notification is fast enough.
            let at = Int64.random(in: 1..<days, using: &generator) * day + 5 * hour + 1_234
            if !hearing.isExact, act.needsNotification { continue }
            // What was given but not told of can't be served while Apple can't be asked.
            if hearing == .outage, act == .extend { continue }
            plan.append((at, act))
        }
        return plan.sorted { $0.at < $1.at }
    }
}
