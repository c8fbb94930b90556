import AppStoreSimulator
import HTTPTypes
import PurchaseCore
import TestSupport
import Testing

@testable import vouch

@Suite("Reading entitlements, the hottest path")
struct EntitlementReadTests {
    @Test("a read is one statement, for one account and for many; an unknown account costs no more")
    func oneStatement() async throws {
        try await TestStack.with { stack in
            for account in ["ada", "bob"] { _ = try await stack.api.post(account, try stack.bought()) }
            // The key is known from now on.
            _ = try await stack.api.get("/v1/accounts/ada/entitlements")
            func statements(_ body: () async throws -> EdgeAnswer) async throws -> Double {
                func counted() async throws -> Double {
                    let scrape = MetricsStackTests.Scrape(await stack.metrics.render())
                    let series = ["read", "lookup"].map { "vouch_postgres_statements_total{lane=\"\($0)\"}" }
                    return try series.reduce(0) { try $0 + #require(scrape[$1]) }
                }
                let before = try await counted()
                #expect(try await body().status == 200)
                return try await counted() - before
            }
            // Reading the page of metrics asks the database too.
            let page = try await statements { try await stack.api.get("/health/live") }
            for account in ["ada", "nobody"] {
                let count = try await statements { try await stack.api.get("/v1/accounts/\(account)/entitlements") }
                #expect(count - page == 1, "\(account)")
            }
            let many = try await statements {
                try await stack.api.send(
                    .post, "/v1/entitlements/query", json: #"{"accountIds":["ada","bob","nobody"]}"#)
            }
            #expect(many - page == 1)
        }
    }

    @Test("the tag is the body's: the same until something changes, by a purchase, by time alone, by a refund")
    func tags() async throws {
        try await TestStack.with { stack in
            let path = "/v1/accounts/ada/entitlements"
            var known: Set<String> = []
            /// The tag of the answer, which is new; then the same question is answered without a body.
            func expectNews(_ what: Comment) async throws {
                let answer = try await stack.api.get(path)
                let tag = try #require(answer.headers[.eTag])
                #expect(answer.headers[.age] == "0")
                #expect(known.insert(tag).inserted, what)
                for stale in known {
                    let again = try await stack.api.get(path, headers: [.ifNoneMatch: stale])
                    #expect(again.status == (stale == tag ? 304 : 200), what)
                    #expect(again.body == (stale == tag ? [] : answer.body), what)
                }
            }
            try await expectNews("nothing")
            let subscription = try stack.bought("gold", .autoRenewable)
            _ = try await stack.api.post("ada", subscription)
            try await expectNews("a subscription")
            stack.clock.advance(.days(31))
            try await expectNews("it is over, and nobody said so")
            let pro = try stack.bought("pro")
            #expect(try await stack.api.post("ada", pro).status == 200)
            try await expectNews("a purchase")
            let other = try stack.bought("theme")
            _ = try await stack.api.post("ada", other)
            try await expectNews("another one")
            try stack.simulator.refund(pro)
            _ = try await stack.api.recheck(pro)
            try await expectNews("a refund")
            // Another account's purchases are no news.
            let tag = try #require(try await stack.api.get(path).headers[.eTag])
            _ = try await stack.api.post("bob", try stack.bought())
            #expect(try await stack.api.get(path, headers: [.ifNoneMatch: tag]).status == 304)
        }
    }
}
