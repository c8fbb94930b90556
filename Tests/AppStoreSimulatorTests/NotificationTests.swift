import Foundation
import Testing

@testable import AppStoreSimulator

/// A notification taken apart, envelope and what is inside.
struct NotificationInspection {
    let envelope: SignedInspection
    let transaction: SignedInspection?
    let renewal: SignedInspection?

    init(_ signedPayload: String) throws {
        envelope = try SignedInspection(signedPayload)
        let data = envelope.payload["data"] as? [String: Any]
        transaction = try (data?["signedTransactionInfo"] as? String).map { try SignedInspection($0) }
        renewal = try (data?["signedRenewalInfo"] as? String).map { try SignedInspection($0) }
    }

    func member(_ name: String = "data") -> [String: Any] { envelope.payload[name] as? [String: Any] ?? [:] }

    /// The defects of all that is signed, by name.
    func defects(_ simulator: AppStoreSimulator) async throws -> [String: Set<SignedInspection.Defect>] {
        let root = simulator.keys.authority.root
        var defects = ["envelope": try await envelope.defects(under: root)]
        defects["transaction"] = try await transaction?.defects(under: root)
        defects["renewal"] = try await renewal?.defects(under: root)
        return defects.filter { !$0.value.isEmpty }
    }
}

@Suite("What the simulator notifies about")
struct NotificationTests {
    private let clock = TestClock()
    private let simulator: AppStoreSimulator

    init() throws {
        var configuration = AppStoreSimulator.Configuration()
        configuration.requiresAuthentication = false
        simulator = try AppStoreSimulator(configuration: configuration, clock: clock.simulatorClock)
    }

    private func buy(
        _ type: SimulatedProductType, in environment: SimulatedEnvironment = .production
    ) throws -> String {
        try simulator.purchase(SimulatedPurchase(productID: "product", type: type, environment: environment))
            .transactionID
    }

    private func made(
        in environment: SimulatedEnvironment = .production, by act: () throws -> Void
    ) throws -> [SimulatedNotification] {
        let before = simulator.notificationsCount(in: environment)
        try act()
        return try simulator.notifications(in: environment, after: before)
    }

    private func names(_ notifications: [SimulatedNotification]) -> [String] {
        notifications.map { [$0.notificationType, $0.subtype].compactMap { $0 }.joined(separator: "/") }
    }

    /// The status that the Statuses call reports for the only subscription of a transaction's customer.
    private func status(of id: String) throws -> (status: Int64?, renewal: SignedInspection) {
        let call = StoreCall(method: "GET", environment: .production, path: "/inApps/v1/subscriptions/\(id)")
        let body = try #require(SimulatorJSON(parsing: simulator.respond(to: call).body).objectValue)
        let group = body["data"]?.arrayValue?.first?.objectValue
        let item = group?["lastTransactions"]?.arrayValue?.first?.objectValue
        return (
            item?["status"]?.integerValue, try SignedInspection(item?["signedRenewalInfo"]?.stringValue ?? "")
        )
    }

    @Test(
        "a purchase that isn't a subscription is a ONE_TIME_CHARGE",
        arguments: [SimulatedProductType.consumable, .nonConsumable, .nonRenewing])
    func oneTimeCharge(type: SimulatedProductType) throws {
        var id = ""
        let notifications = try made { id = try buy(type) }
        #expect(names(notifications) == ["ONE_TIME_CHARGE"])
        let seen = try NotificationInspection(#require(notifications.first).signedPayload)
        #expect(seen.transaction?.string("transactionId") == id)
        #expect(seen.renewal == nil)
        #expect(seen.member()["status"] == nil)
    }

    @Test("refund, reversal, refusal and consumption request are about the purchase, each with its state")
    func refunds() throws {
        let id = try buy(.consumable)
        let notifications = try made {
            try simulator.requestConsumption(id, reason: "UNINTENDED_PURCHASE")
            try simulator.declineRefund(id)
            try simulator.refund(id, SimulatedRefund(kind: .prorated))
            try simulator.reverseRefund(id)
        }
        #expect(names(notifications) == ["CONSUMPTION_REQUEST", "REFUND_DECLINED", "REFUND", "REFUND_REVERSED"])
        let seen = try notifications.map { try NotificationInspection($0.signedPayload) }
        #expect(seen[0].member()["consumptionRequestReason"] as? String == "UNINTENDED_PURCHASE")
        #expect(seen[1].member()["consumptionRequestReason"] == nil)
        #expect(seen[2].transaction?.string("revocationType") == "REFUND_PRORATED")
        #expect(seen.map { $0.transaction?.integer("revocationDate") != nil } == [false, false, true, false])
        let dates = seen.compactMap { $0.transaction?.integer("signedDate") }
        #expect(dates == dates.sorted() && Set(dates).count == 4, "the order of states must show: \(dates)")
    }

    @Test("family members have notifications of their own, and restored copies none")
    func family() throws {
        let id = try buy(.nonConsumable)
        var members: [String] = []
        let shared = try made {
            try simulator.restore(id)
            for _ in 0..<2 { members.append(try simulator.shareWithFamily(id).transactionID) }
        }
        #expect(names(shared) == ["ONE_TIME_CHARGE", "ONE_TIME_CHARGE"])
        #expect(shared.map(\.transactionID) == members)
        let left = try made { try simulator.stopSharing(members[0]) }
        #expect(names(left) == ["REVOKE"])
        #expect(left.first?.transactionID == members[0])
        let refunded = try made { try simulator.refund(id) }
        #expect(names(refunded) == ["REFUND", "REVOKE"], "who left the family isn't revoked twice")
        #expect(refunded.map(\.transactionID) == [id, members[1]])
        let seen = try NotificationInspection(refunded[1].signedPayload)
        #expect(seen.transaction?.string("revocationType") == "FAMILY_REVOKE")
        let reversed = try made { try simulator.reverseRefund(id) }
        #expect(reversed.map(\.transactionID) == [id, members[1]])
        #expect(try simulator.payload(of: members[0])["revocationDate"] != nil)
        #expect(throws: SimulatorError.conflict("\(members[0]) isn't shared with anybody")) {
            try simulator.stopSharing(members[0])
        }
        #expect(try names(made { try simulator.stopSharing(id) }) == ["REVOKE"])
    }

