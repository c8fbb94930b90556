import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import TestSupport
import Testing

@Suite("One decision is one statement")
struct DecisionStatementTests {
    @Test("one statement satisfies every foreign key: chain, event, evidence, state, claim, entitlement, money, feed")
    func foreignKeys() async throws {
        try await LedgerFixture.with { ledger in
            let chain = try await ledger.settled("1001")
            #expect(chain.version == 2)
            let stored = try #require(try await ledger.store.chain(holding: TransactionID("1001")))
            #expect(stored.replayable == chain.replayable)
            #expect(try await ledger.count("SELECT count(*) FROM entitlements WHERE state = 'paid'") == 1)
            #expect(try await ledger.count("SELECT count(*) FROM movements WHERE kind = 'sale'") == 1)
            #expect(
                try await ledger.count(
                    "SELECT count(*) FROM evidence_bodies JOIN jws_headers ON header_sha256 = jws_headers.sha256") == 1)
            // Refund: the state, the deciding evidence and the entitlement all change in one statement, too.
            let (refund, body) = LedgerFixture.evidence("1001", signedAfter: .hours(1), isRevoked: true)
            let after = try #require(
                try await ledger.apply(.evidenceVerified(refund, absorbing: nil), to: chain, body: body))
            #expect(try await ledger.count("SELECT count(*) FROM entitlements") == 0)
            let again = try #require(try await ledger.store.chain(holding: TransactionID("1001")))
            #expect(again.replayable == after.replayable)
        }
    }

    @Test("a decision on an old version writes nothing at all")
    func staleVersion() async throws {
        try await LedgerFixture.with { ledger in
            let chain = try await ledger.settled("1002")
            let (refund, body) = LedgerFixture.evidence("1002", signedAfter: .hours(1), isRevoked: true)
            _ = try #require(try await ledger.apply(.evidenceVerified(refund, absorbing: nil), to: chain, body: body))
            let tables = ["events", "evidence", "movements", "changes", "evidence_bodies"]
            var before: [Int64] = []
            for table in tables { before.append(try await ledger.count(SQL(unsafe: "SELECT count(*) FROM \(table)"))) }
            let (late, lateBody) = LedgerFixture.evidence("1002", signedAfter: .hours(2))
            let result = try await ledger.apply(.evidenceVerified(late, absorbing: nil), to: chain, body: lateBody)
            #expect(result == nil)
            for (table, count) in zip(tables, before) {
                #expect(try await ledger.count(SQL(unsafe: "SELECT count(*) FROM \(table)")) == count, "\(table)")
            }
        }
    }

    @Test("two who record the same new id at once: one wins, the other is told to decide again")
    func sameNewID() async throws {
        try await LedgerFixture.with { ledger in
            let id = TransactionID("1003")
            let (ada, bob) = (try await ledger.account("ada"), try await ledger.account("bob"))
            let empty = Chain(identity: .provisional(id))
            async let one = ledger.apply(.claimed(id, by: ada, at: LedgerFixture.start), to: empty)
            async let two = ledger.apply(.claimed(id, by: bob, at: LedgerFixture.start), to: empty)
            let results = try await [one, two]
            #expect(results.count { $0 == nil } == 1)
            #expect(try await ledger.count("SELECT count(*) FROM chains") == 1)
        }
    }

    @Test("absorbing ends the provisional chain with an event of its own, in the same statement")
    func absorbing() async throws {
        try await LedgerFixture.with { ledger in
            let original = try await ledger.settled("1004")
            let copy = TransactionID("1005")
            let bob = try await ledger.account("bob")
            let provisional = try #require(
                try await ledger.apply(
                    .claimed(copy, by: bob, at: LedgerFixture.start), to: Chain(identity: .provisional(copy))))
            let (item, body) = LedgerFixture.evidence("1005", original: "1004", signedAfter: .minutes(1))
            let after = try #require(
                try await ledger.apply(.evidenceVerified(item, absorbing: provisional), to: original, body: body))
            #expect(after.claims[bob]?.status == .conflict)
            let stored = try #require(try await ledger.store.chain(holding: copy))
            #expect(stored.id == original.id)
            #expect(stored.replayable == after.replayable)
            #expect(
                try await ledger.count("SELECT count(*) FROM chains WHERE absorbed_by IS NOT NULL AND version = 2") == 1
            )
            // A late input for the provisional chain finds nobody there.
            let late = try await ledger.apply(
                .appStoreUnanswered(copy, .unavailable), to: provisional)
            #expect(late == nil)
        }
    }

    @Test("concurrent decisions of two processes on one chain: versions without gaps, one holder, replay equals store")
    func twoProcesses() async throws {
        try await LedgerFixture.with { ledger in
            try await ledger.database.withServiceClient { other in
                let second = LedgerFixture(store: LedgerStore(client: other), client: other, database: ledger.database)
                let id = TransactionID("1006")
                _ = try await ledger.settled("1006", by: "owner")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<24 {
                        let process = number.isMultiple(of: 2) ? ledger : second
                        group.addTask {
                            let account = try await process.account("account-\(number)")
                            while true {
                                let chain = try #require(try await process.store.chain(holding: id))
                                if try await process.apply(
                                    .claimed(id, by: account, at: LedgerFixture.start), to: chain)
                                    != nil
                                {
                                    return
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                let stored = try #require(try await ledger.store.chain(holding: id))
                #expect(stored.version == 26)
                #expect(stored.claims.values.count { $0.status == .held } == 1)
                #expect(stored.claims.values.count { $0.status == .conflict } == 24)
                let events = try await ledger.store.events(of: try #require(stored.id), afterVersion: 0, limit: 100)
                #expect(events.map(\.chainVersion) == Array(1...26))
                #expect(zip(events, events.dropFirst()).allSatisfy { $0.position < $1.position })
                let replayed = try Chain.replay(
                    events.map {
                        LedgerEvent(chainID: ChainID(1), chainVersion: $0.chainVersion, entries: $0.entries)
                    }, evidence: stored.evidence)
                #expect(replayed.replayable.claims == stored.claims)
            }
        }
    }

    @Test("account tokens and download ids are in the erasable body alone, and certificates are stored once")
    func erasable() async throws {
        try await LedgerFixture.with { ledger in
            try await ledger.settled("1007")
            try await ledger.settled("1008")
            #expect(try await ledger.count("SELECT count(*) FROM jws_headers") == 1)
            #expect(try await ledger.count("SELECT count(*) FROM events WHERE entries::text LIKE '%download-1%'") == 0)
            #expect(try await ledger.count("SELECT count(*) FROM evidence WHERE facts::text LIKE '%download-1%'") == 0)
            #expect(try await ledger.count("SELECT count(*) FROM events WHERE entries::text LIKE '%ada%'") == 0)
            #expect(
                try await ledger.count("SELECT count(*) FROM evidence_bodies WHERE app_transaction_id = 'download-1'")
                    == 2)
        }
    }
}
