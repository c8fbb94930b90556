import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@testable import PurchaseStore

@Suite("How a transaction stands, read by a short question")
struct StandingTests {
    /// Two processes over one ledger.
    private func withTwo(_ body: (_ here: LedgerFixture, _ there: LedgerFixture) async throws -> Void) async throws {
        try await LedgerFixture.with { here in
            try await here.database.withServiceClient { client in
                let there = LedgerFixture(store: LedgerStore(client: client), client: client, database: here.database)
                try await body(here, there)
            }
        }
    }

    /// Asks twice, so that the second answer could come from what the first one kept, and compares both with all of it.
    private func expectCurrent(
        _ id: String, for account: String? = nil, _ ledger: LedgerFixture, _ what: Comment,
        at location: SourceLocation = #_sourceLocation
    ) async throws {
        let (id, account) = (TransactionID(id), account.map { AccountID($0) })
        for _ in 0..<2 {
            let standing = try await ledger.store.standing(of: id, for: account)
            let whole = try await ledger.store.chain(holding: id)
            #expect(standing.chain == whole, what, sourceLocation: location)
            if let account {
                let number = try await ledger.store.findAccount(account)
                #expect(standing.account?.number == number, what, sourceLocation: location)
                let token = try await ledger.store.statedToken(of: account)
                #expect(standing.account?.statedToken == token, what, sourceLocation: location)
            }
        }
    }

    @Test("an unknown transaction and an unknown account are absent, each alone and together")
    func unknown() async throws {
        try await LedgerFixture.with { ledger in
            try await ledger.settled("2001")
            for (id, account) in [("2001", "nobody"), ("9999", "ada"), ("9999", "nobody")] {
                let standing = try await ledger.store.standing(of: TransactionID(id), for: AccountID(account))
                #expect((standing.chain != nil) == (id == "2001") && (standing.account != nil) == (account == "ada"))
            }
            let plain = try await ledger.store.standing(of: TransactionID("2001"), for: nil)
            #expect(plain.account == nil && plain.chain != nil)
        }
    }

    /// What is kept is told from what is read anew by rows that can't be read any more.
    private func spoil(_ ledger: LedgerFixture) async throws {
        try await ledger.database.withOwnerClient { owner in
            _ = try await owner.query("ALTER TABLE evidence DISABLE TRIGGER append_only")
            _ = try await owner.query("ALTER TABLE evidence DROP CONSTRAINT evidence_check1")
            _ = try await owner.query("UPDATE evidence SET facts = '{}'")
        }
    }

    @Test("a repeat is one statement once its chain is known, and two before")
    func cost() async throws {
        try await LedgerFixture.with { ledger in
            try await ledger.settled("2001")
            let id = TransactionID("2001")
            let first = try await ledger.store.standing(of: id, for: AccountID("ada"))
            try await spoil(ledger)
            #expect(try await ledger.store.standing(of: id, for: AccountID("ada")).chain == first.chain)
            await #expect(throws: LedgerError.self) { try await ledger.store.chain(holding: id) }
        }
    }

