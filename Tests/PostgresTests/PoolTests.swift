import Postgres
import Testing

@Suite("Pool bounds, deadlines and cancellation")
struct PoolTests {
    /// Occupies every read connection of `client` until the body ends, by waiting for a lock that `other` holds.
    private func withBlocked(
        _ client: PostgresClient, _ other: PostgresClient, count: Int, _ body: () async throws -> Void
    ) async throws {
        try await other.withSession { session in
            try await session.query("SELECT pg_advisory_lock(4711)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<count {
                    // Not a plain read, so nothing shares its connection.
                    let blocker: SQL =
                        """
                        WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(4711))
                        SELECT 1 FROM held /* blocker */
                        """
                    group.addTask { _ = try await client.query(blocker) }
                }
                try await eventually("the blockers run") { try await running("/* blocker */", other) == count }
                try await body()
                try await session.query("SELECT pg_advisory_unlock(4711)")
                try await group.waitForAll()
            }
        }
    }

    @Test("never more connections than allowed, however many tasks ask")
    func poolBound() async throws {
        try await withClient({ $0.readConnectionsMax = 3 }) { client in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<200 {
                    group.addTask {
                        let rows = try await client.query(
                            """
                            SELECT count(*) AS n FROM pg_stat_activity
                            WHERE datname = current_database() AND backend_type = 'client backend'
                            """)
                        return try rows[0].decode("n", as: Int.self)
                    }
                }
                for try await count in group { #expect(count <= 3) }
            }
        }
    }

    @Test("a full queue refuses at once, and a queued request that is cancelled frees its place unsent")
    func queueBound() async throws {
        try await withDatabase { uri in
            var bounded = PostgresConfiguration(uri: uri)
            bounded.readConnectionsMax = 1
            bounded.queueMax = 2
            bounded.acquireTimeout = .seconds(60)
            bounded.statementTimeout = .seconds(60)
            try await withOpen(PostgresConfiguration(uri: uri)) { other in
                try await withOpen(bounded) { client in
                    _ = try await other.query("CREATE TABLE t (id int8)")
                    try await withBlocked(client, other, count: 1) {
                        let first = Task { try await client.query("INSERT INTO t VALUES (1)") }
                        let second = Task { try await client.query("INSERT INTO t VALUES (2)") }
                        try await eventually("two wait") { client.load.waiting == 2 }
                        let refused = await failure { _ = try await client.query("INSERT INTO t VALUES (3)") }
                        #expect(refused?.code == .queueFull)
                        first.cancel()
                        let cancelled = await failure { _ = try await first.value }
                        #expect(cancelled?.code == .cancelled)
                        #expect(client.load.waiting == 1)
                        second.cancel()
                        _ = await second.result
                    }
                    #expect(try await other.query("SELECT id FROM t").isEmpty)
                }
            }
        }
    }

    @Test("a request that gets no connection in time fails with poolExhausted, even while everything is busy")
    func acquireTimeout() async throws {
        try await withDatabase { uri in
            var bounded = PostgresConfiguration(uri: uri)
            bounded.readConnectionsMax = 1
            // Long enough for the blocker itself to get its connection on a busy machine.
            bounded.acquireTimeout = .seconds(1)
            bounded.statementTimeout = .seconds(60)
            try await withOpen(PostgresConfiguration(uri: uri)) { other in
                try await withOpen(bounded) { client in
                    try await withBlocked(client, other, count: 1) {
                        let exhausted = await failure { _ = try await client.query("SELECT 1") }
                        #expect(exhausted?.code == .poolExhausted)
                        let late = await failure { _ = try await client.query("SELECT 1", deadline: .milliseconds(5)) }
                        #expect(late?.code == .deadlineExceeded)
                    }
                }
            }
        }
    }

    @Test("a statement past its deadline is stopped on the server, and its connection is used again")
    func deadline() async throws {
        try await withClient({ $0.readConnectionsMax = 1 }) { client in
            let before = try await client.query("SELECT pg_backend_pid() AS pid")[0].decode("pid", as: Int.self)
            let error = await failure {
                _ = try await client.query("SELECT pg_sleep(600)", deadline: .milliseconds(500))
            }
            #expect(error?.code == .deadlineExceeded)
            #expect(error?.sqlState == "57014")
            let after = try await client.query("SELECT pg_backend_pid() AS pid")[0].decode("pid", as: Int.self)
            #expect(before == after)
        }
    }

    @Test("the server's own statement_timeout is a deadline too")
    func statementTimeout() async throws {
        try await withClient({ $0.statementTimeout = .milliseconds(80) }) { client in
            let error = await failure { _ = try await client.query("SELECT pg_sleep(600)", deadline: .seconds(60)) }
            #expect(error?.code == .deadlineExceeded)
            let commit = await failure { _ = try await client.commit("SELECT pg_sleep(600)") }
            #expect(commit?.code == .deadlineExceeded)
        }
    }

    @Test("cancelling the task stops the running statement on the server and gives its connection back clean")
    func cancelRunning() async throws {
        try await withDatabase { uri in
            var single = PostgresConfiguration(uri: uri)
            single.readConnectionsMax = 1
            single.statementTimeout = .seconds(600)
            try await withOpen(PostgresConfiguration(uri: uri)) { other in
                try await withOpen(single) { client in
                    let before = try await client.query("SELECT pg_backend_pid() AS pid")[0].decode("pid", as: Int.self)
                    let task = Task { try await client.query("SELECT pg_sleep(600) /* to be cancelled */") }
                    try await eventually("it runs") { try await running("/* to be cancelled */", other) == 1 }
                    task.cancel()
                    let error = await failure { _ = try await task.value }
                    #expect(error?.code == .cancelled)
                    #expect(try await running("/* to be cancelled */", other) == 0)
                    let after = try await client.query("SELECT pg_backend_pid() AS pid")[0].decode("pid", as: Int.self)
                    #expect(before == after)
                }
            }
        }
    }

    @Test("a cancel never hits the neighbours in the pipeline")
    func cancelSparesNeighbours() async throws {
        try await withClient({ configuration in
            configuration.readConnectionsMax = 2
            configuration.queryPipelineMax = 8
        }) { client in
            var generator = SplitMix(seed: 7)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<300 {
                    let isVictim = generator.next() % 3 == 0
                    group.addTask {
                        let task = Task { try await client.query("SELECT pg_sleep(0.001), \(number) AS n") }
                        if isVictim {
                            await Task.yield()
                            task.cancel()
                        }
                        switch await task.result {
                        case .success(let rows):
                            let answer = try rows[0].decode("n", as: Int.self)
                            #expect(answer == number)
                        case .failure(let error):
                            #expect(isVictim)
                            #expect((error as? PostgresError)?.code == .cancelled)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("a cancel that comes late and stops a neighbour instead: the neighbour is run again")
    func lateCancel() async throws {
        try await withDatabase { uri in
            try await withOpen(PostgresConfiguration(uri: uri)) { other in
                try await withProxy(uri) { proxy, through in
                    var single = PostgresConfiguration(uri: through)
                    single.readConnectionsMax = 1
                    single.cancelGrace = .seconds(60)
                    single.statementTimeout = .seconds(60)
                    single.acquireTimeout = .seconds(60)
                    try await withOpen(single) { client in
                        try await other.withSession { session in
                            try await session.query("SELECT pg_advisory_lock(1), pg_advisory_lock(2)")
                            let tasks = Gathered<Task<[PostgresRow], any Error>>()
                            try await withBlocked(client, other, count: 1) {
                                for key in [1, 2] {
                                    tasks.add(Task { try await client.query("SELECT pg_advisory_lock_shared(\(key))") })
                                    try await eventually("it waits") { client.load.waiting == key }
                                }
                            }
                            try await eventually("both are on the wire") { client.load == (0, 2) }
                            proxy.holdNew()
                            tasks.all[0].cancel()
                            try await eventually("the cancel is under way") { proxy.heldCount == 1 }
                            try await session.query("SELECT pg_advisory_unlock(1)")
                            #expect(try await tasks.all[0].value.count == 1)
                            // The neighbour's statement, told apart from its second run by when it started.
                            func startedAt() async throws -> String? {
                                let rows = try await other.query(
                                    """
                                    SELECT query_start::text AS at FROM pg_stat_activity
                                    WHERE datname = current_database() AND wait_event_type = 'Lock'
                                    """)
                                return try rows.first?.decode("at")
                            }
                            try await eventually("the neighbour runs") { try await startedAt() != nil }
                            let first = try await startedAt()
                            proxy.releaseHeld()
                            try await eventually("it was stopped and runs again") {
                                let now = try await startedAt()
                                return now != nil && now != first
                            }
                            try await session.query("SELECT pg_advisory_unlock(2)")
                            #expect(try await tasks.all[1].value.count == 1)
                        }
                    }
                }
            }
        }
    }

    @Test("a read that waits on the wire behind a slow one is answered at its own deadline or cancellation")
    func deadlineBehindSlowHead() async throws {
        try await withDatabase { uri in
            var single = PostgresConfiguration(uri: uri)
            single.readConnectionsMax = 1
            single.queryPipelineMax = 8
            single.statementTimeout = .seconds(600)
            single.acquireTimeout = .seconds(600)
            try await withOpen(PostgresConfiguration(uri: uri)) { other in
                try await withOpen(single) { client in
                    try await other.withSession { session in
                        try await session.query("SELECT pg_advisory_lock(1)")
                        let blocked = Gathered<Task<[PostgresRow], any Error>>()
                        let behind = Gathered<Task<[PostgresRow], any Error>>()
                        // All of these are waiting when the connection becomes free, so they share one pipeline.
                        try await withBlocked(client, other, count: 1) {
                            blocked.add(Task { try await client.query("SELECT pg_advisory_lock_shared(1) /* slow */") })
                            try await eventually("the slow one waits") { client.load.waiting == 1 }
                            behind.add(Task { try await client.query("SELECT 1", deadline: .seconds(2)) })
                            try await eventually("two wait") { client.load.waiting == 2 }
                            behind.add(Task { try await client.query("SELECT 2") })
                            behind.add(Task { try await client.query("SELECT 3") })
                            try await eventually("four wait") { client.load.waiting == 4 }
                        }
                        try await eventually("the slow one runs") { try await running("/* slow */", other) == 1 }
                        #expect(client.load.running == 4)
                        behind.all[1].cancel()
                        #expect(await failure { _ = try await behind.all[1].value }?.code == .cancelled)
                        #expect(await failure { _ = try await behind.all[0].value }?.code == .deadlineExceeded)
                        try await session.query("SELECT pg_advisory_unlock(1)")
                        #expect(try await blocked.all[0].value.count == 1)
                        let rows = try await behind.all[2].value
                        #expect(try rows[0].decode(0, as: Int.self) == 3)
                    }
                }
            }
        }
    }

    @Test("a task that is cancelled already sends nothing")
    func cancelledBefore() async throws {
        try await withClient { client in
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await client.query("SELECT 1")
            }
            #expect(await failure { _ = try await task.value }?.code == .cancelled)
        }
    }

    @Test("closing serves what waits, then refuses; a second close is fine")
    func close() async throws {
        try await withDatabase { uri in
            try await withOpen(PostgresConfiguration(uri: uri)) { other in
                var single = PostgresConfiguration(uri: uri)
                single.readConnectionsMax = 1
                try await withOpen(single) { client in
                    let waiting = Gathered<Task<[PostgresRow], any Error>>()
                    let closing = Gathered<Task<Void, Never>>()
                    try await withBlocked(client, other, count: 1) {
                        waiting.add(Task { try await client.query("SELECT 1") })
                        try await eventually("one waits") { client.load.waiting == 1 }
                        closing.add(Task { await client.close() })
                        try await eventually("new work is refused") {
                            await failure { _ = try await client.commit("SELECT 1") }?.code == .shuttingDown
                        }
                    }
                    for task in waiting.all { #expect(try await task.value.count == 1) }
                    for task in closing.all { await task.value }
                    #expect(await failure { _ = try await client.query("SELECT 1") }?.code == .shuttingDown)
                    await client.close()
                }
            }
        }
    }

    @Test("what runs beyond the drain time is stopped")
    func drainTime() async throws {
        try await withClient({ configuration in
            configuration.drainTimeout = .milliseconds(50)
            configuration.statementTimeout = .seconds(600)
        }) { client in
            let task = Task { try await client.query("SELECT pg_sleep(600)") }
            try await eventually("it runs") { client.load.running == 1 }
            await client.close()
            #expect(await failure { _ = try await task.value }?.code == .shuttingDown)
        }
    }

    @Test("with no server the first statement says so at once, by the reason")
    func noServer() async throws {
        for uri in ["postgresql://127.0.0.1:1/postgres", "postgresql://no-such-host.invalid/x", "postgresql://[bad"] {
            try await withOpen(PostgresConfiguration(uri: uri)) { client in
                let error = await failure { _ = try await client.query("SELECT 1") }
                #expect(error?.code == .connectionFailed)
            }
        }
        let missing = replaceDatabase(of: TestCluster.uri, by: "no_such_database")
        try await withOpen(PostgresConfiguration(uri: missing)) { client in
            let error = await failure { _ = try await client.commit("SELECT 1") }
            #expect(error?.code == .connectionFailed)
            #expect(error?.debugDescription.contains("no_such_database") == true)
        }
    }
}
