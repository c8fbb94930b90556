/// One label of a series.
struct MetricLabel: Hashable, Sendable {
    /// `[a-zA-Z_][a-zA-Z0-9_]*`.
    let name: String
    /// Any text.
    let value: String

    init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// A metric as it is at one moment, with all its series.
struct MetricFamily: Sendable {
    /// One series.
    struct Point: Sendable {
        enum Value: Sendable {
            case number(Double)
            /// `counts` has one more element than `bounds`: the values beyond the last bound.
            case histogram(bounds: [Double], counts: [UInt64], sum: Double)
        }

        let labels: [MetricLabel]
        let value: Value
    }

    let name: String
    let typeName: String
    let help: String
    var points: [Point]
}

/// A value that is read when somebody scrapes, such as one that lives in the database.
struct GaugeSample: Hashable, Sendable {
    /// The metric's name, `vouch_…`; one that is no name for Prometheus is left out.
    let name: String
    /// One sentence.
    let help: String
    /// Label names and values; values from closed lists, never ids.
    let labels: [String: String]
    /// The value, in base units.
    let value: Double

    /// Takes name and help from the catalogue's entry.
    init(_ definition: MetricDefinition, labels: [String: String] = [:], value: Double) {
        self.init(name: definition.name, help: definition.help, labels: labels, value: value)
    }

    init(name: String, help: String, labels: [String: String] = [:], value: Double) {
        self.name = name
        self.help = help
        self.labels = labels
        self.value = value
    }
}

extension MetricFamily {
    /// The samples as families; those of one name are one family, under the help of the first.
    static func gauges(_ samples: [GaugeSample]) -> [MetricFamily] {
        var families: [String: MetricFamily] = [:]
        for sample in samples {
            let labels = sample.labels.sorted { $0.key < $1.key }.map { MetricLabel($0.key, $0.value) }
            let point = Point(labels: labels, value: .number(sample.value))
            families[
                sample.name,
                default: MetricFamily(name: sample.name, typeName: "gauge", help: sample.help, points: [])
            ].points.append(point)
        }
        return Array(families.values)
    }
}
