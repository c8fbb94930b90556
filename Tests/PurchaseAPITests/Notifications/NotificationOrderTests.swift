import AppStoreSimulator
import HTTPTypes
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("Notifications in any order")
struct NotificationOrderTests {
    @Test("a refund three weeks later takes the entitlement away without anybody asking")
    func lateRefund() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            #expect(try await stack.api.post("ada", id).flag("entitled"))
            stack.clock.advance(.days(21))
            try stack.simulator.refund(id)
            #expect(try await stack.deliver(try stack.newest("REFUND")).outcome == "applied")
            #expect(try await stack.stateAndReason(id) == "refunded/refund_full")
            #expect(try await stack.api.get("/v1/accounts/ada/entitlements").activeKeys == [])
        }
    }

    @Test("refund, then REFUND_REVERSED, then the REFUND again: paid", arguments: [true, false])
    func refundRedelivered(sameUUID: Bool) async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            _ = try await stack.api.post("ada", id)
            try stack.simulator.refund(id)
            let refund = try stack.newest("REFUND")
            _ = try await stack.deliver(refund)
            // Signed while the refund stood, sent under an id of its own later.
            var renamed = NotificationAlteration()
            renamed.envelopeFields["notificationUUID"] = "8e5b1cf4-0000-4000-8000-000000000001"
            let again =
                sameUUID
                ? refund.signedPayload
                : try stack.simulator.signedPayload(of: refund.notificationUUID, altered: renamed)
            stack.clock.advance(.minutes(5))
            try stack.simulator.reverseRefund(id)
            _ = try await stack.deliver(try stack.newest("REFUND_REVERSED"))
            #expect(try await stack.stateAndReason(id) == "paid/refund_reversed")
            #expect(try await stack.deliver(again).outcome == (sameUUID ? "duplicate" : "applied"))
            #expect(try await stack.stateAndReason(id) == "paid/refund_reversed")
            #expect(try await stack.api.get("/v1/accounts/ada/entitlements").activeKeys == ["pro"])
            let movements = try await stack.rows(
                "SELECT kind, amount_milliunits::text FROM movements ORDER BY sequence")
            #expect(movements == [["sale", "4990"], ["refund", "-4990"], ["reversal", "4990"]])
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("purchase, refund and reversal end the same in each of their orders", arguments: [0, 1, 2, 3, 4, 5])
    func permutations(order: Int) async throws {
        try await TestStack.with { stack in
            let id = try stack.bought("coins", .consumable)
            _ = try await stack.api.post("ada", id)
            stack.clock.advance(.minutes(1))
            try stack.simulator.refund(id)
            stack.clock.advance(.minutes(1))
            try stack.simulator.reverseRefund(id)
            var three = ["ONE_TIME_CHARGE", "REFUND", "REFUND_REVERSED"]
            var inOrder: [String] = []
            for divisor in [2, 1, 1] { inOrder.append(three.remove(at: order / divisor % three.count)) }
            for type in inOrder { #expect(try await stack.deliver(try stack.newest(type)).outcome == "applied") }
            #expect(try await stack.stateAndReason(id) == "paid/refund_reversed", "\(inOrder)")
            let sum = try await stack.count("SELECT sum(amount_milliunits)::bigint FROM movements")
            #expect(sum == 4_990, "\(inOrder)")
            // What was never credited is either still open or was cancelled and given again: one delivery, net.
            let open = try await stack.count(
                """
                SELECT sum(CASE WHEN status = 'cancelled' THEN 0 WHEN kind = 'reversal' THEN -amount ELSE amount END)::bigint
                FROM grants
                """)
            #expect(open == 1, "\(inOrder)")
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("the same refund under two revocationDates is one refund")
    func twoRevocationDates() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            _ = try await stack.api.post("ada", id)
            try stack.simulator.refund(id)
            let refund = try stack.newest("REFUND")
            _ = try await stack.deliver(refund)
            var moved = NotificationAlteration()
            moved.envelopeFields["notificationUUID"] = "8e5b1cf4-0000-4000-8000-000000000002"
            moved.transactionFields["revocationDate"] = .integer(
                (stack.clock.now + Span.hours(3)).millisecondsSince1970)
            moved.transactionFields["signedDate"] = .integer((stack.clock.now + Span.minutes(1)).millisecondsSince1970)
            let again = try stack.simulator.signedPayload(of: refund.notificationUUID, altered: moved)
            #expect(try await stack.deliver(again).outcome == "applied")
            #expect(try await stack.count("SELECT count(*) FROM movements WHERE kind = 'refund'") == 1)
            #expect(try await stack.count("SELECT sum(amount_milliunits)::bigint FROM movements") == 0)
        }
    }

    @Test("a notification with a stale transaction inside never un-refunds", arguments: [true, false])
    func stale(keepingDate: Bool) async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            _ = try await stack.api.post("ada", id)
            stack.clock.advance(.minutes(1))
            try stack.simulator.refund(id)
            let refund = try stack.newest("REFUND")
            _ = try await stack.deliver(refund)
            stack.clock.advance(.minutes(1))
            var alteration = NotificationAlteration.stale(keepingDate: keepingDate)
            alteration.envelopeFields["notificationUUID"] = "8e5b1cf4-0000-4000-8000-000000000003"
            alteration.envelopeFields["notificationType"] = "REFUND_DECLINED"
            let old = try stack.simulator.signedPayload(of: refund.notificationUUID, altered: alteration)
            #expect(try await stack.deliver(old).outcome == "applied")
            #expect(try await stack.stateAndReason(id) == "refunded/refund_full")
            // Where it claims to be newer, Apple is asked who is right, and says it again.
            for span in [Span.minutes(2), .minutes(15), .minutes(60)] {
                stack.clock.advance(span)
                await stack.recheckUntilQuiet()
            }
            #expect(try await stack.stateAndReason(id) == "refunded/refund_full")
        }
    }

    @Test("a device's JWS from before the refund doesn't undo what the notification said")
    func deviceAfterRefund() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            let before = try stack.simulator.signedTransaction(id)
            _ = try await stack.api.post("ada", id)
            stack.clock.advance(.minutes(1))
            try stack.simulator.refund(id)
            _ = try await stack.deliver(try stack.newest("REFUND"))
            let answer = try await stack.api.post("ada", signed: before)
            #expect(answer.status == 200 && answer.stateAndReason == "refunded/refund_full" && !answer.flag("entitled"))
        }
    }

    @Test("REVOKE takes the access of that family member alone")
    func familyRevoke() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            let (first, second) = (
                try stack.simulator.shareWithFamily(id).transactionID,
                try stack.simulator.shareWithFamily(id).transactionID
            )
            for (account, transaction) in [("payer", id), ("first", first), ("second", second)] {
                #expect(try await stack.api.post(account, transaction).flag("entitled"))
            }
            try stack.simulator.stopSharing(first)
            #expect(try await stack.deliver(try stack.newest("REVOKE")).outcome == "applied")
            #expect(try await stack.stateAndReason(first) == "refunded/family_revoke")
            for (account, keys) in [("payer", ["pro"]), ("first", []), ("second", ["pro"])] {
                let active = try await stack.api.get("/v1/accounts/\(account)/entitlements").activeKeys
                #expect(active == keys, "\(account)")
            }
            // A family share was never revenue, so nothing is given back.
            #expect(try await stack.count("SELECT count(*) FROM movements WHERE kind = 'refund'") == 0)
        }
    }

    @Test("a refund of an earlier renewal period is in the ledger and the feed; the current period stays paid")
    func earlierPeriod() async throws {
        try await TestStack.with { stack in
            let first = try stack.bought("gold", .autoRenewable)
            _ = try await stack.api.post("ada", first)
            stack.clock.advance(.days(30))
            let second = try stack.simulator.renew(first).transactionID
            _ = try await stack.deliver(try stack.newest("DID_RENEW"))
            try stack.simulator.refund(first)
            _ = try await stack.deliver(try stack.newest("REFUND"))
            #expect(try await stack.stateAndReason(first) == "refunded/refund_full")
            #expect(try await stack.stateAndReason(second) == "paid/confirmed")
            #expect(
                try await stack.count(
                    "SELECT count(*) FROM changes WHERE kind = 'state' AND transaction_id = \(first)") >= 2)
            #expect(try await stack.count("SELECT count(*) FROM movements WHERE kind = 'refund'") == 1)
        }
    }

    @Test("REFUND_REVERSED of a one-time product gives back that product and makes no subscription of it")
    func reversalOfOneTimeProduct() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            _ = try await stack.api.post("ada", id)
            try stack.simulator.refund(id)
            _ = try await stack.deliver(try stack.newest("REFUND"))
            stack.clock.advance(.minutes(1))
            try stack.simulator.reverseRefund(id)
            _ = try await stack.deliver(try stack.newest("REFUND_REVERSED"))
            let entitlements = try await stack.api.get("/v1/accounts/ada/entitlements").json?["entitlements"]?.items
            #expect(entitlements?.count == 1)
            #expect(entitlements?.first?["until"] == .null)
            #expect(try await stack.api.get("/v1/transactions/\(id)").json?["type"]?.text == "Non-Consumable")
        }
    }

    @Test("five deliveries of one notification at once are one event")
    func concurrentRepeats() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            let charge = try stack.newest("ONE_TIME_CHARGE")
            let outcomes = try await withThrowingTaskGroup(of: String?.self) { group in
                for _ in 0..<5 { group.addTask { try await stack.deliver(charge).outcome } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.allSatisfy { ["applied", "duplicate"].contains($0) })
            #expect(try await stack.count("SELECT count(*) FROM notifications") == 1)
            #expect(try await stack.count("SELECT count(*) FROM events") == 1)
            #expect(try await stack.stateAndReason(id) == "paid/confirmed")
        }
    }
}
