import Metrics
import Testing

@testable import vouch

@Suite("The metrics registry")
struct MetricsRegistryTests {
    private static let definitions: [MetricDefinition] = [
        .counter("vouch_b_total", by: ["kind", "outcome"], "Counts b."), .counter("vouch_a_total", "Counts a."),
        .gauge("vouch_level", by: ["lane"], "A level."), .gauge("vouch_height_seconds", "A height."),
        .histogram("vouch_time_seconds", by: ["lane"], bounds: [0.5, 1], "Times."),
        .counter("vouch_metrics_dropped_total", "Refused."),
    ]

    private let registry = PrometheusRegistry(Self.definitions)

    private var text: String { PrometheusText.render(registry.families()) }

    private func lines(_ prefix: String) -> [String] {
        text.split(separator: "\n").map(String.init).filter { $0.hasPrefix(prefix) }
    }

    @Test("a page has each metric once, sorted, with HELP and TYPE before its series")
    func page() {
        Counter(label: "vouch_b_total", dimensions: [("outcome", "y"), ("kind", "x")], factory: registry)
            .increment(by: 3)
        Counter(label: "vouch_b_total", dimensions: [("kind", "a"), ("outcome", "z")], factory: registry).increment()
        Meter(label: "vouch_level", dimensions: [("lane", "read")], factory: registry).set(1.5)
        #expect(
            text == """
                # HELP vouch_a_total Counts a.
                # TYPE vouch_a_total counter
                vouch_a_total 0
                # HELP vouch_b_total Counts b.
                # TYPE vouch_b_total counter
                vouch_b_total{kind="a",outcome="z"} 1
                vouch_b_total{kind="x",outcome="y"} 3
                # HELP vouch_level A level.
                # TYPE vouch_level gauge
                vouch_level{lane="read"} 1.5
                # HELP vouch_metrics_dropped_total Refused.
                # TYPE vouch_metrics_dropped_total counter
                vouch_metrics_dropped_total 0

                """)
    }

    @Test("two handles of one series share its value, and an abandoned handle leaves it where it is")
    func sharing() {
        for _ in 0..<2 { Counter(label: "vouch_a_total", factory: registry).increment() }
        let third = Counter(label: "vouch_a_total", factory: registry)
        third.increment(by: 5)
        third.destroy()
        #expect(lines("vouch_a_total") == ["vouch_a_total 7"])
    }

    @Test("a counter never falls")
    func negativeSteps() {
        let counter = Counter(label: "vouch_a_total", factory: registry)
        counter.increment(by: 2)
        counter.increment(by: -1)
        #expect(lines("vouch_a_total") == ["vouch_a_total 2"])
    }

    @Test("a gauge is absent until it is set, and then follows")
    func gauges() {
        let meter = Meter(label: "vouch_height_seconds", factory: registry)
        #expect(lines("vouch_height_seconds") == [])
        meter.increment()
        meter.decrement(by: 3.0)
        #expect(lines("vouch_height_seconds") == ["vouch_height_seconds -2"])
        Gauge(label: "vouch_height_seconds", factory: registry).record(0.25)
        #expect(lines("vouch_height_seconds") == ["vouch_height_seconds 0.25"])
    }

    @Test("buckets are cumulative, a value on a bound belongs to its bucket, and durations are seconds")
    func histogram() {
        let timer = Timer(label: "vouch_time_seconds", dimensions: [("lane", "a")], factory: registry)
        timer.record(duration: .milliseconds(250))
        timer.record(duration: .milliseconds(500))
        timer.record(duration: .seconds(1))
        timer.record(duration: .seconds(8))
        Recorder(label: "vouch_time_seconds", dimensions: [("lane", "a")], aggregate: true, factory: registry)
            .record(Double.nan)
        #expect(
            lines("vouch_time_seconds") == [
                #"vouch_time_seconds_bucket{lane="a",le="0.5"} 2"#, #"vouch_time_seconds_bucket{lane="a",le="1"} 3"#,
                #"vouch_time_seconds_bucket{lane="a",le="+Inf"} 4"#, #"vouch_time_seconds_sum{lane="a"} 9.75"#,
                #"vouch_time_seconds_count{lane="a"} 4"#,
            ])
    }

    @Test(
        "what the catalogue doesn't have is refused and counted: unknown names, other labels, another kind, long values",
        arguments: [
            ("vouch_unknown_total", []), ("vouch_a_total", [("extra", "1")]), ("vouch_b_total", [("kind", "x")]),
            ("vouch_b_total", [("kind", "x"), ("kind", "y")]), ("vouch_level", [("lane", "a")]),
            ("vouch_b_total", [("kind", String(repeating: "x", count: 129)), ("outcome", "y")]),
        ] as [(String, [(String, String)])])
    func refused(name: String, labels: [(String, String)]) {
        let before = text.split(separator: "\n").filter { !$0.hasPrefix("vouch_metrics_dropped_total") }
        Counter(label: name, dimensions: labels, factory: registry).increment()
        #expect(lines("vouch_metrics_dropped_total") == ["vouch_metrics_dropped_total 1"])
        #expect(registry.refusedNames == [name])
        #expect(text.split(separator: "\n").filter { !$0.hasPrefix("vouch_metrics_dropped_total") } == before)
    }

    @Test("labels without end make neither the page nor the process grow without end")
    func seriesBound() {
        for number in 0..<(PrometheusRegistry.seriesMax + 50) {
            Meter(label: "vouch_level", dimensions: [("lane", "\(number)")], factory: registry).set(1)
        }
        #expect(lines("vouch_level").count == PrometheusRegistry.seriesMax)
        #expect(lines("vouch_metrics_dropped_total") == ["vouch_metrics_dropped_total 50"])
        // Those that are there go on.
        Meter(label: "vouch_level", dimensions: [("lane", "7")], factory: registry).set(9)
        #expect(lines(#"vouch_level{lane="7"}"#) == [#"vouch_level{lane="7"} 9"#])
    }

    @Test("the names of refused metrics are remembered up to a bound")
    func refusedNamesBound() {
        for number in 0..<100 { Counter(label: "vouch_no_\(number)", factory: registry).increment() }
        #expect(registry.refusedNames.count == PrometheusRegistry.refusedNamesMax)
    }

    @Test("concurrent counting loses nothing")
    func concurrency() async {
        await withDiscardingTaskGroup { group in
            for task in 0..<8 {
                group.addTask { [registry] in
                    for _ in 0..<1_000 {
                        Counter(label: "vouch_a_total", factory: registry).increment()
                        Meter(label: "vouch_level", dimensions: [("lane", "\(task % 2)")], factory: registry)
                            .increment()
                        Timer(label: "vouch_time_seconds", dimensions: [("lane", "x")], factory: registry)
                            .recordNanoseconds(1)
                    }
                }
            }
        }
        #expect(lines("vouch_a_total") == ["vouch_a_total 8000"])
        #expect(lines("vouch_level") == [#"vouch_level{lane="0"} 4000"#, #"vouch_level{lane="1"} 4000"#])
        #expect(lines("vouch_time_seconds_count") == [#"vouch_time_seconds_count{lane="x"} 8000"#])
    }
}

