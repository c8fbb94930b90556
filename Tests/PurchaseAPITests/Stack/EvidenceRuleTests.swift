import AppStoreSimulator
import HTTPTypes
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@testable import vouch

@Suite("What evidence is worth, end to end")
struct EvidenceRuleTests {
    @Test("missing or unknown ownership is pending/ownership_unconfirmed", arguments: [nil, "BORROWED"])
    func ownership(value: String?) async throws {
        try await TestStack.with { stack in
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "pro", type: .nonConsumable)
            ).transactionID
            try stack.simulator.setFields(
                ["inAppOwnershipType": value.map { .string($0) } ?? .null], of: id)
            let answer = try await stack.api.post("ada", id)
            #expect(answer.status == 202)
            #expect(answer.stateAndReason == "pending/ownership_unconfirmed")
            #expect(try await stack.api.get("/v1/accounts/ada/entitlements").activeKeys == [])
            try stack.simulator.setFields(["inAppOwnershipType": .string("PURCHASED")], of: id)
            stack.clock.advance(.minutes(20))
            await stack.recheckUntilQuiet()
            #expect(try await stack.api.get("/v1/transactions/\(id)").state == "paid")
        }
    }

    @Test("the device's word alone is pending/revocation_unconfirmed, and never un-refunds")
    func deviceAlone() async throws {
        try await TestStack.with { stack in
            let receipt = try stack.simulator.purchase(
                SimulatedPurchase(productID: "pro", type: .nonConsumable))
            stack.simulator.setOutage(true)
            let answer = try await stack.api.post("ada", signed: receipt.signedTransaction)
            #expect(answer.status == 202)
            #expect(answer.stateAndReason == "pending/revocation_unconfirmed")
            #expect(try await stack.api.get("/v1/accounts/ada/entitlements").activeKeys == [])
            stack.simulator.setOutage(false)
            try stack.simulator.refund(receipt.transactionID, SimulatedRefund(kind: .full))
            stack.clock.advance(.minutes(1))
            await stack.recheckUntilQuiet()
            // The JWS from before the refund, posted again and again.
            for _ in 0..<3 {
                let again = try await stack.api.post("ada", signed: receipt.signedTransaction)
                #expect(again.state == "refunded")
            }
        }
    }

    @Test("a family share entitles and is never revenue")
    func family() async throws {
        try await TestStack.with { stack in
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "pro", type: .nonConsumable)
            ).transactionID
            let shared = try stack.simulator.shareWithFamily(id).transactionID
            #expect(try await stack.api.post("eve", shared).state == "paid")
            #expect(try await stack.api.get("/v1/accounts/eve/entitlements").activeKeys == ["pro"])
            #expect(try await stack.count("SELECT count(*) FROM movements") == 0)
        }
    }

    @Test("an unknown id goes Production, then Sandbox; Sandbox entitles listed accounts alone")
    func sandbox() async throws {
        try await TestStack.with(["VOUCH_SANDBOX_ACCOUNTS": "tester"]) { stack in
            for (account, isListed) in [("tester", true), ("ada", false)] {
                let id = try stack.simulator.purchase(
                    SimulatedPurchase(productID: "pro", type: .nonConsumable, environment: .sandbox)
                ).transactionID
                let answer = try await stack.api.post(account, id)
                #expect(answer.state == "paid" && answer.json?["environment"]?.text == "Sandbox")
                #expect(answer.flag("entitled") == isListed)
                #expect(
                    answer.json?["entitlementReason"]?.text == (isListed ? "paid" : "sandbox_account_not_listed"))
                #expect(stack.simulator.callsCount(transactionID: id, environment: .production) == 1)
                #expect(stack.simulator.callsCount(transactionID: id, environment: .sandbox) == 1)
            }
        }
    }

    @Test("a genuine purchase of another app is refused, and a corrected setting lifts it")
    func otherBundle() async throws {
        try await TestStack.with { stack in
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "pro", type: .nonConsumable)
            ).transactionID
            try stack.simulator.setFields(["bundleId": .string("com.example.other")], of: id)
            let answer = try await stack.api.post("ada", id)
            #expect(answer.status == 422 && answer.refusal == "bundle_mismatch")
            #expect(try await stack.api.get("/v1/accounts/ada/entitlements").activeKeys == [])
            let read = try await stack.api.get("/v1/transactions/\(id)")
            #expect(read.status == 200 && read.refusal == "bundle_mismatch")

            let wrong = try await stack.decideAgain { _ in }
            #expect(wrong == 0, "nothing is corrected yet")
            let corrected = try await stack.decideAgain { $0.app.bundleID = BundleID("com.example.other") }
            #expect(corrected == 1)
            #expect(try await stack.api.get("/v1/transactions/\(id)").stateAndReason == "paid/confirmed")
            #expect(try await stack.api.get("/v1/accounts/ada/entitlements").activeKeys == ["pro"])
            // Back and forth: the walk is made again each time the policy is another than at the last complete walk.
            #expect(try await stack.decideAgain { _ in } == 0)
            #expect(try await stack.api.get("/v1/transactions/\(id)").state == "paid", "never un-paid by a setting")
        }
    }

    @Test("an id that Apple never knows is refused as not_found after the deadline, and a new post tries anew")
    func notFound() async throws {
        try await TestStack.with(["VOUCH_NOT_FOUND_DEADLINE": "PT1H"]) { stack in
            let id = "2000000000000042"
            let answer = try await stack.api.post("ada", id)
            #expect(answer.status == 202 && answer.stateAndReason == "pending/not_found_yet")
            for _ in 0..<12 {
                stack.clock.advance(.minutes(17))
                await stack.recheckUntilQuiet()
            }
            #expect(try await stack.api.get("/v1/transactions/\(id)").refusal == "not_found")
            let calls = stack.simulator.callsCount(transactionID: id)
            stack.clock.advance(.days(1))
            await stack.recheckUntilQuiet()
            #expect(stack.simulator.callsCount(transactionID: id) == calls, "a refused one is not rechecked")
            let again = try await stack.api.post("ada", id)
            #expect(again.status == 202 && again.refusal == nil)
        }
    }

    @Test("401 is environment_undetermined, unless the app is unreleased: then it is Production's not-found")
    func unauthorized() async throws {
        for isUnreleased in [false, true] {
            try await TestStack.with(["VOUCH_APP_UNRELEASED": isUnreleased ? "true" : "false"]) { stack in
                _ = try stack.simulator.inject(
                    SimulatedFault(.unauthorized, environment: .production, times: nil))
                let id = try stack.simulator.purchase(
                    SimulatedPurchase(productID: "pro", type: .nonConsumable, environment: .sandbox)
                ).transactionID
                let answer = try await stack.api.post("ada", id)
                #expect(answer.stateAndReason == (isUnreleased ? "paid/confirmed" : "pending/environment_undetermined"))
            }
        }
    }

    @Test("a token that is stated while Apple is being asked about another purchase is compared with its answer")
    func tokenStatedMeanwhile() async throws {
        try await TestStack.with { stack in
            var purchase = SimulatedPurchase(productID: "coins", type: .consumable)
            let other = try stack.simulator.purchase(purchase).transactionID
            purchase.appAccountToken = "7e3fb204-2d3d-4f6a-9c5c-0a4d3f1b7a11"
            let id = try stack.simulator.purchase(purchase).transactionID
            _ = try stack.simulator.inject(SimulatedFault(.delay, transactionID: id, delayMilliseconds: 4_000))
            async let answer = stack.api.post("ada", id)
            while try await stack.count("SELECT count(*) FROM claims") == 0 { await Task.yield() }
            let stating = #","appAccountToken":"11111111-2d3d-4f6a-9c5c-0a4d3f1b7a11""#
            let stated = try await stack.api.post("ada", other, extra: stating)
            #expect(stated.status == 200)
            let refused = try await answer
            #expect(refused.status == 422 && refused.refusal == "account_token_mismatch")
        }
    }

    @Test("a claim with another account's token is refused; all-zero and absent tokens are not")
    func tokens() async throws {
        let mine = "7e3fb204-2d3d-4f6a-9c5c-0a4d3f1b7a11"
        let other = "11111111-2d3d-4f6a-9c5c-0a4d3f1b7a11"
        try await TestStack.with { stack in
            var purchase = SimulatedPurchase(productID: "coins", type: .consumable)
            purchase.appAccountToken = mine.uppercased()
            let id = try stack.simulator.purchase(purchase).transactionID
            let refused = try await stack.api.post("ada", id, extra: #","appAccountToken":"\#(other)""#)
            #expect(refused.status == 422 && refused.refusal == "account_token_mismatch")
            let held = try await stack.api.post("bob", id, extra: #","appAccountToken":"\#(mine)""#)
            #expect(held.status == 200 && held.flag("finish"))

            purchase.appAccountToken = "00000000-0000-0000-0000-000000000000"
            let zero = try stack.simulator.purchase(purchase)
            let answer = try await stack.api.post(
                "ada", zero.transactionID, extra: #","appAccountToken":"\#(other)""#)
            #expect(answer.status == 200)

            // Stated with an earlier post, the token holds for later ones that leave it out: ada's is another.
            purchase.appAccountToken = mine
            let later = try stack.simulator.purchase(purchase)
            let device = try await stack.api.post("ada", signed: later.signedTransaction)
            #expect(device.status == 422 && device.refusal == "account_token_mismatch")
            #expect(try await stack.api.post("bob", later.transactionID).status == 200)
            let bare = try await stack.api.post("ada", later.transactionID)
            #expect(bare.status == 422 && bare.refusal == "account_token_mismatch")

            let signed = try stack.simulator.purchase(purchase)
            let submission = try await stack.api.post(other, signed: signed.signedTransaction)
            #expect(submission.status == 422 && submission.refusal == "account_token_mismatch")
            #expect(try await stack.api.get("/v1/transactions/\(signed.transactionID)").status == 404)
        }
    }
}

@Suite("What a publishable key can't do")
struct PublishableKeyTests {
    @Test("accounts invented without end stop at a bound, and nothing more is written")
    func claims() async throws {
        try await TestStack.with { stack in
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "coins", type: .consumable)
            ).transactionID
            #expect(try await stack.api.post("ada", id).status == 200)
            for number in 1..<50 {
                #expect(try await stack.api.post("invented-\(number)", id, as: .device).status == 409)
            }
            let events = try await stack.count("SELECT count(*) FROM events")
            let beyond = try await stack.api.post("one-too-many", id, as: .device)
            #expect(beyond.status == 429 && beyond.code == "rate-limited")
            #expect(try await stack.count("SELECT count(*) FROM events") == events)
            #expect(try await stack.api.post("ada", id).status == 200)
        }
    }

    @Test("the same device evidence signed anew at every launch does not grow a settled chain")
    func launches() async throws {
        try await TestStack.with { stack in
            let receipt = try stack.simulator.purchase(SimulatedPurchase(productID: "pro", type: .nonConsumable))
            #expect(try await stack.api.post("ada", signed: receipt.signedTransaction).status == 200)
            let version = try await stack.count("SELECT version FROM chains")
            for _ in 0..<5 {
                let fresh = try stack.simulator.signedTransaction(receipt.transactionID)
                #expect(try await stack.api.post("ada", signed: fresh).status == 200)
            }
            #expect(try await stack.count("SELECT version FROM chains") == version)
        }
    }

    @Test(
        "malformed structure is refused through the API, and the service goes on",
        arguments: ["a=.b.c", "a.b", "a.b.c.d", " e30.e30.e30", "e30.e30.e30\\n", "....", "e30.e30."])
    func malformed(jws: String) async throws {
        try await TestStack.with { stack in
            let answer = try await stack.api.send(
                .post, "/v1/transactions", as: .device,
                json: #"{"accountId":"ada","signedTransaction":"\#(jws)"}"#, validatesRequest: false)
            #expect([400, 422].contains(answer.status), "\(answer.status)")
            #expect(try await stack.count("SELECT count(*) FROM transactions") == 0)
            #expect(try await stack.api.get("/health/live", as: nil).status == 200)
        }
    }

    @Test("extreme but genuinely signed values are stored or refused, and never stop the service")
    func extremes() async throws {
        let odd: [SimulatorJSONObject] = [
            ["price": .integer(.max), "quantity": .integer(.max)], ["price": .integer(.min), "quantity": .integer(-5)],
            ["productId": .string(String(repeating: "p", count: 300))],
            ["webOrderLineItemId": .string(String(repeating: "9", count: 4_000))],
            ["currency": .string("€\u{0}")], ["expiresDate": .integer(.max)], ["purchaseDate": .integer(.min)],
            ["type": .string("Something New")], ["revocationPercentage": .integer(.min)],
        ]
        try await TestStack.with { stack in
            for fields in odd {
                let id = try stack.simulator.purchase(
                    SimulatedPurchase(productID: "coins", type: .consumable)
                ).transactionID
                try stack.simulator.setFields(fields, of: id)
                let answer = try await stack.api.post("ada", id)
                #expect([200, 202].contains(answer.status), "\(fields): \(answer.text)")
            }
            #expect(try await stack.api.get("/v1/accounts/ada/grants").status == 200)
        }
    }
}

@Suite("Ids that Apple calls none at all")
struct MalformedIdentifierTests {
    @Test("a 400 that says so in every store is refused at once, without repeats", arguments: [4_000_006, 4_000_048])
    func refusedAtOnce(code: Int64) async throws {
        try await TestStack.with { stack in
            let id = "2000000000000077"
            _ = try stack.simulator.inject(
                SimulatedFault(
                    .status(400, body: #"{"errorCode":\#(code),"errorMessage":"x"}"#, contentType: "application/json"),
                    transactionID: id, times: nil))
            let answer = try await stack.api.post("ada", id)
            #expect(answer.status == 422 && answer.refusal == "not_found")
            stack.clock.advance(.days(1))
            await stack.recheckUntilQuiet()
            #expect(stack.simulator.callsCount(transactionID: id) == 2)
        }
    }
}
