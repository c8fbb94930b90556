import AppStoreSimulator
import HTTPTypes
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("The life of a purchase, end to end")
struct PurchaseLifeTests {
    @Test("a posted transactionId becomes paid, and its account is entitled")
    func paidAndEntitled() async throws {
        try await TestStack.with { stack in
            let receipt = try stack.simulator.purchase(
                SimulatedPurchase(productID: "pro", type: .nonConsumable))
            let answer = try await stack.api.post("ada", receipt.transactionID)
            #expect(answer.status == 200)
            #expect(answer.stateAndReason == "paid/confirmed")
            #expect(answer.flag("entitled") && answer.flag("finish"))
            #expect(try await stack.api.get("/v1/accounts/ada/entitlements").activeKeys == ["pro"])
            #expect(try await stack.api.get("/v1/accounts/bob/entitlements").activeKeys == [])
            let read = try await stack.api.get("/v1/transactions/\(receipt.transactionID)", as: .support)
            #expect(read.stateAndReason == "paid/confirmed" && read.json?["accountId"]?.text == "ada")
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("a refund that Apple reports ends the entitlement; a reversal brings it back, money included")
    func refundAndReversal() async throws {
        try await TestStack.with { stack in
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "pro", type: .nonConsumable)
            ).transactionID
            _ = try await stack.api.post("ada", id)
            try stack.simulator.refund(id, SimulatedRefund(kind: .full))
            let refunded = try await stack.api.recheck(id)
            #expect(refunded.stateAndReason == "refunded/refund_full" && !refunded.flag("entitled"))
            #expect(try await stack.api.get("/v1/accounts/ada/entitlements").activeKeys == [])

            try stack.simulator.reverseRefund(id)
            let first = try await stack.api.recheck(id)
            #expect(first.state == "refunded", "one clean answer is not enough to undo a refund")
            // The contradiction asks again after 1, 15 and 65 minutes; the last one is an hour younger than the first.
            for span in [Span.minutes(2), .minutes(15), .minutes(50)] {
                stack.clock.advance(span)
                await stack.recheckUntilQuiet()
            }
            let restored = try await stack.api.get("/v1/transactions/\(id)")
            #expect(restored.stateAndReason == "paid/refund_reversed" && restored.flag("entitled"))
            let movements = try await stack.rows(
                "SELECT kind, amount_milliunits::text FROM movements ORDER BY sequence")
            #expect(movements == [["sale", "4990"], ["refund", "-4990"], ["reversal", "4990"]])
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("one stale answer of Apple never un-refunds", arguments: [true, false])
    func staleAnswer(oldSignedDate: Bool) async throws {
        try await TestStack.with { stack in
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "pro", type: .nonConsumable)
            ).transactionID
            _ = try await stack.api.post("ada", id)
            try stack.simulator.refund(id, SimulatedRefund(kind: .full))
            #expect(try await stack.api.recheck(id).state == "refunded")
            _ = try stack.simulator.inject(SimulatedFault(.stale(oldSignedDate: oldSignedDate), transactionID: id))
            let after = try await stack.api.recheck(id)
            #expect(after.state == "refunded" && !after.flag("entitled"))
            #expect(try await stack.api.get("/v1/accounts/ada/entitlements").activeKeys == [])
        }
    }

