import Postgres
import Testing

@Suite("Group commit")
struct CommitTests {
    /// Holds the lock that the prelude asks for, so that the statements given meanwhile end up in few batches.
    private static let prelude: SQL = "SELECT pg_advisory_xact_lock(99)"

    private func ids(_ client: PostgresClient) async throws -> [Int64] {
        var ids: [Int64] = []
        for row in try await client.query("SELECT id FROM t ORDER BY id") { ids.append(try row.decode("id")) }
        return ids
    }

    @Test("one poison statement among fifty fails alone; the other forty-nine are durable")
    func poison() async throws {
        try await withClient({ $0.commitPrelude = Self.prelude }) { client in
            _ = try await client.query("CREATE TABLE t (id int8 PRIMARY KEY CHECK (id <> 17), transaction xid8)")
            let failures = Gathered<(id: Int64, error: PostgresError)>()
            try await withLockHeld(client, commits: 50) {
                await withTaskGroup(of: Void.self) { group in
                    for id in Int64(0)..<50 {
                        group.addTask {
                            let error = await failure {
                                let rows = try await client.commit(
                                    "INSERT INTO t VALUES (\(id), pg_current_xact_id()) RETURNING id")
                                #expect(try rows[0].decode("id", as: Int64.self) == id)
                            }
                            if let error { failures.add((id, error)) }
                        }
                    }
                }
            }
            #expect(failures.all.map(\.id) == [17])
            #expect(failures.all.first?.error.sqlState == "23514")
            #expect(try await ids(client) == (0..<50).filter { $0 != 17 })
            let rows = try await client.query("SELECT count(DISTINCT transaction) AS n FROM t")
            #expect(try rows[0].decode("n", as: Int.self) < 10, "the statements shared transactions")
        }
    }

