import MetricsTestKit
import Postgres
import Testing

@Suite("Lookups that callers share")
struct LookupTests {
    /// A divisor of zero is a key that poisons its statement.
    private static let quotients = PostgresLookup(
        """
        SELECT k.place, n / d AS quotient FROM unnest($1::int8[], $2::int8[]) WITH ORDINALITY AS k(n, d, place)
        WHERE n IS NOT NULL
        """, keyTypes: [.int8, .int8], keysMax: 16)

    /// Waits for a lock that the test holds.
    private static let waiting = PostgresLookup(
        """
        WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(4711))
        SELECT k.place, k.name FROM held, unnest($1::text[]) WITH ORDINALITY AS k(name, place) /* lookup */
        """, keyTypes: [.text], keysMax: 64)

    private func quotient(_ client: PostgresClient, _ n: Int64, by d: Int64) async throws -> Int64? {
        try await client.lookup(Self.quotients, key: [.int8(n), .int8(d)]).first?.decode("quotient")
    }

    /// Lets lookups gather behind one that waits for a lock, on the only connection, until the body ends.
    private func withBlocked(
        _ client: PostgresClient, _ other: PostgresClient, _ body: () async throws -> Void
    ) async throws {
        try await other.withSession { session in
            try await session.query("SELECT pg_advisory_lock(4711)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await client.lookup(Self.waiting, key: [.text("first")]) }
                try await eventually("the first one runs") { try await running("/* lookup */", other) == 1 }
                try await body()
                try await session.query("SELECT pg_advisory_unlock(4711)")
                try await group.waitForAll()
            }
        }
    }

    private func withOneConnection(
        _ metrics: TestMetrics = TestMetrics(), queueMax: Int = 1_024,
        _ body: (PostgresClient, _ other: PostgresClient) async throws -> Void
    ) async throws {
        try await withDatabase { uri in
            var configuration = PostgresConfiguration(uri: uri)
            configuration.lookupConnectionsMax = 1
            configuration.queueMax = queueMax
            let client = PostgresClient(configuration: configuration, logger: quiet, metricsFactory: metrics)
            do {
                try await withOpen(PostgresConfiguration(uri: uri)) { try await body(client, $0) }
            } catch {
                await client.close()
                throw error
            }
            await client.close()
        }
    }

    private func waiting(_ client: PostgresClient) -> Int {
        client.laneLoads.first { $0.lane == "lookup" }?.waiting ?? 0
    }

