import AppStoreSimulator
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("Orders from the customer's e-mail")
struct OrderTests {
    private static func bought(
        _ stack: TestStack, _ product: String = "pro", _ change: (inout SimulatedPurchase) -> Void = { _ in }
    ) throws -> SimulatedReceipt {
        var purchase = SimulatedPurchase(productID: product, type: .nonConsumable)
        change(&purchase)
        return try stack.simulator.purchase(purchase)
    }

    private static func look(_ stack: TestStack, _ order: String) async throws -> EdgeAnswer {
        try await stack.api.get("/v1/orders/\(order)", as: .support)
    }

    @Test("an order that nobody posted is asked for once, becomes paid and nobody's, and is known from then on")
    func unknown() async throws {
        try await TestStack.with { stack in
            let receipt = try Self.bought(stack)
            let first = try await Self.look(stack, receipt.orderID)
            #expect(first.status == 200 && first.json?["orderId"]?.text == receipt.orderID)
            #expect(first.transactionIDs == [receipt.transactionID])
            let item = try #require(first.json?["transactions"]?.items?.first)
            #expect(item["state"]?.text == "paid" && item["reason"]?.text == "confirmed")
            #expect(item["accountId"] == .null && item["entitlementReason"]?.text == "unclaimed")
            #expect(item["evidence"]?["source"]?.text == "app_store")
            #expect(stack.simulator.callsCount() == 1)

            stack.simulator.setOutage(true)
            let second = try await Self.look(stack, receipt.orderID)
            #expect(second.status == 200 && second.transactionIDs == first.transactionIDs)
            #expect(second.json?["lookedUpAt"] == first.json?["lookedUpAt"])
            #expect(stack.simulator.callsCount() == 1)
            let search = try await stack.api.get("/v1/transactions?orderId=\(receipt.orderID)", as: .support)
            #expect(search.transactionIDs == first.transactionIDs)

            // A later claim needs no Apple either.
            #expect(try await stack.api.post("ada", receipt.transactionID).flag("finish"))
            let actors = try await stack.rows("SELECT actor FROM events WHERE input = 'evidence'")
            #expect(actors == [["support-key"]])
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("an order of several products gives all of them, whatever is known of each already")
    func several() async throws {
        try await TestStack.with { stack in
            let first = try Self.bought(stack)
            let second = try Self.bought(stack, "extra") { $0.orderID = first.orderID }
            _ = try await stack.api.post("ada", first.transactionID)
            let answer = try await Self.look(stack, first.orderID)
            #expect(answer.transactionIDs == [first.transactionID, second.transactionID].sorted())
            let owners = (answer.json?["transactions"]?.items ?? []).map { $0["accountId"]?.text }
            #expect(Set(owners) == ["ada", nil])
            #expect(try await stack.count("SELECT count(*) FROM movements WHERE kind = 'sale'") == 2)
        }
    }

    @Test("the account that the purchase's appAccountToken names gets it at once")
    func linked() async throws {
        let token = "7e3fb204-2d3d-4f6a-9c5c-0a4d3f1b7a11"
        try await TestStack.with { stack in
            let earlier = try Self.bought(stack, "extra").transactionID
            _ = try await stack.api.post("ada", earlier, extra: #","appAccountToken":"\#(token)""#)
            let receipt = try Self.bought(stack) { $0.appAccountToken = token }
            let answer = try await Self.look(stack, receipt.orderID)
            #expect(answer.json?["transactions"]?.items?.first?["accountId"]?.text == "ada")
        }
    }

    @Test("a refund that nobody told of is seen by looking its order up")
    func refunded() async throws {
        try await TestStack.with { stack in
            let receipt = try Self.bought(stack)
            _ = try await stack.api.post("ada", receipt.transactionID)
            try stack.simulator.refund(receipt.transactionID)
            let answer = try await Self.look(stack, receipt.orderID)
            #expect(answer.json?["transactions"]?.items?.first?["state"]?.text == "refunded")
        }
    }

    @Test("what Apple does not know is a 404 of its own, and is asked again next time")
    func invalid() async throws {
        try await TestStack.with { stack in
            for calls in 1...2 {
                let answer = try await Self.look(stack, "MNEVER0000")
                #expect(answer.status == 404 && answer.code == "order-not-found")
                #expect(stack.simulator.callsCount() == calls)
            }
            #expect(try await stack.count("SELECT count(*) FROM orders") == 0)
        }
    }

    @Test("without Production there are no orders, and Apple is not asked")
    func sandboxOnly() async throws {
        try await TestStack.with(["VOUCH_APP_ENVIRONMENTS": "Sandbox"]) { stack in
            let answer = try await Self.look(stack, "MV5GKYPN2Z")
            #expect(answer.code == "order-not-found")
            #expect(stack.simulator.callsCount() == 0)
        }
    }

    @Test("faults of Apple's and forgeries are a 503, store no transaction, and the next look-up is answered")
    func faults() async throws {
        let faults: [SimulatedFault.Kind] = [
            .unauthorized, .throttled(retryAfterMilliseconds: 60_000), .serverError(errorCode: 5_000_001, status: 500),
            .notJSON, .emptyBody, .status(403, body: "{}", contentType: "application/json"),
        ]
        try await TestStack.with { stack in
            let receipt = try Self.bought(stack)
            for fault in faults + SimulatedForgery.allCases.map(SimulatedFault.Kind.forged) {
                // Twice: a 401 is repeated once with a fresh token.
                let number = try stack.simulator.inject(SimulatedFault(fault, endpoint: .orderLookup, times: 2))
                let answer = try await Self.look(stack, receipt.orderID)
                #expect(answer.status == 503 && answer.code == "app-store-unavailable", "\(fault)")
                #expect(answer.json?["retryable"] == .bool(true), "\(fault)")
                #expect(try await stack.count("SELECT count(*) FROM transactions") == 0, "\(fault)")
                #expect(try await stack.count("SELECT count(*) FROM orders") == 0, "\(fault)")
                _ = stack.simulator.removeFault(number)
                // Past what a 429 forbids.
                stack.clock.advance(.minutes(2))
            }
            #expect(try await stack.count("SELECT count(*) FROM refusals WHERE source = 'app_store'") > 0)
            #expect(try await Self.look(stack, receipt.orderID).status == 200)
        }
    }
}
