import AppStoreSimulator
import HTTPTypes
import Postgres
import PurchaseCore
import PurchaseStore
import TestSupport
import Testing

@testable import PurchaseService

@Suite("What happens between a notification's look at the ledger and its commit")
struct NotificationRaceTests {
    private static let token = "7e3fb204-2d3d-4f6a-9c5c-0a4d3f1b7a11"
    private static let stating = #","appAccountToken":"\#(token)""#

    /// Takes a notification in as far as the look at the ledger, lets something happen, and takes it in to the end.
    private static func receive(
        _ signedPayload: String, _ stack: TestStack, meanwhile: () async throws -> Void
    ) async throws -> NotificationIntake.Result {
        let intake = stack.service.notificationIntake
        let arrival = NotificationIntake.Arrival(
            jws: signedPayload, origin: .delivery, receivedAt: stack.clock.now, requestID: "race")
        guard case .open(let envelope) = await intake.readEnvelope(arrival) else {
            return .refused("the envelope can't be opened")
        }
        let finding = await intake.judge(envelope)
        guard case .content(.transaction(let content)) = finding else { return .refused("there is no transaction") }
        let standing = try await stack.store.standing(of: intake.subject(of: envelope, finding))
        #expect(standing.outcome == nil)
        try await meanwhile()
        var record = envelope.record
        record.transactionID = content.evidence.facts.transactionID
        record.originalTransactionID = content.evidence.facts.originalTransactionID
        return try await intake.apply(content, record, standing, arrival)
    }

    /// One sale, one notification of the charge, nothing twice, and a ledger that replays to what is stored.
    private static func expectOnce(_ stack: TestStack, at location: SourceLocation = #_sourceLocation) async throws {
        for (statement, expected) in [
            ("SELECT count(*) FROM notifications WHERE notification_type = 'ONE_TIME_CHARGE'" as SQL, 1),
            ("SELECT count(*) FROM movements WHERE kind = 'sale'", 1),
            (
                "SELECT count(*) FROM evidence WHERE source = 'notification' AND notification_type = 'ONE_TIME_CHARGE'",
                1
            ),
            ("SELECT count(*) FROM chains WHERE absorbed_by IS NULL AND original_transaction_id IS NOT NULL", 1),
        ] {
            #expect(try await stack.count(statement) == Int64(expected), "\(statement.text)", sourceLocation: location)
        }
        try await stack.expectReplayEqualsStore(at: location)
    }

    @Test("a purchase that is posted meanwhile keeps its account, and the notification joins its chain")
    func posted() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            let payload = try stack.newest("ONE_TIME_CHARGE").signedPayload
            let result = try await Self.receive(payload, stack) {
                let answer = try await stack.api.post("ada", id)
                #expect(answer.flag("entitled"))
            }
            #expect(result == .applied)
            let seen = try await stack.api.get("/v1/transactions/\(id)")
            #expect(seen.stateAndReason == "paid/confirmed" && seen.json?["accountId"]?.text == "ada")
            try await Self.expectOnce(stack)
        }
    }

    @Test("the same notification, taken in meanwhile by another process, is applied once")
    func delivered() async throws {
        try await TestStack.with { stack in
            _ = try stack.bought("coins", .consumable)
            let charge = try stack.newest("ONE_TIME_CHARGE")
            let result = try await Self.receive(charge.signedPayload, stack) {
                let answer = try await stack.deliver(charge)
                #expect(answer.outcome == "applied")
            }
            #expect(result == .applied)
            try await Self.expectOnce(stack)
        }
    }

    @Test("a refund that is told meanwhile stays: the charge comes late and changes nothing")
    func refunded() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            let payload = try stack.newest("ONE_TIME_CHARGE").signedPayload
            stack.clock.advance(.minutes(1))
            try stack.simulator.refund(id)
            let result = try await Self.receive(payload, stack) {
                let answer = try await stack.deliver(try stack.newest("REFUND"))
                #expect(answer.outcome == "applied")
            }
            #expect(result == .applied)
            #expect(try await stack.stateAndReason(id) == "refunded/refund_full")
            try await Self.expectOnce(stack)
        }
    }

    @Test("a token that becomes known meanwhile links nothing yet; the account's own post does")
    func tokenBecomesKnown() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought("pro", .nonConsumable) { $0.appAccountToken = Self.token }
            let payload = try stack.newest("ONE_TIME_CHARGE").signedPayload
            let result = try await Self.receive(payload, stack) {
                _ = try await stack.api.post("ada", "1", extra: Self.stating)
            }
            #expect(result == .applied)
            #expect(try await stack.api.get("/v1/transactions/\(id)").json?["accountId"] == .null)
            #expect(try await stack.api.post("ada", id).flag("entitled"))
            try await Self.expectOnce(stack)
        }
    }

    @Test(
        "an account that is linked by its token gets what another account has not posted meanwhile",
        arguments: [true, false])
    func claimedMeanwhile(isClaimed: Bool) async throws {
        try await TestStack.with { stack in
            _ = try await stack.api.post("ada", "1", extra: Self.stating)
            let id = try stack.bought("pro", .nonConsumable) { $0.appAccountToken = Self.token }
            let payload = try stack.newest("ONE_TIME_CHARGE").signedPayload
            let result = try await Self.receive(payload, stack) {
                guard isClaimed else { return }
                let answer = try await stack.api.post("bob", id)
                #expect(answer.flag("entitled"))
            }
            #expect(result == .applied)
            let seen = try await stack.api.get("/v1/transactions/\(id)")
            #expect(seen.json?["accountId"]?.text == (isClaimed ? "bob" : "ada"))
            #expect(try await stack.count("SELECT count(*) FROM claims WHERE status = 'held'") == 1)
            try await Self.expectOnce(stack)
        }
    }

    @Test("the same notification many times at once is applied once, whoever comes first")
    func storm() async throws {
        try await TestStack.with { stack in
            _ = try await stack.api.post("ada", "1", extra: Self.stating)
            let id = try stack.bought("coins", .consumable) { $0.appAccountToken = Self.token }
            let charge = try stack.newest("ONE_TIME_CHARGE")
            try await withThrowingTaskGroup(of: String?.self) { group in
                for _ in 0..<24 { group.addTask { try await stack.deliver(charge).outcome } }
                for try await outcome in group { #expect(outcome == "applied" || outcome == "duplicate") }
            }
            #expect(try await stack.api.get("/v1/transactions/\(id)").json?["accountId"]?.text == "ada")
            #expect(try await stack.api.get("/v1/accounts/ada/grants").grants.map(\.status) == ["open"])
            try await Self.expectOnce(stack)
        }
    }
}
