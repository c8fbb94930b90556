import Postgres
import Testing

@Suite("Lost connections")
struct ConnectionLossTests {
    private func count(_ client: PostgresClient) async throws -> Int {
        try await client.query("SELECT count(*) AS n FROM t")[0].decode("n", as: Int.self)
    }

    @Test("cut after the Sync was sent and done: commitOutcomeUnknown, and the row is there")
    func cutAfterSync() async throws {
        try await withDatabase { uri in
            try await withOpen(PostgresConfiguration(uri: uri)) { direct in
                _ = try await direct.query("CREATE TABLE t (id int8 PRIMARY KEY)")
                try await withProxy(uri) { proxy, through in
                    try await withOpen(PostgresConfiguration(uri: through)) { client in
                        _ = try await client.commit("INSERT INTO t VALUES (1)")
                        proxy.arm(.cutAfter, type: "S")
                        let error = await failure { _ = try await client.commit("INSERT INTO t VALUES (2)") }
                        #expect(error?.code == .commitOutcomeUnknown)
                        #expect(proxy.trapsSprung == 1)
                        try await eventually("the server has committed") { try await count(direct) == 2 }
                        // What the caller does then: resend the idempotent statement, on a new connection.
                        _ = try await client.commit("INSERT INTO t VALUES (2) ON CONFLICT DO NOTHING")
                        #expect(try await count(direct) == 2)
                    }
                }
            }
        }
    }

    @Test("cut before the Sync arrived: commitOutcomeUnknown too, and the row is not there")
    func cutBeforeSync() async throws {
        try await withDatabase { uri in
            try await withOpen(PostgresConfiguration(uri: uri)) { direct in
                _ = try await direct.query("CREATE TABLE t (id int8 PRIMARY KEY)")
                try await withProxy(uri) { proxy, through in
                    try await withOpen(PostgresConfiguration(uri: through)) { client in
                        _ = try await client.commit("INSERT INTO t VALUES (1)")
                        proxy.arm(.cutBefore, type: "S")
                        let error = await failure { _ = try await client.commit("INSERT INTO t VALUES (2)") }
                        #expect(error?.code == .commitOutcomeUnknown)
                        _ = try await client.commit("INSERT INTO t VALUES (3)")
                        #expect(try await count(direct) == 2)
                    }
                }
            }
        }
    }

    @Test("of a batch that is cut, everybody who was in it hears that the outcome is unknown")
    func cutBatch() async throws {
        try await withDatabase { uri in
            try await withOpen(PostgresConfiguration(uri: uri)) { direct in
                _ = try await direct.query("CREATE TABLE t (id int8 PRIMARY KEY)")
                try await withProxy(uri) { proxy, through in
                    var configuration = PostgresConfiguration(uri: through)
                    configuration.commitPrelude = "SELECT pg_advisory_xact_lock(1)"
                    try await withOpen(configuration) { client in
                        let errors = Gathered<PostgresError>()
                        try await withThrowingTaskGroup(of: Void.self) { group in
                            try await direct.withTransaction { transaction in
                                try await transaction.query("SELECT pg_advisory_xact_lock(1)")
                                group.addTask { _ = try await client.commit("INSERT INTO t VALUES (0)") }
                                // Its own Sync must be past the proxy, or the trap would catch that one.
                                try await eventually("one is in flight, and waits for the lock") {
                                    // Other tests wait for locks of their own, in other databases of the cluster.
                                    let waiting = try await direct.query(
                                        """
                                        SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                                        WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()
                                        """)
                                    return client.load.running == 1 && waiting.count == 1 && proxy.isAtSync
                                }
                                for id in 1...10 {
                                    group.addTask {
                                        let error = await failure {
                                            _ = try await client.commit("INSERT INTO t VALUES (\(id))")
                                        }
                                        if let error { errors.add(error) }
                                    }
                                }
                                try await eventually("ten wait") { client.load.waiting == 10 }
                                proxy.arm(.cutAfter, type: "S")
                            }
                            try await group.waitForAll()
                        }
                        #expect(errors.all.map(\.code) == Array(repeating: .commitOutcomeUnknown, count: 10))
                        try await eventually("the server has committed") { try await count(direct) == 11 }
                    }
                }
            }
        }
    }

    @Test("a COMMIT of withTransaction that is cut is commitOutcomeUnknown")
    func cutTransaction() async throws {
        try await withDatabase { uri in
            try await withOpen(PostgresConfiguration(uri: uri)) { direct in
                _ = try await direct.query("CREATE TABLE t (id int8 PRIMARY KEY)")
                try await withProxy(uri) { proxy, through in
                    try await withOpen(PostgresConfiguration(uri: through)) { client in
                        let error = await failure {
                            try await client.withTransaction { transaction in
                                try await transaction.query("INSERT INTO t VALUES (1)")
                                proxy.arm(.cutAfter, type: "S")
                            }
                        }
                        #expect(error?.code == .commitOutcomeUnknown)
                        try await eventually("the server has committed") { try await count(direct) == 1 }
                    }
                }
            }
        }
    }