    @Test("a subscription's life is told as the Statuses call would tell it")
    func subscriptionLife() throws {
        let day: Int64 = 86_400_000
        var id = ""
        func step(_ expected: String, status wanted: Int64, _ act: () throws -> Void) throws {
            let notifications = try made(by: act)
            #expect(names(notifications) == [expected])
            let seen = try NotificationInspection(#require(notifications.first).signedPayload)
            let (status, renewal) = try status(of: id)
            #expect(seen.member()["status"] as? Int64 == status)
            #expect(status == wanted, "\(expected)")
            for name in ["autoRenewStatus", "expirationIntent", "gracePeriodExpiresDate", "renewalPrice"] {
                #expect(seen.renewal?.integer(name) == renewal.integer(name), "\(expected): \(name)")
            }
            #expect(seen.renewal?.string("autoRenewProductId") == renewal.string("autoRenewProductId"))
            let dates = try #require(
                (seen.renewal?.integer("signedDate"), renewal.integer("signedDate")) as? (Int64, Int64))
            #expect(dates.0 < dates.1)
        }
        try step("SUBSCRIBED/INITIAL_BUY", status: 1) { id = try buy(.autoRenewable) }
        try step("DID_CHANGE_RENEWAL_STATUS/AUTO_RENEW_DISABLED", status: 1) {
            try simulator.setAutoRenew(false, of: id)
        }
        try step("DID_CHANGE_RENEWAL_STATUS/AUTO_RENEW_ENABLED", status: 1) { try simulator.setAutoRenew(true, of: id) }
        try step("DID_CHANGE_RENEWAL_PREF/DOWNGRADE", status: 1) {
            try simulator.changeRenewalPreference(of: id, to: "lesser")
        }
        try step("DID_CHANGE_RENEWAL_PREF", status: 1) { try simulator.changeRenewalPreference(of: id, to: "product") }
        try step("PRICE_INCREASE/PENDING", status: 1) { try simulator.raisePrice(of: id, to: 9990) }
        try step("PRICE_INCREASE/ACCEPTED", status: 1) { try simulator.raisePrice(of: id, to: 9990, isAccepted: true) }
        try step("RENEWAL_EXTENDED", status: 1) { try simulator.extendRenewal(of: id, days: 1) }
        clock.advance(by: 31 * day)
        try step("DID_RENEW", status: 1) { try simulator.renew(id) }
        clock.advance(by: 30 * day)
        try step("DID_FAIL_TO_RENEW/GRACE_PERIOD", status: 4) {
            try simulator.failToRenew(id, gracePeriodMilliseconds: 6 * day)
        }
        clock.advance(by: 6 * day)
        try step("GRACE_PERIOD_EXPIRED", status: 3) { try simulator.endGracePeriod(of: id) }
        try step("DID_RENEW/BILLING_RECOVERY", status: 1) { try simulator.renew(id) }
        clock.advance(by: 30 * day)
        try step("DID_FAIL_TO_RENEW", status: 3) { try simulator.failToRenew(id) }
        try step("EXPIRED/BILLING_RETRY", status: 2) { try simulator.expire(id, because: .billingRetry) }
        try step("SUBSCRIBED/RESUBSCRIBE", status: 1) { try simulator.resubscribe(id, to: "greater") }
        try step("DID_CHANGE_RENEWAL_PREF/UPGRADE", status: 1) { try simulator.upgrade(id, to: "greatest") }
        try step("REFUND", status: 5) {
            try simulator.refund(try #require(simulator.notifications(in: .production).last?.transactionID))
        }
    }

    @Test("a renewal is charged at the announced price, for the chosen product")
    func announcedRenewal() throws {
        let id = try buy(.autoRenewable)
        try simulator.raisePrice(of: id, to: 7990, isAccepted: true)
        try simulator.changeRenewalPreference(of: id, to: "lesser")
        let renewed = try simulator.payload(of: simulator.renew(id).transactionID)
        #expect(renewed["price"] == 7990)
        #expect(renewed["productId"] == "lesser")
        let after = try simulator.payload(of: simulator.renew(id).transactionID)
        #expect(after["price"] == 7990)
    }

    @Test("what still runs doesn't expire, and what runs out isn't in a grace period")
    func conflicts() throws {
        let id = try buy(.autoRenewable)
        let coin = try buy(.consumable)
        let notifications = try made {
            #expect(throws: SimulatorError.self) { try simulator.expire(id) }
            #expect(throws: SimulatorError.self) { try simulator.endGracePeriod(of: id) }
            #expect(throws: SimulatorError.self) { try simulator.resubscribe(id) }
            #expect(throws: SimulatorError.self) { try simulator.setAutoRenew(false, of: coin) }
            #expect(throws: SimulatorError.self) { try simulator.extendRenewal(of: id, days: 91) }
            #expect(throws: SimulatorError.self) { try simulator.stopSharing(id) }
        }
        #expect(notifications.isEmpty, "a refused act is not announced")
    }

    @Test("the envelope is Apple's, and everything in it verifies", arguments: SimulatedEnvironment.allCases)
    func envelope(environment: SimulatedEnvironment) async throws {
        let id = try buy(.autoRenewable, in: environment)
        let notification = try #require(simulator.notifications(in: environment).first)
        let seen = try NotificationInspection(notification.signedPayload)
        #expect(try await seen.defects(simulator).isEmpty)
        #expect(
            Set(seen.envelope.payload.keys) == [
                "notificationType", "subtype", "notificationUUID", "data", "version", "signedDate",
            ])
        #expect(seen.envelope.string("version") == "2.0")
        #expect(seen.envelope.integer("signedDate") == notification.createdAt)
        #expect(seen.envelope.string("notificationUUID") == notification.notificationUUID)
        #expect(UUID(uuidString: notification.notificationUUID) != nil)
        var members: Set = [
            "bundleId", "bundleVersion", "environment", "signedTransactionInfo", "signedRenewalInfo", "status",
        ]
        if environment == .production { members.insert("appAppleId") }
        #expect(Set(seen.member().keys) == members)
        #expect(seen.member()["environment"] as? String == environment.rawValue)
        #expect(seen.transaction?.string("transactionId") == id)
        #expect(seen.renewal?.string("originalTransactionId") == id)
        #expect(seen.renewal?.string("environment") == environment.rawValue)
        let other: SimulatedEnvironment = environment == .production ? .sandbox : .production
        #expect(try simulator.notifications(in: other).isEmpty)
    }

