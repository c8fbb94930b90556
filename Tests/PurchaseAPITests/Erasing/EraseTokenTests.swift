import AppStoreSimulator
import Foundation
import HTTPTypes
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("What else carries an erased account's token, and whose proof stays")
struct EraseTokenTests {
    /// An account whose name is its token.
    private static let ada = "6f1c1e0a-1111-4222-8333-444455556666"
    private static let other = "6f1c1e0a-1111-4222-8333-444455550000"

    private static func stating(_ token: String) -> String { #","appAccountToken":"\#(token)""# }

    /// Purchases with Ada's token that only Apple told of; the payloads of what was delivered.
    private static func told(_ stack: TestStack) async throws -> [String] {
        _ = try stack.bought("pro") { $0.appAccountToken = ada }
        _ = try stack.bought("gold", .autoRenewable) { $0.appAccountToken = ada }
        var payloads: [String] = []
        for notification in try stack.notifications() {
            #expect(try await stack.deliver(notification).outcome == "applied")
            payloads.append(try TestStack.payload(notification.signedPayload))
        }
        #expect(payloads.count >= 2)
        return payloads
    }

    private static func expectGone(
        _ payloads: [String], _ stack: TestStack, at location: SourceLocation = #_sourceLocation
    ) async throws {
        for secret in payloads + [ada] {
            let tables = try await stack.tables(holding: secret)
            #expect(tables.isEmpty, "\(secret.prefix(40)) is in \(tables)", sourceLocation: location)
        }
    }

    @Test(
        "texts with the token go too that no claim led to, whether the account was ever seen or not",
        arguments: [false, true])
    func unclaimed(isKnown: Bool) async throws {
        try await TestStack.with { stack in
            let payloads = try await Self.told(stack)
            #expect(try await stack.tables(holding: Self.ada) == ["evidence_bodies", "renewal_bodies"])
            if isKnown { #expect(try await stack.api.post(Self.ada, stack.bought()).status == 200) }
            let movements = try await stack.count("SELECT count(*) FROM movements")
            let answer = try await stack.erase(Self.ada)
            #expect(answer.status == 200 && answer.json?["status"]?.text == (isKnown ? "erased" : "unknown"))
            try await Self.expectGone(payloads, stack)
            #expect(try await stack.count("SELECT count(*) FROM movements") == movements)
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("a text that comes after the erasing goes when it is erased again")
    func again() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought("pro") { $0.appAccountToken = Self.ada }
            #expect(try await stack.api.post(Self.ada, id).status == 200)
            #expect(try await stack.erase(Self.ada).json?["status"]?.text == "erased")
            try stack.simulator.refund(id)
            let refund = try stack.newest("REFUND")
            #expect(try await stack.deliver(refund).outcome == "applied")
            #expect(try await !stack.tables(holding: Self.ada).isEmpty, "Apple's proof is needed")
            #expect(try await stack.erase(Self.ada).json?["status"]?.text == "unknown")
            try await Self.expectGone([TestStack.payload(refund.signedPayload)], stack)
            #expect(try await stack.stateAndReason(id) == "refunded/refund_full")
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("a token that another account states is that one's: erasing what has its name takes nothing from it")
    func others() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought("pro") { $0.appAccountToken = Self.ada }
            #expect(try await stack.api.post("bob", id, extra: Self.stating(Self.ada)).status == 200)
            #expect(try await stack.erase(Self.ada).json?["status"]?.text == "unknown")
            #expect(try await stack.api.get("/v1/transactions/\(id)/evidence", as: .support).status == 200)
            #expect(try await stack.erase("bob").json?["status"]?.text == "erased")
            #expect(try await stack.tables(holding: Self.ada).isEmpty)
        }
    }

    @Test("erasing one whose claim was refused leaves the proof of the one whose token it carries")
    func refused() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought("pro") { $0.appAccountToken = Self.ada }
            #expect(try await stack.api.post("eve", id, extra: Self.stating(Self.other)).status == 422)
            #expect(try await stack.erase("eve").json?["status"]?.text == "erased")
            #expect(try await stack.count("SELECT count(*) FROM claims") == 0)
            #expect(try await stack.api.get("/v1/transactions/\(id)/evidence", as: .support).status == 200)
            let calls = stack.simulator.callsCount()
            #expect(try await stack.api.post(Self.ada, id).flag("finish"))
            #expect(stack.simulator.callsCount() == calls, "what Apple said is still there")
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("nothing is transferred to an account that is being erased: its holder would lose it for nobody")
    func transfer() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            #expect(try await stack.api.post("ada", id).status == 200)
            let dispute = try #require(try await stack.api.post("bob", id).json?["caseId"]?.text)
            try await EraseRaceTests.block(stack, id)
            #expect(try await stack.erase("bob").status == 500)
            let transferred = try await stack.api.send(
                .post, "/v1/cases/\(dispute)/resolve", as: .support, json: #"{"outcome":"transferred","why":"x"}"#)
            #expect(transferred.status == 503)
            try await EraseRaceTests.unblock(stack)
            #expect(try await stack.erase("bob").json?["status"]?.text == "erased")
            #expect(try await stack.api.get("/v1/accounts/ada/entitlements").activeKeys == ["pro"])
            #expect(try await stack.api.get("/v1/transactions/\(id)/evidence", as: .support).status == 200)
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test(
        "a renewal that waits is found by its subscription, also one that an older version stored",
        arguments: [false, true])
    func waitingRenewal(isOlder: Bool) async throws {
        try await TestStack.with { stack in
            let id = try await stack.subscribe("ada")
            _ = try stack.simulator.renew(id)
            var alteration = NotificationAlteration()
            let ahead = stack.clock.now + Span.minutes(20)
            alteration.envelopeFields["signedDate"] = .integer(ahead.millisecondsSince1970)
            let early = try stack.simulator.signedPayload(
                of: stack.newest("DID_RENEW").notificationUUID, altered: alteration)
            #expect(try await stack.deliver(early).outcome == "waiting")
            if isOlder {
                let script = try Self.backfill()
                try await stack.database.withOwnerClient { owner in
                    _ = try await owner.query(
                        "UPDATE notifications SET transaction_id = NULL, original_transaction_id = NULL")
                    _ = try await owner.query(SQL(text: script, values: []))
                }
            }
            let named = try await stack.rows(
                "SELECT original_transaction_id FROM notifications WHERE outcome = 'waiting'")
            #expect(named == [[id]])
            #expect(try await stack.erase("ada").json?["status"]?.text == "erased")
            #expect(try await stack.count("SELECT count(*) FROM notification_bodies") == 0)
        }
    }

    /// The part of the migration that reads the notifications of before.
    private static func backfill() throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let file = try String(contentsOf: root.appending(path: "migrations/000012_add_erasures.sql"), encoding: .utf8)
        let start = try #require(file.range(of: "DO $$")?.lowerBound)
        let end = try #require(file.range(of: "END $$;")?.upperBound)
        return String(file[start..<end].dropLast())
    }

    @Test("words that a commit of unknown outcome has stored are no fault when it is decided again")
    func wordsAgain() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            #expect(try await stack.api.post("ada", id).status == 200)
            try await stack.database.withOwnerClient { owner in
                _ = try await owner.query(
                    """
                    INSERT INTO reasons (reason_number, words) OVERRIDING SYSTEM VALUE
                    SELECT nextval(pg_get_serial_sequence('reasons', 'reason_number')) + 1, 'a test asks'
                    """)
            }
            let answer = try await stack.api.recheck(id)
            #expect(answer.status == 200 || answer.status == 202)
            #expect(try await stack.rows("SELECT words FROM reasons") == [["a test asks"]])
        }
    }
}
