import AppStoreSimulator
import Foundation
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("Restoring what a customer bought")
struct RestoreTests {
    @Test("a reinstall gets everything back, over all pages of the history, and again changes nothing")
    func everything() async throws {
        try await TestStack.with { stack in
            var ids: [String] = []
            for number in 1...42 { ids.append(try stack.bought("thing-\(number)", by: "ada-at-apple")) }
            let subscription = try stack.bought("gold", .autoRenewable, by: "ada-at-apple")
            ids.append(subscription)
            stack.clock.advance(.days(30))
            ids.append(try stack.simulator.renew(subscription).transactionID)
            // Of all this the service has heard of one purchase.
            #expect(try await stack.api.post("ada", ids[7]).state == "paid")

            let answer = try await stack.restore("ada")
            #expect(answer.status == 200 && answer.flag("complete") && answer.nextCursor == nil)
            #expect(answer.number("histories") == 1 && answer.number("found") == 44)
            #expect(answer.number("recorded") == 43 && answer.number("claimed") == 42)
            #expect(answer.number("others") == 0 && answer.number("unclaimed") == 0)
            #expect(answer.restored.sorted() == ids.map { "\($0) paid held" }.sorted())
            #expect(stack.simulator.callsCount() == 3)
            let everything = ((1...42).map { "thing-\($0)" } + ["gold"]).sorted()
            #expect(try await stack.keys(of: "ada") == everything)

            let events = try await stack.count("SELECT count(*) FROM events")
            let evidence = try await stack.count("SELECT count(*) FROM evidence")
            let again = try await stack.restore("ada")
            #expect(again.number("found") == 44 && again.number("recorded") == 0 && again.number("claimed") == 0)
            #expect(again.restored.sorted() == answer.restored.sorted())
            #expect(try await stack.count("SELECT count(*) FROM events") == events)
            #expect(try await stack.count("SELECT count(*) FROM evidence") == evidence)
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("demand 12: the late restore of an old non-consumable is accepted")
    func lateRestore() async throws {
        try await TestStack.with { stack in
            let sixYearsAgo = stack.clock.now - .days(6 * 365)
            let old = try stack.bought("pro", by: "ada-at-apple") {
                $0.purchaseDate = sixYearsAgo.millisecondsSince1970
            }
            let recent = try stack.bought("extra", by: "ada-at-apple")
            _ = try await stack.api.post("ada", recent)
            #expect(try await stack.restore("ada").restored == ["\(old) paid held", "\(recent) paid held"])
            #expect(try await stack.keys(of: "ada") == ["extra", "pro"])
            // StoreKit's own restore makes a new transaction of the same purchase: it is the same right, and one sale.
            let restored = try stack.simulator.restore(old).transactionID
            #expect(try await stack.api.post("ada", restored).flag("entitled"))
            #expect(try await stack.count("SELECT count(*) FROM movements WHERE kind = 'sale'") == 2)
        }
    }

    @Test("a new account begins with the transaction that StoreKit has in hand", arguments: [true, false])
    func inHand(isSigned: Bool) async throws {
        try await TestStack.with { stack in
            let pro = try stack.bought("pro", by: "ada-at-apple")
            let gold = try stack.bought("gold", .autoRenewable, by: "ada-at-apple")
            let nothing = try await stack.restore("ada")
            #expect(nothing.status == 200 && nothing.flag("complete") && nothing.number("histories") == 0)
            #expect(stack.simulator.callsCount() == 0)
            let body =
                isSigned
                ? #"{"signedTransaction":"\#(try stack.simulator.signedTransaction(gold))"}"#
                : #"{"transactionId":"\#(gold)"}"#
            let answer = try await stack.restore("ada", body)
            #expect(answer.status == 200 && answer.flag("complete"))
            #expect(Set(answer.restored) == ["\(pro) paid held", "\(gold) paid held"])
            #expect(try await stack.keys(of: "ada") == ["gold", "pro"])
        }
    }

    @Test("a second account on the same Apple ID gets what nobody has, and nothing of the first")
    func secondAccount() async throws {
        try await TestStack.with { stack in
            let adas = try stack.bought("pro", by: "the-household")
            let bobs = try stack.bought("extra", by: "the-household")
            let nobodys = try stack.bought("gold", .autoRenewable, by: "the-household")
            _ = try await stack.api.post("ada", adas)
            _ = try await stack.api.post("bob", bobs)
            let bob = try await stack.restore("bob")
            #expect(bob.flag("complete") && bob.number("others") == 1 && bob.number("claimed") == 1)
            #expect(Set(bob.restored) == ["\(bobs) paid held", "\(nobodys) paid held"])
            let ada = try await stack.restore("ada")
            #expect(ada.number("others") == 2 && ada.restored == ["\(adas) paid held"])
            #expect(try await stack.keys(of: "ada") == ["pro"])
            #expect(try await stack.keys(of: "bob") == ["extra", "gold"])
            #expect(try await stack.count("SELECT count(*) FROM cases") == 0)
        }
    }

    @Test("a transaction in hand that another account holds opens a case, and restores nothing")
    func dispute() async throws {
        try await TestStack.with { stack in
            let adas = try stack.bought("pro", by: "the-household")
            _ = try stack.bought("gold", .autoRenewable, by: "the-household")
            _ = try await stack.api.post("ada", adas)
            let bob = try await stack.restore("bob", #"{"transactionId":"\#(adas)"}"#)
            #expect(bob.status == 409 && bob.code == "transaction-claimed" && bob.json?["caseId"]?.text != nil)
            #expect(stack.simulator.callsCount() == 0, "nothing is asked for")
            // And the conflict is nothing to begin with later.
            #expect(try await stack.restore("bob").number("histories") == 0)
            #expect(try await stack.keys(of: "bob") == [])
        }
    }

    @Test("a transaction in hand that Apple did not sign is refused")
    func forged() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought("pro", by: "ada-at-apple")
            let jws = try stack.simulator.signedTransaction(id, forgery: .payload)
            let answer = try await stack.restore("ada", #"{"signedTransaction":"\#(jws)"}"#)
            #expect(answer.status == 422 && answer.refusal == "signature_invalid")
            #expect(try await stack.count("SELECT count(*) FROM transactions") == 0)
        }
    }

    @Test("what was refunded comes back refunded: no right, and a sale with its refund")
    func refunded() async throws {
        try await TestStack.with { stack in
            let lost = try stack.bought("pro", by: "ada-at-apple")
            try stack.simulator.refund(lost)
            let kept = try stack.bought("extra", by: "ada-at-apple")
            _ = try await stack.api.post("ada", kept)
            #expect(try await stack.restore("ada").restored == ["\(lost) refunded held", "\(kept) paid held"])
            #expect(try await stack.keys(of: "ada") == ["extra"])
            let rows = try await stack.rows(
                "SELECT kind FROM movements WHERE transaction_id = \(lost) ORDER BY sequence")
            #expect(rows == [["sale"], ["refund"]])
            // A refund that came after the first restore is found by the next one.
            try stack.simulator.refund(kept)
            #expect(try await stack.restore("ada").restored.contains("\(kept) refunded held"))
            #expect(try await stack.keys(of: "ada") == [])
        }
    }

    @Test("a family member gets the shared copy back, which is nobody's revenue")
    func familyShare() async throws {
        try await TestStack.with { stack in
            let payers = try stack.bought("pro", by: "the-payer")
            _ = try await stack.api.post("payer", payers)
            let copy = try stack.simulator.shareWithFamily(payers)
            let own = try stack.bought("extra", by: copy.appTransactionID)
            _ = try await stack.api.post("child", own)
            let answer = try await stack.restore("child")
            #expect(Set(answer.restored) == ["\(copy.transactionID) paid held", "\(own) paid held"])
            #expect(try await stack.keys(of: "child") == ["extra", "pro"])
            #expect(
                try await stack.count(
                    "SELECT count(*) FROM movements WHERE transaction_id = \(copy.transactionID)") == 0)
            #expect(try await stack.restore("payer").restored == ["\(payers) paid held"])
        }
    }

    @Test("consumables are known and left; claimed only where the app says so, and delivered once")
    func consumables() async throws {
        try await TestStack.with { stack in
            let coins = try stack.bought("coins", .consumable, by: "ada-at-apple")
            let pro = try stack.bought("pro", by: "ada-at-apple")
            _ = try await stack.api.post("ada", pro)
            let answer = try await stack.restore("ada")
            #expect(answer.number("unclaimed") == 1 && answer.restored == ["\(pro) paid held"])
            #expect(try await stack.api.get("/v1/accounts/ada/grants").grants.isEmpty)
            #expect(try await stack.stateAndReason(coins) == "paid/confirmed")
            for _ in 1...2 {
                let asked = try await stack.restore("ada", #"{"claimConsumables":true}"#)
                #expect(asked.number("unclaimed") == 0)
                #expect(try await stack.api.get("/v1/accounts/ada/grants").grants.map(\.status) == ["open"])
            }
        }
    }

    @Test("purchases of several Apple IDs and stores are several histories")
    func severalCustomers() async throws {
        try await TestStack.with(["VOUCH_SANDBOX_ACCOUNTS": "all"]) { stack in
            var expected: [String] = []
            for (customer, store) in [
                ("one", SimulatedEnvironment.production), ("two", .production), ("one", .sandbox),
            ] {
                let known = try stack.bought("known-\(customer)-\(store)", by: customer, in: store)
                expected += ["known-\(customer)-\(store)", "other-\(customer)-\(store)"]
                _ = try stack.bought("other-\(customer)-\(store)", by: customer, in: store)
                _ = try await stack.api.post("ada", known)
            }
            let answer = try await stack.restore("ada")
            #expect(answer.flag("complete") && answer.number("histories") == 3 && answer.number("claimed") == 3)
            #expect(try await stack.keys(of: "ada") == expected.sorted())
            #expect(stack.simulator.callsCount() == 3)
        }
    }

    @Test("without Apple's id of the customer one history still serves all that is in it")
    func noCustomerID() async throws {
        try await TestStack.with { stack in
            for name in ["a", "b", "c"] {
                let id = try stack.bought(name, by: "ada-at-apple") { $0.fields["appTransactionId"] = .null }
                _ = try await stack.api.post("ada", id)
            }
            let answer = try await stack.restore("ada")
            #expect(answer.flag("complete") && answer.number("histories") == 1 && stack.simulator.callsCount() == 1)
        }
    }
}
