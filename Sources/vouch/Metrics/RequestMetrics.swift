import Metrics
import PurchaseAPI
import Synchronization

/// What is counted of HTTP requests.
///
/// Handles are kept, since making one looks its labels up by their text, for each request anew.
final class RequestMetrics: Sendable {
    /// The most handles that are kept: more kinds of answers than the contract has.
    private static let handlesMax = 1_000

    private struct Kind: Hashable {
        let operation: APIOperation?
        let isConsole: Bool
        let method: String
        let status: Int
    }

    private struct Handles {
        let requests: Counter
        let duration: Timer
    }

    private let factory: any MetricsFactory
    private let known = Mutex<[Kind: Handles]>([:])

    init(factory: any MetricsFactory) { self.factory = factory }

    /// A request was answered.
    func answered(_ exchange: Exchange) {
        let handles = handles(
            Kind(
                operation: exchange.operation, isConsole: exchange.isConsole, method: exchange.method,
                status: exchange.status))
        handles.requests.increment()
        handles.duration.record(duration: exchange.duration)
    }

    private func handles(_ kind: Kind) -> Handles {
        if let handles = known.withLock({ $0[kind] }) { return handles }
        let operation = kind.operation?.rawValue ?? (kind.isConsole ? "console" : "none")
        let handles = Handles(
            requests: Counter(
                label: "vouch_http_requests_total",
                dimensions: [("operation", operation), ("method", kind.method), ("status", String(kind.status))],
                factory: factory),
            duration: Timer(
                label: "vouch_http_request_duration_seconds", dimensions: [("operation", operation)], factory: factory))
        known.withLock { known in
            if known.count < Self.handlesMax { known[kind] = handles }
        }
        return handles
    }
}
