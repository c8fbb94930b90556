/// Writes metrics in the text format of Prometheus, version 0.0.4.
///
/// Format: <https://prometheus.io/docs/instrumenting/exposition_formats/>. Families are sorted by name and series by
/// their labels, so that equal values are equal text.
enum PrometheusText {
    /// The value of the header Content-Type.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// The text, which ends with a line break unless it is empty.
    ///
    /// A family whose name, or a series one of whose labels, is no name is left out; of two families of one name, and of
    /// two series with the same labels, the first is kept. Prometheus refuses a page with such a fault as a whole, and
    /// one bad value must not cost all others.
    static func render(_ families: [MetricFamily]) -> String {
        var names: Set<String> = []
        let unique = families.filter { isName($0.name, isMetric: true) && names.insert($0.name).inserted }
        var text = ""
        for family in unique.sorted(by: { $0.name < $1.name }) {
            var seen: Set<[MetricLabel]> = []
            let points = family.points.filter { point in
                point.labels.allSatisfy { isName($0.name, isMetric: false) } && seen.insert(point.labels).inserted
            }
            guard !points.isEmpty else { continue }
            text += "# HELP \(family.name) \(escapeHelp(family.help))\n# TYPE \(family.name) \(family.typeName)\n"
            let lines = points.map { (key: labels($0.labels), point: $0) }.sorted { $0.key < $1.key }
            for (_, point) in lines { append(point, of: family.name, to: &text) }
        }
        return text
    }

    private static func append(_ point: MetricFamily.Point, of name: String, to text: inout String) {
        switch point.value {
        case .number(let value):
            text += "\(name)\(labels(point.labels)) \(number(value))\n"
        case .histogram(let bounds, let counts, let sum):
            var total: UInt64 = 0
            for (index, count) in counts.enumerated() {
                total += count
                let bound = index < bounds.count ? number(bounds[index]) : "+Inf"
                text += "\(name)_bucket\(labels(point.labels + [MetricLabel("le", bound)])) \(total)\n"
            }
            text += "\(name)_sum\(labels(point.labels)) \(number(sum))\n"
            text += "\(name)_count\(labels(point.labels)) \(total)\n"
        }
    }

    private static func labels(_ labels: [MetricLabel]) -> String {
        guard !labels.isEmpty else { return "" }
        return "{" + labels.map { "\($0.name)=\"\(escapeValue($0.value))\"" }.joined(separator: ",") + "}"
    }

    /// Whole numbers without a fraction, others in the shortest form that reads back as the same.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        if let whole = Int64(exactly: value), abs(value) < 1e15 { return String(whole) }
        return "\(value)"
    }

    /// Backslash and line feed are the only characters with a meaning in a HELP line.
    private static func escapeHelp(_ text: String) -> String {
        escape(text, quote: false)
    }

    private static func escapeValue(_ text: String) -> String {
        escape(text, quote: true)
    }

    private static func escape(_ text: String, quote: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quote: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// `[a-zA-Z_][a-zA-Z0-9_]*`, and for metrics also a colon; `le` is the histogram's own.
    private static func isName(_ text: String, isMetric: Bool) -> Bool {
        guard let first = text.utf8.first, isMetric || text != "le" else { return false }
        func isLetter(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
            case UInt8(ascii: ":"): isMetric
            default: false
            }
        }
        return isLetter(first) && text.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) }
    }
}
