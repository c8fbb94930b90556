package import AppStoreJWS
package import Metrics
import PurchaseCore
import Synchronization

/// What the use cases count; labels are codes of closed enumerations, never ids.
package struct ServiceMetrics: Sendable {
    private let factory: any MetricsFactory
    private let decisions: DecisionCounters

    /// Counts into a factory; the default counts nothing.
    package init(factory: any MetricsFactory = NOOPMetricsHandler.instance) {
        self.factory = factory
        decisions = DecisionCounters(factory: factory)
        // A series that begins with its first alarm has no increase to alert on.
        for alarm in Self.alarms { increment("vouch_alarms_total", [("alarm", alarm)], by: 0) }
    }

    /// Every code that ``alarmRaised(_:)`` is called with.
    package static let alarms: [String] =
        Alarm.allCases.map(\.rawValue) + [
            "notification_refused", "notification_unreadable", "notification_not_applied", "app_apple_id_mismatch",
            "coverage_gap", "coverage_sweep_failed",
        ]

    // MARK: Decisions

    /// A decision is through: committed, or without anything to commit.
    ///
    /// A commit whose answer was lost is decided again, and then counts as what the second decision came to.
    func decided(_ input: Input.Kind, _ decision: Decision, from before: Chain) {
        switch decision {
        case .nothing(let unchanged): decisions.count(input, outcome: unchanged.rawValue)
        case .reschedule: decisions.count(input, outcome: "rescheduled")
        case .record(let recorded):
            decisions.count(input, outcome: "recorded")
            for entry in recorded.entries { wrote(entry, into: recorded.chain, from: before) }
        }
    }

    private func wrote(_ entry: LedgerEntry, into after: Chain, from before: Chain) {
        switch entry {
        case .transaction(let transaction):
            let old = before.transactions[transaction.id]
            let (state, reason) = (transaction.state.name, transaction.state.reasonCode)
            if old?.state.name != state || old?.state.reasonCode != reason {
                increment(
                    "vouch_transaction_states_total",
                    [
                        ("environment", after.environment?.rawValue ?? "unknown"), ("state", state.rawValue),
                        ("reason", reason),
                    ])
            }
            if let refusal = transaction.refusal, old?.refusal != refusal {
                increment("vouch_transactions_refused_total", [("refusal", refusal.rawValue)])
            }
        case .grant(let grant):
            guard before.grants[grant.id]?.status != grant.status else { return }
            increment("vouch_grants_total", [("kind", grant.kind.rawValue), ("status", grant.status.rawValue)])
        case .identified, .absorbed, .evidence, .renewal, .claim, .claimCase, .entitlement, .entitlementEnded,
            .movement, .checkRequested, .staffOverride, .accountErased, .claimReleased:
            break
        }
    }

    // MARK: What comes in

    /// A posted signed transaction was refused.
    func submissionRefused(_ refusal: SubmissionRefusal) {
        increment("vouch_submissions_refused_total", [("refusal", refusal.rawValue)])
    }

    /// A call of a restore came to its end.
    func restored(_ result: Restoration) {
        increment("vouch_restores_total", [("outcome", result.outcome)])
    }

    /// A post of an unproven id was turned away, see ``UnprovenPostPort``.
    func postHeldUp() { increment("vouch_posts_held_up_total", []) }

    /// Somebody tried to sign in to the console.
    func signInEnded(_ result: SignInResult) {
        increment("vouch_console_sign_ins_total", [("outcome", result.code)])
    }

    /// A notification came to its end, or waits.
    func notificationReceived(_ origin: NotificationRecord.Origin, _ result: NotificationIntake.Result) {
        increment("vouch_notifications_total", [("origin", origin.rawValue), ("outcome", result.code)])
    }

    /// Something that an operator should look at; `alarm` is the code that the log line carries.
    func alarmRaised(_ alarm: String) { increment("vouch_alarms_total", [("alarm", alarm)]) }

    /// A signed payload was checked, see ``AppStoreJWS/JWSVerifier``.
    package func verified(_ summary: VerificationSummary) {
        increment(
            "vouch_verifications_total",
            [("kind", summary.kind.rawValue), ("outcome", summary.outcome.rawValue), ("code", summary.code ?? "none")])
    }

    // MARK: Asking

    /// The handles of one lane of the ask pool.
    func asks(in lane: RequestLane) -> AskMetrics { AskMetrics(lane: lane, factory: factory) }

    /// How many transactions are asked about or waited for.
    var flights: Meter { Meter(label: "vouch_ask_flights", factory: factory) }

    /// Posts that did not wait for Apple, since too many did.
    var waitsRefused: Counter { Counter(label: "vouch_ask_waits_refused_total", factory: factory) }

    /// How many posts may be recorded at once, see ``RecordingLimit``.
    var recordingsMax: Meter { Meter(label: "vouch_recordings_max", factory: factory) }

    /// Posts that were refused since the ledger is busy.
    var postsShed: Counter { Counter(label: "vouch_posts_shed_total", factory: factory) }

    private func increment(_ label: String, _ dimensions: [(String, String)], by amount: Int64 = 1) {
        Counter(label: label, dimensions: dimensions, factory: factory).increment(by: amount)
    }
}

/// The counters of decisions, kept by input and outcome: making a handle looks its labels up by their text.
private final class DecisionCounters: Sendable {
    private struct Kind: Hashable {
        let input: Input.Kind
        let outcome: String
    }

    private let factory: any MetricsFactory
    /// Bounded by the codes of inputs and outcomes.
    private let known = Mutex<[Kind: Counter]>([:])

    init(factory: any MetricsFactory) { self.factory = factory }

    func count(_ input: Input.Kind, outcome: String) {
        let kind = Kind(input: input, outcome: outcome)
        let counter = known.withLock { known -> Counter in
            if let counter = known[kind] { return counter }
            let counter = Counter(
                label: "vouch_decisions_total", dimensions: [("input", input.rawValue), ("outcome", outcome)],
                factory: factory)
            known[kind] = counter
            return counter
        }
        counter.increment()
    }
}

/// What is counted of one lane of the ask pool.
struct AskMetrics: Sendable {
    let queued: Meter
    let running: Meter
    let rejected: Counter

    fileprivate init(lane: RequestLane, factory: any MetricsFactory) {
        let dimensions = [("lane", lane.rawValue)]
        queued = Meter(label: "vouch_asks_queued", dimensions: dimensions, factory: factory)
        queued.set(0)
        running = Meter(label: "vouch_asks_running", dimensions: dimensions, factory: factory)
        running.set(0)
        rejected = Counter(label: "vouch_asks_rejected_total", dimensions: dimensions, factory: factory)
    }
}