    @Test("the whole read of many transactions and claims has the stamp that the short question asks for")
    func costOfMany() async throws {
        try await LedgerFixture.with { ledger in
            var chain = try await ledger.settled("2001", type: .autoRenewable)
            for period in 2...5 {
                let (item, body) = LedgerFixture.evidence(
                    "200\(period)", original: "2001", type: .autoRenewable, signedAfter: .hours(Int64(period)))
                chain = try #require(
                    try await ledger.apply(.evidenceVerified(item, absorbing: nil), to: chain, body: body))
            }
            for name in ["bob", "cid"] {
                let account = try await ledger.account(name)
                let claim = Input.claimed(TransactionID("2003"), by: account, at: LedgerFixture.start)
                chain = try #require(try await ledger.apply(claim, to: chain))
            }
            let first = try await ledger.store.standing(of: TransactionID("2004"), for: AccountID("bob")).chain
            #expect(first?.transactions.count == 5 && first?.claims.count == 3)
            try await spoil(ledger)
            #expect(try await ledger.store.standing(of: TransactionID("2002"), for: nil).chain == first)
        }
    }

    @Test(
        "what another process commits is in the very next answer: a refund, a claim, a check, a token, an erased text")
    func freshness() async throws {
        try await withTwo { here, there in
            var chain = try await here.settled("2001")
            let id = TransactionID("2001")
            try await expectCurrent("2001", for: "ada", here, "settled")

            let (refund, body) = LedgerFixture.evidence("2001", signedAfter: .hours(1), isRevoked: true)
            chain = try #require(
                try await there.apply(.evidenceVerified(refund, absorbing: nil), to: chain, body: body))
            #expect(try await here.store.standing(of: id, for: nil).chain?.transactions[id]?.state.name == .refunded)
            try await expectCurrent("2001", for: "ada", here, "refunded")

            let bob = try await there.account("bob")
            chain = try #require(
                try await there.apply(.claimed(id, by: bob, at: LedgerFixture.start), to: chain))
            #expect(try await here.store.standing(of: id, for: nil).chain?.claims[bob]?.status == .conflict)

            var check = chain.checks[id] ?? Check()
            check.lastAskedAt = LedgerFixture.start + .hours(3)
            let saved = try await there.store.saveChecks(
                [id: check], of: try #require(chain.id), at: chain.version, holder: "there")
            #expect(saved, "without a new version")
            #expect(try await here.store.standing(of: id, for: nil).chain?.checks[id] == check)

            let token = try #require(AppAccountToken(validating: "6f9619ff-8b86-d011-b42d-00c04fc964ff"))
            let ada = try await there.store.register(AccountID("ada"), statedToken: token, ruleToken: nil).number
            let named = try await here.store.standing(of: id, for: AccountID("ada"))
            #expect(named.chain?.erasable.accounts[ada]?.token == token && named.account?.statedToken == token)
            try await expectCurrent("2001", for: "ada", here, "named")

            try await there.database.withOwnerClient { _ = try await $0.query("DELETE FROM evidence_bodies") }
            #expect(try await here.store.standing(of: id, for: nil).chain?.erasable.erased.count == 2)
            try await expectCurrent("2001", for: "ada", here, "erased")
        }
    }

    @Test("a chain that was taken in by another one is found as that one")
    func absorbed() async throws {
        try await withTwo { here, there in
            let original = try await here.settled("2001")
            let bob = try await here.account("bob")
            let copy = TransactionID("2002")
            let provisional = try #require(
                try await here.apply(
                    .claimed(copy, by: bob, at: LedgerFixture.start), to: Chain(identity: .provisional(copy))))
            try await expectCurrent("2002", for: "bob", here, "of its own")
            let (item, body) = LedgerFixture.evidence("2002", original: "2001", signedAfter: .minutes(1))
            _ = try #require(
                try await there.apply(.evidenceVerified(item, absorbing: provisional), to: original, body: body))
            #expect(try await here.store.standing(of: copy, for: nil).chain?.id == original.id)
            try await expectCurrent("2002", for: "bob", here, "absorbed")
            try await expectCurrent("2001", for: "ada", here, "absorbing")
        }
    }

    @Test("whatever two processes do, and in whatever order, each answer is what a whole read gives")
    func random() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        try await withTwo { here, there in
            var generator = SplitMix(seed: seed)
            let ids = (1...4).map { "300\($0)" }
            for id in ids { try await here.settled(id) }
            for step in 1...120 {
                let ledger = Bool.random(using: &generator) ? here : there
                let id = ids[Int.random(in: 0..<ids.count, using: &generator)]
                try await act(on: id, step, ledger, &generator)
                let reader = Bool.random(using: &generator) ? here : there
                try await expectCurrent(id, for: "ada", reader, "seed \(seed), step \(step)")
            }
        }
    }

    private func act(
        on id: String, _ step: Int, _ ledger: LedgerFixture, _ generator: inout SplitMix
    ) async throws {
        let transaction = TransactionID(id)
        let chain = try #require(try await ledger.store.chain(holding: transaction))
        switch Int.random(in: 0..<6, using: &generator) {
        case 0:
            let (item, body) = LedgerFixture.evidence(
                id, signedAfter: .minutes(Int64(step)), isRevoked: Bool.random(using: &generator))
            _ = try await ledger.apply(.evidenceVerified(item, absorbing: nil), to: chain, body: body)
        case 1:
            let account = try await ledger.account("account-\(Int.random(in: 0..<5, using: &generator))")
            _ = try await ledger.apply(.claimed(transaction, by: account, at: LedgerFixture.start), to: chain)
        case 2:
            var check = chain.checks[transaction] ?? Check()
            check.lastAskedAt = LedgerFixture.start + .minutes(Int64(step))
            _ = try await ledger.store.saveChecks(
                [transaction: check], of: try #require(chain.id), at: chain.version, holder: "tester")
        case 3:
            let digits = String(repeating: "0", count: 12 - String(step).count) + String(step)
            let token = AppAccountToken(validating: "6f9619ff-8b86-d011-b42d-\(digits)")
            _ = try await ledger.store.register(AccountID("ada"), statedToken: token, ruleToken: nil)
        case 4:
            try await ledger.database.withOwnerClient { owner in
                _ = try await owner.query(
                    """
                    DELETE FROM evidence_bodies WHERE (sha256, source) IN (SELECT sha256, source FROM evidence
                        WHERE transaction_id = \(id) ORDER BY signed_date LIMIT 1)
                    """)
            }
        default:
            _ = try await ledger.store.lease(
                transaction, holder: "tester", until: LedgerFixture.start + .hours(1),
                notAskedSince: LedgerFixture.start, now: LedgerFixture.start)
        }
    }
}

