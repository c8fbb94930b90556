import AppStoreSimulator
import Hummingbird
import HummingbirdTesting
import Testing

@Suite("Notifications in the control interface")
struct NotificationControlTests {
    private let simulator: AppStoreSimulator

    init() throws {
        simulator = try AppStoreSimulator()
    }

    private func test(_ body: @Sendable (any TestClientProtocol) async throws -> Void) async throws {
        try await simulator.buildApplication().test(.router, body)
    }

    private func names(in environment: SimulatedEnvironment = .production) throws -> [String] {
        try simulator.notifications(in: environment).map {
            [$0.notificationType, $0.subtype].compactMap { $0 }.joined(separator: "/")
        }
    }

    @Test("a URL is set and taken away for each environment")
    func url() async throws {
        try await test { client async throws in
            let set = try await client.send(.put, "/control/notification-url", ["url": "https://app.example/n"])
            #expect(try set.object() == ["Production": "https://app.example/n", "Sandbox": .null])
            _ = try await client.send(
                .put, "/control/notification-url", ["url": "https://app.example/s", "environment": "Sandbox"])
            _ = try await client.send(.put, "/control/notification-url", ["url": .null])
            let seen = try await client.send(.get, "/control/notification-url").object()
            #expect(seen == ["Production": .null, "Sandbox": "https://app.example/s"])
        }
    }

