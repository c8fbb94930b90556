/// The endpoints of Apple's App Store Server API that the simulator serves.
package enum StoreEndpointName: String, CaseIterable, Sendable {
    /// `GET /inApps/v1/transactions/{transactionId}`
    case transactionInfo
    /// `GET /inApps/v1/history/{anyId}` and `/inApps/v2/history/{anyId}`
    case transactionHistory
    /// `GET /inApps/v2/refund/lookup/{anyId}`
    case refundHistory
    /// `GET /inApps/v1/subscriptions/{anyId}`
    case subscriptionStatuses
    /// `GET /inApps/v1/lookup/{orderId}`
    case orderLookup
    /// `POST /inApps/v1/notifications/history`
    case notificationHistory
    /// `POST /inApps/v1/notifications/test`
    case requestTestNotification
    /// `GET /inApps/v1/notifications/test/{testNotificationToken}`
    case testNotificationStatus
    /// Any other method and path.
    case unknown
}

/// A call's endpoint, with the id that its path names.
enum StoreEndpoint: Hashable, Sendable {
    case transactionInfo(String)
    case transactionHistory(String)
    case refundHistory(String)
    case subscriptionStatuses(String)
    case orderLookup(String)
    case notificationHistory
    case requestTestNotification
    case testNotificationStatus(String)
    case unknown

    /// Finds the endpoint of a path such as `/inApps/v1/transactions/1`, without the environment's base path.
    init(method: String, path: String) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
        let last = parts.last ?? ""
        switch (method, parts.count) {
        case ("GET", 4) where parts.dropLast() == ["inApps", "v1", "transactions"]: self = .transactionInfo(last)
        case ("GET", 4) where parts.dropLast() == ["inApps", "v1", "history"]: self = .transactionHistory(last)
        case ("GET", 4) where parts.dropLast() == ["inApps", "v2", "history"]: self = .transactionHistory(last)
        case ("GET", 5) where parts.dropLast() == ["inApps", "v2", "refund", "lookup"]: self = .refundHistory(last)
        case ("GET", 4) where parts.dropLast() == ["inApps", "v1", "subscriptions"]: self = .subscriptionStatuses(last)
        case ("GET", 4) where parts.dropLast() == ["inApps", "v1", "lookup"]: self = .orderLookup(last)
        case ("POST", 4) where parts == ["inApps", "v1", "notifications", "history"]: self = .notificationHistory
        case ("POST", 4) where parts == ["inApps", "v1", "notifications", "test"]: self = .requestTestNotification
        case ("GET", 5) where parts.dropLast() == ["inApps", "v1", "notifications", "test"]:
            self = .testNotificationStatus(last)
        default: self = .unknown
        }
    }

    var name: StoreEndpointName {
        switch self {
        case .transactionInfo: .transactionInfo
        case .transactionHistory: .transactionHistory
        case .refundHistory: .refundHistory
        case .subscriptionStatuses: .subscriptionStatuses
        case .orderLookup: .orderLookup
        case .notificationHistory: .notificationHistory
        case .requestTestNotification: .requestTestNotification
        case .testNotificationStatus: .testNotificationStatus
        case .unknown: .unknown
        }
    }

    /// The transaction's (or app download's) id in the path.
    var transactionID: String? {
        switch self {
        case .transactionInfo(let id), .transactionHistory(let id), .refundHistory(let id),
            .subscriptionStatuses(let id):
            id
        case .orderLookup, .notificationHistory, .requestTestNotification, .testNotificationStatus, .unknown: nil
        }
    }
}