@Suite("The chains that are kept")
struct ChainCacheTests {
    private func stamp(
        _ id: Int64, version: Int64 = 1, checks: String? = nil, server: Int64 = 0
    ) -> ChainStamp {
        ChainStamp(
            chain: ChainID(id), version: version, texts: 1, checks: checks, accounts: nil,
            serverStartedAt: PostgresTimestamp(microsecondsSinceUnixEpoch: server))
    }

    private func chain(_ id: Int64) -> Chain {
        var chain = Chain(identity: .provisional(TransactionID("\(id)")))
        chain.id = ChainID(id)
        return chain
    }

    @Test("a chain is good for its own stamp alone, and gone once another one is asked for")
    func stamps() {
        let cache = ChainCache(bytesMax: 8_000)
        for other in [stamp(1, version: 2), stamp(1, checks: "7"), stamp(1, server: 1)] {
            cache.keep(chain(1), stamp(1), bytes: 100)
            #expect(cache.chain(stamp(2)) == nil)
            #expect(cache.chain(stamp(1)) == chain(1))
            #expect(cache.chain(other) == nil)
            #expect(cache.chain(stamp(1)) == nil)
            #expect(cache.bytes == 0)
        }
    }

    @Test("its size is bounded whatever comes, what is looked at stays, and what is large is not kept")
    func bound() {
        let cache = ChainCache(bytesMax: 8_000)
        cache.keep(chain(0), stamp(0), bytes: 1_001)
        #expect(cache.chain(stamp(0)) == nil)
        for id in Int64(1)...1_000 {
            cache.keep(chain(id), stamp(id), bytes: 700)
            #expect(cache.bytes <= 8_000)
            #expect(cache.chain(stamp(1)) == chain(1), "at \(id)")
        }
        #expect(cache.chain(stamp(1_000)) != nil)
        #expect(cache.chain(stamp(900)) == nil)
        // The same one again counts once.
        for _ in 0..<100 { cache.keep(chain(2_000), stamp(2_000), bytes: 1_000) }
        #expect(cache.bytes <= 8_000)
    }
}
