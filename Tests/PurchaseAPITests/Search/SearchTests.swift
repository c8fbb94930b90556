import AppStoreSimulator
import Foundation
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("Search for support")
struct SearchTests {
    private static func found(_ stack: TestStack, _ query: String = "") async throws -> [String] {
        try await stack.api.get("/v1/transactions" + query, as: .support).transactionIDs
    }

    /// A purchase a minute ago per step back, posted by an account.
    private static func posted(
        _ stack: TestStack, by account: String, minutesAgo: Int64, _ product: String = "pro",
        in environment: SimulatedEnvironment = .production
    ) async throws -> String {
        let id = try stack.bought(product, .nonConsumable) { purchase in
            purchase.environment = environment
            purchase.purchaseDate = stack.clock.now.millisecondsSince1970 - minutesAgo * 60_000
        }
        let extra = environment == .sandbox ? #","environment":"Sandbox""# : ""
        _ = try await stack.api.post(account, id, extra: extra)
        return id
    }

    @Test("filters combine, and the newest purchase comes first")
    func filters() async throws {
        try await TestStack.with { stack in
            let old = try await Self.posted(stack, by: "ada", minutesAgo: 60)
            let middle = try await Self.posted(stack, by: "bob", minutesAgo: 30, "coins")
            let new = try await Self.posted(stack, by: "ada", minutesAgo: 10)
            let test = try await Self.posted(stack, by: "ada", minutesAgo: 5, in: .sandbox)
            try stack.simulator.refund(old)
            _ = try await stack.api.recheck(old)
            _ = try await stack.api.post("cem", new)

            #expect(try await Self.found(stack) == [test, new, middle, old])
            #expect(try await Self.found(stack, "?accountId=ada") == [test, new, old])
            #expect(try await Self.found(stack, "?accountId=ada&environment=Production") == [new, old])
            #expect(try await Self.found(stack, "?environment=Sandbox") == [test])
            #expect(try await Self.found(stack, "?accountId=ada&state=refunded") == [old])
            #expect(try await Self.found(stack, "?reason=refund_full") == [old])
            #expect(try await Self.found(stack, "?state=paid&reason=refund_full") == [])
            #expect(try await Self.found(stack, "?state=paid&productId=pro") == [test, new])
            #expect(try await Self.found(stack, "?reason=confirmed&productId=coins") == [middle])
            #expect(try await Self.found(stack, "?originalTransactionId=\(middle)") == [middle])
            #expect(try await Self.found(stack, "?originalTransactionId=\(middle)&accountId=ada") == [])
            // Whoever claimed it finds it, also in vain.
            #expect(try await Self.found(stack, "?accountId=cem") == [new])
            #expect(try await Self.found(stack, "?accountId=nobody") == [])
            #expect(try await Self.found(stack, "?orderId=MNEVER0000") == [])

            // Half past the old one to half past the new one; the offset is as good as UTC.
            let from = RFC3339Text.text(stack.clock.now - .minutes(45))
            let to = RFC3339Text.text(stack.clock.now - .minutes(9) + .hours(2)).replacing("Z", with: "%2B02:00")
            #expect(try await Self.found(stack, "?from=\(from)&to=\(to)") == [new, middle])
        }
    }

    @Test("an id of which nothing is known yet is found by its state, by its account and by when it was recorded")
    func unsettled() async throws {
        try await TestStack.with { stack in
            stack.simulator.setOutage(true)
            let id = try stack.bought()
            _ = try await stack.api.post("ada", id)
            #expect(try await Self.found(stack, "?state=pending") == [id])
            #expect(try await Self.found(stack, "?reason=app_store_unavailable&accountId=ada") == [id])
            let from = RFC3339Text.text(stack.clock.now - .minutes(1))
            #expect(try await Self.found(stack, "?from=\(from)") == [id])
            // Its store is not known.
            #expect(try await Self.found(stack, "?environment=Production") == [])
        }
    }

    @Test("pages neither repeat nor leave out what was there when newer purchases come in between")
    func paging() async throws {
        try await TestStack.with { stack in
            var there: [String] = []
            for minutes in 1...7 {
                there.append(try await Self.posted(stack, by: "ada", minutesAgo: Int64(minutes * 10)))
            }
            var pages: [[String]] = []
            var query = "?accountId=ada&limit=2"
            while true {
                let answer = try await stack.api.get("/v1/transactions" + query, as: .support)
                pages.append(answer.transactionIDs)
                guard let cursor = answer.json?["nextCursor"]?.text else { break }
                query = "?accountId=ada&limit=2&cursor=\(cursor)"
                _ = try await Self.posted(stack, by: "ada", minutesAgo: 0)
            }
            #expect(pages.map(\.count) == [2, 2, 2, 1])
            #expect(pages.flatMap(\.self) == there)
        }
    }

    @Test(
        "a value that no filter can have is a 400 that names it",
        arguments: [
            ("accountId=..", "accountId"), ("originalTransactionId=12a", "originalTransactionId"),
            ("orderId=M-1", "orderId"), ("productId=", "productId"), ("state=lost", "state"),
            ("reason=because", "reason"), ("environment=Xcode", "environment"), ("from=yesterday", "from"),
            ("to=2026-02-30T00:00:00Z", "to"), ("limit=201", "limit"), ("cursor=AAAA", "cursor"),
            ("from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z", "to"), ("colour=red", "colour"),
        ])
    func badValues(query: String, name: String) async throws {
        try await withEdge { client in
            let answer = try await client.get("/v1/transactions?\(query)", key: "support")
            #expect(answer.status == 400 && answer.code == "invalid-request")
            #expect(answer.pointers == ["/query/\(name)"])
        }
    }

    @Test("only support may search, look up orders, read proof and explanations")
    func roles() async throws {
        try await withEdge { client in
            let paths = [
                "/v1/transactions", "/v1/orders/MV5GKYPN2Z", "/v1/transactions/1/evidence",
                "/v1/transactions/1/explanation",
            ]
            for path in paths {
                for key in ["app", "device", "user", "finance", "admin"] {
                    #expect(try await client.get(path, key: key).status == 403, "\(key) \(path)")
                }
                #expect(try await client.get(path, key: nil).status == 401)
            }
            let order = try await client.get("/v1/orders/MV5GKYPN2Z", key: "support")
            #expect(order.code == "order-not-found")
            #expect(try await client.get("/v1/transactions/1/evidence", key: "support").code == "evidence-erased")
            #expect(try await client.get("/v1/orders/no-such", key: "support").pointers == ["/path/orderId"])
        }
    }
}

/// Instants as a client would write them into a query.
enum RFC3339Text {
    static func text(_ instant: Instant) -> String {
        Date(timeIntervalSince1970: Double(instant.millisecondsSince1970 / 1_000)).formatted(.iso8601)
    }
}

extension EdgeAnswer {
    /// The ids of a list of transactions, in its order.
    var transactionIDs: [String] {
        (json?["transactions"]?.items ?? []).compactMap { $0["transactionId"]?.text }
    }
}
