import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import TestSupport
import Testing

@Suite("Renewal info in PostgreSQL")
struct RenewalStoreTests {
    private static let end = LedgerFixture.start + .days(30)

    private func renewal(
        _ digit: Int, signed: Instant, _ change: (inout RenewalFacts) -> Void = { _ in }
    ) -> (RenewalInfo, EvidenceBody) {
        var facts = RenewalFacts(
            originalTransactionID: OriginalTransactionID("4001"), environment: .production, signedDate: signed)
        facts.autoRenewStatus = 1
        change(&facts)
        let digest = String(repeating: "\(digit)", count: 64)
        let body = EvidenceBody(jws: "aGVhZGVy.renewal.\(digit)", appAccountToken: nil, appTransactionID: nil)
        return (RenewalInfo(id: EvidenceID(sha256: digest, source: .notification), facts: facts, seenAt: signed), body)
    }

    @Test("the newest renewal info comes back with the chain, with its signed text, and the grace period with the row")
    func stored() async throws {
        try await LedgerFixture.with { ledger in
            let account = try await ledger.account("ada")
            let claimed = try #require(
                try await ledger.apply(
                    .claimed(TransactionID("4001"), by: account, at: LedgerFixture.start),
                    to: Chain(identity: .provisional(TransactionID("4001")))))
            let (item, body) = LedgerFixture.evidence("4001", type: .autoRenewable) {
                $0.productID = ProductID("monthly")
                $0.expiresDate = Self.end
            }
            let (first, firstBody) = renewal(1, signed: LedgerFixture.start)
            let subscribed = try #require(
                try await ledger.apply(
                    .evidenceVerified(item, renewal: first, absorbing: nil), to: claimed, body: body,
                    renewalBody: firstBody))
            #expect(subscribed.renewal == first)
            // The same transaction again, with newer renewal info.
            let (second, secondBody) = renewal(2, signed: Self.end) {
                $0.isInBillingRetryPeriod = true
                $0.gracePeriodExpiresDate = Self.end + .days(16)
            }
            let inGrace = try #require(
                try await ledger.apply(
                    .evidenceVerified(item, renewal: second, absorbing: nil), to: subscribed, body: body,
                    renewalBody: secondBody))
            let loaded = try #require(try await ledger.store.chain(holding: TransactionID("4001")))
            #expect(loaded.replayable == inGrace.replayable)
            #expect(loaded.checks == inGrace.checks)
            #expect(loaded.renewal == second)
            let rows = try await ledger.store.entitlements(ofEach: [AccountID("ada")], at: Self.end)
            #expect(
                rows[AccountID("ada")]?.rows.map(\.extended) == [
                    Entitlement.Extended(reason: .gracePeriod, from: Self.end)
                ])
            let texts = try await ledger.client.query("SELECT rest FROM renewal_bodies ORDER BY rest")
            #expect(try texts.map { try $0.decode("rest", as: String.self) } == ["renewal.1", "renewal.2"])
        }
    }
}
