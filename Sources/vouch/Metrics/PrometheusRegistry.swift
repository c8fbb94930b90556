import Metrics
import Synchronization

/// Keeps the metrics of a process for Prometheus; the modules know it as a swift-metrics `MetricsFactory`.
///
/// Only metrics of the catalogue are kept, with exactly their labels, and at most ``seriesMax`` series of each: whoever
/// could make labels grow would otherwise make the process grow. Anything else gets a handler that does nothing, and is
/// counted. The same label values give the same series, however often a handle is made. Safe to share.
final class PrometheusRegistry: MetricsFactory {
    /// The most series of one metric.
    static let seriesMax = 1_000
    /// The most bytes of one label value.
    static let labelBytesMax = 128
    /// The most names of refused metrics that are remembered, for whoever looks for the fault.
    static let refusedNamesMax = 16

    private enum Cell {
        case counter(CounterCell)
        case gauge(GaugeCell)
        case histogram(HistogramCell)
    }

    private struct State {
        /// By metric name, then by label values in the definition's order.
        var series: [String: [[String]: Cell]] = [:]
        var refusedNames: Set<String> = []
    }

    private let definitions: [String: MetricDefinition]
    private let dropped: CounterCell
    private let state: Mutex<State>

    /// Takes the metrics that may be recorded; those without labels are there from the start, with zero.
    init(_ definitions: [MetricDefinition] = MetricCatalogue.recorded) {
        self.definitions = Dictionary(uniqueKeysWithValues: definitions.map { ($0.name, $0) })
        let dropped = CounterCell()
        var state = State()
        for definition in definitions where definition.labels.isEmpty {
            state.series[definition.name] = [[]: Self.cell(definition)]
        }
        if definitions.contains(where: { $0.name == Self.droppedName }) {
            state.series[Self.droppedName] = [[]: .counter(dropped)]
        }
        self.dropped = dropped
        self.state = Mutex(state)
    }

    private static let droppedName = "vouch_metrics_dropped_total"

    /// Names of metrics that were refused, at most ``refusedNamesMax``.
    var refusedNames: Set<String> { state.withLock { $0.refusedNames } }

    // MARK: MetricsFactory

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        guard case .counter(let cell) = cell(label, dimensions, { if case .counter = $0 { true } else { false } })
        else { return NOOPMetricsHandler.instance }
        return cell
    }

    func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        guard case .gauge(let cell) = cell(label, dimensions, { $0 == .gauge }) else {
            return NOOPMetricsHandler.instance
        }
        return cell
    }

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        guard aggregate else {
            guard case .gauge(let cell) = cell(label, dimensions, { $0 == .gauge }) else {
                return NOOPMetricsHandler.instance
            }
            return cell
        }
        return histogram(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    // A series stays for the life of the process: a counter that vanishes and comes back reads as a restart.
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyMeter(_ handler: any MeterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}

    // MARK: Series

    private func histogram(_ name: String, _ dimensions: [(String, String)]) -> HistogramCell? {
        let found = cell(name, dimensions) { if case .histogram = $0 { true } else { false } }
        guard case .histogram(let cell) = found else { return nil }
        return cell
    }

    /// The series of a metric of the wanted kind; `nil`, and counted, for anything that the catalogue doesn't have.
    private func cell(
        _ name: String, _ dimensions: [(String, String)], _ isWanted: (MetricDefinition.Kind) -> Bool
    ) -> Cell? {
        guard let definition = definitions[name], isWanted(definition.kind),
            let values = Self.values(of: dimensions, for: definition)
        else { return refuse(name) }
        let found = state.withLock { state -> Cell? in
            if let known = state.series[name]?[values] { return known }
            guard state.series[name, default: [:]].count < Self.seriesMax else { return nil }
            let cell = Self.cell(definition)
            state.series[name, default: [:]][values] = cell
            return cell
        }
        return found ?? refuse(name)
    }

    private func refuse(_ name: String) -> Cell? {
        dropped.increment(by: 1)
        state.withLock { state in
            if state.refusedNames.count < Self.refusedNamesMax { state.refusedNames.insert(name) }
        }
        return nil
    }

    private static func cell(_ definition: MetricDefinition) -> Cell {
        switch definition.kind {
        case .counter: .counter(CounterCell())
        case .gauge: .gauge(GaugeCell())
        case .histogram(let bounds): .histogram(HistogramCell(bounds: bounds))
        }
    }

    /// The values in the definition's order; `nil` unless each label is given, once, and no other.
    private static func values(of dimensions: [(String, String)], for definition: MetricDefinition) -> [String]? {
        guard dimensions.count == definition.labels.count else { return nil }
        var values: [String] = []
        for label in definition.labels {
            guard let value = dimensions.first(where: { $0.0 == label })?.1, value.utf8.count <= labelBytesMax else {
                return nil
            }
            values.append(value)
        }
        return values
    }

    // MARK: Reading

    /// Everything recorded so far; metrics without a series are left out.
    func families() -> [MetricFamily] {
        let series = state.withLock { $0.series }
        return series.compactMap { name, cells in
            guard let definition = definitions[name] else { return nil }
            let points = cells.flatMap { values, cell in
                Self.points(of: cell, labels: Array(zip(definition.labels, values).map { MetricLabel($0, $1) }))
            }
            return MetricFamily(name: name, typeName: definition.typeName, help: definition.help, points: points)
        }
    }

    private static func points(of cell: Cell, labels: [MetricLabel]) -> [MetricFamily.Point] {
        switch cell {
        case .counter(let cell):
            return [MetricFamily.Point(labels: labels, value: .number(cell.value))]
        case .gauge(let cell):
            return cell.value.map { [MetricFamily.Point(labels: labels, value: .number($0))] } ?? []
        case .histogram(let cell):
            let snapshot = cell.snapshot
            return [
                MetricFamily.Point(
                    labels: labels,
                    value: .histogram(bounds: cell.bounds, counts: snapshot.counts, sum: snapshot.sum))
            ]
        }
    }
}
