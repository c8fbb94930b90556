import AppStoreSimulator
import HTTPTypes
import Postgres
import PurchaseCore
import TestSupport
import Testing

@testable import PurchaseService

@Suite("Which notifications are believed")
struct NotificationTrustTests {
    @Test(
        "a forged notification is refused with 400 and changes nothing: the envelope, or a JWS inside it",
        arguments: [true, false])
    func forged(inside: Bool) async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            _ = try await stack.api.post("ada", id)
            try stack.simulator.refund(id)
            let refund = try stack.newest("REFUND")
            for forgery in SimulatedForgery.allCases {
                let alteration: NotificationAlteration = inside ? .forgedTransaction(forgery) : .forgedEnvelope(forgery)
                let forged = try stack.simulator.signedPayload(of: refund.notificationUUID, altered: alteration)
                let answer = try await stack.deliver(forged)
                #expect(answer.status == 400, "\(forgery)")
                #expect(answer.code == "notification-refused", "\(forgery)")
                #expect(try await stack.stateAndReason(id) == "paid/confirmed", "\(forgery)")
            }
            #expect(try await stack.count("SELECT count(*) FROM notifications") == 0)
            let traces = try await stack.count("SELECT count(*) FROM refusals WHERE source = 'notification'")
            #expect(traces == Int64(SimulatedForgery.allCases.count))
            // The genuine one is not a duplicate of any of them.
            #expect(try await stack.deliver(refund).outcome == "applied")
            #expect(try await stack.stateAndReason(id) == "refunded/refund_full")
        }
    }

    @Test("a forged renewal info is refused as well")
    func forgedRenewal() async throws {
        try await TestStack.with { stack in
            _ = try stack.bought("gold", .autoRenewable)
            var alteration = NotificationAlteration()
            alteration.renewalForgery = .signature
            let uuid = try stack.newest("SUBSCRIBED").notificationUUID
            let forged = try stack.simulator.signedPayload(of: uuid, altered: alteration)
            #expect(try await stack.deliver(forged).status == 400)
            #expect(try await stack.count("SELECT count(*) FROM transactions") == 0)
        }
    }

    @Test("what is no notification is 400, or 413 when it is too large; what Apple may add is ignored")
    func malformed() async throws {
        try await TestStack.with { stack in
            let genuine = try stack.simulator.notify(SimulatedNotificationRequest("TEST")).signedPayload
            let path = "/v1/notifications/apple"
            for body in [
                "", "{}", "[]", "null", #"{"signedPayload":""}"#, #"{"signedPayload":7}"#,
                #"{"signedPayload":"a.b.c"}"#,
                #"{"signedPayload":"\#(genuine)","signedPayload":"\#(genuine)"}"#, #"{"signedPayload":"\#(genuine)""#,
            ] {
                let answer = try await stack.api.send(.post, path, as: nil, json: body, validatesRequest: false)
                #expect(answer.status == 400, "\(body.prefix(40))")
            }
            let large = #"{"signedPayload":"\#(String(repeating: "a", count: 256 << 10))"}"#
            #expect(try await stack.api.send(.post, path, as: nil, json: large, validatesRequest: false).status == 413)
            let transaction = try stack.simulator.signedTransaction(try stack.bought())
            #expect(try await stack.deliver(transaction).status == 400, "a transaction is no notification")
            #expect(try await stack.count("SELECT count(*) FROM notifications") == 0)
            let extended = try await stack.api.send(
                .post, path, as: nil, json: #"{"signedPayload":"\#(genuine)","signedLater":{"a":[1]}}"#)
            #expect(extended.outcome == "kept")
        }
    }

    @Test("another app's genuine notification changes nothing")
    func otherApp() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            let uuid = try stack.newest("ONE_TIME_CHARGE").notificationUUID
            let foreign = try stack.simulator.signedPayload(of: uuid, altered: .bundleID("com.example.other"))
            let answer = try await stack.deliver(foreign)
            #expect(answer.status == 200 && answer.outcome == "other_app")
            #expect(try await stack.count("SELECT count(*) FROM transactions") == 0)
            #expect(try await stack.count("SELECT count(*) FROM notifications") == 0)
            #expect(try await stack.count("SELECT count(*) FROM refusals WHERE refusal = 'bundle_mismatch'") == 1)
            #expect(try await stack.stateAndReason(id) == "-/-")
        }
    }

    @Test("our bundle under another app number waits, since a setting is wrong; corrected, it is applied")
    func otherNumber() async throws {
        try await TestStack.with(["VOUCH_APP_APPLE_ID": "99"]) { stack in
            let id = try stack.bought()
            #expect(try await stack.deliver(try stack.newest("ONE_TIME_CHARGE")).outcome == "waiting")
            #expect(try await stack.stateAndReason(id) == "-/-")
            stack.clock.advance(.minutes(2))
            var configuration = stack.service.configuration
            configuration.appAppleID = 1_234_567_890
            let corrected = VouchService(dependencies: stack.service.dependencies, configuration: configuration)
            #expect(await corrected.notificationWorker.tick() == 1)
            #expect(try await stack.storedNotifications() == ["ONE_TIME_CHARGE applied"])
            #expect(try await stack.stateAndReason(id) == "paid/confirmed")
        }
    }

    @Test("a shape that Apple may invent, which names no app in a place that is known, is kept")
    func newShape() async throws {
        try await TestStack.with { stack in
            let payload = try stack.simulator.sign([
                "notificationType": "SOMETHING_NEW", "notificationUUID": "8e5b1cf4-0000-4000-8000-0000000000ff",
                "version": "2.0", "signedDate": .integer(stack.clock.now.millisecondsSince1970),
                "somethingNew": ["bundleId": "com.example.app", "environment": "Production"],
            ])
            #expect(try await stack.deliver(payload).outcome == "kept")
            #expect(try await stack.count("SELECT count(*) FROM notification_bodies") == 1)
        }
    }

    @Test("of a shape that is not known, what can't be trusted yet waits; it is not final")
    func doubtfulShape() async throws {
        try await TestStack.with { stack in
            let ahead = stack.clock.now + Span.minutes(20)
            let payload = try stack.simulator.sign([
                "notificationType": "SOMETHING_NEW", "notificationUUID": "8e5b1cf4-0000-4000-8000-0000000000fe",
                "version": "2.0", "signedDate": .integer(ahead.millisecondsSince1970),
            ])
            #expect(try await stack.deliver(payload).outcome == "waiting")
            stack.clock.advance(.hours(1))
            #expect(await stack.service.notificationWorker.tick() == 1)
            #expect(try await stack.storedNotifications() == ["SOMETHING_NEW kept"])
        }
    }

    @Test("what Apple's history holds of a sound envelope is not thrown away when its inside can't be read")
    func unreadableHistory() async throws {
        try await TestStack.with { stack in
            _ = try stack.bought()
            let uuid = try stack.newest("ONE_TIME_CHARGE").notificationUUID
            let payload = try stack.simulator.signedPayload(of: uuid, altered: .forgedTransaction(.signature))
            let intake = stack.service.notificationIntake
            let first = try await intake.receive(payload, origin: .history)
            #expect(first == .waiting)
            #expect(try await stack.storedNotifications() == ["ONE_TIME_CHARGE waiting"])
            stack.clock.advance(.hours(2))
            _ = await stack.service.notificationWorker.tick()
            #expect(try await stack.storedNotifications() == ["ONE_TIME_CHARGE waiting"])
        }
    }

    @Test("an envelope of ours around another app's transaction is refused")
    func otherAppInside() async throws {
        try await TestStack.with { stack in
            _ = try stack.bought()
            let uuid = try stack.newest("ONE_TIME_CHARGE").notificationUUID
            for field in ["bundleId": "com.example.other", "environment": "Sandbox"] {
                var alteration = NotificationAlteration()
                alteration.transactionFields[field.key] = .string(field.value)
                let mixed = try stack.simulator.signedPayload(of: uuid, altered: alteration)
                #expect(try await stack.deliver(mixed).status == 400)
            }
            #expect(try await stack.count("SELECT count(*) FROM transactions") == 0)
        }
    }

    @Test("a genuine notification of an environment that is not allowed is kept and changes nothing")
    func otherEnvironment() async throws {
        try await TestStack.with(["VOUCH_APP_ENVIRONMENTS": "Production"]) { stack in
            _ = try stack.bought("pro", .nonConsumable) { $0.environment = .sandbox }
            let answer = try await stack.deliver(try stack.newest("ONE_TIME_CHARGE", in: .sandbox))
            #expect(answer.status == 200 && answer.outcome == "not_allowed")
            #expect(try await stack.count("SELECT count(*) FROM transactions") == 0)
            let xcode = try stack.simulator.signedPayload(
                of: try stack.newest("ONE_TIME_CHARGE", in: .sandbox).notificationUUID, altered: .environment("Xcode"))
            #expect(try await stack.deliver(xcode).outcome != "applied")
            #expect(try await stack.count("SELECT count(*) FROM transactions") == 0)
        }
    }

    @Test("the sandbox leaves the app's number out, and that is no fault")
    func sandboxWithoutAppleID() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought("pro", .nonConsumable) { $0.environment = .sandbox }
            #expect(try await stack.deliver(try stack.newest("ONE_TIME_CHARGE", in: .sandbox)).outcome == "applied")
            #expect(try await stack.stateAndReason(id) == "paid/confirmed")
        }
    }

    @Test("what can't be trusted yet is stored, answered 200, and applied later; a repeat meanwhile is a duplicate")
    func waiting() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            // Dated further ahead than clocks differ: nobody can say yet which of the two is wrong.
            var alteration = NotificationAlteration()
            let ahead = stack.clock.now + Span.minutes(20)
            alteration.envelopeFields["signedDate"] = .integer(ahead.millisecondsSince1970)
            let uuid = try stack.newest("ONE_TIME_CHARGE").notificationUUID
            let payload = try stack.simulator.signedPayload(of: uuid, altered: alteration)
            let answer = try await stack.deliver(payload)
            #expect(answer.status == 200 && answer.outcome == "waiting")
            #expect(try await stack.stateAndReason(id) == "-/-")
            #expect(try await stack.deliver(payload).outcome == "duplicate")

            stack.clock.advance(.minutes(2))
            #expect(await stack.service.notificationWorker.tick() == 1)
            #expect(try await stack.storedNotifications() == ["ONE_TIME_CHARGE waiting"])
            stack.clock.advance(.minutes(18))
            #expect(await stack.service.notificationWorker.tick() == 1)
            #expect(try await stack.storedNotifications() == ["ONE_TIME_CHARGE applied"])
            #expect(try await stack.stateAndReason(id) == "paid/confirmed")
            #expect(await stack.service.notificationWorker.tick() == 0)
        }
    }

    @Test("a waiting one whose inside turns out to be unreadable waits on, and its transaction stays unknown")
    func waitingUnreadable() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            var alteration = NotificationAlteration.forgedTransaction(.signature)
            let ahead = stack.clock.now + Span.minutes(20)
            alteration.envelopeFields["signedDate"] = .integer(ahead.millisecondsSince1970)
            let uuid = try stack.newest("ONE_TIME_CHARGE").notificationUUID
            let payload = try stack.simulator.signedPayload(of: uuid, altered: alteration)
            #expect(try await stack.deliver(payload).outcome == "waiting")
            stack.clock.advance(.hours(1))
            _ = await stack.service.notificationWorker.tick()
            #expect(try await stack.storedNotifications() == ["ONE_TIME_CHARGE waiting"])
            #expect(try await stack.stateAndReason(id) == "-/-")
        }
    }

    @Test("one of a store that was not allowed is applied once the setting allows it")
    func allowedLater() async throws {
        try await TestStack.with(["VOUCH_APP_ENVIRONMENTS": "Production"]) { stack in
            let id = try stack.bought("pro", .nonConsumable) { $0.environment = .sandbox }
            let charge = try stack.newest("ONE_TIME_CHARGE", in: .sandbox)
            #expect(try await stack.deliver(charge).outcome == "not_allowed")
            var dependencies = stack.service.dependencies
            dependencies.policy.allowedEnvironments = [.production, .sandbox]
            dependencies.policy.version = PolicyVersion("both-stores")
            let both = VouchService(dependencies: dependencies, configuration: stack.service.configuration)
            _ = try await both.policyWorker.run()
            #expect(await both.notificationWorker.tick() == 1)
            #expect(try await stack.stateAndReason(id) == "paid/confirmed")
            #expect(try await stack.deliver(charge).outcome == "duplicate")
        }
    }

    @Test("under a certificate that has expired since, a notification is no evidence: Apple is asked in its place")
    func expiredLeaf() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            let charge = try stack.newest("ONE_TIME_CHARGE")
            let payload = try stack.simulator.signedPayload(
                of: charge.notificationUUID,
                altered: .expiredLeaf(nowMilliseconds: stack.clock.now.millisecondsSince1970))
            let answer = try await stack.deliver(payload)
            #expect(answer.status == 200 && answer.outcome == "asked")
            #expect(try await stack.stateAndReason(id) == "received/new")
            #expect(try await stack.count("SELECT count(*) FROM evidence") == 0)
            await stack.recheckUntilQuiet()
            #expect(try await stack.stateAndReason(id) == "paid/confirmed")
            // From Apple's own host the same text counts.
            #expect(try await stack.deliver(payload).outcome == "duplicate")
            let found = try await stack.service.notificationIntake.receive(payload, origin: .history)
            #expect(found == .applied)
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test(
        "a fault of ours is 503 with a Retry-After, whatever it is: never a 4xx, so that Apple sends it again",
        arguments: [
            ServiceError.unavailable(retryAfterSeconds: 2), .overloaded(retryAfterSeconds: 1), .fault("a secret"),
        ])
    func faults(error: ServiceError) async throws {
        var stub = StubUseCases()
        stub.onNotification = { _ async throws(ServiceError) in throw error }
        try await withEdge(stub) { client in
            let answer = try await client.send(
                .post, "/v1/notifications/apple", key: nil, bytes: Array(#"{"signedPayload":"a.b.c"}"#.utf8))
            #expect(answer.status == 503)
            #expect(answer.headers[.retryAfter] != nil)
            #expect(!answer.text.contains("secret"))
        }
    }
}
