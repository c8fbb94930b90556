import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import TestSupport
import Testing

@Suite("Replaying a ledger and comparing")
struct ReplayCheckTests {
    private func run(_ ledger: LedgerFixture) async throws -> (ReplayCheck.Progress, [ReplayCheck.Difference]) {
        var found: [ReplayCheck.Difference] = []
        let total = try await ReplayCheck(store: ledger.store).run(found: { found.append($0) }, progress: { _ in })
        return (total, found)
    }

    @Test("a ledger that only the service wrote has no difference")
    func clean() async throws {
        try await LedgerFixture.with { ledger in
            try await ledger.settled("501", type: .consumable)
            try await ledger.settled("502", isRevoked: true)
            let (total, found) = try await run(ledger)
            #expect(found.isEmpty)
            #expect(total.chains == 2 && total.events == 4 && total.differences == 0)
        }
    }

    @Test(
        "what somebody wrote past the service is found, with the chain and the part",
        arguments: [
            ("UPDATE grants SET amount = amount + 1", "grants"),
            ("DELETE FROM grants", "grants"),
            ("UPDATE claims SET claimed_at = claimed_at + interval '1 second'", "claims"),
            ("UPDATE transactions SET updated_at = updated_at + interval '1 second'", "transactions"),
        ])
    func tampered(statement: String, part: String) async throws {
        try await LedgerFixture.with { ledger in
            let chain = try await ledger.settled("501", type: .consumable)
            try await ledger.settled("502")
            try await ledger.database.withOwnerClient { owner in
                _ = try await owner.query(
                    "\(fragment: SQL(text: statement, values: [])) WHERE chain_id = \(chain.id?.rawValue ?? 0)")
            }
            let (total, found) = try await run(ledger)
            #expect(total.differences == 1)
            #expect(
                found == [
                    ReplayCheck.Difference(
                        chainID: try #require(chain.id), transactions: [TransactionID("501")], parts: [part])
                ])
        }
    }
}
