import Foundation
import Postgres
import TestSupport
import Testing

/// Random numbers that a seed repeats (SplitMix64); the seed is printed, and `SEED=` sets it.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    static func forTest(_ name: String) -> SeededGenerator {
        let seed = ProcessInfo.processInfo.environment["SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 1...999_999)
        print("\(name): SEED=\(seed)")
        return SeededGenerator(seed: seed)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite("Crashes", .serialized)
struct CrashTests {
    @Test("kill -9 at any moment of a stream of posts loses no answered transaction and grants none twice")
    func killed() async throws {
        var random = SeededGenerator.forTest("kill -9")
        try await TestDatabase.withDatabase(migrated: false) { database in
            try await Installation.with(database: database.uri) { vouch in
                var ids: [String] = []
                for _ in 0..<120 { ids.append(try await vouch.buy()) }
                let answered = Shared<[String]>([])
                var open = ids
                // Each round posts what is not answered yet, and dies after a random number of answers.
                for round in 0..<4 {
                    let server = try vouch.startServer()
                    let limit = round == 3 ? Int.max : Int.random(in: 5...40, using: &random)
                    let batch = open
                    let seen = Shared(0)
                    await withTaskGroup(of: Void.self) { group in
                        for (index, id) in batch.enumerated() {
                            // A dozen under way at a time, so that the kill meets posts at every stage.
                            if index >= 12 { await group.next() }
                            group.addTask {
                                guard let answer = try? await vouch.post("ada", id, to: server.url),
                                    [200, 202].contains(answer.status)
                                else { return }
                                answered.withLock { $0.append(id) }
                                if seen.withLock({
                                    $0 += 1
                                    return $0
                                }) == limit {
                                    server.kill()
                                }
                            }
                        }
                    }
                    if round < 3 { server.kill() }
                    let done = Set(answered.withLock { $0 })
                    open = ids.filter { !done.contains($0) }
                    if round == 3 {
                        #expect(open.isEmpty)
                        for id in ids {
                            let end = try await vouch.poll(server.url + "/v1/transactions/\(id)") { $0.state == "paid" }
                            #expect(end.state == "paid", "\(id)")
                        }
                    }
                }
                try await database.withOwnerClient { client in
                    let grants = try await client.query(
                        "SELECT count(*) AS all, count(DISTINCT purchase_id) AS purchases FROM grants")
                    let row = try #require(grants.first)
                    #expect(try row.decode("all", as: Int64.self) == 120)
                    #expect(try row.decode("purchases", as: Int64.self) == 120)
                    let sales = try #require(try await client.query("SELECT count(*) FROM movements").first)
                    #expect(try sales.decode(0, as: Int64.self) == 120)
                }
            }
        }
    }

    @Test("a restart of PostgreSQL under load is survived without a restart of Vouch")
    func databaseRestart() async throws {
        let directory = Checkout.path(".run/tests/restart-\(ProcessInfo.processInfo.processIdentifier)")
        let cluster = Checkout.path("scripts/cluster")
        let server = try Shell.run([cluster, "start", directory])
        defer { _ = try? Shell.run([cluster, "remove", directory]) }
        try await Installation.with(database: server) { vouch in
            let running = try vouch.startServer()
            var ids: [String] = []
            for _ in 0..<200 { ids.append(try await vouch.buy()) }
            let done = Shared<Set<String>>([])
            let queue = Shared(ids)
            let retries = Shared(0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        let deadline = ContinuousClock.now + .seconds(90)
                        while let id = queue.withLock({ $0.popLast() }) {
                            while ContinuousClock.now < deadline {
                                let answer = try await vouch.post("ada-\(worker)", id, to: running.url)
                                if [200, 202, 409].contains(answer.status) {
                                    done.withLock { _ = $0.insert(id) }
                                    break
                                }
                                // Nothing but "retry" may be said meanwhile.
                                #expect(answer.status == 503, "\(answer.body)")
                                retries.withLock { $0 += 1 }
                                try await Task.sleep(for: .milliseconds(20))
                            }
                        }
                    }
                }
                group.addTask {
                    while done.withLock({ $0.count }) < 40 { try await Task.sleep(for: .milliseconds(10)) }
                    _ = try Shell.run([cluster, "restart", directory])
                }
                try await group.waitForAll()
            }
            #expect(done.withLock { $0.count } == 200)
            for id in ids {
                let end = try await vouch.poll(running.url + "/v1/transactions/\(id)") { $0.state == "paid" }
                #expect(end.state == "paid")
            }
            try await TestDatabase.withClient(server) { client in
                let row = try #require(try await client.query("SELECT count(*) FROM grants").first)
                #expect(try row.decode(0, as: Int64.self) == 200)
            }
        }
    }

    @Test("SIGTERM under load: every post is answered or refused before it was read, nothing is lost, exit 0")
    func terminated() async throws {
        try await TestDatabase.withDatabase(migrated: false) { database in
            try await Installation.with(database: database.uri) { vouch in
                let server = try vouch.startServer()
                var ids: [String] = []
                for _ in 0..<60 { ids.append(try await vouch.buy()) }
                let posted = ids
                let answered = Shared<[String]>([])
                let code = Shared<Int32?>(nil)
                await withTaskGroup(of: Void.self) { group in
                    for id in posted {
                        group.addTask {
                            guard let answer = try? await vouch.post("ada", id, to: server.url) else { return }
                            #expect([200, 202].contains(answer.status))
                            if answered.withLock({
                                $0.append(id)
                                return $0.count
                            }) == 10 {
                                code.withLock { $0 = server.terminate() }
                            }
                        }
                    }
                }
                #expect(code.withLock { $0 } == 0)
                let again = try vouch.startServer()
                for id in answered.withLock({ $0 }) {
                    let end = try await vouch.poll(again.url + "/v1/transactions/\(id)") { $0.state == "paid" }
                    #expect(end.state == "paid")
                }
            }
        }
    }

    @Test(
        "two server processes: one post on each of one transaction are one call, one grant, and one 409 for the other account"
    )
    func twoProcesses() async throws {
        try await TestDatabase.withDatabase(migrated: false) { database in
            try await Installation.with(database: database.uri) { vouch in
                let (one, two) = (try vouch.startServer(), try vouch.startServer())
                for _ in 0..<10 {
                    let id = try await vouch.buy()
                    async let first = vouch.post("ada", id, to: one.url)
                    async let second = vouch.post("bob", id, to: two.url)
                    // Both are answered with Apple's word, whichever process asked.
                    #expect(try await [first.status, second.status].sorted() == [200, 409])
                    let ends = try await [
                        vouch.poll(one.url + "/v1/transactions/\(id)") { $0.state == "paid" },
                        vouch.poll(two.url + "/v1/transactions/\(id)") { $0.state == "paid" },
                    ]
                    #expect(ends.allSatisfy { $0.state == "paid" })
                    let statuses = try await [
                        vouch.post("ada", id, to: two.url).status, vouch.post("bob", id, to: one.url).status,
                    ]
                    #expect(statuses.sorted() == [200, 409])
                    #expect(try await vouch.calls(about: id) == 1)
                }
                try await database.withOwnerClient { client in
                    let row = try #require(try await client.query("SELECT count(*) FROM grants").first)
                    #expect(try row.decode(0, as: Int64.self) == 10)
                }
            }
        }
    }
}