    @Test("any type can be sent on command, with exactly one content")
    func onCommand() async throws {
        let id = try buy(.autoRenewable)
        let requests: [(SimulatedNotificationRequest, String, Set<String>)] = [
            (.init("TEST"), "data", ["appAppleId", "bundleId", "environment"]),
            (
                .init("TYPE_OF_TOMORROW", subtype: "NEW", content: .transaction(id, data: ["status": .null])), "data",
                [
                    "appAppleId", "bundleId", "bundleVersion", "environment", "signedTransactionInfo",
                    "signedRenewalInfo",
                ]
            ),
            (
                .init("RENEWAL_EXTENSION", subtype: "SUMMARY", content: .summary(["succeededCount": 7])), "summary",
                [
                    "appAppleId", "bundleId", "environment", "productId", "requestIdentifier", "succeededCount",
                    "failedCount",
                ]
            ),
            (
                .init("EXTERNAL_PURCHASE_TOKEN", environment: .sandbox, content: .externalPurchaseToken([:])),
                "externalPurchaseToken", ["bundleId", "externalPurchaseId", "tokenCreationDate"]
            ),
            (
                .init("RESCIND_CONSENT", content: .appData([:])), "appData",
                ["appAppleId", "bundleId", "environment", "signedAppTransactionInfo"]
            ),
        ]
        for (request, name, members) in requests {
            let notification = try simulator.notify(request)
            let seen = try NotificationInspection(notification.signedPayload)
            #expect(try await seen.defects(simulator).isEmpty)
            let contents = ["data", "summary", "externalPurchaseToken", "appData"]
            #expect(contents.filter { seen.envelope.payload[$0] != nil } == [name])
            #expect(Set(seen.member(name).keys) == members)
            #expect(seen.envelope.string("notificationType") == request.kind.notificationType)
            #expect(seen.envelope.string("subtype") == request.kind.subtype)
        }
        let token = try #require(simulator.notifications(in: .sandbox).last)
        let seen = try NotificationInspection(token.signedPayload)
        let purchaseID = seen.member("externalPurchaseToken")["externalPurchaseId"] as? String
        #expect(purchaseID?.hasPrefix("SANDBOX_") == true)
        #expect(throws: SimulatorError.self) { try simulator.notify(.init("A", content: .transaction("1"))) }
    }

