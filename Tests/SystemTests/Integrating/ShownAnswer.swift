import Foundation
import TestSupport

/// An HTTP answer as text: as `curl -i` prints it, or as a document shows it.
struct AnswerText {
    let status: Int
    /// Names in lower case.
    let headers: [(name: String, value: String)]
    let body: String

    init?(_ text: String) {
        let plain = text.replacing("\r\n", with: "\n")
        guard let start = plain.range(of: "HTTP/1.1 ") else { return nil }
        let answer = plain[start.lowerBound...]
        let end = answer.range(of: "\n\n")
        let head = answer[..<(end?.lowerBound ?? answer.endIndex)].split(separator: "\n")
        guard let status = head.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { return nil }
        self.status = status
        headers = head.dropFirst().compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            return (line[..<colon].lowercased(), value)
        }
        body = end.map { answer[$0.upperBound...].trimmingCharacters(in: .whitespacesAndNewlines) } ?? ""
    }

    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

/// Compares answers as a document shows them with real ones.
///
/// Instants, cursors, tags and tokens need only have the same form. Apple's ids may be others, but the same shown id
/// stands for the same real one throughout. Members may be left out where the document says so, with `…` before the
/// closing brace; headers may be left out.
struct ShownAnswers {
    /// Members and headers whose value is drawn or counted.
    private static let loose: Set = [
        "position", "nextCursor", "claimToken", "sha256", "etag", "retry-after", "x-request-id", "instance",
    ]

    private var realIDs: [String: String] = [:]
    private var shownIDs: [String: String] = [:]

    /// Where a real answer is not what is shown; empty when it is.
    mutating func differences(shown: AnswerText, real: AnswerText) -> [String] {
        var faults: [String] = []
        if shown.status != real.status { faults.append("status: shows \(shown.status), is \(real.status)") }
        for (name, value) in shown.headers {
            if let actual = real.header(name) {
                if !agrees(value, actual, named: name) { faults.append("\(name): shows \(value), is \(actual)") }
            } else {
                faults.append("\(name): is not there")
            }
        }
        guard !shown.body.isEmpty || !real.body.isEmpty else { return faults }
        guard let known = Self.json(shown.body), let actual = Self.json(real.body) else {
            return faults + ["body: one of the two is not JSON"]
        }
        compare(known, actual, at: "", named: "", &faults)
        return faults
    }

    /// The value of JSON in which `…` may stand for further members.
    static func json(_ text: String) -> JSONValue? {
        let strict = text.replacing(#/(?<before>[,{])\s*…\s*\}/#) { "\($0.output.before)\"…\":true}" }
        return try? JSONValue(parsing: Array(strict.utf8))
    }

    private mutating func compare(
        _ shown: JSONValue, _ real: JSONValue, at place: String, named name: String, _ faults: inout [String]
    ) {
        switch (shown, real) {
        case (.object(let some), .object(let all)):
            for (name, value) in some.sorted(by: { $0.key < $1.key }) where name != "…" {
                if let actual = all[name] {
                    compare(value, actual, at: "\(place)/\(name)", named: name, &faults)
                } else {
                    faults.append("\(place)/\(name): is not there")
                }
            }
            if some["…"] == nil {
                for name in all.keys.sorted() where some[name] == nil {
                    faults.append("\(place)/\(name): is not shown")
                }
            }
        case (.array(let some), .array(let all)):
            if some.count != all.count { faults.append("\(place): shows \(some.count) items, has \(all.count)") }
            for (index, (value, actual)) in zip(some, all).enumerated() {
                compare(value, actual, at: "\(place)/\(index)", named: name, &faults)
            }
        case (.string(let text), .string(let actual)):
            if !agrees(text, actual, named: name) { faults.append("\(place): shows \(text), is \(actual)") }
        default:
            if shown != real { faults.append("\(place): shows \(shown), is \(real)") }
        }
    }

    private mutating func agrees(_ shown: String, _ real: String, named name: String) -> Bool {
        if shown == real && !shown.contains(#/[0-9]{12}/#) { return true }
        if Self.loose.contains(name) { return !real.isEmpty && Self.form(shown) == Self.form(real) }
        let instant = #/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z/#
        if shown.wholeMatch(of: instant) != nil { return real.wholeMatch(of: instant) != nil }
        let id = #/[0-9]{12,}/#
        guard shown.replacing(id, with: "#") == real.replacing(id, with: "#") else { return false }
        for (known, actual) in zip(shown.matches(of: id), real.matches(of: id)) {
            let (known, actual) = (String(known.output), String(actual.output))
            if realIDs[known, default: actual] != actual || shownIDs[actual, default: known] != known { return false }
            (realIDs[known], shownIDs[actual]) = (actual, known)
        }
        return true
    }

    /// A drawn value without what is drawn: a number, a quoted tag, or another text.
    private static func form(_ text: String) -> String {
        if text.wholeMatch(of: #/[0-9]+/#) != nil { return "number" }
        if text.wholeMatch(of: #/"[0-9a-f]{32}"/#) != nil { return "tag" }
        return text.hasPrefix("urn:request:") ? "request" : "text"
    }
}
