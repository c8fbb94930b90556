import AppStoreSimulator
import Postgres
import PurchaseCore
import TestSupport
import Testing

@testable import PurchaseService

@Suite("Asking Apple for the status of a subscription")
struct StatusesTests {
    /// A little after the first period's end.
    private static let afterEnd = Span.seconds((30 * 24 * 60 - 2) * 60 + 6)

    @Test("a minute after a post that no notification came with, and not again")
    func first() async throws {
        try await TestStack.with { stack in
            let id = try await stack.subscribe("ada")
            #expect(await stack.pass(.seconds(30)) == 0)
            #expect(await stack.pass(.seconds(31)) == 1)
            #expect(stack.simulator.callsCount(transactionID: id) == 1)
            #expect(try await stack.storedRenewals() == ["app_store 1"])
            #expect(await stack.pass(.hours(3)) == 0)
            #expect(try await stack.access(of: "ada") == "true paid")
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("without any notification the renewal is found at the period's end, for the same account")
    func renewed() async throws {
        try await TestStack.with { stack in
            let id = try await stack.subscribe("ada")
            _ = await stack.pass(.minutes(2))
            stack.clock.advance(.days(29))
            let next = try stack.simulator.renew(id).transactionID
            stack.clock.advance(.hours(23))
            #expect(await stack.pass(.hours(1)) == 1)
            let seen = try await stack.api.get("/v1/transactions/\(next)", as: .support)
            #expect(seen.stateAndReason == "paid/confirmed" && seen.json?["accountId"]?.text == "ada")
            #expect(try await stack.keys(of: "ada") == ["gold"])
            #expect(await stack.pass(.hours(12)) == 0, "the next question is at the end of the new period")
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("one that is over ends with its time; a last look comes before it")
    func over() async throws {
        try await TestStack.with { stack in
            let id = try await stack.subscribe("ada")
            try stack.simulator.setRenewalFields(["autoRenewStatus": 0], of: id)
            _ = await stack.pass(.minutes(2))
            #expect(try await stack.storedRenewals() == ["app_store 0"])
            #expect(await stack.pass(.minutes(30 * 24 * 60 - 11)) == 1, "the customer may have turned it on again")
            #expect(try await stack.access(of: "ada") == "true paid")
            #expect(await stack.pass(.minutes(10)) == 1)
            #expect(try await stack.access(of: "ada") == "false expired")
            #expect(await stack.pass(.days(2)) == 0, "Apple's word from after the end is the last")
        }
    }

    @Test("while Apple can't be asked, access lasts for the leeway and no longer; then it comes back")
    func outage() async throws {
        try await TestStack.with { stack in
            let id = try await stack.subscribe("ada")
            _ = await stack.pass(.minutes(2))
            stack.clock.advance(.days(29))
            _ = try stack.simulator.renew(id)
            stack.clock.advance(.minutes(24 * 60 - 2))
            stack.simulator.setOutage(true)
            #expect(await stack.pass(.seconds(6)) == 1)
            #expect(try await stack.access(of: "ada") == "true renewal_unconfirmed")
            for _ in 1...4 { _ = await stack.pass(.minutes(14)) }
            #expect(try await stack.access(of: "ada") == "true renewal_unconfirmed")
            _ = await stack.pass(.minutes(10))
            #expect(try await stack.access(of: "ada") == "false expired")
            #expect(try await stack.stateAndReason(id) == "paid/confirmed", "an outage changes no state")
            stack.simulator.setOutage(false)
            #expect(await stack.pass(.minutes(20)) >= 1)
            #expect(try await stack.keys(of: "ada") == ["gold"])
        }
    }

    @Test("a grace period that only statuses tell of is served, and not a moment longer")
    func grace() async throws {
        try await TestStack.with { stack in
            let id = try await stack.subscribe("ada")
            _ = await stack.pass(.minutes(2))
            stack.clock.advance(.minutes(30 * 24 * 60 - 3))
            try stack.simulator.failToRenew(id, gracePeriodMilliseconds: Span.days(6).milliseconds)
            #expect(await stack.pass(.minutes(2)) == 1)
            #expect(try await stack.access(of: "ada") == "true grace_period")
            _ = await stack.pass(.days(5))
            #expect(try await stack.access(of: "ada") == "true grace_period")
            _ = await stack.pass(.days(2))
            #expect(try await stack.access(of: "ada") == "false expired")
            // The customer pays at last: found by the daily question.
            let next = try stack.simulator.renew(id).transactionID
            #expect(await stack.pass(.days(1)) >= 1)
            #expect(try await stack.stateAndReason(next) == "paid/confirmed")
            #expect(try await stack.keys(of: "ada") == ["gold"])
        }
    }

    @Test("the customer's other subscriptions in the answer are evidence of their own, claimed or not")
    func others() async throws {
        try await TestStack.with { stack in
            let gold = try await stack.subscribe("ada")
            let unknown = try stack.bought("silver", .autoRenewable, by: "ada-at-apple")
            #expect(await stack.pass(.minutes(2)) == 1)
            let seen = try await stack.api.get("/v1/transactions/\(unknown)", as: .support)
            #expect(seen.stateAndReason == "paid/confirmed" && seen.json?["accountId"] == .null)
            #expect(try await stack.storedRenewals().count == 2)
            #expect(try await stack.keys(of: "ada") == ["gold"])
            // A refund of the other one comes with the next answer.
            try stack.simulator.refund(unknown)
            #expect(await stack.pass(Self.afterEnd) >= 1)
            #expect(try await stack.stateAndReason(unknown) == "refunded/refund_full")
            #expect(try await stack.stateAndReason(gold) == "paid/confirmed")
        }
    }

    @Test("a restored subscription is asked about too")
    func restored() async throws {
        try await TestStack.with { stack in
            _ = try stack.bought("gold", .autoRenewable, by: "ada-at-apple")
            _ = try await stack.api.post("ada", try stack.bought("pro", by: "ada-at-apple"))
            #expect(try await stack.restore("ada").number("claimed") == 1)
            #expect(try await stack.storedRenewals() == [])
            #expect(await stack.pass(.minutes(2)) == 1)
            #expect(try await stack.storedRenewals() == ["app_store 1"])
        }
    }

    @Test("a post asks about the transaction itself, also when the status is due")
    func post() async throws {
        try await TestStack.with(["VOUCH_FRESH_FOR": "PT0S"]) { stack in
            let id = try await stack.subscribe("ada")
            stack.clock.advance(.minutes(2))
            #expect(try await stack.api.post("ada", id).state == "paid")
            #expect(try await stack.storedRenewals() == [])
            #expect(await stack.pass(.seconds(1)) == 1)
            #expect(try await stack.storedRenewals() == ["app_store 1"])
        }
    }
}
