import AppStoreSimulator
import HTTPTypes
import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import TestSupport
import Testing

@Suite("Erasing an account, through the whole stack")
struct EraseStackTests {
    private static let ada = "ada.lovelace@example.com"
    private static let token = "6f1c1e0a-1111-4222-8333-444455556666"

    /// Everything that the ledger can know of Ada; what must not be found any more, and the transactions.
    private static func life(_ stack: TestStack) async throws -> (secrets: [String], ids: [String]) {
        func change(_ purchase: inout SimulatedPurchase) {
            (purchase.appAccountToken, purchase.appTransactionID) = (token, "7700000000000042")
        }
        let receipt = try stack.simulator.purchase(
            SimulatedPurchase(productID: "pro", type: .nonConsumable).with(change))
        let pro = receipt.transactionID
        let coins = try stack.bought("coins", .consumable, change)
        let more = try stack.bought("coins", .consumable, change)
        let gold = try stack.bought("gold", .autoRenewable, change)
        var texts: [String] = []
        for id in [pro, coins, more, gold] {
            let extra = #","appAccountToken":"\#(token)""#
            #expect(try await stack.api.post(ada, id, extra: extra).status == 200)
        }
        let device = try stack.simulator.signedTransaction(pro)
        _ = try await stack.api.post(ada, signed: device)
        let grants = try await stack.api.get("/v1/accounts/\(ada)/grants").grants
        _ = try await stack.api.send(.post, "/v1/grants/\(grants[0].id)/acknowledge")
        for notification in try stack.notifications() {
            #expect(try await stack.deliver(notification).status == 200)
            texts.append(notification.signedPayload)
        }
        #expect(try await stack.api.get("/v1/orders/\(receipt.orderID)", as: .support).status == 200)
        _ = try await stack.api.send(
            .post, "/v1/transactions/\(pro)/recheck", as: .support, json: #"{"why":"Mrs Lovelace called"}"#)
        for why in ["Mrs Lovelace was angry", "Mrs Lovelace is calm"] {
            let made = try await stack.api.send(
                .post, "/v1/accounts/\(ada)/overrides", as: .support,
                json: #"{"key":"\#(why.count)","effect":"grant","why":"\#(why)"}"#)
            guard why.hasSuffix("angry"), let id = made.json?["id"]?.text else { continue }
            _ = try await stack.api.send(
                .delete, "/v1/accounts/\(ada)/overrides", as: .support,
                json: #"{"overrideId":"\#(id)","why":"Mrs Lovelace withdrew"}"#)
        }
        // She claims what is Bob's, and Bob what is hers.
        let bobs = try stack.bought()
        _ = try await stack.api.post("bob", bobs)
        #expect(try await stack.api.post(ada, bobs).status == 409)
        _ = try await stack.api.post(ada, signed: String(device.dropLast()) + "A")
        for id in [pro, coins, more, gold] {
            let proof = try await stack.api.get("/v1/transactions/\(id)/evidence", as: .support)
            texts += (proof.json?["evidence"]?.items ?? []).compactMap { $0["jws"]?.text }
        }
        let secrets = [ada, token, "7700000000000042", receipt.orderID, "Lovelace"]
        return (secrets + (try texts.map(TestStack.payload)), [pro, coins, more, gold])
    }

    @Test("no table holds a word of the account any more, and the ledger says the same as before without it")
    func nothingIsLeft() async throws {
        try await TestStack.with { stack in
            let (secrets, ids) = try await Self.life(stack)
            #expect(secrets.count > 12)
            for secret in secrets {
                #expect(
                    try await !stack.tables(holding: secret).isEmpty,
                    "the search finds \(secret.prefix(60)) while it is there")
            }
            let before = try await stack.export()
            let asOf = try #require(before.header("Vouch-As-Of"))
            let money = try await stack.rows("SELECT m::text FROM movements m ORDER BY sequence")
            let states = try await stack.rows("SELECT t::text FROM transactions t ORDER BY transaction_id")

            let answer = try await stack.erase(Self.ada)
            #expect(answer.status == 200 && answer.json?["status"]?.text == "erased")
            for secret in secrets {
                let tables = try await stack.tables(holding: secret)
                #expect(tables.isEmpty, "\(secret.prefix(60)) is in \(tables)")
            }
            #expect(try await stack.export("&asOf=\(asOf)").body == before.body)
            #expect(try await stack.rows("SELECT m::text FROM movements m ORDER BY sequence") == money)
            #expect(try await stack.rows("SELECT t::text FROM transactions t ORDER BY transaction_id") == states)
            #expect(try await stack.count("SELECT count(*) FROM evidence") > 0)
            #expect(try await stack.count("SELECT count(*) FROM evidence_bodies") > 0, "Bob's proof stays")
            #expect(try await stack.rows("SELECT words FROM reasons") == [["request 7"]])
            for id in ids {
                let proof = try await stack.api.get("/v1/transactions/\(id)/evidence", as: .support)
                #expect(proof.status == 410 && proof.code == "evidence-erased")
                #expect(try await stack.api.get("/v1/transactions/\(id)/explanation", as: .support).status == 200)
                let seen = try await stack.api.get("/v1/transactions/\(id)", as: .support)
                #expect(seen.state == "paid" && seen.json?["accountId"] == .null && seen.json?["claim"] == .null)
            }
            #expect(try await stack.api.get("/v1/accounts/\(Self.ada)/entitlements").json?["entitlements"]?.items == [])
            #expect(try await stack.count("SELECT count(*) FROM entitlements") == 1, "Bob's")
            #expect(try await stack.count("SELECT count(*) FROM grants WHERE status = 'open'") == 0)
            #expect(try await stack.count("SELECT count(*) FROM cases WHERE status = 'open'") == 0)
            #expect(try await stack.count("SELECT count(*) FROM overrides WHERE ended_at IS NULL") == 0)
            try await stack.expectReplayEqualsStore()
            let total = try await ReplayCheck(store: stack.store).run(
                found: { Issue.record("\($0)") }, progress: { _ in })
            #expect(total.differences == 0)
        }
    }

    @Test("what it did is one line of the list, with who and why; a repeat finds nothing, and says so without an error")
    func audit() async throws {
        try await TestStack.with { stack in
            for _ in 0..<3 { _ = try await stack.api.post("ada", stack.bought()) }
            _ = try await stack.api.recheck(stack.bought())
            #expect(try await stack.erase("ada").json?["status"]?.text == "erased")
            let actions = try await stack.api.get("/v1/audit", as: .support).json?["actions"]?.items ?? []
            #expect(actions.map { $0["what"]?.text } == ["account_erased"])
            #expect(actions.first?["who"]?.text == "support-key" && actions.first?["why"]?.text == "request 7")
            #expect(actions.first?["accountId"] == .null)
            for account in ["ada", "nobody"] {
                let again = try await stack.erase(account)
                #expect(again.status == 200 && again.json?["status"]?.text == "unknown")
                #expect(again.json?["erasedAt"] == .null)
            }
            #expect(try await stack.count("SELECT count(*) FROM reasons") == 1)
            #expect(try await stack.count("SELECT count(*) FROM events WHERE rule = 'account_erased'") == 1)
            for role in [Role.app, .admin, .finance] {
                let answer = try await stack.api.send(
                    .post, "/v1/accounts/ada/erase", as: role, json: #"{"why":"x"}"#)
                #expect(answer.status == 403)
            }
            let naming = try await stack.erase("bob-7", why: "Bob-7 asked by mail")
            #expect(naming.status == 400 && naming.pointers == ["/why"])
            #expect(try await stack.erase("bob-7", why: "bob-77 asked").status == 200)
        }
    }

    @Test("the same name is a new account afterwards: it has nothing, and a post asks Apple again and may hold")
    func anew() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought("pro") { $0.appAccountToken = Self.token }
            let extra = #","appAccountToken":"\#(Self.token)""#
            let old = try await stack.api.post("ada", id, extra: extra)
            let claimToken = try #require(old.json?["claimToken"]?.text)
            _ = try await stack.erase("ada")
            let name = try #require(HTTPField.Name("Vouch-Claim-Token"))
            let read = try await stack.api.get("/v1/transactions/\(id)", as: .device, headers: [name: claimToken])
            #expect(read.status == 404, "the old claim opens nothing")

            // Nobody gets it while it can't be told whose it is.
            stack.simulator.setOutage(true)
            stack.clock.advance(.minutes(1))
            let thief = try await stack.api.post("eve", id, extra: #","appAccountToken":"\#(UUIDText.other)""#)
            #expect(thief.json?["claim"]?["status"]?.text == "waiting" && !thief.flag("finish"))
            #expect(try await stack.api.get("/v1/accounts/eve/entitlements").activeKeys == [])
            stack.simulator.setOutage(false)
            stack.clock.advance(.minutes(1))
            let calls = stack.simulator.callsCount()
            let again = try await stack.api.post("ada", id, extra: extra)
            #expect(again.status == 200 && again.flag("finish"))
            #expect(stack.simulator.callsCount() == calls + 1)
            #expect(try await stack.api.post("eve", id).status == 422)
            #expect(try await stack.api.get("/v1/accounts/ada/entitlements").activeKeys == ["pro"])
            #expect(try await stack.api.get("/v1/transactions/\(id)/evidence", as: .support).status == 200)
            #expect(try await stack.count("SELECT count(DISTINCT account_number) FROM claims") == 2)
            #expect(try await stack.count("SELECT count(*) FROM movements") == 1)
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("a notification that waits, and one that comes late: the first goes, the second is needed and kept")
    func notifications() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought("pro") { $0.appAccountToken = Self.token }
            var alteration = NotificationAlteration()
            let ahead = stack.clock.now + Span.minutes(20)
            alteration.envelopeFields["signedDate"] = .integer(ahead.millisecondsSince1970)
            let early = try stack.simulator.signedPayload(
                of: stack.newest("ONE_TIME_CHARGE").notificationUUID, altered: alteration)
            #expect(try await stack.deliver(early).outcome == "waiting")
            _ = try await stack.api.post("ada", id)
            #expect(try await stack.count("SELECT count(*) FROM notification_bodies") == 1)
            _ = try await stack.erase("ada")
            #expect(try await stack.count("SELECT count(*) FROM notification_bodies") == 0)
            try stack.simulator.refund(id)
            #expect(try await stack.deliver(stack.newest("REFUND")).outcome == "applied")
            #expect(try await stack.stateAndReason(id) == "refunded/refund_full")
            #expect(try await stack.exportedRows().count == 2)
            #expect(try await stack.count("SELECT count(*) FROM notification_bodies") == 1)
            #expect(try await stack.count("SELECT count(*) FROM claims") == 0, "nobody is given it by its token")
        }
    }

    private enum UUIDText {
        static let other = "6f1c1e0a-1111-4222-8333-444455550000"
    }
}

extension SimulatedPurchase {
    fileprivate func with(_ change: (inout SimulatedPurchase) -> Void) -> SimulatedPurchase {
        var copy = self
        change(&copy)
        return copy
    }
}
