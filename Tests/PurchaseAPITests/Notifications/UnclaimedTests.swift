import AppStoreSimulator
import HTTPTypes
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("Transactions that nobody posted")
struct UnclaimedTests {
    @Test("a notification about an unknown transaction creates it, paid and nobody's")
    func created() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            #expect(try await stack.deliver(try stack.newest("ONE_TIME_CHARGE")).outcome == "applied")
            let seen = try await stack.api.get("/v1/transactions/\(id)", as: .support)
            #expect(seen.stateAndReason == "paid/confirmed")
            #expect(seen.json?["accountId"] == .null && seen.json?["claim"] == .null && !seen.flag("entitled"))
            #expect(try await stack.count("SELECT count(*) FROM movements WHERE kind = 'sale'") == 1)
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("a later claim takes it at once, without a call to Apple; a second claimant is refused")
    func claimedLater() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought("coins", .consumable)
            _ = try await stack.deliver(try stack.newest("ONE_TIME_CHARGE"))
            let answer = try await stack.api.post("ada", id)
            #expect(answer.status == 200 && answer.flag("finish"))
            #expect(stack.simulator.callsCount(transactionID: id) == 0)
            #expect(try await stack.api.get("/v1/accounts/ada/grants").grants.map(\.status) == ["open"])
            #expect(try await stack.api.post("bob", id).status == 409)
        }
    }

    @Test("after a day the evidence is no longer fresh, and the claim asks Apple")
    func claimedMuchLater() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            _ = try await stack.deliver(try stack.newest("ONE_TIME_CHARGE"))
            try stack.simulator.refund(id)
            stack.clock.advance(.days(2))
            #expect(try await stack.api.post("ada", id).state == "refunded")
            #expect(stack.simulator.callsCount(transactionID: id) == 1)
        }
    }

    /// UUIDs as Apple may send them: the comparison knows no case.
    private static let token = "7E3FB204-2D3D-4F6A-9C5C-0A4D3F1B7A11"

    @Test("an appAccountToken that an account is known by links the purchase to it at once", arguments: [0, 1, 2])
    func linked(way: Int) async throws {
        let namespace = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
        try await TestStack.with(way == 2 ? ["VOUCH_ACCOUNT_TOKEN_NAMESPACE": namespace] : [:]) { stack in
            // The account is known by an earlier purchase.
            let earlier = try stack.bought("coins", .consumable)
            let (account, token): (String, String)
            switch way {
            case 0:
                (account, token) = ("ada", Self.token)
                _ = try await stack.api.post(account, earlier, extra: #","appAccountToken":"\#(token)""#)
            case 1:
                (account, token) = (Self.token.lowercased(), Self.token)
                _ = try await stack.api.post(account, earlier)
            default:
                // UUIDv5 of "python.org" in the namespace of DNS names.
                (account, token) = ("python.org", "886313e1-3b8a-5372-9b90-0c9aee199e5d")
                _ = try await stack.api.post(account, earlier)
            }
            let id = try stack.bought("pro", .nonConsumable) { $0.appAccountToken = token }
            #expect(try await stack.deliver(try stack.newest("ONE_TIME_CHARGE")).outcome == "applied")
            let seen = try await stack.api.get("/v1/transactions/\(id)")
            #expect(seen.stateAndReason == "paid/confirmed" && seen.json?["accountId"]?.text == account)
            #expect(try await stack.api.get("/v1/accounts/\(account)/entitlements").activeKeys == ["pro"])
            #expect(stack.simulator.callsCount(transactionID: id) == 0)
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("a token that two accounts state, or none, links nothing; nor does one in a family share")
    func notLinked() async throws {
        try await TestStack.with { stack in
            for account in ["ada", "bob"] {
                let extra = #","appAccountToken":"\#(Self.token)""#
                _ = try await stack.api.post(account, try stack.bought("coins", .consumable), extra: extra)
            }
            let ambiguous = try stack.bought("pro", .nonConsumable) { $0.appAccountToken = Self.token }
            _ = try await stack.deliver(try stack.newest("ONE_TIME_CHARGE"))
            #expect(try await stack.api.get("/v1/transactions/\(ambiguous)").json?["accountId"] == .null)

            let unknown = try stack.bought("pro", .nonConsumable) {
                $0.appAccountToken = "00000000-1111-4222-8333-444444444444"
            }
            _ = try await stack.deliver(try stack.newest("ONE_TIME_CHARGE"))
            #expect(try await stack.api.get("/v1/transactions/\(unknown)").json?["accountId"] == .null)

            let own = "9b2d7c10-0000-4000-8000-0000000000aa"
            let payer = try stack.bought("pro", .nonConsumable) { $0.appAccountToken = own }
            _ = try await stack.api.post(own, payer)
            let shared = try stack.simulator.shareWithFamily(payer).transactionID
            _ = try await stack.deliver(try stack.newest("ONE_TIME_CHARGE"))
            #expect(try await stack.api.get("/v1/transactions/\(shared)").json?["accountId"] == .null)
        }
    }

    @Test("an account that only a publishable key has named is linked to nothing")
    func inventedAccount() async throws {
        try await TestStack.with { stack in
            let victim = Self.token.lowercased()
            _ = try await stack.api.post(victim, "1", as: .device)
            let id = try stack.bought("pro", .nonConsumable) { $0.appAccountToken = Self.token }
            _ = try await stack.deliver(try stack.newest("ONE_TIME_CHARGE"))
            let seen = try await stack.api.get("/v1/transactions/\(id)")
            #expect(seen.json?["accountId"] == .null)
            #expect(try await stack.api.post("the-real-account", id).flag("entitled"))
        }
    }

    @Test("a link never takes a purchase from the account that has it")
    func neverTaken() async throws {
        try await TestStack.with { stack in
            let extra = #","appAccountToken":"\#(Self.token)""#
            let id = try stack.bought("gold", .autoRenewable)
            _ = try await stack.api.post("ada", id)
            _ = try await stack.api.post("bob", try stack.bought("coins", .consumable), extra: extra)
            // From the next period on the subscription carries the token of another account.
            stack.clock.advance(.days(30))
            let next = try stack.simulator.renew(id).transactionID
            try stack.simulator.setFields(["appAccountToken": .string(Self.token)], of: next)
            let uuid = try stack.newest("DID_RENEW").notificationUUID
            var alteration = NotificationAlteration()
            alteration.transactionFields["appAccountToken"] = .string(Self.token)
            _ = try await stack.deliver(try stack.simulator.signedPayload(of: uuid, altered: alteration))
            #expect(try await stack.api.get("/v1/transactions/\(next)").json?["accountId"]?.text == "ada")
            #expect(try await stack.count("SELECT count(*) FROM cases") == 0)
        }
    }
}
