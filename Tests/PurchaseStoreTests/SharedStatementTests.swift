import Logging
import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import Synchronization
import TestSupport
import Testing

@Suite("Many decisions in one statement")
struct SharedStatementTests {
    /// Holds the ledger's lock until so many decisions have come, so that all but the first share statements; or only until
    /// a crowd of them is sent behind the first.
    private func gather(
        _ count: Int, isCrowd: Bool = false, in ledger: LedgerFixture,
        _ body: @Sendable @escaping (Int) async throws -> Void
    ) async throws {
        // What comes while the connection is made would be one group.
        _ = try await ledger.client.commit("SELECT 1")
        try await withThrowingTaskGroup(of: Void.self) { group in
            try await ledger.client.withTransaction { transaction in
                try await transaction.query(LedgerStore.ledgerLockStatement)
                for number in 0..<count { group.addTask { try await body(number) } }
                let deadline = ContinuousClock.now + .seconds(60)
                while isCrowd ? !hasCrowd(ledger) : ledger.store.waitingDecisions < count - 1 {
                    try #require(ContinuousClock.now < deadline, "the decisions never gathered")
                    await Task.yield()
                }
            }
            try await group.waitForAll()
        }
    }

    /// Whether a second group stands behind the one that waits for the lock; how many are in it is the scheduler's dice.
    private func hasCrowd(_ ledger: LedgerFixture) -> Bool {
        ledger.client.laneLoads.contains { $0.lane == "commit" && $0.running > 0 && $0.waiting > 0 }
    }

    private func claim(
        _ id: String, by account: AccountNumber, actor: String = "tester"
    ) throws -> CommittableDecision {
        let empty = Chain(identity: .provisional(TransactionID(id)))
        let input = Input.claimed(TransactionID(id), by: account, at: LedgerFixture.start)
        guard case .record(let recorded) = decide(empty, input, policy: LedgerFixture.policy, now: LedgerFixture.start)
        else { throw LedgerError(.refused, "nothing was decided") }
        return CommittableDecision(
            recorded: recorded, before: empty, actor: actor, requestID: nil, recordedAt: LedgerFixture.start, body: nil,
            process: "tester", lease: nil)
    }

