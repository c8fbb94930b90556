import Postgres
import Testing

@Suite("Dirty connections")
struct DirtyConnectionTests {
    private func pid(_ client: PostgresClient) async throws -> Int {
        try await client.query("SELECT pg_backend_pid() AS pid")[0].decode("pid", as: Int.self)
    }

    @Test("BEGIN through query is refused and rolled back, and its connection is not used again")
    func strayBegin() async throws {
        try await withClient({ $0.readConnectionsMax = 1 }) { client in
            let before = try await pid(client)
            let refused = await failure { _ = try await client.query("  begin") }
            #expect(refused?.code == .statementInvalid)
            #expect(try await pid(client) == before)
            // What the look at the first word misses, the server's answer shows.
            let error = await failure { _ = try await client.query("/**/ BEGIN") }
            #expect(error?.code == .transactionLeftOpen)
            #expect(try await pid(client) != before)
            let commit = await failure { _ = try await client.commit(["/**/ BEGIN", "SELECT 1"]) }
            #expect(commit?.code == .transactionLeftOpen)
            #expect(try await client.commit("SELECT 1").count == 1)
        }
    }

    @Test("statements pipelined behind a stray BEGIN are not lost with it")
    func strayBeginInPipeline() async throws {
        try await withClient({ configuration in
            configuration.readConnectionsMax = 1
            configuration.queryPipelineMax = 8
        }) { client in
            _ = try await client.query("CREATE TABLE t (id int8)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for id in 0..<100 {
                    group.addTask {
                        if id % 10 == 0 { _ = try? await client.query("/**/ BEGIN") }
                        _ = try await client.query("INSERT INTO t VALUES (\(id))")
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await client.query("SELECT DISTINCT id FROM t").count == 100)
        }
    }

    @Test("a transaction whose body throws is rolled back, and its connection is clean")
    func rollback() async throws {
        try await withClient({ $0.readConnectionsMax = 1 }) { client in
            _ = try await client.query("CREATE TABLE t (id int8 PRIMARY KEY)")
            let before = try await pid(client)
            struct Stop: Error {}
            await #expect(throws: Stop.self) {
                try await client.withTransaction { transaction in
                    try await transaction.query("INSERT INTO t VALUES (1)")
                    throw Stop()
                }
            }
            #expect(try await client.query("SELECT id FROM t").isEmpty)
            #expect(try await pid(client) == before)
            let error = await failure {
                try await client.withTransaction { transaction in
                    try await transaction.query("INSERT INTO t VALUES (1)")
                    _ = try? await transaction.query("SELECT 1 / 0")
                }
            }
            #expect(error?.sqlState == "25P02", "a swallowed error must not turn COMMIT into a silent rollback")
            #expect(try await client.query("SELECT id FROM t").isEmpty)
        }
    }

    @Test("a transaction whose task is cancelled is rolled back, and its connection is clean")
    func cancelledTransaction() async throws {
        try await withDatabase { uri in
            var single = PostgresConfiguration(uri: uri)
            single.readConnectionsMax = 1
            try await withOpen(PostgresConfiguration(uri: uri)) { other in
                try await withOpen(single) { client in
                    _ = try await client.query("CREATE TABLE t (id int8 PRIMARY KEY)")
                    let task = Task {
                        try await client.withTransaction { transaction in
                            try await transaction.query("INSERT INTO t VALUES (1)")
                            try await transaction.query("SELECT pg_sleep(600) /* in a transaction */")
                        }
                    }
                    try await eventually("it runs") { try await running("/* in a transaction */", other) == 1 }
                    task.cancel()
                    #expect(await failure { try await task.value }?.code == .cancelled)
                    #expect(try await client.query("SELECT id FROM t").isEmpty)
                }
            }
        }
    }

    @Test("a serialization failure runs the body again; others see it once")
    func redo() async throws {
        try await withClient { client in
            _ = try await client.query("CREATE TABLE t (id int8 PRIMARY KEY, n int8)")
            _ = try await client.query("INSERT INTO t VALUES (1, 0)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        try await client.withTransaction(isolation: .serializable) { transaction in
                            let row = try await transaction.query("SELECT n FROM t WHERE id = 1")[0]
                            let count: Int = try row.decode("n")
                            try await transaction.query("UPDATE t SET n = \(count + 1) WHERE id = 1")
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await client.query("SELECT n FROM t")[0].decode("n", as: Int.self) == 3)
        }
    }