    /// Lets that many commits gather behind the prelude's lock, then releases it.
    ///
    /// Some of them are in a batch that has begun, the others wait for it: how many, nobody can say.
    private func withLockHeld(
        _ client: PostgresClient, commits: Int, _ body: @Sendable @escaping () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            try await client.withTransaction { transaction in
                try await transaction.query(Self.prelude)
                group.addTask { try await body() }
                try await eventually("all commits wait") {
                    client.laneLoads.contains { $0.lane == "commit" && $0.waiting + $0.running == commits }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("nobody is answered before the commit: an answered row is visible to every other connection")
    func visibleWhenAnswered() async throws {
        try await withClient { client in
            _ = try await client.query("CREATE TABLE t (id int8 PRIMARY KEY)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for id in 0..<100 {
                    group.addTask {
                        _ = try await client.commit("INSERT INTO t VALUES (\(id))")
                        #expect(try await client.query("SELECT 1 FROM t WHERE id = \(id)").count == 1)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("statements given together stand or fall together, and their rows come back in order")
    func units() async throws {
        try await withClient { client in
            _ = try await client.query("CREATE TABLE t (id int8 PRIMARY KEY)")
            let rows = try await client.commit([
                "INSERT INTO t VALUES (1) RETURNING id", "INSERT INTO t VALUES (2) RETURNING id + 10 AS id",
            ])
            #expect(try rows[0][0].decode("id", as: Int64.self) == 1)
            #expect(try rows[1][0].decode("id", as: Int64.self) == 12)
            let error = await failure {
                _ = try await client.commit(["INSERT INTO t VALUES (3)", "INSERT INTO t VALUES (1)"])
            }
            #expect(error?.sqlState == "23505")
            #expect(try await ids(client) == [1, 2])
            #expect(await failure { _ = try await client.commit([SQL]()) }?.code == .statementInvalid)
        }
    }

    @Test("the prelude runs first in every batch, also in the redone ones")
    func prelude() async throws {
        try await withDatabase { uri in
            try await withOpen(PostgresConfiguration(uri: uri)) { other in
                _ = try await other.query("CREATE TABLE t (id int8 PRIMARY KEY CHECK (id <> 5), batch int8)")
                _ = try await other.query("CREATE SEQUENCE batches")
                var configuration = PostgresConfiguration(uri: uri)
                configuration.commitPrelude = "SELECT nextval('batches')"
                try await withOpen(configuration) { client in
                    await withTaskGroup(of: Void.self) { group in
                        for id in 0..<40 {
                            group.addTask {
                                _ = try? await client.commit("INSERT INTO t VALUES (\(id), currval('batches'))")
                            }
                        }
                    }
                }
                let rows = try await other.query(
                    "SELECT count(*) AS n, count(DISTINCT (batch, xmin::text)) = count(DISTINCT batch) AS own FROM t")
                #expect(try rows[0].decode("n", as: Int.self) == 39)
                #expect(try rows[0].decode("own", as: Bool.self), "each transaction drew a number of its own")
            }
        }
    }

    @Test("an error that comes up only at the commit itself also fails alone")
    func deferredConstraint() async throws {
        try await withClient { client in
            _ = try await client.query(
                "CREATE TABLE t (id int8, CONSTRAINT t_once UNIQUE (id) DEFERRABLE INITIALLY DEFERRED)")
            _ = try await client.commit("INSERT INTO t VALUES (7)")
            let errors = await withTaskGroup(of: PostgresError?.self) { group in
                for id in 0..<20 {
                    group.addTask { await failure { _ = try await client.commit("INSERT INTO t VALUES (\(id))") } }
                }
                return await group.reduce(into: [PostgresError]()) { if let error = $1 { $0.append(error) } }
            }
            #expect(errors.map(\.constraint) == ["t_once"])
            #expect(try await ids(client) == Array(0..<20))
        }
    }

    @Test("losers of a deadlock are redone and succeed")
    func conflicts() async throws {
        try await withClient({ $0.commitConnections = 4 }) { client in
            _ = try await client.query("CREATE TABLE t (id int8 PRIMARY KEY, n int8)")
            _ = try await client.query("INSERT INTO t SELECT i, 0 FROM generate_series(0, 3) AS i")
            var generator = SplitMix(seed: 3)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<60 {
                    let (a, b) = (Int64(generator.next() % 4), Int64(generator.next() % 4))
                    group.addTask {
                        _ = try await client.commit([
                            "UPDATE t SET n = n + 1 WHERE id = \(a)", "UPDATE t SET n = n + 1 WHERE id = \(b)",
                        ])
                    }
                }
                try await group.waitForAll()
            }
            let rows = try await client.query("SELECT sum(n) AS n FROM t")
            #expect(try rows[0].decode("n", as: Int.self) == 120)
        }
    }

    @Test("a commit whose task is cancelled in flight still ends by its true outcome")
    func cancelledInFlight() async throws {
        try await withClient({ $0.commitPrelude = Self.prelude }) { client in
            _ = try await client.query("CREATE TABLE t (id int8 PRIMARY KEY)")
            let task = try await client.withTransaction { transaction in
                try await transaction.query(Self.prelude)
                let task = Task { try await client.commit("INSERT INTO t VALUES (1) RETURNING id") }
                try await eventually("it waits for the lock") {
                    let rows = try await transaction.query(
                        """
                        SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 99
                          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                        """)
                    return rows.count == 1
                }
                task.cancel()
                return task
            }
            #expect(try await task.value.count == 1)
            #expect(try await ids(client) == [1])
        }
    }

    @Test("a commit whose task is cancelled while it waits is taken back")
    func cancelledWaiting() async throws {
        try await withClient({ $0.commitPrelude = Self.prelude }) { client in
            _ = try await client.query("CREATE TABLE t (id int8 PRIMARY KEY)")
            let (first, second) = try await client.withTransaction { transaction in
                try await transaction.query(Self.prelude)
                let first = Task { try await client.commit("INSERT INTO t VALUES (1)") }
                try await eventually("one is in flight") { client.load.running == 1 }
                let second = Task { try await client.commit("INSERT INTO t VALUES (2)") }
                try await eventually("one waits") { client.load.waiting == 1 }
                second.cancel()
                #expect(await failure { _ = try await second.value }?.code == .cancelled)
                return (first, second)
            }
            _ = second
            _ = try await first.value
            #expect(try await ids(client) == [1])
        }
    }
}
