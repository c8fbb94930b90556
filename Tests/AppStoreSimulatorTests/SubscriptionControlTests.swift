import AppStoreSimulator
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@Suite("Subscriptions in the control interface")
struct SubscriptionControlTests {
    private let simulator: AppStoreSimulator

    init() throws { simulator = try AppStoreSimulator() }

    private func test(_ body: @Sendable (any TestClientProtocol) async throws -> Void) async throws {
        try await simulator.buildApplication().test(.router, body)
    }

    private func names() throws -> [String] {
        try simulator.notifications(in: .production).map {
            [$0.notificationType, $0.subtype].compactMap { $0 }.joined(separator: "/")
        }
    }

    private static let day: Int64 = 86_400_000

    @Test("a trial becomes a subscription that goes on by itself, fails to renew and recovers, and says the truth")
    func selfRunning() async throws {
        try await test { client async throws in
            let bought = try await client.send(
                .post, "/control/purchases",
                [
                    "productId": "gold", "type": "Auto-Renewable Subscription",
                    "periodMilliseconds": .integer(30 * Self.day),
                    "offer": ["offerType": 1, "periodMilliseconds": .integer(7 * Self.day)],
                ])
            let id = try #require(bought.object()["transactionId"]?.stringValue)
            #expect(try await client.send(.get, "/control/transactions/\(id)").object()["price"] == 0)
            let path = "/control/subscriptions/\(id)"
            let run = try await client.send(
                .post, path + "/run", ["on": true, "gracePeriodMilliseconds": .integer(3 * Self.day)])
            #expect(run.status == .noContent)
            func pass(days: Int64) async throws -> SimulatorJSONObject {
                _ = try await client.send(
                    .post, "/control/clock", ["advanceMilliseconds": .integer(days * Self.day)])
                return try await client.send(.get, path + "/truth").object()
            }
            #expect(try await pass(days: 8)["reason"] == "paid")
            #expect(try await client.send(.post, path + "/billing", ["works": false]).status == .noContent)
            let grace = try await pass(days: 30)
            #expect(grace["reason"] == "grace_period")
            #expect(grace["isEntitled"] == true)
            let until = try #require(grace["until"]?.integerValue)
            let later = try await client.send(.get, path + "/truth?at=\(until)").object()
            #expect(later["isEntitled"] == false)
            #expect(try await client.send(.post, path + "/billing", ["works": true]).status == .noContent)
            #expect(try await pass(days: 0)["reason"] == "paid")
            #expect(
                try names() == [
                    "SUBSCRIBED/INITIAL_BUY", "DID_RENEW", "DID_FAIL_TO_RENEW/GRACE_PERIOD",
                    "DID_RENEW/BILLING_RECOVERY",
                ])
        }
    }

    @Test("offers, switches, consent and the end of sale are commanded")
    func acts() async throws {
        let id = try simulator.purchase(SimulatedPurchase(productID: "gold", type: .autoRenewable)).transactionID
        try await test { client async throws in
            let offer: SimulatorJSON = ["offerType": 3, "offerIdentifier": "code"]
            for (path, body, status) in [
                ("subscriptions/\(id)/redeem", ["offer": offer], .created),
                ("transactions/\(id)/upgrade", ["productId": "more", "offer": offer, "isRefunded": true], .created),
                ("subscriptions/\(id)/renewal-preference", ["productId": "less", "offer": offer], .noContent),
                ("subscriptions/\(id)/raise-price", ["price": 9_990], .noContent),
                ("subscriptions/\(id)/answer-price", ["isAccepted": false], .noContent),
                ("subscriptions/\(id)/sale", ["on": false], .noContent),
                ("subscriptions/\(id)/redeem", [:], .badRequest),
                ("subscriptions/\(id)/redeem", ["offer": ["offerType": 9]], .badRequest),
                ("subscriptions/\(id)/redeem", ["offer": ["offerType": 1, "offerDiscountType": "HALF"]], .badRequest),
                ("subscriptions/\(id)/run", ["on": true, "renewsAheadMilliseconds": -1], .badRequest),
                ("subscriptions/\(id)/resubscribe", [:], .conflict),
            ] as [(String, SimulatorJSONObject, HTTPResponse.Status)] {
                let answer = try await client.send(.post, "/control/" + path, body)
                #expect(answer.status == status, "\(path)")
            }
            let lost = try await client.send(.get, "/control/subscriptions/\(id)/truth?at=soon")
            #expect(lost.status == .badRequest)
            #expect(
                try names() == [
                    "SUBSCRIBED/INITIAL_BUY", "OFFER_REDEEMED", "OFFER_REDEEMED/UPGRADE", "OFFER_REDEEMED/DOWNGRADE",
                    "PRICE_INCREASE/PENDING", "DID_CHANGE_RENEWAL_STATUS/AUTO_RENEW_DISABLED",
                ])
        }
    }
}
