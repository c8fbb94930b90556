import Foundation
import Histogram

/// One figure beside its reference, as a line of JSON.
struct Measurement: Codable, Sendable {
    /// What it is compared with.
    struct Reference: Codable, Sendable {
        var name: String
        var value: Double
    }

    /// Percentiles in microseconds.
    struct Latency: Codable, Sendable {
        var p50: Double
        var p90: Double
        var p99: Double
        var p999: Double
        var max: Double

        init(_ histogram: Histogram<UInt64>) {
            func at(_ percentile: Double) -> Double { Double(histogram.valueAtPercentile(percentile)) / 1000 }
            (p50, p90, p99, p999) = (at(50), at(90), at(99), at(99.9))
            max = Double(histogram.max) / 1000
        }
    }

    var part: String
    var name: String
    var value: Double
    var unit: String
    var reference: Reference?
    /// The least or the most that is wanted: of the ratio where there is a reference, else of the value.
    var atLeast: Double?
    var atMost: Double?
    /// From the closed loop: how long each waited while all asked without pause.
    var latency: Latency?
    /// CPU microseconds per request by process, and how many cores were busy with all of them.
    var cpuMicroseconds: [String: Double]?
    var coresBusy: Double?
    /// Anything else, in the unit that its name says.
    var details: [String: Double]?

    init(_ part: Part, _ name: String, _ value: Double, _ unit: String = "/s") {
        self.part = part.rawValue
        self.name = name
        self.value = value
        self.unit = unit
    }

    /// The value as a share of the reference.
    var ratio: Double? { reference.map { value / $0.value } }

    /// Whether it is as wanted; `nil` where nothing is wanted.
    var isMet: Bool? {
        guard atLeast != nil || atMost != nil else { return nil }
        let judged = ratio ?? value
        return judged >= (atLeast ?? -.infinity) && judged <= (atMost ?? .infinity)
    }
}