    @Test("a lone key goes at once; what comes while a statement runs shares the next one, and each gets its own rows")
    func gathering() async throws {
        let metrics = TestMetrics()
        try await withOneConnection(metrics) { client, other in
            #expect(try await quotient(client, 6, by: 3) == 2)
            let answers = Gathered<(Int64, Int64?)>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await withBlocked(client, other) {
                    for number in Int64(1)...20 {
                        group.addTask { answers.add((number, try await quotient(client, number * 10, by: 10))) }
                    }
                    try await eventually("all of them wait") { waiting(client) == 20 }
                }
                try await group.waitForAll()
            }
            #expect(answers.all.count == 20 && answers.all.allSatisfy { $0.0 == $0.1 })
            let sizes = try metrics.expectRecorder("vouch_postgres_lookup_batch_keys").values
            #expect(sizes == [1, 1, 16, 4], "alone, the one that blocks, and the rest up to the bound")
        }
    }

    @Test("a key may have many rows and none, NULL is a key, and kinds that wait together don't mix")
    func rows() async throws {
        let series = PostgresLookup(
            """
            SELECT k.place, s.n FROM unnest($1::int8[]) WITH ORDINALITY AS k(n, place)
                CROSS JOIN LATERAL generate_series(1, k.n) AS s(n)
            """, keyTypes: [.int8], keysMax: 64)
        try await withOneConnection { client, other in
            let counts = Gathered<(Int64, Int)>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await withBlocked(client, other) {
                    for number in Int64(0)..<8 {
                        group.addTask {
                            counts.add((number, try await client.lookup(series, key: [.int8(number)]).count))
                        }
                        group.addTask {
                            let own = try await quotient(client, number, by: 1)
                            #expect(own == number)
                        }
                    }
                    try await eventually("all of them wait") { waiting(client) == 16 }
                }
                try await group.waitForAll()
            }
            #expect(counts.all.count == 8 && counts.all.allSatisfy { Int($0.0) == $0.1 })
            #expect(try await client.lookup(Self.quotients, key: [.null(.int8), .int8(1)]).isEmpty)
        }
    }

    @Test("a key that breaks the statement fails alone, and the others of its batch are answered")
    func poison() async throws {
        try await withOneConnection { client, other in
            let failures = Gathered<(Int64, String?)>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await withBlocked(client, other) {
                    for divisor in Int64(0)..<10 {
                        group.addTask {
                            let error = await failure {
                                let zero = try await quotient(client, 0, by: divisor)
                                #expect(zero == 0)
                            }
                            if let error { failures.add((divisor, error.sqlState)) }
                        }
                    }
                    try await eventually("all of them wait") { waiting(client) == 10 }
                }
                try await group.waitForAll()
            }
            #expect(failures.all.map(\.0) == [0])
            #expect(failures.all.first?.1 == "22012")
        }
    }

    @Test("cancelling one that runs, or its deadline, answers it at once and harms nobody else")
    func leaving() async throws {
        let second = PostgresLookup(
            """
            WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(4712))
            SELECT k.place, k.name FROM held, unnest($1::text[]) WITH ORDINALITY AS k(name, place) /* second */
            """, keyTypes: [.text], keysMax: 64)
        try await withOneConnection { client, other in
            try await other.withSession { session in
                try await session.query("SELECT pg_advisory_lock(4712)")
                let stayer = Gathered<Task<[PostgresRow], any Error>>()
                let leavers = Gathered<Task<[PostgresRow], any Error>>()
                try await withBlocked(client, other) {
                    leavers.add(Task { try await client.lookup(second, key: [.text("leaver")]) })
                    leavers.add(Task { try await client.lookup(second, key: [.text("late")], deadline: .seconds(3)) })
                    stayer.add(Task { try await client.lookup(second, key: [.text("stayer")]) })
                    try await eventually("they wait") { waiting(client) == 3 }
                }
                try await eventually("they run") { try await running("/* second */", other) == 1 }
                leavers.all[0].cancel()
                let cancelled = await failure { _ = try await leavers.all[0].value }
                #expect(cancelled?.code == .cancelled)
                let late = await failure { _ = try await leavers.all[1].value }
                #expect(late?.code == .deadlineExceeded)
                let backends = try await running("/* second */", other)
                #expect(backends == 1, "it goes on for the one that stayed")
                try await session.query("SELECT pg_advisory_unlock(4712)")
                let stayed = try await stayer.all[0].value
                #expect(try stayed.first?.decode("name", as: String.self) == "stayer")
            }
        }
    }

    @Test("a full queue refuses at once, and says that it is full")
    func queueBound() async throws {
        try await withOneConnection(queueMax: 2) { client, other in
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await withBlocked(client, other) {
                    for number in Int64(1)...2 { group.addTask { _ = try await quotient(client, number, by: 1) } }
                    try await eventually("both wait") { waiting(client) == 2 }
                    let refused = await failure { _ = try await quotient(client, 3, by: 1) }
                    #expect(refused?.code == .queueFull)
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("a lookup sees every commit that was answered before it began, however many share its statement")
    func freshness() async throws {
        let values = PostgresLookup(
            """
            SELECT k.place, t.value FROM unnest($1::int8[]) WITH ORDINALITY AS k(id, place)
                CROSS JOIN LATERAL (SELECT value FROM t WHERE t.id = k.id LIMIT 1) t
            """, keyTypes: [.int8], keysMax: 64)
        try await withClient { client in
            _ = try await client.query("CREATE TABLE t (id int8 PRIMARY KEY, value int8 NOT NULL)")
            _ = try await client.query("INSERT INTO t SELECT n, 0 FROM generate_series(0, 31) n")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for id in Int64(0)..<32 {
                    group.addTask {
                        for value in Int64(1)...20 {
                            _ = try await client.commit("UPDATE t SET value = \(value) WHERE id = \(id)")
                            let seen = try await client.lookup(values, key: [.int8(id)])
                            #expect(try seen.first?.decode("value", as: Int64.self) == value)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("a connection that the server ends is replaced, and who waited is answered all the same")
    func lostConnection() async throws {
        try await withOneConnection { client, other in
            try await other.withSession { session in
                try await session.query("SELECT pg_advisory_lock(4711)")
                let task = Task { try await client.lookup(Self.waiting, key: [.text("patient")]) }
                try await eventually("it runs") { try await running("/* lookup */", other) == 1 }
                _ = try await session.query(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                        AND position('/* lookup */' IN query) > 0 AND state = 'active'
                    """)
                try await eventually("it runs again") { try await running("/* lookup */", other) == 1 }
                try await session.query("SELECT pg_advisory_unlock(4711)")
                let rows = try await task.value
                #expect(try rows.first?.decode("name", as: String.self) == "patient")
            }
        }
    }

    @Test("a key of other types than its lookup's is refused before it is sent")
    func wrongKey() async throws {
        try await withClient { client in
            for key: [PostgresValue] in [[.int8(1)], [.int8(1), .text("2")], []] {
                let error = await failure { _ = try await client.lookup(Self.quotients, key: key) }
                #expect(error?.code == .statementInvalid)
            }
        }
    }

    @Test("behind a statement that takes long, the other connection answers what gathered")
    func relief() async throws {
        try await withDatabase { uri in
            try await withOpen(PostgresConfiguration(uri: uri)) { client in
                try await withOpen(PostgresConfiguration(uri: uri)) { other in
                    try await withBlocked(client, other) {
                        let answer = try await quotient(client, 6, by: 3)
                        let stillRunning = try await running("/* lookup */", other)
                        #expect(answer == 2 && stillRunning == 1)
                    }
                }
            }
        }
    }
}
