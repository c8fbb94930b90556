import AppStoreClient
import Metrics
import MetricsTestKit
import PurchaseCore
import PurchaseService
import Testing

@Suite("What is counted of calls to Apple")
struct MetricsTests {
    private static let id = TransactionID("2000000123456789")
    private static let calls = "vouch_app_store_calls_total"
    private static let durations = "vouch_app_store_call_duration_seconds"
    private static let standard = [("class", "standard"), ("environment", "Production")]

    private static func call(_ outcome: String, lane: String = "retry") -> [(String, String)] {
        [
            ("endpoint", "transaction_info"), ("environment", "Production"), ("lane", lane), ("outcome", outcome),
        ]
    }

    @Test("a call counts once by its outcome, each of its exchanges by its duration")
    func calls() async throws {
        let metrics = TestMetrics()
        let script: ScriptedServer.Script = { _, number in
            switch number {
            case 1: [ScriptedServer.answer("200 OK", body: #"{"signedTransactionInfo":"a.b.c"}"#)]
            case 2, 3: [ScriptedServer.answer("401 Unauthorized")]
            default: [ScriptedServer.answer("404 Not Found", body: #"{"errorCode":4040010}"#)]
            }
        }
        try await withClient(script: script, metricsFactory: metrics) { client, _ in
            for lane in [RequestLane.interactive, .retry, .retry] {
                _ = await client.transactionInfo(Self.id, in: .production, lane: lane, deadline: .seconds(30))
            }
        }
        #expect(metrics.counterTotal(label: Self.calls, dimensions: Self.call("answered", lane: "interactive")) == 1)
        // A second attempt with a fresh token belongs to the same call.
        #expect(metrics.counterTotal(label: Self.calls, dimensions: Self.call("unauthorized")) == 1)
        #expect(metrics.counterTotal(label: Self.calls, dimensions: Self.call("not_found")) == 1)
        #expect(metrics.counterTotal(label: Self.calls) == 3)
        #expect(metrics.timers(label: Self.durations).flatMap(\.values).count == 4)
        #expect(metrics.counterTotal(label: "vouch_app_store_budget_tokens_total", dimensions: Self.standard) >= 4)
        #expect(metrics.timers(label: "vouch_app_store_budget_wait_seconds").flatMap(\.values).count == 4)
    }

    @Test("a pause that Apple asks for shows until when, and zero once it is over")
    func throttled() async throws {
        let metrics = TestMetrics()
        let clock = ManualClock()
        let retryAt = ManualClock.start + .seconds(20)
        let script: ScriptedServer.Script = { _, number in
            [
                number == 1
                    ? ScriptedServer.answer(
                        "429 Too Many Requests", body: #"{"errorCode":4290000}"#,
                        headers: ["Retry-After: \(retryAt.millisecondsSince1970)"])
                    : ScriptedServer.answer("200 OK", body: #"{"signedTransactionInfo":"a.b.c"}"#)
            ]
        }
        try await withClient(script: script, time: clock.time, metricsFactory: metrics) { client, _ in
            let until = try metrics.expectMeter("vouch_app_store_throttled_until_timestamp_seconds", Self.standard)
            #expect(until.lastValue == 0)
            for _ in 0..<2 {
                _ = await client.transactionInfo(Self.id, in: .production, lane: .retry, deadline: .seconds(8))
            }
            #expect(until.lastValue == Double(retryAt.millisecondsSince1970) / 1_000)
            // Turned away by the gate, without an exchange.
            #expect(metrics.timers(label: Self.durations).flatMap(\.values).count == 1)
            #expect(
                metrics.counterTotal(
                    label: "vouch_app_store_budget_refusals_total",
                    dimensions: [("lane", "retry"), ("reason", "throttled")]) == 1)
            clock.advance(by: .seconds(20))
            _ = await client.transactionInfo(Self.id, in: .production, lane: .retry, deadline: .seconds(8))
            #expect(until.lastValue == 0)
        }
    }

    @Test("a budget that can't be asked is counted as such")
    func unavailable() async throws {
        struct Away: RequestBudgetPort {
            struct Fault: Error {}
            func takeTokens(_ request: BudgetRequest) async throws -> BudgetBlock { throw Fault() }
        }
        let metrics = TestMetrics()
        let script: ScriptedServer.Script = { _, _ in [] }
        try await withClient(script: script, budget: Away(), metricsFactory: metrics) { client, _ in
            _ = await client.transactionInfo(Self.id, in: .sandbox, lane: .sweep, deadline: .seconds(8))
        }
        #expect(
            metrics.counterTotal(
                label: "vouch_app_store_budget_refusals_total",
                dimensions: [("lane", "sweep"), ("reason", "unavailable")]) == 1)
        #expect(metrics.counterTotal(label: "vouch_app_store_budget_tokens_total") == 0)
    }

    @Test("what the budget allows is the refill rate of each bucket")
    func allowance() throws {
        let metrics = TestMetrics()
        _ = RequestBudget(
            port: UnlimitedBudget(), terms: BudgetTerms(requestsPerSecond: 50), time: fixedWallTime(),
            metricsFactory: metrics)
        let rates = metrics.meters(label: "vouch_app_store_budget_tokens_per_second")
        #expect(rates.count == 6)
        let production = try metrics.expectMeter("vouch_app_store_budget_tokens_per_second", Self.standard)
        #expect((49.9..<50).contains(try #require(production.lastValue)))
    }

    @Test("a question to an OCSP responder counts by its outcome")
    func ocsp() async throws {
        let metrics = TestMetrics()
        let script: ScriptedServer.Script = { _, number in
            [number == 1 ? ScriptedServer.answer("200 OK", body: "response") : ScriptedServer.answer("503 Busy")]
        }
        try await ScriptedServer.run(script) { server in
            try await withHTTPClient { httpClient in
                let fetcher = OCSPFetcher(
                    allowedHosts: ["127.0.0.1:\(server.port)"], httpClient: httpClient, version: "1",
                    time: fixedWallTime(), metricsFactory: metrics)
                for url in [server.url, server.url, "http://elsewhere.example/"] {
                    _ = try? await fetcher.fetch([0x30], from: url)
                }
            }
        }
        for outcome in ["answered", "status", "not_allowed"] {
            #expect(
                metrics.counterTotal(label: "vouch_ocsp_requests_total", dimensions: [("outcome", outcome)]) == 1,
                "\(outcome)")
        }
        #expect(metrics.timers(label: "vouch_ocsp_request_duration_seconds").flatMap(\.values).count == 3)
    }
}
