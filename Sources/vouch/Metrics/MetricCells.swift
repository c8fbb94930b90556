import Metrics
import Synchronization

/// A counter's value; negative steps are ignored, since a counter that falls reads as a restart.
final class CounterCell: CounterHandler {
    private let stored = Atomic<Int64>(0)

    var value: Double { Double(stored.load(ordering: .relaxed)) }

    func increment(by step: Int64) {
        guard step > 0 else { return }
        stored.wrappingAdd(step, ordering: .relaxed)
    }

    func reset() { stored.store(0, ordering: .relaxed) }
}

/// A gauge's value; the recorder's face is that of swift-metrics' `Gauge`.
final class GaugeCell: MeterHandler, RecorderHandler {
    private let stored = Mutex<Double?>(nil)

    /// `nil` until something was set: no value is better than a false zero.
    var value: Double? { stored.withLock { $0 } }

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { stored.withLock { $0 = value } }
    func increment(by step: Double) { stored.withLock { $0 = ($0 ?? 0) + step } }
    func decrement(by step: Double) { increment(by: -step) }
    func record(_ value: Int64) { set(value) }
    func record(_ value: Double) { set(value) }
}

/// A histogram's buckets; durations come in nanoseconds and are kept in seconds.
final class HistogramCell: RecorderHandler, TimerHandler {
    struct Snapshot: Sendable {
        /// Values in each bucket alone, the last one being `+Inf`.
        var counts: [UInt64]
        var sum: Double
    }

    let bounds: [Double]
    private let stored: Mutex<Snapshot>

    init(bounds: [Double]) {
        self.bounds = bounds
        stored = Mutex(Snapshot(counts: Array(repeating: 0, count: bounds.count + 1), sum: 0))
    }

    var snapshot: Snapshot { stored.withLock { $0 } }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        // One NaN would make the sum useless for ever.
        guard value.isFinite else { return }
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        stored.withLock {
            $0.counts[bucket] += 1
            $0.sum += value
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
}
