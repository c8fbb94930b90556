import AppStoreSimulator
import HTTPTypes
import Postgres
import PurchaseService
import TestSupport
import Testing

extension TestStack {
    /// Posts a payload as Apple does, without a key.
    func deliver(
        _ signedPayload: String, at location: SourceLocation = #_sourceLocation
    ) async throws -> EdgeAnswer {
        try await api.send(
            .post, "/v1/notifications/apple", as: nil, json: #"{"signedPayload":"\#(signedPayload)"}"#, at: location)
    }

    /// Posts a notification of the simulator's.
    func deliver(
        _ notification: SimulatedNotification, at location: SourceLocation = #_sourceLocation
    ) async throws -> EdgeAnswer {
        try await deliver(notification.signedPayload, at: location)
    }

    /// Everything that the simulator made a notification of in an environment, oldest first.
    func notifications(in environment: SimulatedEnvironment = .production) throws -> [SimulatedNotification] {
        try simulator.notifications(in: environment)
    }

    /// The newest one of a type.
    func newest(
        _ type: String, in environment: SimulatedEnvironment = .production,
        at location: SourceLocation = #_sourceLocation
    ) throws -> SimulatedNotification {
        try #require(
            try notifications(in: environment).last { $0.notificationType == type }, sourceLocation: location)
    }

    /// A purchase of the simulator's; its transactionId.
    func bought(
        _ productID: String = "pro", _ type: SimulatedProductType = .nonConsumable,
        _ change: (inout SimulatedPurchase) -> Void = { _ in }
    ) throws -> String {
        var purchase = SimulatedPurchase(productID: productID, type: type)
        change(&purchase)
        return try simulator.purchase(purchase).transactionID
    }

    /// State and reason of a transaction, as support sees it; `-/-` while nobody knows it.
    func stateAndReason(_ id: String) async throws -> String {
        try await api.get("/v1/transactions/\(id)", as: .support).stateAndReason
    }

    /// The stored notifications as `type outcome`, in the order of their arrival.
    func storedNotifications() async throws -> [String] {
        try await rows(
            "SELECT notification_type || ' ' || outcome FROM notifications ORDER BY received_at, signed_date"
        )
        .compactMap { $0[0] }
    }
}

extension EdgeAnswer {
    var outcome: String? { json?["outcome"]?.text }
}