@Suite("Prometheus text")
struct PrometheusTextTests {
    private func render(_ samples: [GaugeSample]) -> String { PrometheusText.render(MetricFamily.gauges(samples)) }

    @Test("backslashes, quotes and line breaks in values and help can't end them")
    func escaping() {
        let text = render([
            GaugeSample(name: "a", help: "one\\two\n\"three\"", labels: ["l": "x\\y\n\"z\"} 9\r"], value: 1)
        ])
        #expect(
            text == "# HELP a one\\\\two\\n\"three\"\n# TYPE a gauge\na{l=\"x\\\\y\\n\\\"z\\\"} 9\r\"} 1\n")
    }

    @Test(
        "numbers are what Prometheus reads",
        arguments: [
            (0, "0"), (-0.0, "0"), (1, "1"), (-3, "-3"), (0.1, "0.1"), (1e300, "1e+300"),
            (1_800_000_000.25, "1800000000.25"),
            (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
            (.leastNonzeroMagnitude, "5e-324"), (9_007_199_254_740_992, "9007199254740992.0"),
        ] as [(Double, String)])
    func numbers(value: Double, text: String) {
        #expect(PrometheusText.number(value) == text)
    }

    @Test("labels are sorted, and so are the series")
    func order() {
        let text = render([
            GaugeSample(name: "a", help: "h", labels: ["z": "1", "b": "2"], value: 1),
            GaugeSample(name: "a", help: "ignored", labels: ["b": "1", "z": "9"], value: 2),
        ])
        #expect(text == "# HELP a h\n# TYPE a gauge\na{b=\"1\",z=\"9\"} 2\na{b=\"2\",z=\"1\"} 1\n")
    }

    @Test("what is no name, and what is there twice, costs only itself")
    func faults() {
        let good = GaugeSample(name: "a:b_1", help: "h", labels: ["l_1": "v"], value: 1)
        let text = render([
            good, GaugeSample(name: "1a", help: "", value: 1), GaugeSample(name: "a b", help: "", value: 1),
            GaugeSample(name: "", help: "", value: 1), GaugeSample(name: "c", help: "", labels: ["a:b": "1"], value: 1),
            GaugeSample(name: "d", help: "", labels: ["le": "1"], value: 1),
            GaugeSample(name: "a:b_1", help: "other", labels: ["l_1": "v"], value: 2),
        ])
        #expect(text == "# HELP a:b_1 h\n# TYPE a:b_1 gauge\na:b_1{l_1=\"v\"} 1\n")
        #expect(render([]) == "")
    }
}
