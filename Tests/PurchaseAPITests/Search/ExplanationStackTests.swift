import AppStoreSimulator
import HTTPTypes
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("Explanations over the whole stack")
struct ExplanationStackTests {
    private static func explain(_ stack: TestStack, _ id: String, to account: String? = nil) async throws -> EdgeAnswer
    {
        let query = account.map { "?accountId=\($0)" } ?? ""
        let answer = try await stack.api.get("/v1/transactions/\(id)/explanation\(query)", as: .support)
        #expect(answer.status == 200)
        return answer
    }

    @Test("a new person in support comes from the order in the e-mail to the sentence for the customer")
    func newcomer() async throws {
        try await TestStack.with { stack in
            let receipt = try stack.simulator.purchase(SimulatedPurchase(productID: "pro", type: .nonConsumable))
            // "I paid, and I have nothing. My order is M…"
            let order = try await stack.api.get("/v1/orders/\(receipt.orderID)", as: .support)
            let id = try #require(order.transactionIDs.first)
            let before = try await Self.explain(stack, id)
            #expect(before.customer == "customer.not_linked")
            #expect(before.codes("wouldChange") == ["change.claim"])
            // The customer does as the sentence says.
            _ = try await stack.api.post("ada", id)
            let after = try await Self.explain(stack, id)
            #expect(after.customer == "customer.available" && after.json?["accountId"]?.text == "ada")
            #expect(after.codes("summary") == ["state.confirmed", "entitlement.paid", "claim.held"])
            #expect(after.codes("rules") == ["rule.purchase_confirmed", "rule.claim_held"])
            #expect(after.codes("facts").contains("fact.apple_proof"))
            #expect(after.codes("waitsFor") == ["waits.routine_check"])
        }
    }

    @Test("an outage says what it waits for and when it is tried next")
    func outage() async throws {
        try await TestStack.with { stack in
            stack.simulator.setOutage(true)
            let id = try stack.bought()
            let posted = try await stack.api.post("ada", id)
            let answer = try await Self.explain(stack, id)
            #expect(answer.customer == "customer.confirming_delayed")
            let waits = try #require(answer.json?["waitsFor"]?.items?.first)
            #expect(waits["code"]?.text == "waits.apple_reachable")
            #expect(waits["at"]?.text != nil && waits["at"] == posted.json?["nextCheckAt"])
            #expect(answer.json?["nextCheckAt"] == posted.json?["nextCheckAt"])
        }
    }

    @Test("each of two accounts gets its own sentence, and so does one that never claimed")
    func twoAccounts() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought("coins", .consumable)
            _ = try await stack.api.post("ada", id)
            _ = try await stack.api.post("bob", id)
            #expect(try await Self.explain(stack, id).customer == "customer.being_delivered")
            #expect(try await Self.explain(stack, id, to: "ada").customer == "customer.being_delivered")
            let bob = try await Self.explain(stack, id, to: "bob")
            #expect(bob.customer == "customer.in_use" && bob.json?["claimStatus"]?.text == "conflict")
            #expect(bob.codes("wouldChange").first == "change.resolve_case")
            #expect(bob.json?["customer"]?["text"]?.text?.contains("ada") == false)
            #expect(try await Self.explain(stack, id, to: "cem").customer == "customer.in_use")

