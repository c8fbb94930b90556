import Foundation
import TestSupport
import Testing
import Yams

@testable import vouch

@Suite("Metrics, their document and their alerts")
struct MetricsDocumentTests {
    /// A row of a table of docs/metrics.md.
    private struct Row: Hashable, CustomStringConvertible {
        var name: String
        var type: String
        var labels: [String]
        var description: String { "\(name) (\(type)) \(labels)" }
    }

    private static func text(_ path: String) throws -> String {
        try String(contentsOfFile: Checkout.path(path), encoding: .utf8)
    }

    /// Rows ``| `name` | type | `label`, … | … |``.
    private static func rows(_ document: String) -> [Row] {
        document.split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            guard cells.count >= 6, let name = cells[1].wholeMatch(of: /`([a-z_]+)`/)?.1 else { return nil }
            return Row(
                name: String(name), type: cells[2],
                labels: cells[3].matches(of: /`([a-z_]+)`/).map { String($0.1) })
        }
    }

    @Test("docs/metrics.md has exactly the metrics of the catalogue, with their types and labels")
    func document() throws {
        let documented = Self.rows(try Self.text("docs/metrics.md"))
        let exported = MetricCatalogue.all.map { Row(name: $0.name, type: $0.typeName, labels: $0.labels) }
        #expect(Set(documented).subtracting(exported).isEmpty, "documented, and not exported like this")
        #expect(Set(exported).subtracting(documented).isEmpty, "exported, and not documented like this")
        #expect(documented.count == Set(documented).count, "a metric is documented twice")
    }

    @Test("names say what they are: a prefix, a base unit, _total for counters alone")
    func names() {
        #expect(Set(MetricCatalogue.all.map(\.name)).count == MetricCatalogue.all.count)
        for metric in MetricCatalogue.all {
            #expect(metric.name.wholeMatch(of: /(vouch|process)_[a-z]+(_[a-z]+)*/) != nil, "\(metric.name)")
            #expect(metric.name.hasSuffix("_total") == (metric.kind == .counter), "\(metric.name)")
            #expect(!metric.name.contains("millisecond") && !metric.name.contains("_ms"), "\(metric.name)")
            #expect(metric.help.hasSuffix("."), "\(metric.name)")
            for label in metric.labels {
                #expect(!["account", "transaction", "id", "request", "token", "le"].contains(label), "\(metric.name)")
            }
            if case .histogram(let bounds) = metric.kind { #expect(bounds == bounds.sorted() && !bounds.isEmpty) }
        }
    }

    @Test("every alert names metrics and labels that are exported, has a severity, and a section that says what to do")
    func alerts() throws {
        let document = try Self.text("docs/metrics.md")
        let rules = try #require(try Yams.load(yaml: Self.text("deploy/alerts.yaml")) as? [String: Any])
        let groups = try #require(rules["groups"] as? [[String: Any]])
        let alerts = groups.flatMap { $0["rules"] as? [[String: Any]] ?? [] }
        #expect(alerts.count >= 10)
        var names: Set<String> = []
        for alert in alerts {
            let name = try #require(alert["alert"] as? String)
            #expect(names.insert(name).inserted, "\(name) is there twice")
            let annotations = alert["annotations"] as? [String: String] ?? [:]
            #expect(annotations["summary"]?.isEmpty == false && annotations["description"]?.isEmpty == false, "\(name)")
            #expect(["page", "ticket"].contains((alert["labels"] as? [String: String])?["severity"] ?? ""), "\(name)")
            #expect(document.contains("### \(name)\n"), "docs/metrics.md has no section \(name)")
            let expression = try #require(alert["expr"] as? String)
            #expect(Self.faults(in: expression).isEmpty, "\(name): \(Self.faults(in: expression))")
        }
        for heading in document.matches(of: /\n### (Vouch[A-Za-z]+)\n/) {
            #expect(names.contains(String(heading.1)), "docs/metrics.md explains \(heading.1), which is no alert")
        }
    }

    @Test("the check of expressions finds a metric, and a label, that is not exported")
    func expressionCheck() {
        #expect(Self.faults(in: "sum by (lane) (rate(vouch_asks_rejected_total[5m])) > 0").isEmpty)
        #expect(
            Self.faults(
                in: "histogram_quantile(0.9, sum by (le) (rate(vouch_http_request_duration_seconds_bucket[5m])))"
            )
            .isEmpty)
        #expect(Self.faults(in: "vouch_nothing_total > 0") == ["vouch_nothing_total"])
        #expect(Self.faults(in: #"vouch_checks_due{lane="retry"} > 0"#) == ["vouch_checks_due{lane}"])
    }

    /// Metrics, and labels of selectors, that the catalogue doesn't have.
    private static func faults(in expression: String) -> [String] {
        var known: [String: MetricDefinition] = [:]
        for metric in MetricCatalogue.all {
            known[metric.name] = metric
            guard case .histogram = metric.kind else { continue }
            for suffix in ["_bucket", "_sum", "_count"] { known[metric.name + suffix] = metric }
        }
        return expression.matches(of: /\b((?:vouch|process)_[a-z_]+)(?:\{([^}]*)\})?/).flatMap { match -> [String] in
            let name = String(match.1)
            guard let metric = known[name] else { return [name] }
            // Prometheus itself adds job and instance.
            let allowed = Set(metric.labels + ["job", "instance"])
            return (match.2 ?? "").matches(of: /([a-z_]+)\s*(?:=~|!~|!=|=)/).map { String($0.1) }
                .filter { !allowed.contains($0) }.map { "\(name){\($0)}" }
        }
    }
}
