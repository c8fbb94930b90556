import Foundation
import Postgres
import Testing

@Suite("Connecting")
struct ConnectTests {
    private func usesTLS(_ uri: String) async throws -> Bool {
        try await withOpen(PostgresConfiguration(uri: uri)) { client in
            let rows = try await client.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            return try rows[0].decode("ssl", as: Bool.self)
        }
    }

    private func connectFailure(_ uri: String) async throws -> PostgresError? {
        try await withOpen(PostgresConfiguration(uri: uri)) { client in
            await failure { _ = try await client.query("SELECT 1") }
        }
    }

    @Test("verify-full accepts the right root and name, and nothing else")
    func verifyFull() async throws {
        let cluster = TestCluster.secureReadOnly
        func uri(host: String, root: String) -> String {
            "postgresql://postgres@\(host):\(cluster.port)/postgres?sslmode=verify-full"
                + "&sslrootcert=\(cluster.directory)/\(root).crt"
        }
        #expect(try await usesTLS(uri(host: "localhost", root: "root")))
        let otherRoot = try await connectFailure(uri(host: "localhost", root: "other"))
        #expect(otherRoot?.code == .connectionFailed)
        #expect(otherRoot?.message.contains("certificate verify failed") == true)
        let otherName = try await connectFailure(uri(host: "127.0.0.1", root: "root"))
        #expect(otherName?.code == .connectionFailed)
        #expect(otherName?.message.contains("does not match host name") == true)
        let noTLS = try await connectFailure(
            TestCluster.uri + "?sslmode=verify-full&sslrootcert=\(cluster.directory)/root.crt")
        #expect(noTLS?.message.contains("does not support SSL") == true)
    }

    @Test("of several hosts, refusing, silent and read-only ones are passed over")
    func severalHosts() async throws {
        let readOnly = TestCluster.secureReadOnly.port
        let writable = try #require(URLComponents(string: TestCluster.uri)?.port)
        let silent = try TCPProxy(serverPort: UInt16(writable))
        defer { silent.close() }
        silent.stall()
        let hosts = "127.0.0.1:1,127.0.0.1:\(silent.port),127.0.0.1:\(readOnly),localhost:\(writable)"
        var configuration = PostgresConfiguration(uri: "postgresql://postgres@\(hosts)/postgres?sslmode=disable")
        // The silent one takes all of its time; the others must not run out of theirs on a busy machine.
        configuration.connectTimeout = .seconds(4)
        configuration.acquireTimeout = .seconds(60)
        try await withOpen(configuration) { client in
            let rows = try await client.query("SELECT current_setting('port')::int4 AS port")
            #expect(try rows[0].decode("port", as: Int.self) == writable)
            #expect(silent.accepted > 0)
        }
        configuration.uri =
            "postgresql://postgres@127.0.0.1:\(writable),127.0.0.1:\(readOnly)/postgres"
            + "?sslmode=disable&target_session_attrs=read-only"
        try await withOpen(configuration) { client in
            let rows = try await client.query("SELECT current_setting('port')::int4 AS port")
            #expect(try rows[0].decode("port", as: Int.self) == readOnly)
        }
    }

    @Test("a server that accepts and then says nothing is a failed connect within the time-out")
    func silentServer() async throws {
        let port = try #require(URLComponents(string: TestCluster.uri)?.port)
        let silent = try TCPProxy(serverPort: UInt16(port))
        defer { silent.close() }
        silent.stall()
        var configuration = PostgresConfiguration(
            uri: "postgresql://postgres@127.0.0.1:\(silent.port)/postgres?sslmode=disable")
        configuration.connectTimeout = .milliseconds(100)
        try await withOpen(configuration) { client in
            #expect(await failure { _ = try await client.query("SELECT 1") }?.code == .connectionFailed)
        }
    }

    @Test("the session has our settings, and the operator's options come on top")
    func settings() async throws {
        var configuration = PostgresConfiguration(uri: TestCluster.uri + "?options=-c%20work_mem%3D5MB")
        configuration.statementTimeout = .seconds(7)
        configuration.applicationName = "vouch-test"
        try await withOpen(configuration) { client in
            let rows = try await client.query(
                """
                SELECT current_setting('statement_timeout') AS timeout, current_setting('work_mem') AS memory,
                       current_setting('application_name') AS name, current_setting('TimeZone') AS zone
                """)
            #expect(try rows[0].decode("timeout", as: String.self) == "7s")
            #expect(try rows[0].decode("memory", as: String.self) == "5MB")
            #expect(try rows[0].decode("name", as: String.self) == "vouch-test")
            #expect(try rows[0].decode("zone", as: String.self) == "UTC")
        }
    }
}
