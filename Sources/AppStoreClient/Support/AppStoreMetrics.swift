import Metrics
import PurchaseCore
import PurchaseService

/// What this module counts; labels are names of endpoints, environments, lanes and outcomes, never ids.
struct AppStoreMetrics: Sendable {
    let factory: any MetricsFactory

    /// A call ended, whether or not Apple was asked.
    func called(_ endpoint: AppStoreEndpoint, _ environment: StoreEnvironment, _ lane: RequestLane, outcome: String) {
        Counter(
            label: "vouch_app_store_calls_total",
            dimensions: [
                ("endpoint", endpoint.name), ("environment", environment.rawValue), ("lane", lane.rawValue),
                ("outcome", outcome),
            ], factory: factory
        ).increment()
    }

    /// One exchange with Apple's host took so long, whatever came of it.
    func exchanged(_ endpoint: AppStoreEndpoint, _ environment: StoreEnvironment, took duration: Duration) {
        Timer(
            label: "vouch_app_store_call_duration_seconds",
            dimensions: [("endpoint", endpoint.name), ("environment", environment.rawValue)], factory: factory
        ).recordNanoseconds(duration.clampedNanoseconds)
    }

    /// Our clock minus Apple's.
    func measured(clockSkew: Duration) {
        Meter(label: "vouch_app_store_clock_skew_seconds", factory: factory).set(clockSkew / .seconds(1))
    }

    /// A call left the budget's queue after so long.
    func waited(_ lane: RequestLane, for duration: Duration, _ admission: RequestBudget.Admission) {
        Timer(
            label: "vouch_app_store_budget_wait_seconds", dimensions: [("lane", lane.rawValue)], factory: factory
        ).recordNanoseconds(duration.clampedNanoseconds)
        guard let reason = admission.refusalCode else { return }
        Counter(
            label: "vouch_app_store_budget_refusals_total",
            dimensions: [("lane", lane.rawValue), ("reason", reason)], factory: factory
        ).increment()
    }

    /// An OCSP responder was asked.
    func askedResponder(took duration: Duration, outcome: String) {
        Counter(label: "vouch_ocsp_requests_total", dimensions: [("outcome", outcome)], factory: factory).increment()
        Timer(label: "vouch_ocsp_request_duration_seconds", factory: factory)
            .recordNanoseconds(duration.clampedNanoseconds)
    }
}

/// What is counted of one bucket of the budget.
struct BucketMetrics: Sendable {
    private let tokens: Counter
    private let throttledUntil: Meter

    /// Says what the bucket allows, which never changes, and that nobody has asked for a pause.
    init(terms: BudgetTerms, environment: StoreEnvironment, endpointClass: EndpointClass, factory: any MetricsFactory) {
        let labels = [("environment", environment.rawValue), ("class", endpointClass.rawValue)]
        tokens = Counter(label: "vouch_app_store_budget_tokens_total", dimensions: labels, factory: factory)
        throttledUntil = Meter(
            label: "vouch_app_store_throttled_until_timestamp_seconds", dimensions: labels, factory: factory)
        throttledUntil.set(0)
        let hourly = terms.tokensPerHour(environment: environment, endpointClass: endpointClass)
        Meter(label: "vouch_app_store_budget_tokens_per_second", dimensions: labels, factory: factory)
            .set(Double(hourly) / 3_600)
    }

    /// So many requests were taken out of the shared bucket.
    func took(_ count: Int) { tokens.increment(by: count) }

    /// The gate is closed until then; `nil` for an open one.
    func throttled(until instant: Instant?) {
        throttledUntil.set(instant.map { Double($0.millisecondsSince1970) / 1_000 } ?? 0)
    }
}

extension RequestBudget.Admission {
    /// Why a call may not be made; `nil` if it may.
    fileprivate var refusalCode: String? {
        switch self {
        case .granted: nil
        case .throttled: "throttled"
        case .exhausted: "exhausted"
        case .unavailable: "unavailable"
        case .cancelled: "cancelled"
        }
    }
}

extension OCSPFetchError {
    /// A stable name, without numbers that a responder chose.
    var code: String {
        switch self {
        case .notAllowed: "not_allowed"
        case .timedOut: "timed_out"
        case .cancelled: "cancelled"
        case .connectionFailed: "connection_failed"
        case .status: "status"
        case .cut: "cut"
        case .tooLarge: "too_large"
        }
    }
}
