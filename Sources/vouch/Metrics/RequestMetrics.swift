import Metrics
import PurchaseAPI

/// What is counted of HTTP requests.
struct RequestMetrics: Sendable {
    private let factory: any MetricsFactory

    init(factory: any MetricsFactory) { self.factory = factory }

    /// A request was answered.
    func answered(_ exchange: Exchange) {
        let operation = exchange.operation?.rawValue ?? (exchange.isConsole ? "console" : "none")
        Counter(
            label: "vouch_http_requests_total",
            dimensions: [
                ("operation", operation), ("method", exchange.method),
                ("status", String(exchange.status)),
            ], factory: factory
        ).increment()
        Timer(label: "vouch_http_request_duration_seconds", dimensions: [("operation", operation)], factory: factory)
            .record(duration: exchange.duration)
    }
}
