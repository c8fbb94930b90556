import PurchaseCore
import PurchaseService

/// What `apple.mustache` shows.
struct AppleContent: Sendable {
    /// One store.
    struct Store: Sendable {
        let id: String
        let name: String
        let call: Call?
        let budgets: [Budget]
    }

    /// The newest call of this process.
    struct Call: Sendable {
        let endpoint: String
        let outcome: Badge
        let at: ShownTime
        let age: String
    }

    /// One of Apple's limits.
    struct Budget: Sendable {
        let name: String
        let tokens: String
        let capacity: String
        let perHour: String
        let standing: Badge
        let until: ShownTime?
    }

    /// Checks that are due.
    struct Queue: Sendable {
        let name: String
        let explanation: String
        let due: String
        let oldest: ShownTime?
        let age: String?
        let standing: Badge
    }

    let observedAt: ShownTime
    let clock: Badge
    let clockText: String
    let queues: [Queue]
    let stores: [Store]

    /// What waits for longer than that is late: several times the delay of the first recheck.
    private static let usualWait = Span.minutes(5)
    /// Apple accepts tokens of clocks that differ by less.
    private static let skewMax: Int64 = 30_000

    init(_ health: AppleHealthView) {
        let now = health.observedAt
        observedAt = ShownTime(now)
        (clock, clockText) = Self.clock(health.clockSkew)
        queues = [
            Queue("Somebody waits", "Purchases that are not settled", health.workload.retry, now: now),
            Queue(
                "Sweep", "Settled purchases, looked at again with what is left over", health.workload.sweep, now: now),
        ]
        stores = health.environments.map { environment in
            Store(
                id: "store-" + environment.rawValue.lowercased(), name: environment.rawValue,
                call: health.lastCalls[environment].map { Call($0, now: now) },
                budgets: health.budgets.filter { $0.terms.environment == environment }.map { Budget($0, now: now) })
        }
    }

    private static func clock(_ skew: Span?) -> (Badge, String) {
        guard let skew else {
            return (Badge(.neutral, "Not known yet"), "This process has had no answer of Apple\u{2019}s so far.")
        }
        let milliseconds = skew.milliseconds
        guard milliseconds.magnitude >= 100 else {
            return (Badge(.good, "In step"), "Our clock and Apple\u{2019}s differ by less than a tenth of a second.")
        }
        let size = AmountText.text(milliunits: Int128(milliseconds.magnitude), decimals: 1)
        let direction = milliseconds < 0 ? "behind" : "ahead of"
        let text = "Our clock is \(size) s \(direction) Apple\u{2019}s by the newest answer."
        let isFine = milliseconds.magnitude < UInt64(skewMax)
        return (isFine ? Badge(.good, "In step") : Badge(.bad, "Too far off"), text)
    }
}

extension AppleContent.Queue {
    fileprivate init(_ name: String, _ explanation: String, _ queue: Workload.Queue, now: Instant) {
        self.name = name
        self.explanation = explanation
        due = FinanceReport.count(queue.due)
        oldest = queue.oldestDueAt.map { ShownTime($0) }
        age = queue.oldestDueAt.map { Age.words(from: $0, to: now) }
        let isLate = queue.oldestDueAt.map { now - $0 > AppleContent.lateAfter } ?? false
        standing = queue.due == 0 ? Badge(.good, "Empty") : isLate ? Badge(.bad, "Late") : Badge(.waiting, "Moving")
    }
}

extension AppleContent {
    fileprivate static var lateAfter: Span { usualWait }
}

extension AppleContent.Call {
    fileprivate init(_ call: AppStoreHealth.LastCall, now: Instant) {
        endpoint = ShownCode.words(call.endpoint)
        let tone: Badge.Tone =
            switch call.outcome {
            case "answered": .good
            // An answer as well: the transaction is the other store's, or not there yet.
            case "not_found": .neutral
            default: .waiting
            }
        outcome = Badge(tone, ShownCode.words(call.outcome))
        at = ShownTime(call.at)
        age = Age.words(from: call.at, to: now)
    }
}

extension AppleContent.Budget {
    fileprivate init(_ budget: AppleHealthView.Budget, now: Instant) {
        name = budget.terms.endpointClass.rawValue
        tokens = FinanceReport.count(Int64(budget.tokens))
        capacity = FinanceReport.count(Int64(budget.terms.capacity))
        perHour = FinanceReport.count(Int64(budget.terms.requestsPerHour))
        until = budget.terms.throttledUntil.flatMap { $0 > now ? ShownTime($0) : nil }
        if until != nil {
            standing = Badge(.bad, "Throttled by Apple")
        } else {
            standing = budget.tokens > 0 ? Badge(.good, "Free") : Badge(.waiting, "Used up")
        }
    }
}