            let grant = try #require(try await stack.api.get("/v1/accounts/ada/grants").grants.first?.id)
            _ = try await stack.api.send(.post, "/v1/grants/\(grant)/acknowledge", as: .app)
            let credited = try await Self.explain(stack, id)
            #expect(credited.customer == "customer.delivered")
            #expect(credited.codes("facts").contains("fact.delivery_credited"))
        }
    }

    @Test("a refund names its day to the customer and its sources to support")
    func refunded() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            _ = try await stack.api.post("ada", id)
            // 20 November 2026.
            try stack.simulator.refund(id, SimulatedRefund(date: 1_795_132_800_000))
            _ = try await stack.api.recheck(id)
            let answer = try await Self.explain(stack, id)
            #expect(
                answer.json?["customer"]?["text"]?.text
                    == "Apple refunded this purchase on 20 November 2026, so it is no longer available in the app.")
            #expect(answer.json?["customer"]?["parameters"]?["refundedOn"]?.text == "2026-11-20T00:00:00.000Z")
            #expect(answer.codes("facts").contains("fact.refund_proof"))
            #expect(answer.codes("rules").contains("rule.refund_seen"))
            #expect(answer.codes("wouldChange") == ["change.apple_reversal", "change.support"])
        }
    }

    private static func decide(
        _ stack: TestStack, _ effect: String, key: String = "pro", extra: String = ""
    ) async throws -> String {
        let made = try await stack.api.send(
            .post, "/v1/accounts/ada/overrides", as: .support,
            json: #"{"key":"\#(key)","effect":"\#(effect)","why":"a test"\#(extra)}"#)
        #expect(made.status == 201)
        return try #require(made.json?["id"]?.text)
    }

    private static func end(_ stack: TestStack, _ id: String) async throws {
        let ended = try await stack.api.send(
            .delete, "/v1/accounts/ada/overrides", as: .support, json: #"{"overrideId":"\#(id)","why":"a test"}"#)
        #expect(ended.status == 200)
    }

    @Test("while support withholds what was bought, the explanation says so, and the transaction as it stands does not")
    func withheld() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            _ = try await stack.api.post("ada", id)
            // Of another key, and among the entitlements of the other store.
            _ = try await Self.decide(stack, "withhold", key: "extra")
            _ = try await Self.decide(stack, "withhold", extra: #","environment":"Sandbox""#)
            #expect(try await Self.explain(stack, id).customer == "customer.available")

            let override = try await Self.decide(stack, "withhold")
            let answer = try await Self.explain(stack, id)
            #expect(answer.customer == "customer.on_hold" && !answer.flag("entitled"))
            #expect(answer.json?["entitlementReason"]?.text == "withheld")
            #expect(answer.codes("summary") == ["state.confirmed", "entitlement.withheld", "claim.held"])
            #expect(answer.codes("wouldChange") == ["change.end_override"])
            #expect(try await Self.explain(stack, id, to: "ada").customer == "customer.on_hold")
            let bob = try await Self.explain(stack, id, to: "bob")
            #expect(bob.customer == "customer.in_use" && bob.json?["entitlementReason"]?.text == "unclaimed")
            let transaction = try await stack.api.get("/v1/transactions/\(id)", as: .support)
            #expect(transaction.flag("entitled") && transaction.json?["entitlementReason"]?.text == "paid")

            try await Self.end(stack, override)
            #expect(try await Self.explain(stack, id).customer == "customer.available")
        }
    }

    @Test("while support gives what was refunded, the explanation says so to that account alone")
    func granted() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            _ = try await stack.api.post("ada", id)
            try stack.simulator.refund(id)
            _ = try await stack.api.recheck(id)
            let before = try await Self.explain(stack, id)
            #expect(before.json?["entitlementReason"]?.text == "refunded")
            _ = try await Self.decide(stack, "grant", key: "extra")
            #expect(try await Self.explain(stack, id).json == before.json)

            _ = try await Self.decide(stack, "grant", extra: #","until":"2199-01-01T00:00:00Z""#)
            let answer = try await Self.explain(stack, id)
            #expect(answer.customer == "customer.granted_by_support" && answer.flag("entitled"))
            #expect(answer.state == "refunded" && answer.json?["entitlementReason"]?.text == "override")
            #expect(answer.codes("summary").contains("entitlement.override"))
            #expect(
                answer.codes("wouldChange") == ["change.end_override", "change.time", "change.apple_reversal"])
            let ends = answer.json?["wouldChange"]?.items?.first { $0["code"]?.text == "change.time" }
            #expect(ends?["parameters"]?["until"]?.text == "2199-01-01T00:00:00.000Z")
            #expect(try await Self.explain(stack, id, to: "bob").json?["entitlementReason"]?.text == "unclaimed")
            let transaction = try await stack.api.get("/v1/transactions/\(id)", as: .support)
            #expect(!transaction.flag("entitled"))

            // A withholding of the same key wins over it, as in the account's list.
            let override = try await Self.decide(stack, "withhold")
            #expect(try await Self.explain(stack, id).json == before.json)
            try await Self.end(stack, override)
            #expect(try await Self.explain(stack, id).flag("entitled"))
        }
    }

    @Test("a purchase of the sandbox says to the customer that it was a test, and to support who can change that")
    func sandbox() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought { $0.environment = .sandbox }
            _ = try await stack.api.post("ada", id, extra: #","environment":"Sandbox""#)
            let answer = try await Self.explain(stack, id)
            #expect(answer.customer == "customer.test_purchase")
            #expect(answer.codes("wouldChange") == ["change.list_account"])
        }
    }
}

extension EdgeAnswer {
    /// The code of the customer's sentence.
    fileprivate var customer: String? { json?["customer"]?["code"]?.text }

    /// The codes of a list of sentences.
    fileprivate func codes(_ list: String) -> [String] {
        (json?[list]?.items ?? []).compactMap { $0["code"]?.text }
    }
}