    @Test("thirty decisions leave two transactions of the database, and each its own rows")
    func shared() async throws {
        try await LedgerFixture.with { ledger in
            let ada = try await ledger.account("ada")
            let settled = try await ledger.settled("900")
            try await gather(30, in: ledger) { number in
                // Every fourth refunds what is there, the others are new.
                if number == 7 {
                    let (refund, body) = LedgerFixture.evidence("900", signedAfter: .hours(1), isRevoked: true)
                    let after = try await ledger.apply(
                        .evidenceVerified(refund, absorbing: nil), to: settled, body: body)
                    #expect(after?.version == 3)
                } else {
                    let chain = try await ledger.store.commit(try claim("\(1_000 + number)", by: ada))
                    #expect(chain != nil)
                }
            }
            #expect(try await ledger.count("SELECT count(*) FROM transactions WHERE state = 'received'") == 29)
            #expect(try await ledger.count("SELECT count(*) FROM transactions WHERE state = 'refunded'") == 1)
            // One row of each new chain, all naming their own chain.
            #expect(
                try await ledger.count(
                    """
                    SELECT count(*) FROM chains c JOIN events e USING (chain_id) JOIN transactions t USING (chain_id)
                        JOIN claims l USING (chain_id) JOIN checks h ON h.transaction_id = t.transaction_id
                    WHERE c.provisional_transaction_id = t.transaction_id AND l.transaction_id = t.transaction_id
                        AND e.entries::text LIKE '%' || t.transaction_id || '%'
                    """) == 29)
            #expect(
                try await ledger.count(
                    "SELECT count(DISTINCT xmin::text) FROM events WHERE chain_id <> \(try #require(settled.id).rawValue)"
                )
                    == 2)
            for number in 0..<30 where number != 7 {
                let stored = try await ledger.store.chain(holding: TransactionID("\(1_000 + number)"))
                #expect(stored?.claims[ada]?.status == .waiting)
            }
        }
    }

    @Test("a crowd is sent behind the statement under way, and every decision of all of them is there")
    func crowd() async throws {
        try await LedgerFixture.with { ledger in
            let ada = try await ledger.account("ada")
            try await gather(100, isCrowd: true, in: ledger) { number in
                let chain = try await ledger.store.commit(try claim("\(5_000 + number)", by: ada))
                #expect(chain != nil)
            }
            #expect(try await ledger.count("SELECT count(*) FROM claims WHERE status = 'waiting'") == 100)
            let largest = try await ledger.count(
                "SELECT max(n) FROM (SELECT count(*) AS n FROM events GROUP BY xmin::text) g")
            #expect(largest >= 32)
        }
    }

    @Test("a group behind another waits for it longer than for a connection")
    func behind() async throws {
        try await TestDatabase.withDatabase { database in
            var configuration = PostgresConfiguration(uri: database.uri)
            configuration.sessionRole = Migrator.serviceRole
            configuration.commitPrelude = LedgerStore.ledgerLockStatement
            configuration.commitSettings = LedgerStore.commitSettings
            configuration.acquireTimeout = .milliseconds(500)
            let client = PostgresClient(configuration: configuration, logger: Logger(label: "test"))
            let ledger = LedgerFixture(store: LedgerStore(client: client), client: client, database: database)
            do {
                let ada = try await ledger.account("ada")
                _ = try await client.commit("SELECT 1")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    try await client.withTransaction { transaction in
                        try await transaction.query(LedgerStore.ledgerLockStatement)
                        for number in 0..<40 {
                            group.addTask {
                                let chain = try await ledger.store.commit(try claim("\(6_000 + number)", by: ada))
                                #expect(chain != nil)
                            }
                        }
                        let deadline = ContinuousClock.now + .seconds(60)
                        while !hasCrowd(ledger) {
                            try #require(ContinuousClock.now < deadline, "no crowd was sent")
                            await Task.yield()
                        }
                        // Whoever comes behind the crowd gives up; by the second one the crowd would have as well.
                        for _ in 0..<2 {
                            await #expect(throws: PostgresError.self) { try await client.commit("SELECT 1") }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await ledger.count("SELECT count(*) FROM claims") == 40)
            } catch {
                await client.close()
                throw error
            }
            await client.close()
        }
    }

    @Test("one that the database refuses fails alone; the others of its statement are durable")
    func poison() async throws {
        try await LedgerFixture.with { ledger in
            let ada = try await ledger.account("ada")
            try await gather(20, in: ledger) { number in
                // Names of keys end at 100 characters.
                let actor = number == 11 ? String(repeating: "a", count: 101) : "tester"
                do {
                    let chain = try await ledger.store.commit(try claim("\(2_000 + number)", by: ada, actor: actor))
                    #expect(chain != nil && number != 11)
                } catch let error as LedgerError {
                    #expect(error.code == .refused && number == 11)
                }
            }
            #expect(try await ledger.count("SELECT count(*) FROM chains") == 19)
            #expect(try await ledger.count("SELECT count(*) FROM transactions WHERE transaction_id = '2011'") == 0)
        }
    }

    @Test("of many that record the same new id at once exactly one wins, the others are told to decide again")
    func sameID() async throws {
        try await LedgerFixture.with { ledger in
            var accounts: [AccountNumber] = []
            for number in 0..<12 { accounts.append(try await ledger.account("account-\(number)")) }
            let (all, won) = (accounts, Counted())
            try await gather(12, in: ledger) { number in
                if try await ledger.store.commit(try claim("3000", by: all[number])) != nil { won.add() }
            }
            #expect(won.count == 1)
            #expect(try await ledger.count("SELECT count(*) FROM chains") == 1)
            #expect(try await ledger.count("SELECT count(*) FROM claims") == 1)
        }
    }

    @Test("a caller that goes away while it waits or leads costs the others nothing")
    func cancelled() async throws {
        try await LedgerFixture.with { ledger in
            let ada = try await ledger.account("ada")
            try await withThrowingTaskGroup(of: Void.self) { group in
                var leaving: [Task<Bool, Never>] = []
                try await ledger.client.withTransaction { transaction in
                    try await transaction.query(LedgerStore.ledgerLockStatement)
                    // Behind the first, whoever comes next leads a group; the tests' only unstructured tasks are those that
                    // are cancelled one by one.
                    for number in 0..<30 {
                        if number.isMultiple(of: 3) {
                            leaving.append(
                                Task {
                                    (try? await ledger.store.commit(try claim("\(4_000 + number)", by: ada))) != nil
                                })
                        } else {
                            group.addTask {
                                let chain = try await ledger.store.commit(try claim("\(4_000 + number)", by: ada))
                                #expect(chain != nil)
                            }
                        }
                    }
                    let deadline = ContinuousClock.now + .seconds(60)
                    while ledger.store.waitingDecisions < 29 {
                        try #require(ContinuousClock.now < deadline, "the decisions never gathered")
                        await Task.yield()
                    }
                    for task in leaving { task.cancel() }
                }
                try await group.waitForAll()
                var committed = 20
                for task in leaving where await task.value { committed += 1 }
                #expect(try await ledger.count("SELECT count(*) FROM chains") == Int64(committed))
            }
        }
    }
}

/// A counter that tasks share.
private final class Counted: Sendable {
    private let state = Mutex(0)
    func add() { state.withLock { $0 += 1 } }
    var count: Int { state.withLock { $0 } }
}
