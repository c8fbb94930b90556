import Foundation
import Testing
import X509

@testable import AppStoreSimulator

@Suite("Notifications with something wrong")
struct NotificationAlterationTests {
    private let clock = TestClock()
    private let simulator: AppStoreSimulator
    private let id: String
    private let uuid: String

    init() throws {
        simulator = try AppStoreSimulator(clock: clock.simulatorClock)
        id = try simulator.purchase(SimulatedPurchase(productID: "pro", type: .autoRenewable)).transactionID
        clock.advance(by: 1000)
        try simulator.refund(id)
        uuid = try #require(simulator.notifications(in: .production).last).notificationUUID
    }

    private func altered(_ alteration: NotificationAlteration) throws -> NotificationInspection {
        try NotificationInspection(simulator.signedPayload(of: uuid, altered: alteration))
    }

    @Test("the envelope alone is forged", arguments: SimulatedForgery.allCases)
    func forgedEnvelope(forgery: SimulatedForgery) async throws {
        let signed = try simulator.signedPayload(of: uuid, altered: .forgedEnvelope(forgery))
        let seen = try NotificationInspection(signed)
        #expect(try await Set(seen.defects(simulator).keys) == ["envelope"])
        #expect(seen.envelope.string("notificationUUID") == uuid)
    }

    @Test("what is inside is forged, alone", arguments: SimulatedForgery.allCases)
    func forgedInside(forgery: SimulatedForgery) async throws {
        var alteration = NotificationAlteration.forgedTransaction(forgery)
        #expect(try await Set(altered(alteration).defects(simulator).keys) == ["transaction"])
        alteration = NotificationAlteration()
        alteration.renewalForgery = forgery
        #expect(try await Set(altered(alteration).defects(simulator).keys) == ["renewal"])
    }

    @Test("another app's, another environment's and a wrongly numbered notification are genuine in all else")
    func foreign() async throws {
        let other = try altered(.bundleID("com.example.other"))
        #expect(other.member()["bundleId"] as? String == "com.example.other")
        #expect(other.transaction?.string("bundleId") == "com.example.other")
        let elsewhere = try altered(.environment("Sandbox"))
        #expect(elsewhere.member()["environment"] as? String == "Sandbox")
        #expect(elsewhere.transaction?.string("environment") == "Sandbox")
        #expect(elsewhere.renewal?.string("environment") == "Sandbox")
        let numbered = try altered(.appAppleID(1))
        #expect(numbered.member()["appAppleId"] as? Int64 == 1)
        #expect(try altered(.appAppleID(nil)).member()["appAppleId"] == nil)
        for seen in [other, elsewhere, numbered] { #expect(try await seen.defects(simulator).isEmpty) }
    }

    @Test("a stale transaction is genuine and says what was so before the refund")
    func stale() async throws {
        let genuine = try NotificationInspection(simulator.notification(uuid).signedPayload)
        let resigned = try altered(.stale())
        let dated = try altered(.stale(keepingDate: true))
        #expect(genuine.transaction?.integer("revocationDate") != nil)
        for seen in [resigned, dated] {
            #expect(seen.envelope.string("notificationType") == "REFUND")
            #expect(seen.transaction?.integer("revocationDate") == nil)
            #expect(seen.transaction?.string("transactionId") == id)
            #expect(try await seen.defects(simulator).isEmpty)
        }
        let now = try #require(genuine.transaction?.integer("signedDate"))
        #expect(resigned.transaction?.integer("signedDate") == now)
        #expect(try #require(dated.transaction?.integer("signedDate")) < now)
    }

    @Test("a leaf that has expired by now can have been valid when it signed")
    func expiredLeaf() async throws {
        let seen = try altered(.expiredLeaf(nowMilliseconds: clock.now))
        #expect(try await seen.defects(simulator).isEmpty, "each JWS is right at its own signedDate")
        let leaf = try #require(seen.transaction?.certificates.first)
        #expect(leaf.notValidAfter.timeIntervalSince1970 * 1000 < Double(clock.now))
    }

    @Test("any field can be set and removed, in all three")
    func fields() async throws {
        var alteration = NotificationAlteration()
        alteration.envelopeFields = ["version": "3.0", "subtype": "X"]
        alteration.memberFields = ["status": .null]
        alteration.transactionFields = ["price": 1, "revocationDate": .null]
        alteration.renewalFields = ["autoRenewStatus": 0]
        let seen = try altered(alteration)
        #expect(seen.envelope.string("version") == "3.0")
        #expect(seen.envelope.string("subtype") == "X")
        #expect(seen.member()["status"] == nil)
        #expect(seen.transaction?.integer("price") == 1)
        #expect(seen.transaction?.integer("revocationDate") == nil)
        #expect(seen.renewal?.integer("autoRenewStatus") == 0)
        #expect(try await seen.defects(simulator).isEmpty)
        let genuine = try NotificationInspection(simulator.notification(uuid).signedPayload)
        #expect(genuine.transaction?.integer("price") == 4990, "the genuine one stays as it was")
    }
}