    @Test("a script runs several statements, and its connection with whatever it set is closed afterwards")
    func script() async throws {
        try await withClient({ $0.readConnectionsMax = 1 }) { client in
            let before = try await pid(client)
            try await client.withTransaction { transaction in
                try await transaction.execute(
                    script: "CREATE TABLE a (id int8); INSERT INTO a VALUES (1); SET search_path = elsewhere;")
                #expect(try await transaction.query("SELECT id FROM public.a").count == 1)
            }
            #expect(try await pid(client) != before)
            #expect(try await client.query("SELECT id FROM a").count == 1)
            let error = await failure {
                try await client.withTransaction {
                    try await $0.execute(script: "CREATE TABLE b (id int8); SELECT 1/0")
                }
            }
            #expect(error?.sqlState == "22012")
            let gone = await failure { _ = try await client.query("SELECT 1 FROM b") }
            #expect(gone?.sqlState == "42P01")
        }
    }

    @Test("a session holds session locks and runs what refuses transactions; it is closed afterwards")
    func session() async throws {
        try await withClient { client in
            _ = try await client.query("CREATE TABLE t (id int8)")
            try await client.withSession { session in
                try await session.query("SELECT pg_advisory_lock(5)")
                try await session.execute(script: "CREATE INDEX CONCURRENTLY t_id ON t (id)")
                let rows = try await client.query("SELECT pg_try_advisory_lock(5) AS free")
                #expect(try !rows[0].decode("free", as: Bool.self))
            }
            try await eventually("the session's lock is gone") {
                try await client.query("SELECT pg_try_advisory_xact_lock(5) AS free")[0].decode("free", as: Bool.self)
            }
        }
    }

    @Test("the role is the first thing every connection takes, also after a loss; a missing role is a failed connect")
    func role() async throws {
        try await withDatabase { uri in
            try await withOpen(PostgresConfiguration(uri: uri)) { direct in
                let role = "odd \"role\" \(UInt32.random(in: 0 ... .max))"
                let quoted =
                    "\"" + role.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
                    + "\""
                try await direct.withSession { try await $0.execute(script: SQL(unsafe: "CREATE ROLE \(quoted)")) }
                var configuration = PostgresConfiguration(uri: uri)
                configuration.sessionRole = role
                configuration.readConnectionsMax = 1
                try await withOpen(configuration) { client in
                    let who: SQL = "SELECT current_user AS who, pg_backend_pid() AS pid"
                    let before = try await client.query(who)[0]
                    #expect(try before.decode("who", as: String.self) == role)
                    let pid = try before.decode("pid", as: Int32.self)
                    _ = try await direct.query("SELECT pg_terminate_backend(\(pid), 10000)")
                    let after = try await client.query(who)[0]
                    #expect(try after.decode("who", as: String.self) == role)
                    #expect(try after.decode("pid", as: Int32.self) != pid)
                    #expect(try await client.commit(who)[0].decode("who", as: String.self) == role)
                }
                try await direct.withSession { try await $0.execute(script: SQL(unsafe: "DROP ROLE \(quoted)")) }
                try await withOpen(configuration) { client in
                    let error = await failure { _ = try await client.query("SELECT 1") }
                    #expect(error?.code == .connectionFailed)
                    #expect(error?.sqlState == "22023")
                }
            }
        }
    }

    @Test("no description shows a bound value or the server's text; the full one does")
    func redaction() async throws {
        try await withClient { client in
            _ = try await client.query("CREATE TABLE t (token text CONSTRAINT t_token PRIMARY KEY)")
            let secret = "secret-token-1234"
            _ = try await client.commit("INSERT INTO t VALUES (\(secret))")
            for statement in ["INSERT INTO t VALUES (\(secret))", "SELECT \(secret)::int8"] as [SQL] {
                let error = try #require(await failure { _ = try await client.commit(statement) })
                #expect(!error.description.contains("secret"))
                #expect(error.debugDescription.contains(secret))
            }
        }
    }
}
