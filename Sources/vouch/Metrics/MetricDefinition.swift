/// One metric that the service may export: its name, what it means, and the labels of its series.
struct MetricDefinition: Hashable, Sendable {
    /// How values are kept.
    enum Kind: Hashable, Sendable {
        /// Only ever goes up, and starts at zero with the process.
        case counter
        /// A value at the moment of the scrape.
        case gauge
        /// Values sorted into buckets, by their upper bounds, ascending; the bucket `+Inf` is added.
        case histogram([Double])
    }

    /// `vouch_…`, with the unit last: `_seconds`, `_bytes`, and `_total` for counters.
    let name: String
    /// How values are kept.
    let kind: Kind
    /// One sentence, the metric's HELP line.
    let help: String
    /// The names of its labels, in the order in which they are written; values come from closed lists, never ids.
    let labels: [String]

    /// The word of its TYPE line.
    var typeName: String {
        switch kind {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        }
    }
}

extension MetricDefinition {
    /// Seconds, from a local statement to a slow store: the bounds of every histogram of durations.
    static let durationBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20]
    /// Statements of one group commit, up to its bound.
    static let batchBounds: [Double] = [1, 2, 4, 8, 16, 32, 64, 128]

    static func counter(_ name: String, by labels: [String] = [], _ help: String) -> MetricDefinition {
        MetricDefinition(name: name, kind: .counter, help: help, labels: labels)
    }

    static func gauge(_ name: String, by labels: [String] = [], _ help: String) -> MetricDefinition {
        MetricDefinition(name: name, kind: .gauge, help: help, labels: labels)
    }

    static func histogram(
        _ name: String, by labels: [String] = [], bounds: [Double] = durationBounds, _ help: String
    ) -> MetricDefinition {
        MetricDefinition(name: name, kind: .histogram(bounds), help: help, labels: labels)
    }
}