    @Test("a subscription's life is commanded act by act")
    func subscription() async throws {
        try await test { client async throws in
            let bought = try await client.send(
                .post, "/control/purchases", ["productId": "pro", "type": "Auto-Renewable Subscription"])
            let id = try #require(bought.object()["transactionId"]?.stringValue)
            let acts: [(path: String, body: SimulatorJSONObject)] = [
                ("auto-renew", ["on": false]), ("auto-renew", ["on": true]),
                ("renewal-preference", ["productId": "lesser"]), ("raise-price", ["price": 9990, "isAccepted": true]),
                ("extend", ["days": 2]), ("fail-to-renew", ["gracePeriodMilliseconds": 1000]),
                ("end-grace-period", [:]),
            ]
            for act in acts {
                let answer = try await client.send(.post, "/control/subscriptions/\(id)/\(act.path)", act.body)
                #expect(answer.status == .noContent, "\(act.path)")
            }
            let early = try await client.send(.post, "/control/subscriptions/\(id)/expire")
            #expect(early.status == .conflict)
            _ = try await client.send(.post, "/control/clock", ["advanceMilliseconds": 3_000_000_000])
            let expired = try await client.send(
                .post, "/control/subscriptions/\(id)/expire", ["because": "PRODUCT_NOT_FOR_SALE"])
            #expect(expired.status == .noContent)
            #expect(try await client.send(.post, "/control/subscriptions/\(id)/resubscribe").status == .created)
            #expect(
                try names() == [
                    "SUBSCRIBED/INITIAL_BUY", "DID_CHANGE_RENEWAL_STATUS/AUTO_RENEW_DISABLED",
                    "DID_CHANGE_RENEWAL_STATUS/AUTO_RENEW_ENABLED", "DID_CHANGE_RENEWAL_PREF/DOWNGRADE",
                    "PRICE_INCREASE/ACCEPTED", "RENEWAL_EXTENDED", "DID_FAIL_TO_RENEW/GRACE_PERIOD",
                    "GRACE_PERIOD_EXPIRED", "EXPIRED/PRODUCT_NOT_FOR_SALE", "SUBSCRIBED/RESUBSCRIBE",
                ])
        }
    }

    @Test("a purchase's acts: sharing ends, a refund is asked for and declined")
    func purchaseActs() async throws {
        let id = try simulator.purchase(SimulatedPurchase(productID: "level", type: .nonConsumable)).transactionID
        try simulator.shareWithFamily(id)
        try await test { client async throws in
            let path = "/control/transactions/\(id)"
            #expect(try await client.send(.post, path + "/stop-sharing").status == .ok)
            #expect(try await client.send(.post, path + "/stop-sharing").status == .conflict)
            let asked = try await client.send(
                .post, path + "/request-consumption", ["consumptionRequestReason": "LEGAL"])
            #expect(asked.status == .noContent)
            #expect(try await client.send(.post, path + "/decline-refund").status == .noContent)
        }
        #expect(
            try names() == [
                "ONE_TIME_CHARGE", "ONE_TIME_CHARGE", "REVOKE", "CONSUMPTION_REQUEST", "REFUND_DECLINED",
            ])
    }

    @Test("notifications are made, listed, read and altered")
    func notifications() async throws {
        let id = try simulator.purchase(SimulatedPurchase(productID: "pro", type: .autoRenewable)).transactionID
        try await test { client async throws in
            let bodies: [SimulatorJSONObject] = [
                ["notificationType": "METADATA_UPDATE", "transactionId": .string(id)],
                [
                    "notificationType": "OFFER_REDEEMED", "transactionId": .string(id),
                    "renewalInfo": ["offerType": 2], "data": ["bundleVersion": "9"],
                ],
                ["notificationType": "RENEWAL_EXTENSION", "subtype": "SUMMARY", "summary": ["failedCount": 1]],
                ["notificationType": "EXTERNAL_PURCHASE_TOKEN", "externalPurchaseToken": [:]],
                ["notificationType": "RESCIND_CONSENT", "appData": [:]],
                ["notificationType": "TEST"],
            ]
            var last = SimulatorJSONObject()
            for body in bodies {
                let answer = try await client.send(.post, "/control/notifications", body)
                #expect(answer.status == .created)
                last = try answer.object()
            }
            #expect(last["notificationType"] == "TEST")
            let listed = try await client.send(.get, "/control/notifications?after=1").object()
            #expect(listed["count"] == 7)
            #expect(listed["notifications"]?.arrayValue?.count == 6)
            let uuid = try #require(
                listed["notifications"]?.arrayValue?[1].objectValue?["notificationUUID"]?.stringValue)
            let one = try await client.send(.get, "/control/notifications/\(uuid)").object()
            let seen = try NotificationInspection(one["signedPayload"]?.stringValue ?? "")
            #expect(seen.envelope.string("notificationType") == "OFFER_REDEEMED")
            #expect(seen.renewal?.integer("offerType") == 2)
            #expect(seen.member()["bundleVersion"] as? String == "9")
            let altered = try await client.send(
                .post, "/control/notifications/\(uuid)/altered", ["forgeTransaction": "chain1"])
            let forged = try NotificationInspection(altered.object()["signedPayload"]?.stringValue ?? "")
            #expect(forged.transaction?.certificates.count == 1)
        }
    }

    @Test("every kind of notification fault is accepted, listed and removed, and held ones are released")
    func faults() async throws {
        try await test { client async throws in
            let faults: [SimulatorJSONObject] = [
                ["kind": "drop"], ["kind": "drop", "recordedAs": "TIMED_OUT"], ["kind": "repeat", "copies": 3],
                ["kind": "delay", "milliseconds": 10], ["kind": "alter", "memberFields": ["bundleId": "other"]],
                ["kind": "alter", "stale": true, "oldSignedDate": true, "forgeRenewal": "signature"],
                ["kind": "hold"],
            ]
            for fault in faults {
                let answer = try await client.send(
                    .post, "/control/notification-faults",
                    ["fault": .object(fault), "notificationType": "NEVER", "environment": "Sandbox", "times": .null])
                #expect(answer.status == .created, "\(fault)")
            }
            let listed = try await client.send(.get, "/control/notification-faults").object()["faults"]?.arrayValue
            #expect(listed?.map { $0.objectValue?["kind"] } == faults.map { $0["kind"] })
            #expect(try await client.send(.delete, "/control/notification-faults/2").status == .noContent)
            #expect(try await client.send(.delete, "/control/notification-faults/2").status == .notFound)
            #expect(try await client.send(.delete, "/control/notification-faults").status == .noContent)

            _ = try await client.send(.post, "/control/notification-faults", ["fault": ["kind": "hold"]])
            _ = try await client.send(.post, "/control/notifications", ["notificationType": "TEST"])
            #expect(try simulator.notifications(in: .production).map(\.isHeld) == [true])
            let released = try await client.send(.post, "/control/notifications/release", ["shuffled": true])
            #expect(try released.object() == ["released": 1])
            #expect(try await client.send(.post, "/control/notifications/expire-tokens").status == .noContent)
        }
    }

    static let refusals: [(path: String, body: String, named: String)] = [
        ("notifications", "{}", "notificationType"),
        ("notifications", #"{"notificationType": "A", "transactionId": "1", "summary": {}}"#, "one content"),
        ("notifications", #"{"notificationType": "A", "renewalInfo": {}}"#, "transactionId"),
        ("notifications", #"{"notificationType": ""}"#, "1 to 100"),
        ("notifications/x/altered", #"{"forge": "chain1"}"#, "forgeEnvelope"),
        ("notifications/x/altered", #"{"forgeEnvelope": "x"}"#, "foreignRoot"),
        ("notifications/x/altered", "{}", "no notification x"),
        ("notification-faults", #"{"fault": {"kind": "gremlin"}}"#, "gremlin"),
        ("notification-faults", #"{"fault": {"kind": "drop", "recordedAs": "LOST"}}"#, "TLS_ISSUE"),
        ("notification-faults", #"{"fault": {"kind": "repeat", "copies": 1}}"#, "copies"),
        ("notification-faults", #"{"fault": {"kind": "delay"}}"#, "milliseconds"),
    ]

    @Test("what nobody understands is refused by name", arguments: refusals)
    func refused(path: String, body: String, named: String) async throws {
        try await test { client async throws in
            let answer = try await client.send(.post, "/control/" + path, text: body)
            #expect(answer.status == .badRequest)
            let sentence = try answer.object()["error"]?.stringValue
            #expect(sentence?.contains(named) == true, "\(sentence ?? "")")
        }
    }

    @Test("a wrong URL is refused")
    func wrongURL() async throws {
        try await test { client async throws in
            for body in [#"{}"#, #"{"url": "ftp://a"}"#, #"{"url": 1}"#, #"{"url": null, "environment": "Xcode"}"#] {
                let answer = try await client.send(.put, "/control/notification-url", text: body)
                #expect(answer.status == .badRequest, "\(body)")
            }
        }
    }
}
