import Postgres
import Testing

@Suite("Query")
struct QueryTests {
    @Test("a statement with bound values returns its rows")
    func boundValues() async throws {
        try await withClient { client in
            let name = "a'b\"; DROP TABLE x; --"
            let rows = try await client.query("SELECT \(name) AS name, \(41) + 1 AS answer")
            #expect(rows.count == 1)
            #expect(try rows[0].decode("name", as: String.self) == name)
            #expect(try rows[0].decode("answer", as: Int.self) == 42)
        }
    }

    @Test("a commit returns its rows and is durable for other connections")
    func commit() async throws {
        try await withClient { client in
            _ = try await client.query("CREATE TABLE t (id int8 PRIMARY KEY, note text)")
            let rows = try await client.commit("INSERT INTO t VALUES (\(7), \("seven")) RETURNING id")
            #expect(try rows[0].decode("id", as: Int64.self) == 7)
            let read = try await client.query("SELECT note FROM t")
            #expect(try read[0].decode(0, as: String.self) == "seven")
        }
    }

    @Test("a server's error carries SQLSTATE and constraint, and the client works on")
    func serverError() async throws {
        try await withClient { client in
            _ = try await client.query("CREATE TABLE t (id int8 CONSTRAINT t_key PRIMARY KEY)")
            _ = try await client.commit("INSERT INTO t VALUES (1)")
            let error = await failure { _ = try await client.commit("INSERT INTO t VALUES (1)") }
            #expect(error?.code == .server)
            #expect(error?.sqlState == "23505")
            #expect(error?.constraint == "t_key")
            #expect(try await client.query("SELECT 1").count == 1)
        }
    }
}
