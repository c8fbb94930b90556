import AppStoreSimulator
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@testable import vouch

@Suite("Metrics of the whole service")
struct MetricsStackTests {
    /// The values of a page by `name{labels}`, as written.
    struct Scrape {
        let values: [String: Double]

        init(_ text: String) {
            var values: [String: Double] = [:]
            for line in text.split(separator: "\n") where !line.hasPrefix("#") {
                guard let blank = line.lastIndex(of: " ") else { continue }
                values[String(line[..<blank])] = Double(line[line.index(after: blank)...])
            }
            self.values = values
        }

        subscript(_ series: String) -> Double? { values[series] }

        /// The sum over all series of a metric.
        func total(_ name: String) -> Double {
            values.filter { $0.key == name || $0.key.hasPrefix(name + "{") }.reduce(0) { $0 + $1.value }
        }
    }

    @Test("posts, refunds, refusals and outages show in the counters that stand for them")
    func life() async throws {
        try await TestStack.with(file: "products: {coins: {kind: consumable}}") { stack in
            let coins = try stack.simulator.purchase(SimulatedPurchase(productID: "coins", type: .consumable))
            #expect(try await stack.api.post("ada", coins.transactionID).state == "paid")
            #expect(try await stack.api.post("bob", coins.transactionID).status == 409)
            let forged = try stack.simulator.signedTransaction(coins.transactionID, forgery: .foreignRoot)
            #expect(try await stack.api.post("ada", signed: forged).status == 422)
            try stack.simulator.refund(coins.transactionID, SimulatedRefund(kind: .full))
            #expect(try await stack.api.recheck(coins.transactionID).state == "refunded")
            stack.simulator.setOutage(true)
            let pro = try stack.simulator.purchase(SimulatedPurchase(productID: "pro", type: .nonConsumable))
            #expect(try await stack.api.post("ada", pro.transactionID).state == "pending")
            _ = try await stack.api.get("/nothing")

            let scrape = Scrape(await stack.metrics.render())
            let answered = #"vouch_http_requests_total{operation="postTransaction",method="POST",status="#
            #expect(scrape[answered + #""200"}"#] == 1 && scrape[answered + #""409"}"#] == 1)
            #expect(scrape[answered + #""422"}"#] == 1 && scrape[answered + #""202"}"#] == 1)
            #expect(scrape[#"vouch_http_requests_total{operation="none",method="GET",status="404"}"#] == 1)
            #expect(scrape[#"vouch_http_request_duration_seconds_count{operation="postTransaction"}"#] == 4)

            let entered = #"vouch_transaction_states_total{environment="Production","#
            #expect(scrape[entered + #"state="paid",reason="confirmed"}"#] == 1)
            #expect(scrape[entered + #"state="refunded",reason="refund_full"}"#] == 1)
            let unknown = #"vouch_transaction_states_total{environment="unknown",state="#
            #expect(scrape[unknown + #""pending",reason="app_store_unavailable"}"#] == 1)
            #expect(scrape[#"vouch_grants_total{kind="grant",status="open"}"#] == 1)
            #expect(scrape[#"vouch_grants_total{kind="grant",status="cancelled"}"#] == 1)
            #expect(scrape.total("vouch_submissions_refused_total") == 1)
            #expect(scrape[#"vouch_decisions_total{input="staff_action",outcome="recorded"}"#] == 1)
            let verified = #"vouch_verifications_total{kind="transaction",outcome="verified",code="none"}"#
            #expect(scrape[verified] == 2)
            #expect(
                scrape.values.contains {
                    $0.key.hasPrefix(#"vouch_verifications_total{kind="transaction",outcome="invalid""#)
                        && $0.value == 1
                })
            let calls = #"vouch_app_store_calls_total{endpoint="transaction_info",environment="Production","#
            #expect(scrape[calls + #"lane="interactive",outcome="answered"}"#] == 2)
            #expect(scrape.total("vouch_app_store_budget_tokens_total") >= 3)
            #expect(
                scrape[#"vouch_app_store_budget_wait_seconds_count{lane="interactive"}"#]
                    == scrape.values.filter { $0.key.hasPrefix("vouch_app_store_calls_total") }.reduce(0) {
                        $0 + $1.value
                    })
            #expect((scrape["vouch_app_store_clock_skew_seconds"] ?? .infinity).magnitude < 60)

            #expect(scrape["vouch_ask_flights"] == 0 && scrape.total("vouch_asks_queued") == 0)
            #expect(scrape.total("vouch_asks_running") == 0)
            #expect(scrape.total("vouch_postgres_connections") >= 2)
            #expect(scrape["vouch_postgres_commits_total"] == scrape["vouch_postgres_commit_duration_seconds_count"])
            #expect((scrape["vouch_postgres_commits_total"] ?? 0) >= 4)
            #expect(scrape["vouch_cases_open"] == 1)
            #expect(
                scrape[#"vouch_transactions_unsettled{reason="app_store_unavailable",state="pending"}"#] == 1)
            #expect(scrape["vouch_scrape_errors"] == 0)
            try await Self.expectCatalogued(stack)
        }
    }

    /// Nothing was counted that the catalogue doesn't have, and every sample is of it, with its labels.
    private static func expectCatalogued(_ stack: TestStack) async throws {
        #expect(stack.metrics.registry.refusedNames == [])
        let sampled = Dictionary(uniqueKeysWithValues: MetricCatalogue.sampled.map { ($0.name, $0) })
        for sample in try await stack.metrics.workGauges() + stack.metrics.localGauges() {
            let metric = try #require(sampled[sample.name], "\(sample.name)")
            #expect(Set(sample.labels.keys) == Set(metric.labels), "\(sample.name)")
            #expect(sample.help == metric.help)
        }
    }

    @Test("an account's or a transaction's id is in no label")
    func noIDs() async throws {
        try await TestStack.with { stack in
            let receipt = try stack.simulator.purchase(SimulatedPurchase(productID: "pro", type: .nonConsumable))
            _ = try await stack.api.post("very.secret.account", receipt.transactionID)
            _ = try await stack.api.get("/v1/accounts/very.secret.account/entitlements?secret=1")
            let page = await stack.metrics.render()
            for secret in ["very.secret", receipt.transactionID, "secret=1", TestStack.key(.app), "com.example"] {
                #expect(!page.contains(secret), "\(secret)")
            }
        }
    }

    @Test("a database that is away leaves the page standing")
    func databaseAway() async throws {
        try await TestStack.with { stack in
            try await stack.database.withOwnerClient { client in
                _ = try await client.query("ALTER TABLE cases RENAME TO elsewhere")
            }
            let scrape = Scrape(await stack.metrics.render())
            #expect(scrape["vouch_scrape_errors"] == 1)
            #expect(scrape["vouch_cases_open"] == nil)
            #expect(scrape["vouch_postgres_commits_total"] != nil)
        }
    }
}