    @Test("Apple down: 202 pending, then paid on its own, without another post")
    func outage() async throws {
        try await TestStack.with { stack in
            stack.simulator.setOutage(true)
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "coins", type: .consumable)
            ).transactionID
            let answer = try await stack.api.post("ada", id)
            #expect(answer.status == 202)
            #expect(answer.stateAndReason == "pending/app_store_unavailable")
            #expect(answer.headers[.retryAfter] != nil)
            #expect(!answer.flag("finish"))
            stack.simulator.setOutage(false)
            stack.clock.advance(.minutes(1))
            await stack.recheckUntilQuiet()
            #expect(try await stack.api.get("/v1/transactions/\(id)").stateAndReason == "paid/confirmed")
            #expect(try await stack.api.get("/v1/accounts/ada/grants").grants.map(\.status) == ["open"])
        }
    }

    @Test("one hundred posts at once are one call to Apple and one grant")
    func burst() async throws {
        try await TestStack.with { stack in
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "coins", type: .consumable)
            ).transactionID
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<100 { group.addTask { try await stack.api.post("ada", id).status } }
                return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(statuses == [200: 100])
            #expect(stack.simulator.callsCount(transactionID: id) == 1)
            #expect(try await stack.api.get("/v1/accounts/ada/grants").grants.count == 1)
        }
    }

    @Test("a post beyond those that may wait for Apple is answered at once, and settled all the same")
    func crowdedWait() async throws {
        try await TestStack.with(tune: { $0.postsWaitingMax = 0 }) { stack in
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "pro", type: .nonConsumable)
            ).transactionID
            let posted = try await stack.api.post("ada", id)
            #expect(posted.status == 202 && posted.state == "received")
            await stack.service.pool.join(try #require(TransactionID(validating: id)), atMost: .seconds(60))
            #expect(try await stack.api.post("ada", id).state == "paid")
            #expect(stack.simulator.callsCount(transactionID: id) == 1)
        }
    }

    @Test("a settled answer costs no call while it is fresh, and one when it is not")
    func freshness() async throws {
        try await TestStack.with { stack in
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "pro", type: .nonConsumable)
            ).transactionID
            for _ in 0..<3 { #expect(try await stack.api.post("ada", id).status == 200) }
            #expect(stack.simulator.callsCount(transactionID: id) == 1)
            try stack.simulator.refund(id, SimulatedRefund(kind: .full))
            stack.clock.advance(.days(2))
            #expect(try await stack.api.post("ada", id).state == "refunded")
            #expect(stack.simulator.callsCount(transactionID: id) == 2)
        }
    }

    @Test("a second account gets 409 and a case; the first keeps what it has")
    func secondClaimant() async throws {
        try await TestStack.with { stack in
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "coins", type: .consumable)
            ).transactionID
            _ = try await stack.api.post("ada", id)
            let second = try await stack.api.post("bob", id)
            #expect(second.status == 409 && second.code == "transaction-claimed")
            let again = try await stack.api.post("bob", id)
            #expect(again.json?["caseId"] == second.json?["caseId"])
            #expect(try await stack.count("SELECT count(*) FROM cases") == 1)
            #expect(try await stack.api.get("/v1/accounts/ada/grants").grants.count == 1)
            #expect(try await stack.api.get("/v1/accounts/bob/grants").grants.isEmpty)
        }
    }

    @Test("two accounts racing for one consumable end with one grant and one 409")
    func race() async throws {
        try await TestStack.with { stack in
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "coins", type: .consumable)
            ).transactionID
            async let one = stack.api.post("ada", id).status
            async let two = stack.api.post("bob", id).status
            #expect(try await [one, two].sorted() == [200, 409])
            #expect(try await stack.count("SELECT count(*) FROM grants") == 1)
        }
    }

    @Test("one purchase under two transactionIds is one grant and one sale", arguments: [true, false])
    func restoredUnderAnotherID(restoreFirst: Bool) async throws {
        try await TestStack.with { stack in
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "coins", type: .consumable)
            ).transactionID
            // Apple has been seen to give one purchase two ids, also of a consumable.
            var again = SimulatedPurchase(productID: "coins", type: .consumable)
            again.originalTransactionID = id
            let copy = try stack.simulator.purchase(again).transactionID
            for posted in restoreFirst ? [copy, id] : [id, copy] {
                #expect(try await stack.api.post("ada", posted).stateAndReason == "paid/confirmed")
            }
            #expect(try await stack.api.get("/v1/accounts/ada/grants").grants.count == 1)
            #expect(try await stack.rows("SELECT kind FROM movements") == [["sale"]])
            let owner = try await stack.api.post("bob", copy)
            #expect(owner.status == 409, "restores inherit the owner")
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("an id posted before its restored original is known is absorbed by the chain that has it")
    func absorbed() async throws {
        try await TestStack.with { stack in
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "pro", type: .nonConsumable)
            ).transactionID
            let copy = try stack.simulator.restore(id).transactionID
            stack.simulator.setOutage(true)
            #expect(try await stack.api.post("ada", id).status == 202)
            #expect(try await stack.api.post("ada", copy).status == 202)
            #expect(try await stack.count("SELECT count(*) FROM chains WHERE absorbed_by IS NULL") == 2)
            stack.simulator.setOutage(false)
            stack.clock.advance(.minutes(1))
            await stack.recheckUntilQuiet()
            for posted in [id, copy] {
                #expect(try await stack.api.get("/v1/transactions/\(posted)").state == "paid")
            }
            #expect(try await stack.count("SELECT count(*) FROM chains WHERE absorbed_by IS NULL") == 1)
            #expect(try await stack.api.get("/v1/accounts/ada/entitlements").activeKeys == ["pro"])
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("a refund cancels a delivery that was not credited, and reverses one that was", arguments: [true, false])
    func refundedConsumable(isCredited: Bool) async throws {
        try await TestStack.with { stack in
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "coins", type: .consumable)
            ).transactionID
            _ = try await stack.api.post("ada", id)
            let grant = try #require(try await stack.api.get("/v1/accounts/ada/grants").grants.first).id
            if isCredited {
                for _ in 0..<2 {
                    #expect(try await stack.api.send(.post, "/v1/grants/\(grant)/acknowledge").status == 200)
                }
            }
            try stack.simulator.refund(id, SimulatedRefund(kind: .full))
            _ = try await stack.api.recheck(id)
            let open = try await stack.api.get("/v1/accounts/ada/grants").grants
            if isCredited {
                #expect(open.map(\.kind) == ["reversal"])
            } else {
                #expect(open.isEmpty)
                let late = try await stack.api.send(.post, "/v1/grants/\(grant)/acknowledge")
                #expect(late.status == 409 && late.code == "grant-cancelled")
            }
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("a purchase first seen refunded emits sale and refund, and delivers nothing")
    func firstSeenRefunded() async throws {
        try await TestStack.with { stack in
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "coins", type: .consumable)
            ).transactionID
            try stack.simulator.refund(id, SimulatedRefund(kind: .full))
            let answer = try await stack.api.post("ada", id)
            #expect(answer.status == 200 && answer.state == "refunded" && answer.flag("finish"))
            #expect(try await stack.api.get("/v1/accounts/ada/grants").grants.isEmpty)
            #expect(try await stack.rows("SELECT kind FROM movements ORDER BY sequence") == [["sale"], ["refund"]])
        }
    }

    @Test("a device reads back what it posted, with its claim token, and nothing else")
    func claimToken() async throws {
        try await TestStack.with { stack in
            let receipt = try stack.simulator.purchase(
                SimulatedPurchase(productID: "pro", type: .nonConsumable))
            let posted = try await stack.api.post("ada", signed: receipt.signedTransaction)
            let token = try #require(posted.json?["claimToken"]?.text)
            let name = try #require(HTTPField.Name("Vouch-Claim-Token"))
            let path = "/v1/transactions/\(receipt.transactionID)"
            #expect(try await stack.api.get(path, as: .device, headers: [name: token]).status == 200)
            #expect(try await stack.api.get(path, as: .device).status == 404)
            let forged = String(token.dropLast(2)) + (token.hasSuffix("AA") ? "BB" : "AA")
            #expect(try await stack.api.get(path, as: .device, headers: [name: forged]).status == 404)
            let other = try stack.simulator.purchase(SimulatedPurchase(productID: "pro", type: .nonConsumable))
            _ = try await stack.api.post("bob", other.transactionID)
            let elsewhere = "/v1/transactions/\(other.transactionID)"
            #expect(try await stack.api.get(elsewhere, as: .device, headers: [name: token]).status == 404)
        }
    }
}
