import AppStoreSimulator
import PurchaseCore
import TestSupport
import Testing

@testable import PurchaseService

@Suite("Coverage and Apple's health over HTTP")
struct CoverageEndpointTests {
    @Test(
        "coverage is null before the first sweep, and then says from when to when", arguments: [Role.support, .finance])
    func coverage(role: Role) async throws {
        try await TestStack.with { stack in
            let before = try await stack.api.get("/v1/coverage", as: role)
            #expect(before.status == 200)
            #expect(before.json?["coverage"]?.items?.map { $0["environment"]?.text } == ["Production", "Sandbox"])
            #expect(before.json?["coverage"]?.items?.allSatisfy { $0["completeThrough"] == .null } == true)
            _ = await stack.sweeper().sweep(.production)
            stack.clock.advance(.minutes(6))
            _ = await stack.sweeper().sweep(.production)
            let after = try await stack.api.get("/v1/coverage", as: role)
            let item = try #require(after.json?["coverage"]?.items?.first)
            #expect(item["completeFrom"]?.text != nil && item["sweptAt"]?.text != nil && item["fault"] == .null)
            guard case .integer(let lag)? = item["lagSeconds"] else {
                Issue.record("a lag is a number")
                return
            }
            #expect((300...330).contains(lag))
            #expect(after.json?["coverage"]?.items?.last?["completeThrough"] == .null, "Sandbox was not swept")
        }
    }

    @Test("only the stores that are served are told of")
    func oneStore() async throws {
        try await TestStack.with(["VOUCH_APP_ENVIRONMENTS": "Sandbox"]) { stack in
            let coverage = try await stack.api.get("/v1/coverage", as: .finance)
            #expect(coverage.json?["coverage"]?.items?.map { $0["environment"]?.text } == ["Sandbox"])
            let health = try await stack.api.get("/v1/apple/health", as: .finance)
            #expect(health.json?["environments"]?.items?.map { $0["environment"]?.text } == ["Sandbox"])
        }
    }

    @Test("unknown parameters are refused, and so are other roles", arguments: ["/v1/coverage", "/v1/apple/health"])
    func refusals(path: String) async throws {
        try await TestStack.with { stack in
            let unknown = try await stack.api.get(path + "?environment=Sandbox", as: .support)
            #expect(unknown.status == 400)
            #expect(try await stack.api.get(path, as: .app).status == 403)
            #expect(try await stack.api.get(path, as: nil).status == 401)
        }
    }

    @Test("Apple's health has the budget, the newest call, the skew, the queues and the notifications")
    func health() async throws {
        try await TestStack.with(["VOUCH_APP_STORE_REQUESTS_PER_SECOND": "50"]) { stack in
            let idle = try await stack.api.get("/v1/apple/health", as: .support)
            #expect(idle.status == 200 && idle.json?["clockSkewMilliseconds"] == .null)
            #expect(idle.json?["queue"]?["due"] == .integer(0) && idle.json?["queue"]?["ageSeconds"] == .integer(0))
            #expect(idle.json?["environments"]?.items?.first?["lastCall"] == .null)

            let id = try stack.buy()[0]
            _ = try await stack.api.post("ada", id)
            stack.simulator.setOutage(true)
            let pending = try stack.buy()[0]
            #expect(try await stack.api.post("ada", pending).status == 202)
            _ = try stack.simulator.notifications(in: .production)
            stack.clock.advance(.minutes(2))
            let busy = try await stack.api.get("/v1/apple/health", as: .support)
            let production = try #require(busy.json?["environments"]?.items?.first)
            #expect(production["lastCall"]?["endpoint"]?.text == "transaction_info")
            #expect(production["lastCall"]?["outcome"]?.text != "answered")
            let standard = try #require(production["budgets"]?.items?.first)
            #expect(standard["endpointClass"]?.text == "standard")
            #expect(standard["requestsPerHour"] == .integer(180_000))
            #expect(standard["throttledUntil"] == .null)
            let sandbox = busy.json?["environments"]?.items?.last?["budgets"]?.items
            #expect(sandbox?.map { $0["requestsPerHour"] } == [.integer(18_000), .integer(3_600), .integer(360)])
            #expect(busy.json?["clockSkewMilliseconds"] != .null)
            #expect(busy.json?["queue"]?["retry"]?["due"] == .integer(1))
            #expect(busy.json?["queue"]?["oldestDueAt"]?.text == busy.json?["queue"]?["retry"]?["oldestDueAt"]?.text)
        }
    }

    @Test("a 429 shows as a pause of this process, and open consumption requests with the next deadline")
    func throttledAndRequests() async throws {
        try await TestStack.with { stack in
            let id = try stack.buy()[0]
            try stack.simulator.requestConsumption(id)
            stack.clock.advance(.seconds(1))
            _ = await stack.sweeper().sweep(.production)
            let requested = try await stack.api.get("/v1/apple/health", as: .support)
            let requests = requested.json?["notifications"]?["consumptionRequests"]
            #expect(requests?["open"] == .integer(1) && requests?["nextDeadline"]?.text != nil)
            #expect(requested.json?["notifications"]?["lastReceivedAt"]?.text != nil)

            _ = try stack.simulator.inject(
                SimulatedFault(.throttled(retryAfterMilliseconds: 600_000)))
            _ = try await stack.api.post("ada", try stack.buy()[0])
            let paused = try await stack.api.get("/v1/apple/health", as: .support)
            let standard = try #require(
                paused.json?["environments"]?.items?.first?["budgets"]?.items?.first)
            #expect(standard["throttledUntil"]?.text != nil)
            stack.clock.advance(.hours(13))
            let later = try await stack.api.get("/v1/apple/health", as: .support)
            #expect(later.json?["notifications"]?["consumptionRequests"]?["open"] == .integer(0))
            #expect(
                later.json?["environments"]?.items?.first?["budgets"]?.items?.first?["throttledUntil"] == .null)
        }
    }

    @Test("a bucket refills with time and never holds more than its capacity")
    func tokens() {
        let terms = AppStoreHealth.Budget(
            environment: .production, endpointClass: .standard, requestsPerHour: 180_000, tokensPerHour: 36_000,
            capacity: 12, throttledUntil: nil)
        let left = { (tokens: Double, age: Span) in
            AppleHealthView.Budget(
                terms,
                level: BudgetLevel(environment: .production, endpointClass: .standard, tokens: tokens, age: age)
            ).tokens
        }
        #expect(left(0.4, .zero) == 0 && left(0.4, Span(milliseconds: 160)) == 2 && left(3, .hours(1)) == 12)
        #expect(AppleHealthView.Budget(terms, level: nil).tokens == 12)
    }
}
