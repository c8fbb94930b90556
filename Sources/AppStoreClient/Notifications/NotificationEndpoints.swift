import FoundationEssentials
import NIOHTTP1
package import PurchaseCore
import PurchaseService

/// Which notifications Get Notification History gives.
package struct NotificationHistoryQuery: Sendable, Equatable {
    /// Apple takes a transaction or a type, never both (4000019).
    package enum Filter: Sendable, Equatable {
        /// All of them.
        case everything
        /// Those about one transaction.
        case transaction(TransactionID)
        /// Those of one type, and of one subtype of it.
        case type(String, subtype: String?)
    }

    /// The oldest; Apple goes back 180 days in Production and 30 in Sandbox.
    package let startDate: Instant
    /// The newest.
    package let endDate: Instant
    /// Only those that Apple never managed to deliver.
    package let onlyFailures: Bool
    /// Transaction or type.
    package let filter: Filter

    /// Puts a query together.
    package init(startDate: Instant, endDate: Instant, onlyFailures: Bool = false, filter: Filter = .everything) {
        self.startDate = startDate
        self.endDate = endDate
        self.onlyFailures = onlyFailures
        self.filter = filter
    }

    private struct Wire: Encodable {
        var startDate: Int64
        var endDate: Int64
        var onlyFailures: Bool?
        var transactionId: String?
        var notificationType: String?
        var notificationSubtype: String?
    }

    /// Apple's JSON.
    func body() -> [UInt8] {
        var wire = Wire(startDate: startDate.millisecondsSince1970, endDate: endDate.millisecondsSince1970)
        wire.onlyFailures = onlyFailures ? true : nil
        switch filter {
        case .everything: break
        case .transaction(let id): wire.transactionId = id.rawValue
        case .type(let type, let subtype):
            wire.notificationType = type
            wire.notificationSubtype = subtype
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let data = try? encoder.encode(wire) else {
            preconditionFailure("numbers, booleans and strings always encode")
        }
        return Array(data)
    }
}

extension AppStoreEndpoint {
    /// Get Notification History: one page of at most 20.
    static func notificationHistory(
        _ query: NotificationHistoryQuery, paginationToken: String?
    ) -> AppStoreEndpoint {
        AppStoreEndpoint(
            name: "notification_history", method: .POST, path: "/inApps/v1/notifications/history",
            query: paginationToken.map { [("paginationToken", $0)] } ?? [], body: query.body())
    }

    /// Request a Test Notification.
    static let testNotification = AppStoreEndpoint(
        name: "test_notification", method: .POST, path: "/inApps/v1/notifications/test", endpointClass: .test)

    /// Get Test Notification Status; `nil` unless the token is 1–256 ASCII letters, digits, `-` and `_`.
    static func testNotificationStatus(_ token: String) -> AppStoreEndpoint? {
        let isAllowed = { (byte: UInt8) in
            isLetterOrDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        }
        guard (1...256).contains(token.utf8.count), token.utf8.allSatisfy(isAllowed) else { return nil }
        return AppStoreEndpoint(
            name: "test_notification_status", path: "/inApps/v1/notifications/test/\(token)", endpointClass: .test,
            notFoundCodes: [AppStoreErrorCode.testNotificationNotFound])
    }
}
