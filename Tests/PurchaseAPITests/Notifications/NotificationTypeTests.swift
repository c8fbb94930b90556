import AppStoreSimulator
import HTTPTypes
import Postgres
import PurchaseService
import TestSupport
import Testing

/// One row per type and subtype of App Store Server Notifications V2.
struct NotificationRow: Sendable, CustomStringConvertible {
    enum About: Sendable {
        /// No transaction inside.
        case nothing
        case summary, externalPurchaseToken, appData
        /// A paid purchase of such a product.
        case paid(SimulatedProductType)
        /// A refunded purchase.
        case refunded
        /// A purchase whose refund was undone.
        case reversed
        /// A family member's copy that was taken back.
        case familyRevoked
    }

    var type: String
    var subtype: String?
    var about: About
    /// What becomes of the notification.
    var outcome: String
    /// What becomes of the transaction.
    var state: String?

    init(_ type: String, _ subtype: String?, _ about: About, _ outcome: String, _ state: String? = nil) {
        self.type = type
        self.subtype = subtype
        self.about = about
        self.outcome = outcome
        self.state = state
    }

    var description: String { type + (subtype.map { "/" + $0 } ?? "") }

    private static func subscription(_ type: String, _ subtypes: String?...) -> [NotificationRow] {
        subtypes.map { NotificationRow(type, $0, .paid(.autoRenewable), "applied", "paid/confirmed") }
    }

    static let all: [NotificationRow] =
        [
            NotificationRow("ONE_TIME_CHARGE", nil, .paid(.consumable), "applied", "paid/confirmed"),
            NotificationRow("ONE_TIME_CHARGE", nil, .paid(.nonConsumable), "applied", "paid/confirmed"),
            NotificationRow("ONE_TIME_CHARGE", nil, .paid(.nonRenewing), "applied", "paid/confirmed"),
            NotificationRow("REFUND", nil, .refunded, "applied", "refunded/refund_full"),
            // Nobody knew of the refund that was undone: then there is nothing to undo.
            NotificationRow("REFUND_REVERSED", nil, .reversed, "applied", "paid/confirmed"),
            NotificationRow("REFUND_DECLINED", nil, .paid(.consumable), "applied", "paid/confirmed"),
            NotificationRow("CONSUMPTION_REQUEST", nil, .paid(.consumable), "applied", "paid/confirmed"),
            NotificationRow("REVOKE", nil, .familyRevoked, "applied", "refunded/family_revoke"),
            NotificationRow("TEST", nil, .nothing, "kept"),
            NotificationRow("RENEWAL_EXTENSION", "SUMMARY", .summary, "kept"),
            NotificationRow("EXTERNAL_PURCHASE_TOKEN", "UNREPORTED", .externalPurchaseToken, "kept"),
            NotificationRow("EXTERNAL_PURCHASE_TOKEN", "CREATED", .externalPurchaseToken, "kept"),
            NotificationRow("EXTERNAL_PURCHASE_TOKEN", "ACTIVE_TOKEN_REMINDER", .externalPurchaseToken, "kept"),
            NotificationRow("RESCIND_CONSENT", nil, .appData, "kept"),
            NotificationRow("SOMETHING_NEW", "NEVER_SEEN", .paid(.nonConsumable), "applied", "paid/confirmed"),
            NotificationRow("SOMETHING_NEW", nil, .nothing, "kept"),
        ]
        + subscription("SUBSCRIBED", "INITIAL_BUY", "RESUBSCRIBE")
        + subscription("DID_RENEW", nil, "BILLING_RECOVERY")
        + subscription("OFFER_REDEEMED", nil, "UPGRADE", "DOWNGRADE")
        + subscription("DID_CHANGE_RENEWAL_PREF", "UPGRADE", "DOWNGRADE", nil)
        + subscription("DID_CHANGE_RENEWAL_STATUS", "AUTO_RENEW_ENABLED", "AUTO_RENEW_DISABLED")
        + subscription("DID_FAIL_TO_RENEW", "GRACE_PERIOD", nil)
        + subscription("GRACE_PERIOD_EXPIRED", nil)
        + subscription("EXPIRED", "VOLUNTARY", "BILLING_RETRY", "PRICE_INCREASE", "PRODUCT_NOT_FOR_SALE", nil)
        + subscription("PRICE_INCREASE", "PENDING", "ACCEPTED")
        + subscription("RENEWAL_EXTENDED", nil)
        + subscription("RENEWAL_EXTENSION", "FAILURE")
        + subscription("METADATA_UPDATE", nil)
        + subscription("MIGRATION", nil)
        + subscription("MIGRATE", nil)
        + subscription("PRICE_CHANGE", nil)
}

