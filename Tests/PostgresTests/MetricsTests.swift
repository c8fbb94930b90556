import MetricsTestKit
import Postgres
import Testing

@Suite("What is counted of the database client")
struct MetricsTests {
    private func withClient(
        _ metrics: TestMetrics, _ body: (PostgresClient) async throws -> Void
    ) async throws {
        try await withDatabase { uri in
            let client = PostgresClient(
                configuration: PostgresConfiguration(uri: uri), logger: quiet, metricsFactory: metrics)
            do {
                try await body(client)
            } catch {
                await client.close()
                throw error
            }
            await client.close()
        }
    }

    @Test("connections are counted while they are open, by lane")
    func connections() async throws {
        let metrics = TestMetrics()
        let reads = [("lane", "read")]
        try await withClient(metrics) { client in
            #expect(try metrics.expectMeter("vouch_postgres_connections", reads).lastValue == 0)
            _ = try await client.query("SELECT 1")
            #expect(try metrics.expectMeter("vouch_postgres_connections", reads).lastValue == 1)
            #expect(try metrics.expectMeter("vouch_postgres_connections", [("lane", "commit")]).lastValue == 0)
            #expect(metrics.counterTotal(label: "vouch_postgres_connections_opened_total", dimensions: reads) == 1)
            #expect(metrics.counterTotal(label: "vouch_postgres_statements_total", dimensions: reads) == 1)
            // The server ends the session: lost, and opened anew; the statement is run again a few times.
            _ = try? await client.query("SELECT pg_terminate_backend(pg_backend_pid())")
            _ = try await client.query("SELECT 1")
            // A second connection may be on its way meanwhile.
            try await eventually("what is open is what was opened less what was lost") {
                let lost = metrics.counterTotal(label: "vouch_postgres_connections_lost_total", dimensions: reads)
                let opened = metrics.counterTotal(label: "vouch_postgres_connections_opened_total", dimensions: reads)
                let open = try metrics.expectMeter("vouch_postgres_connections", reads).lastValue
                return lost >= 1 && opened > lost && open == Double(opened - lost)
            }
        }
        #expect(try metrics.expectMeter("vouch_postgres_connections", reads).lastValue == 0)
    }

    @Test("group commits are counted with their sizes, and what had to be sent again")
    func commits() async throws {
        let metrics = TestMetrics()
        try await withClient(metrics) { client in
            _ = try await client.commit("CREATE TABLE t (n bigint PRIMARY KEY)")
            _ = try await client.commit(["INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)"])
            #expect(metrics.counterTotal(label: "vouch_postgres_commits_total") == 2)
            let sizes = try metrics.expectRecorder("vouch_postgres_commit_batch_statements")
            #expect(sizes.values == [1, 2])
            #expect(try metrics.expectTimer("vouch_postgres_commit_duration_seconds").values.count == 2)
            #expect(metrics.counterTotal(label: "vouch_postgres_commit_redos_total") == 0)
            await #expect(throws: PostgresError.self) { _ = try await client.commit("INSERT INTO t VALUES (1)") }
            #expect(metrics.counterTotal(label: "vouch_postgres_commits_total") == 2, "nothing was committed")
        }
        #expect(metrics.counterTotal(label: "vouch_postgres_connects_failed_total") == 0)
    }

    @Test("a database that can't be reached counts each attempt")
    func unreachable() async throws {
        let metrics = TestMetrics()
        let client = PostgresClient(
            configuration: PostgresConfiguration(uri: "postgresql://nobody@127.0.0.1:1/nothing"), logger: quiet,
            metricsFactory: metrics)
        await #expect(throws: PostgresError.self) { _ = try await client.query("SELECT 1") }
        await client.close()
        #expect(
            metrics.counterTotal(label: "vouch_postgres_connects_failed_total", dimensions: [("lane", "read")]) >= 1)
        #expect(try metrics.expectMeter("vouch_postgres_connections", [("lane", "read")]).lastValue == 0)
    }

    @Test("waiting and running requests are told apart by lane")
    func load() async throws {
        try await withClient(TestMetrics()) { client in
            #expect(client.laneLoads.map(\.lane) == ["read", "commit", "lookup", "register"])
            try await client.withSession { session in
                try await session.query("SELECT pg_advisory_lock(7)")
                async let commit = client.commit("SELECT pg_advisory_xact_lock(7)")
                try await eventually("a running commit") { client.laneLoads.map(\.running) == [0, 1, 0, 0] }
                #expect(client.laneLoads.map(\.waiting) == [0, 0, 0, 0])
                #expect(client.load == (0, 1))
                try await session.query("SELECT pg_advisory_unlock(7)")
                _ = try await commit
            }
            try await eventually("nothing runs any more") { client.load == (0, 0) }
        }
    }
}
