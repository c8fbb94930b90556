import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import TestSupport
import Testing

@Suite("Leases, budget and traces")
struct WorkTests {
    @Test("a due check is leased to one worker, comes back when the lease runs out, and ends with an answer")
    func leases() async throws {
        try await LedgerFixture.with { ledger in
            let id = TransactionID("1")
            let account = try await ledger.account("ada")
            let now = LedgerFixture.start
            let chain = try #require(
                try await ledger.apply(.claimed(id, by: account, at: now), to: Chain(identity: .provisional(id))))
            let (one, two) = (now + .seconds(30), now + .seconds(31))
            #expect(
                try await ledger.store.leaseDueChecks(sweeps: false, limit: 10, holder: "a", until: one, now: now) == [
                    id
                ])
            #expect(
                try await ledger.store.leaseDueChecks(sweeps: false, limit: 10, holder: "b", until: one, now: now) == []
            )
            #expect(
                try await ledger.store.leaseDueChecks(
                    sweeps: false, limit: 10, holder: "b", until: two + .seconds(30), now: two) == [
                        id
                    ])
            let (item, body) = LedgerFixture.evidence("1")
            _ = try #require(try await ledger.apply(.evidenceVerified(item, absorbing: nil), to: chain, body: body))
            #expect(
                try await ledger.store.leaseDueChecks(
                    sweeps: false, limit: 10, holder: "c", until: two + .days(9), now: two + .days(8)) == [])
        }
    }

    @Test("an overdue sweep does not hide the question for a subscription's status")
    func statusesBehindSweep() async throws {
        try await LedgerFixture.with { ledger in
            let id = TransactionID("1")
            let account = try await ledger.account("ada")
            let claimed = try #require(
                try await ledger.apply(
                    .claimed(id, by: account, at: LedgerFixture.start), to: Chain(identity: .provisional(id))))
            let end = LedgerFixture.start + .days(30)
            let (item, body) = LedgerFixture.evidence("1", type: .autoRenewable) { $0.expiresDate = end }
            var chain = try #require(
                try await ledger.apply(.evidenceVerified(item, absorbing: nil), to: claimed, body: body))
            chain.checks[id]?.statusesAt = end
            let check = try #require(chain.checks[id])
            #expect(check.isSweepDueFirst)
            let number = try #require(chain.id)
            #expect(try await ledger.store.saveChecks([id: check], of: number, at: chain.version, holder: "a"))
            func take(_ sweeps: Bool, at now: Instant) async throws -> [TransactionID] {
                try await ledger.store.leaseDueChecks(
                    sweeps: sweeps, limit: 10, holder: "a", until: now + .seconds(1), now: now)
            }
            let early = end - .seconds(1)
            #expect(try await take(false, at: early) == [])
            #expect(try await take(true, at: early) == [id])
            #expect(try await take(false, at: end) == [id])
            #expect(try await take(true, at: end) == [], "it is leased, for whichever question")
        }
    }

    @Test("a claim by another process does not take the lease from the one that asks")
    func leaseStays() async throws {
        try await LedgerFixture.with { ledger in
            let id = TransactionID("1")
            let (ada, bob) = (try await ledger.account("ada"), try await ledger.account("bob"))
            let now = LedgerFixture.start
            var chain = Chain(identity: .provisional(id))
            for (account, holder) in [(ada, "process-1"), (bob, "process-2")] {
                guard
                    case .record(let recorded) = decide(
                        chain, .claimed(id, by: account, at: now), policy: LedgerFixture.policy, now: now)
                else {
                    Issue.record("a first claim is recorded")
                    return
                }
                let committed = try await ledger.store.commit(
                    CommittableDecision(
                        recorded: recorded, before: chain, actor: nil, requestID: nil, recordedAt: now, body: nil,
                        process: holder, lease: CheckLease(transactionID: id, holder: holder, until: now + .seconds(30))
                    ))
                chain = recorded.chain
                chain.id = committed
                #expect(committed != nil)
            }
            #expect(try await ledger.count("SELECT count(*) FROM checks WHERE lease_holder = 'process-1'") == 1)
        }
    }

    @Test("bookkeeping about an older version writes nothing, and nobody else's lease ends with it")
    func guardedBookkeeping() async throws {
        try await LedgerFixture.with { ledger in
            let id = TransactionID("1")
            let account = try await ledger.account("ada")
            let now = LedgerFixture.start
            let chain = try #require(
                try await ledger.apply(.claimed(id, by: account, at: now), to: Chain(identity: .provisional(id))))
            let number = try #require(chain.id)
            #expect(
                try await ledger.store.leaseDueChecks(
                    sweeps: false, limit: 1, holder: "asking", until: now + .seconds(30), now: now)
                    == [id])
            var late = Check()
            late.nextCheckAt = now + .days(9)
            #expect(
                try await !ledger.store.saveChecks([id: late], of: number, at: chain.version - 1, holder: "other"))
            #expect(try await ledger.count("SELECT count(*) FROM checks WHERE due_at <= now()") == 1)
            #expect(try await ledger.store.saveChecks([id: late], of: number, at: chain.version, holder: "other"))
            #expect(try await ledger.count("SELECT count(*) FROM checks WHERE lease_holder = 'asking'") == 1)
            #expect(try await ledger.store.saveChecks([id: late], of: number, at: chain.version, holder: "asking"))
            #expect(try await ledger.count("SELECT count(*) FROM checks WHERE lease_holder IS NULL") == 1)
        }
    }

    @Test("many workers never take one check twice, sweeps or not", arguments: [false, true])
    func skipLocked(sweeps: Bool) async throws {
        try await LedgerFixture.with { ledger in
            let account = try await ledger.account("ada")
            for number in 1...40 {
                if sweeps {
                    try await ledger.settled("\(number)")
                } else {
                    let (id, now) = (TransactionID("\(number)"), LedgerFixture.start)
                    _ = try await ledger.apply(
                        .claimed(id, by: account, at: now), to: Chain(identity: .provisional(id)))
                }
            }
            let now = LedgerFixture.start + .days(2)
            let taken = try await withThrowingTaskGroup(of: [TransactionID].self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        try await ledger.store.leaseDueChecks(
                            sweeps: sweeps, limit: 7, holder: "worker-\(worker)", until: now + .seconds(30), now: now)
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(Set(taken).count == taken.count)
            #expect(taken.count == 40)
        }
    }

    @Test("sweeps of paid transactions, however many and however long due, are not in the way of a pending one")
    func sweepsApart() async throws {
        try await LedgerFixture.with { ledger in
            for number in 1...20 { try await ledger.settled("\(number)") }
            try await ledger.settled("30", isRevoked: true)
            let account = try await ledger.account("bob")
            let (id, late) = (TransactionID("40"), LedgerFixture.start + .days(3))
            _ = try await ledger.apply(
                .claimed(id, by: account, at: late), to: Chain(identity: .provisional(id)), at: late)
            #expect(try await ledger.count("SELECT count(*) FROM checks WHERE sweep") == 20)
            func lease(sweeps: Bool, at now: Instant) async throws -> [TransactionID] {
                try await ledger.store.leaseDueChecks(
                    sweeps: sweeps, limit: 50, holder: "a", until: now + .seconds(60), now: now)
            }
            #expect(try await lease(sweeps: true, at: LedgerFixture.start + .hours(12)) == [])
            #expect(try await lease(sweeps: false, at: late) == [id])
            let swept = try await lease(sweeps: true, at: late)
            #expect(Set(swept) == Set((1...20).map { TransactionID("\($0)") }), "and what is refunded is not swept")
            #expect(try await lease(sweeps: true, at: late) == [])
        }
    }

    @Test("a sweep that is planned and one that was asked in vain survive their rows")
    func sweepRows() async throws {
        try await LedgerFixture.with { ledger in
            let chain = try await ledger.settled("1")
            let id = TransactionID("1")
            let planned = try #require(chain.checks[id]?.nextCheckAt)
            #expect(try await ledger.store.chain(holding: id)?.checks == chain.checks)
            guard
                case .reschedule(let after) = decide(
                    chain, .appStoreUnanswered(id, .unavailable), policy: LedgerFixture.policy, now: planned)
            else {
                Issue.record("a fruitless sweep is planned again, and no event")
                return
            }
            let number = try #require(chain.id)
            #expect(
                try await ledger.store.saveChecks(after.checks, of: number, at: chain.version, holder: "tester"))
            let stored = try #require(try await ledger.store.chain(holding: id)?.checks[id])
            #expect(stored == after.checks[id] && stored.isSweep)
            #expect(try await ledger.count("SELECT count(*) FROM checks WHERE sweep") == 1)
        }
    }

    @Test("the request budget gives what the bucket holds and no more, whoever asks")
    func budget() async throws {
        try await LedgerFixture.with { ledger in
            let budget = RequestBudgetStore(client: ledger.client)
            // One token an hour: nothing is refilled while the test runs.
            let request = BudgetRequest(
                environment: .production, endpointClass: .standard, count: 3, tokensPerHour: 1, capacity: 10)
            let taken = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<12 { group.addTask { try await budget.takeTokens(request).count } }
                return try await group.reduce(0, +)
            }
            #expect(taken == 10)
            let empty = try await budget.takeTokens(request)
            #expect(empty.count == 0)
            #expect(empty.nextTokenIn > .seconds(3_500) && empty.nextTokenIn <= .seconds(3_600))
            let other = BudgetRequest(
                environment: .sandbox, endpointClass: .standard, count: 3, tokensPerHour: 1, capacity: 10)
            #expect(try await budget.takeTokens(other).count == 3)
        }
    }

    @Test("traces of refusals are a ring: a flood overwrites its own")
    func ring() async throws {
        try await LedgerFixture.with { ledger in
            try await ledger.database.withOwnerClient { owner in
                _ = try await owner.query("SELECT setval('refusals_sequence', 9999)")
            }
            for number in 0..<3 {
                try await ledger.store.keep(
                    RefusedSubmission(
                        refusedAt: LedgerFixture.start, source: .device, refusal: "signature_invalid",
                        step: "signature",
                        code: "signature_invalid", detail: String(repeating: "x", count: 900),
                        sha256: [UInt8](repeating: UInt8(number), count: 32), transactionID: nil, account: nil,
                        actor: "key", requestID: nil))
                if number == 0 {
                    try await ledger.database.withOwnerClient { owner in
                        _ = try await owner.query("SELECT setval('refusals_sequence', 9999)")
                    }
                }
            }
            #expect(try await ledger.count("SELECT count(*) FROM refusals") == 2)
            #expect(try await ledger.count("SELECT max(slot) FROM refusals") < 10_000)
        }
    }

    @Test("a secret is made once and stays")
    func secret() async throws {
        try await LedgerFixture.with { ledger in
            let first = try await ledger.store.secret(named: "test")
            #expect(first.count == 32 && Set(first).count > 1)
            #expect(try await ledger.store.secret(named: "test") == first)
        }
    }
}