@Suite("Every type of notification")
struct NotificationTypeTests {
    @Test("each type and subtype is stored once, and does what it means")
    func types() async throws {
        try await TestStack.with { stack in
            for row in NotificationRow.all {
                let (content, id) = try Self.content(of: row.about, stack)
                let notification = try stack.simulator.notify(
                    SimulatedNotificationRequest(
                        row.type, subtype: row.subtype, environment: .production, content: content))
                let answer = try await stack.deliver(notification)
                #expect(answer.status == 200, "\(row)")
                #expect(answer.outcome == row.outcome, "\(row)")
                if let id { #expect(try await stack.stateAndReason(id) == row.state, "\(row)") }
                let uuid = notification.notificationUUID
                let stored = try await stack.rows(
                    """
                    SELECT notification_type, subtype, environment, transaction_id FROM notifications
                    JOIN notification_bodies USING (notification_uuid) WHERE notification_uuid = \(uuid)
                    """)
                #expect(stored == [[row.type, row.subtype, "Production", id]], "\(row)")
                #expect(try await stack.deliver(notification).outcome == "duplicate", "\(row)")
            }
            #expect(try await stack.count("SELECT count(*) FROM notifications") == Int64(NotificationRow.all.count))
            // What nobody claimed entitles nobody, whatever Apple says about it.
            #expect(try await stack.count("SELECT count(*) FROM entitlements") == 0)
            #expect(try await stack.count("SELECT count(*) FROM grants") == 0)
            try await stack.expectReplayEqualsStore()
        }
    }

    private static func content(
        of about: NotificationRow.About, _ stack: TestStack
    ) throws -> (SimulatedNotificationRequest.Content, id: String?) {
        switch about {
        case .nothing: return (.none, nil)
        case .summary: return (.summary([:]), nil)
        case .externalPurchaseToken: return (.externalPurchaseToken([:]), nil)
        case .appData: return (.appData([:]), nil)
        case .paid(let type):
            let id = try stack.bought("pro", type)
            return (.transaction(id), id)
        case .refunded:
            let id = try stack.bought()
            try stack.simulator.refund(id)
            return (.transaction(id), id)
        case .reversed:
            let id = try stack.bought()
            try stack.simulator.refund(id)
            try stack.simulator.reverseRefund(id)
            return (.transaction(id), id)
        case .familyRevoked:
            let id = try stack.simulator.shareWithFamily(try stack.bought()).transactionID
            try stack.simulator.stopSharing(id)
            return (.transaction(id), id)
        }
    }

    @Test("a CONSUMPTION_REQUEST is kept with Apple's deadline of twelve hours")
    func consumptionDeadline() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought("coins", .consumable)
            try stack.simulator.requestConsumption(id, reason: "UNINTENDED_PURCHASE")
            _ = try await stack.deliver(try stack.newest("CONSUMPTION_REQUEST"))
            let hours = try await stack.rows(
                "SELECT (extract(epoch FROM respond_by - signed_date) / 3600)::bigint::text FROM notifications")
            #expect(hours == [["12"]])
            // A repeated request is a new notification, with a deadline of its own.
            try stack.simulator.requestConsumption(id)
            #expect(try await stack.deliver(try stack.newest("CONSUMPTION_REQUEST")).outcome == "applied")
            #expect(try await stack.count("SELECT count(*) FROM notifications WHERE respond_by IS NOT NULL") == 2)
        }
    }

    @Test("types longer than any that Apple has, and texts with control characters, are kept as far as they go")
    func oddTypes() async throws {
        try await TestStack.with { stack in
            let id = try stack.bought()
            let long = String(repeating: "LONG_", count: 19)
            for type in [long, "ODD\nNEW\u{7F}LINE"] {
                let notification = try stack.simulator.notify(
                    SimulatedNotificationRequest(type, subtype: type, content: .transaction(id)))
                #expect(try await stack.deliver(notification).outcome == "applied")
            }
            let types = try await stack.rows(
                "SELECT notification_type FROM notifications ORDER BY length(notification_type)")
            #expect(types == [["ODD\nNEW\u{7F}LINE"], [String(long.prefix(64))]])
            #expect(try await stack.stateAndReason(id) == "paid/confirmed")
        }
    }
}
