import AppStoreSimulator
import Foundation
import Testing

@Suite("Transactions of the simulated store")
struct TransactionTests {
    private let clock = TestClock()
    private let simulator: AppStoreSimulator

    init() throws {
        simulator = try AppStoreSimulator(clock: clock.simulatorClock)
    }

    private func inspect(_ id: String, in environment: SimulatedEnvironment? = nil) throws -> SignedInspection {
        try SignedInspection(simulator.signedTransaction(id, in: environment))
    }

    @Test("a purchase has Apple's fields")
    func fields() throws {
        var purchase = SimulatedPurchase(productID: "coins", type: .consumable)
        purchase.quantity = 3
        let seen = try SignedInspection(simulator.purchase(purchase).signedTransaction)
        #expect(
            Set(seen.payload.keys) == [
                "transactionId", "originalTransactionId", "bundleId", "productId", "purchaseDate",
                "originalPurchaseDate", "quantity", "type", "inAppOwnershipType", "environment", "transactionReason",
                "storefront", "storefrontId", "price", "currency", "appTransactionId", "signedDate",
            ])
        #expect(seen.string("transactionId") == seen.string("originalTransactionId"))
        #expect(seen.string("inAppOwnershipType") == "PURCHASED")
        #expect(seen.string("type") == "Consumable")
        #expect(seen.string("environment") == "Production")
        #expect(seen.string("bundleId") == "com.example.app")
        #expect(seen.integer("quantity") == 3)
        #expect(seen.integer("price") == 4990)
        #expect(seen.integer("purchaseDate") == clock.now)
    }

    @Test("a subscription has a period, a group and a billing event")
    func subscription() throws {
        let receipt = try simulator.purchase(SimulatedPurchase(productID: "pro", type: .autoRenewable))
        let seen = try SignedInspection(receipt.signedTransaction)
        #expect(seen.integer("expiresDate") == clock.now + 30 * 86_400_000)
        #expect(seen.string("webOrderLineItemId") != nil)
        #expect(seen.string("subscriptionGroupIdentifier") != nil)
    }

    @Test("signedDate grows with every signature, also while the clock stands still")
    func signedDateGrows() throws {
        let id = try simulator.purchase(SimulatedPurchase(productID: "coins", type: .consumable)).transactionID
        var last: Int64 = 0
        for _ in 0..<20 {
            let date = try #require(inspect(id).integer("signedDate"))
            #expect(date > last)
            last = date
        }
        clock.advance(by: -60_000)
        let earlierClock = try #require(inspect(id).integer("signedDate"))
        #expect(earlierClock > last)
    }

    @Test("a full refund sets the revocation fields, a reversal removes them all")
    func refundAndReversal() throws {
        let id = try simulator.purchase(SimulatedPurchase(productID: "coins", type: .consumable)).transactionID
        clock.advance(by: 5000)
        try simulator.refund(id)
        let refunded = try inspect(id)
        #expect(refunded.integer("revocationDate") == clock.now)
        #expect(refunded.string("revocationType") == "REFUND_FULL")
        #expect(refunded.integer("revocationPercentage") == 100_000)
        #expect(refunded.integer("revocationReason") == 0)
        try simulator.reverseRefund(id)
        #expect(try inspect(id).payload.keys.filter { $0.hasPrefix("revocation") } == [])
        #expect(throws: SimulatorError.conflict("\(id) isn't refunded")) { try simulator.reverseRefund(id) }
    }

    @Test("a prorated refund carries its percentage and reason")
    func prorated() throws {
        let id = try simulator.purchase(SimulatedPurchase(productID: "pro", type: .autoRenewable)).transactionID
        try simulator.refund(
            id, SimulatedRefund(kind: .prorated, percentage: 67_932, reason: 1, date: 1_799_000_000_000))
        let seen = try inspect(id)
        #expect(seen.string("revocationType") == "REFUND_PRORATED")
        #expect(seen.integer("revocationPercentage") == 67_932)
        #expect(seen.integer("revocationReason") == 1)
        #expect(seen.integer("revocationDate") == 1_799_000_000_000)
        #expect(throws: SimulatorError.self) { try simulator.refund(id, SimulatedRefund(percentage: 100_001)) }
    }

    @Test("a restore has an own id and is refunded with the original")
    func restore() throws {
        let original = try simulator.purchase(SimulatedPurchase(productID: "level", type: .nonConsumable))
        let restored = try simulator.restore(original.transactionID)
        #expect(restored.transactionID != original.transactionID)
        #expect(restored.originalTransactionID == original.transactionID)
        #expect(restored.orderID == original.orderID)
        let receipt = try simulator.refund(original.transactionID)
        #expect(receipt.affected == [original.transactionID, restored.transactionID])
        #expect(try inspect(restored.transactionID).integer("revocationDate") == clock.now)
    }

    @Test("a consumable can't be restored, and neither it nor a non-renewing subscription shared")
    func restoreAndShareRules() throws {
        let coins = try simulator.purchase(SimulatedPurchase(productID: "coins", type: .consumable))
        let season = try simulator.purchase(SimulatedPurchase(productID: "season", type: .nonRenewing))
        #expect(throws: SimulatorError.self) { try simulator.restore(coins.transactionID) }
        #expect(throws: SimulatorError.self) { try simulator.shareWithFamily(coins.transactionID) }
        #expect(throws: SimulatorError.self) { try simulator.shareWithFamily(season.transactionID) }
    }

    @Test("a family member's copy is the member's own, without price and token, and ends with the purchase")
    func familySharing() throws {
        var purchase = SimulatedPurchase(productID: "level", type: .nonConsumable)
        purchase.appAccountToken = "7e3fb20b-4cdb-47cc-936d-99d65f608138"
        let bought = try simulator.purchase(purchase)
        let shared = try simulator.shareWithFamily(bought.transactionID)
        let member = try inspect(shared.transactionID)
        #expect(shared.originalTransactionID == shared.transactionID)
        #expect(shared.appTransactionID != bought.appTransactionID)
        #expect(member.string("inAppOwnershipType") == "FAMILY_SHARED")
        for name in ["price", "currency", "appAccountToken"] { #expect(member.payload[name] == nil) }

        try simulator.refund(bought.transactionID, SimulatedRefund(reason: 1))
        let revoked = try inspect(shared.transactionID)
        #expect(revoked.string("revocationType") == "FAMILY_REVOKE")
        #expect(revoked.integer("revocationReason") == 1)
        #expect(revoked.payload["revocationPercentage"] == nil)
        try simulator.reverseRefund(bought.transactionID)
        #expect(try inspect(shared.transactionID).payload["revocationDate"] == nil)
    }

    @Test("a family revoke reaches that member alone")
    func familyRevoke() throws {
        let bought = try simulator.purchase(SimulatedPurchase(productID: "level", type: .nonConsumable))
        let first = try simulator.shareWithFamily(bought.transactionID)
        let second = try simulator.shareWithFamily(bought.transactionID)
        try simulator.refund(first.transactionID, SimulatedRefund(kind: .familyRevoke))
        #expect(try inspect(first.transactionID).string("revocationType") == "FAMILY_REVOKE")
        #expect(try inspect(second.transactionID).payload["revocationDate"] == nil)
        #expect(try inspect(bought.transactionID).payload["revocationDate"] == nil)
    }

    @Test("renewals follow on each other, whichever transaction is named")
    func renewals() throws {
        let first = try simulator.purchase(SimulatedPurchase(productID: "pro", type: .autoRenewable))
        let second = try simulator.renew(first.transactionID)
        let third = try simulator.renew(first.transactionID, price: 5990)
        let periods = try [first, second, third].map { try inspect($0.transactionID) }
        #expect(periods[1].integer("purchaseDate") == periods[0].integer("expiresDate"))
        #expect(periods[2].integer("purchaseDate") == periods[1].integer("expiresDate"))
        #expect(periods[2].integer("price") == 5990)
        #expect(periods[2].string("transactionReason") == "RENEWAL")
        #expect(Set(periods.map { $0.string("webOrderLineItemId") }).count == 3)
        #expect(Set(periods.map { $0.string("originalTransactionId") }) == [first.transactionID])
        try simulator.refund(first.transactionID)
        #expect(try inspect(third.transactionID).payload["revocationDate"] == nil)
    }

    @Test("a restored old period isn't what renews")
    func renewalAfterRestore() throws {
        let first = try simulator.purchase(SimulatedPurchase(productID: "pro", type: .autoRenewable))
        let second = try simulator.renew(first.transactionID)
        clock.advance(by: 45 * 86_400_000)
        let restored = try simulator.restore(first.transactionID)
        let third = try simulator.renew(restored.transactionID)
        let expiry = try inspect(second.transactionID).integer("expiresDate")
        #expect(try inspect(third.transactionID).integer("purchaseDate") == expiry)
    }

    @Test("an upgrade ends the old period and begins another product's")
    func upgrade() throws {
        let basic = try simulator.purchase(SimulatedPurchase(productID: "basic", type: .autoRenewable))
        clock.advance(by: 86_400_000)
        let pro = try simulator.upgrade(basic.transactionID, to: "pro", price: 9990)
        #expect(try inspect(basic.transactionID).payload["isUpgraded"] as? Bool == true)
        let seen = try inspect(pro.transactionID)
        #expect(seen.string("productId") == "pro")
        #expect(seen.integer("purchaseDate") == clock.now)
        #expect(seen.string("originalTransactionId") == basic.transactionID)
        #expect(seen.payload["isUpgraded"] == nil)
        let next = try simulator.renew(basic.transactionID)
        #expect(try inspect(next.transactionID).string("productId") == "pro")
    }

    @Test("any field can be set or removed, signedDate too")
    func setFields() throws {
        let id = try simulator.purchase(SimulatedPurchase(productID: "coins", type: .consumable)).transactionID
        try simulator.setFields(
            ["inAppOwnershipType": .null, "bundleId": "other.app", "new": ["nested": [1, true]]], of: id)
        let seen = try inspect(id)
        #expect(seen.payload["inAppOwnershipType"] == nil)
        #expect(seen.string("bundleId") == "other.app")
        #expect((seen.payload["new"] as? [String: Any])?["nested"] != nil)
        try simulator.setFields(["signedDate": 42], of: id)
        #expect(try inspect(id).integer("signedDate") == 42)
        try simulator.setFields(["signedDate": .null], of: id)
        #expect(try inspect(id).payload["signedDate"] == nil)
        try simulator.setFields(["signedDate": "automatic"], of: id)
        let automatic = try #require(inspect(id).integer("signedDate"))
        #expect(automatic >= clock.now)
    }

    @Test("text in fields survives quotes, control characters and other scripts")
    func textSurvives() throws {
        let id = try simulator.purchase(SimulatedPurchase(productID: "coins", type: .consumable)).transactionID
        let text = "a\"b\\c/d\n\u{0001}\u{1F600}é"
        try simulator.setFields(["offerIdentifier": .string(text)], of: id)
        #expect(try inspect(id).string("offerIdentifier") == text)
    }

    @Test("one id may exist in both environments, but only once in each")
    func idsPerEnvironment() throws {
        var purchase = SimulatedPurchase(productID: "coins", type: .consumable)
        purchase.transactionID = "123"
        try simulator.purchase(purchase)
        #expect(throws: SimulatorError.duplicateTransaction("123")) { try simulator.purchase(purchase) }
        purchase.environment = .sandbox
        try simulator.purchase(purchase)
        #expect(try inspect("123").string("environment") == "Production")
        #expect(try inspect("123", in: .sandbox).string("environment") == "Sandbox")
    }

    @Test("impossible ids are refused", arguments: ["", "abc", "12a", "１２", String(repeating: "1", count: 33)])
    func impossibleIDs(id: String) throws {
        var purchase = SimulatedPurchase(productID: "coins", type: .consumable)
        purchase.transactionID = id
        #expect(throws: SimulatorError.self) { try simulator.purchase(purchase) }
    }

    @Test("the same seed makes the same ids, no seed makes others")
    func seeds() throws {
        func ids(seed: UInt64?) throws -> [String] {
            var configuration = AppStoreSimulator.Configuration()
            configuration.seed = seed
            let simulator = try AppStoreSimulator(configuration: configuration, keys: self.simulator.keys)
            return try (0..<5).map { _ in
                try simulator.purchase(SimulatedPurchase(productID: "coins", type: .consumable)).transactionID
            }
        }
        #expect(try ids(seed: 7) == ids(seed: 7))
        #expect(try ids(seed: 7) != ids(seed: 8))
        #expect(try ids(seed: nil) != ids(seed: nil))
    }

    @Test("a reset forgets transactions and keeps the certificates")
    func reset() throws {
        let id = try simulator.purchase(SimulatedPurchase(productID: "coins", type: .consumable)).transactionID
        let chain = simulator.signingChain.x5c
        simulator.reset()
        #expect(throws: SimulatorError.unknownTransaction(id)) { try simulator.payload(of: id) }
        #expect(simulator.signingChain.x5c == chain)
    }
}
