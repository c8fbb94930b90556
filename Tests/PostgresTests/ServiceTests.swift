import Logging
import Postgres
import ServiceLifecycle
import Testing

@Suite("As a service")
struct ServiceTests {
    @Test("run ends at graceful shutdown, after what runs has ended")
    func gracefulShutdown() async throws {
        let client = PostgresClient(configuration: PostgresConfiguration(uri: TestCluster.uri), logger: quiet)
        let group = ServiceGroup(configuration: .init(services: [client], logger: quiet))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let key = Int64.random(in: 0 ... .max)
            // Its own client: a session of the closing one would be part of the drain.
            let other = PostgresClient(configuration: PostgresConfiguration(uri: TestCluster.uri), logger: quiet)
            let query = try await other.withSession { session in
                try await session.query("SELECT pg_advisory_lock(\(key))")
                let query = Task { try await client.query("SELECT pg_advisory_lock(\(key))") }
                try await eventually("it runs") { client.load.running == 1 }
                await group.triggerGracefulShutdown()
                try await eventually("new work is refused") {
                    await failure { _ = try await client.commit("SELECT 1") }?.code == .shuttingDown
                }
                return query
            }
            await other.close()
            try await tasks.waitForAll()
            #expect(try await query.value.count == 1)
            #expect(await failure { _ = try await client.query("SELECT 1") }?.code == .shuttingDown)
        }
    }

    @Test("run ends when its task is cancelled, outside a service group too")
    func cancelled() async throws {
        let client = PostgresClient(configuration: PostgresConfiguration(uri: TestCluster.uri), logger: quiet)
        let run = Task { try await client.run() }
        #expect(try await client.query("SELECT 1").count == 1)
        run.cancel()
        try await run.value
        #expect(await failure { _ = try await client.query("SELECT 1") }?.code == .shuttingDown)
    }
}
