import AppStoreSimulator
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("Forgeries and faults never become paid, end to end")
struct ForgeryTests {
    @Test(
        "a forged JWS from a client is refused, kept as a trace, and changes no transaction",
        arguments: SimulatedForgery.allCases)
    func fromClient(forgery: SimulatedForgery) async throws {
        try await TestStack.with { stack in
            let receipt = try stack.simulator.purchase(
                SimulatedPurchase(productID: "pro", type: .nonConsumable))
            let id = receipt.transactionID
            let forged = try stack.simulator.signedTransaction(id, forgery: forgery)
            let answer = try await stack.api.post("mallory", signed: forged)
            #expect(answer.status == 422)
            #expect(answer.code == "transaction-refused")
            #expect(
                ["signature_invalid", "chain_untrusted", "malformed_evidence"].contains(answer.refusal ?? ""))
            #expect(try await stack.count("SELECT count(*) FROM transactions") == 0)
            #expect(try await stack.count("SELECT count(*) FROM refusals") == 1)

            // The same about a transaction that is paid: it stays as it was, and so does its version.
            let before = try await stack.api.post("ada", id)
            _ = try await stack.api.post("mallory", signed: forged)
            let after = try await stack.api.get("/v1/transactions/\(id)")
            #expect(after.state == "paid" && after.json?["version"] == before.json?["version"])
            #expect(stack.simulator.callsCount(transactionID: id) == 1)
        }
    }

    @Test(
        "a forged answer from the store leaves the transaction pending, and a genuine one ends it",
        arguments: SimulatedForgery.allCases)
    func fromStore(forgery: SimulatedForgery) async throws {
        try await TestStack.with { stack in
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "pro", type: .nonConsumable)
            ).transactionID
            _ = try stack.simulator.inject(SimulatedFault(.forged(forgery), transactionID: id))
            let answer = try await stack.api.post("ada", id)
            #expect(answer.status == 202)
            #expect(answer.stateAndReason == "pending/app_store_answer_refused")
            #expect(try await stack.count("SELECT count(*) FROM refusals WHERE source = 'app_store'") == 1)
            stack.clock.advance(.minutes(1))
            await stack.recheckUntilQuiet()
            #expect(try await stack.api.get("/v1/transactions/\(id)").state == "paid")
        }
    }

    @Test("faults of the store are pending with their reason, and end as paid")
    func faults() async throws {
        let faults: [(SimulatedFault.Kind, String)] = [
            (.unauthorized, "environment_undetermined"), (.notFound(errorCode: 4_040_010), "not_found_yet"),
            (.throttled(retryAfterMilliseconds: 60_000), "app_store_throttled"),
            (.serverError(errorCode: 5_000_001, status: 500), "app_store_unavailable"),
            (.cutBody, "app_store_"), (.wrongTransaction(transactionID: nil), "app_store_answer_refused"),
            (.notJSON, "app_store_answer_refused"), (.emptyBody, "app_store_answer_refused"),
            (.oversizedBody(bytes: 2_000_000), "app_store_answer_refused"),
            (.status(403, body: "{}", contentType: "application/json"), "app_store_unavailable"),
        ]
        try await TestStack.with(["VOUCH_APP_ENVIRONMENTS": "Production"]) { stack in
            for (fault, reason) in faults {
                let id = try stack.simulator.purchase(
                    SimulatedPurchase(productID: "coins", type: .consumable)
                ).transactionID
                // Twice: a 401 is retried once with a fresh token.
                _ = try stack.simulator.inject(SimulatedFault(fault, transactionID: id, times: 2))
                let answer = try await stack.api.post("ada", id)
                #expect(answer.status == 202, "\(fault)")
                #expect(answer.state == "pending" && answer.reason?.hasPrefix(reason) == true, "\(fault)")
                #expect(!answer.flag("entitled"))
                for _ in 0..<4 {
                    stack.clock.advance(.minutes(20))
                    await stack.recheckUntilQuiet()
                }
                #expect(try await stack.api.get("/v1/transactions/\(id)").state == "paid", "\(fault)")
            }
        }
    }

    @Test("claims of another environment than the host's never become paid")
    func otherEnvironment() async throws {
        try await TestStack.with { stack in
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "pro", type: .nonConsumable)
            ).transactionID
            for value in ["Sandbox", "Xcode", "LocalTesting"] {
                try stack.simulator.setFields(["environment": .string(value)], of: id)
                let answer = try await stack.api.post("ada", id)
                #expect(answer.status == 202 && answer.reason == "app_store_answer_refused", "\(value)")
                stack.clock.advance(.minutes(1))
            }
        }
    }

    @Test("a post whose environment contradicts the signed transaction is refused and creates nothing")
    func contradictedEnvironment() async throws {
        try await TestStack.with { stack in
            let receipt = try stack.simulator.purchase(
                SimulatedPurchase(productID: "pro", type: .nonConsumable))
            let answer = try await stack.api.post(
                "ada", signed: receipt.signedTransaction, extra: #","environment":"Sandbox""#)
            #expect(answer.status == 422 && answer.refusal == "transaction_mismatch")
            #expect(try await stack.count("SELECT count(*) FROM transactions") == 0)
        }
    }
}