    @Test("renewal info given with a notification is what the Statuses call says from then on")
    func givenRenewalInfo() throws {
        let id = try buy(.autoRenewable)
        let notification = try simulator.notify(
            .init(
                "DID_CHANGE_RENEWAL_PREF", subtype: "DOWNGRADE",
                content: .transaction(id, renewalInfo: ["autoRenewProductId": "lesser"])))
        let seen = try NotificationInspection(notification.signedPayload)
        #expect(seen.renewal?.string("autoRenewProductId") == "lesser")
        #expect(try status(of: id).renewal.string("autoRenewProductId") == "lesser")
    }

    @Test("a notification's text is the same each time, also when the certificates change before it is asked for")
    func sameText() async throws {
        _ = try buy(.autoRenewable)
        let chain = simulator.signingChain.x5c
        try simulator.rotateCertificates()
        let first = try #require(simulator.notifications(in: .production).first)
        let again = try simulator.notification(first.notificationUUID)
        #expect(first.signedPayload == again.signedPayload)
        let seen = try NotificationInspection(first.signedPayload)
        #expect(seen.envelope.header["x5c"] as? [String] == chain, "it was signed when it was made, says its chain")
        #expect(try await seen.defects(simulator).isEmpty)
    }

    @Test("a seed gives the same notifications twice")
    func seeded() throws {
        var configuration = AppStoreSimulator.Configuration()
        configuration.seed = 7
        let uuids = try (0..<2).map { _ in
            let simulator = try AppStoreSimulator(
                configuration: configuration, keys: self.simulator.keys, clock: clock.simulatorClock)
            for _ in 0..<5 { try simulator.purchase(SimulatedPurchase(productID: "coins", type: .consumable)) }
            return try simulator.notifications(in: .production).map(\.notificationUUID)
        }
        #expect(uuids[0] == uuids[1])
        #expect(Set(uuids[0]).count == 5)
    }

    @Test("thousands of lives cost no signature that nobody asks for")
    func manyLives() throws {
        for index in 0..<3000 {
            let id = try buy(index.isMultiple(of: 3) ? .autoRenewable : .nonConsumable)
            if index.isMultiple(of: 3) { try simulator.renew(id) }
            try simulator.refund(id)
            if index.isMultiple(of: 5) { try simulator.reverseRefund(id) }
        }
        #expect(simulator.notificationsCount(in: .production) == 3000 + 1000 + 3000 + 600)
        let unsigned = simulator.withState { state, _ in
            state.outboxes[.production].map { outbox in
                outbox.numbers(after: 0).filter { outbox[$0]?.signatures == nil }.count
            }
        }
        #expect(unsigned == 7600)
        let some = try simulator.notifications(in: .production, after: 7500)
        #expect(some.count == 100)
        #expect(try NotificationInspection(some[99].signedPayload).transaction != nil)
    }

    @Test("the oldest are forgotten when there are too many, and the clearing of everything keeps the URL")
    func bounds() throws {
        var configuration = AppStoreSimulator.Configuration()
        configuration.notificationsMax = 3
        configuration.notificationURLs = [.sandbox: "https://app.example/n"]
        let simulator = try AppStoreSimulator(
            configuration: configuration, keys: self.simulator.keys, clock: clock.simulatorClock)
        let ids = try (0..<5).map { _ in
            try simulator.purchase(SimulatedPurchase(productID: "coins", type: .consumable)).transactionID
        }
        #expect(simulator.notificationsCount(in: .production) == 5)
        #expect(try simulator.notifications(in: .production).map(\.transactionID) == ids.suffix(3))
        #expect(try simulator.notifications(in: .production, after: 4).map(\.transactionID) == ids.suffix(1))
        try simulator.setNotificationURL("https://app.example/other", in: .sandbox)
        simulator.reset()
        #expect(try simulator.notifications(in: .production).isEmpty)
        #expect(simulator.notificationURL(in: .sandbox) == "https://app.example/n")
        #expect(throws: SimulatorError.self) { try simulator.setNotificationURL("ftp://a", in: .sandbox) }
    }
}