    @Test("a statement cut under way is connectionLost, and the next one runs on a new connection")
    func cutQuery() async throws {
        try await withDatabase { uri in
            try await withOpen(PostgresConfiguration(uri: uri)) { direct in
                try await withProxy(uri) { proxy, through in
                    try await withOpen(PostgresConfiguration(uri: through)) { client in
                        let task = Task { try await client.query("SELECT pg_sleep(600) /* to be cut */") }
                        try await eventually("it runs") { try await running("/* to be cut */", direct) == 1 }
                        proxy.cutAll()
                        #expect(await failure { _ = try await task.value }?.code == .connectionLost)
                        #expect(try await client.query("SELECT 1").count == 1)
                    }
                }
            }
        }
    }

    @Test("a connection cut while it idles is noticed before it is used")
    func cutIdle() async throws {
        try await withDatabase { uri in
            try await withProxy(uri) { proxy, through in
                try await withOpen(PostgresConfiguration(uri: through)) { client in
                    for _ in 0..<20 {
                        _ = try await client.commit("SELECT 1")
                        _ = try await client.query("SELECT 1")
                        proxy.cutAll()
                        // Both must work without an error: nothing was in flight at the cut.
                    }
                }
            }
        }
    }

    @Test("a server that falls silent during a commit is given up, and the outcome is unknown")
    func silentServer() async throws {
        try await withDatabase { uri in
            try await withProxy(uri) { proxy, through in
                var configuration = PostgresConfiguration(uri: through)
                // Enough for the two statements that must succeed first on a busy machine.
                configuration.statementTimeout = .seconds(2)
                configuration.cancelGrace = .milliseconds(50)
                configuration.drainTimeout = .milliseconds(50)
                try await withOpen(configuration) { client in
                    _ = try await client.commit("SELECT 1")
                    _ = try await client.query("SELECT 1")
                    proxy.stall()
                    let commit = await failure { _ = try await client.commit("SELECT 1") }
                    #expect(commit?.code == .commitOutcomeUnknown)
                    let query = await failure { _ = try await client.query("SELECT 1") }
                    #expect(query?.code == .deadlineExceeded)
                }
            }
        }
    }

    @Test("the server ends a session before its statement is done: the commit is redone unnoticed")
    func terminated() async throws {
        try await withDatabase { uri in
            try await withOpen(PostgresConfiguration(uri: uri)) { direct in
                _ = try await direct.query("CREATE TABLE t (id int8 PRIMARY KEY)")
                var configuration = PostgresConfiguration(uri: uri)
                configuration.commitPrelude = "SELECT pg_advisory_xact_lock(1) /* waiting commit */"
                try await withOpen(configuration) { client in
                    let task = try await direct.withTransaction { transaction in
                        try await transaction.query("SELECT pg_advisory_xact_lock(1)")
                        let task = Task { try await client.commit("INSERT INTO t VALUES (1) RETURNING id") }
                        try await eventually("it waits") { try await running("/* waiting commit */", direct) == 1 }
                        try await transaction.query(
                            """
                            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                            WHERE query LIKE '%waiting commit%' AND pid <> pg_backend_pid()
                            """)
                        return task
                    }
                    #expect(try await task.value.count == 1)
                    #expect(try await count(direct) == 1)
                }
            }
        }
    }

    @Test("a restart of the server under load: the same client goes on, and no acknowledged row is lost")
    func restartUnderLoad() async throws {
        let cluster = TestCluster.restartable
        try await withDatabase(on: cluster.uri) { uri in
            var configuration = PostgresConfiguration(uri: uri)
            configuration.acquireTimeout = .seconds(60)
            try await withOpen(configuration) { client in
                _ = try await client.query("CREATE TABLE t (id int8 PRIMARY KEY)")
                let acknowledged = Gathered<Int64>()
                let restarts = Gathered<Bool>()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for worker in Int64(0)..<16 {
                        group.addTask {
                            var id = worker * 1_000_000
                            // Until some time after the second restart.
                            var after = 0
                            while after < 50 {
                                if restarts.all.count == 2 { after += 1 }
                                id += 1
                                try await insert(id, client)
                                acknowledged.add(id)
                            }
                        }
                    }
                    for command in ["restart", "kill"] {
                        let before = acknowledged.all.count
                        try await eventually("load runs") { acknowledged.all.count > before + 200 }
                        try TestCluster.run(command, cluster.directory)
                        try TestCluster.run("start", cluster.directory)
                        restarts.add(true)
                    }
                    try await group.waitForAll()
                }
                let rows = try await client.query("SELECT id FROM t")
                var stored: Set<Int64> = []
                for row in rows { stored.insert(try row.decode("id")) }
                #expect(stored == Set(acknowledged.all))
            }
        }
    }

    /// Inserts idempotently, again and again, as a caller of `commit` does after an unknown outcome.
    private func insert(_ id: Int64, _ client: PostgresClient) async throws {
        while true {
            do {
                _ = try await client.commit("INSERT INTO t VALUES (\(id)) ON CONFLICT DO NOTHING")
                _ = try await client.query("SELECT 1")
                return
            } catch {
                let expected: [PostgresError.Code] = [.commitOutcomeUnknown, .connectionLost, .connectionFailed]
                if !expected.contains(error.code), !error.retryable { throw error }
            }
        }
    }
}
