import Postgres
import Testing

@Suite("Prepared statements")
struct PreparedStatementTests {
    private func prepared(_ client: PostgresClient) async throws -> Int {
        let rows = try await client.query("SELECT count(*) AS n FROM pg_prepared_statements")
        return try rows[0].decode("n", as: Int.self)
    }

    @Test("a repeated statement is prepared once")
    func once() async throws {
        try await withClient({ $0.readConnectionsMax = 1 }) { client in
            for number in 0..<20 { _ = try await client.query("SELECT \(number)") }
            // The counting statement itself is the second.
            #expect(try await prepared(client) == 2)
        }
    }

    @Test("never more than allowed are kept, and evicted ones still work")
    func bound() async throws {
        try await withClient({ configuration in
            configuration.readConnectionsMax = 1
            configuration.preparedStatementsMax = 5
        }) { client in
            for round in 0..<3 {
                for number in 0..<17 {
                    let sql = SQL(text: "SELECT \(number) AS n, $1::int8 AS round", values: [.int8(Int64(round))])
                    let row = try await client.query(sql)[0]
                    #expect(try row.decode("n", as: Int.self) == number)
                }
                #expect(try await prepared(client) <= 5)
            }
        }
    }

    @Test("a failed prepare is not kept: the same statement works once its table exists")
    func failedPrepare() async throws {
        try await withClient({ $0.readConnectionsMax = 1 }) { client in
            for _ in 0..<2 {
                let error = await failure { _ = try await client.query("SELECT id FROM later WHERE id = \(1)") }
                #expect(error?.sqlState == "42P01")
                let commit = await failure { _ = try await client.commit("INSERT INTO later VALUES (\(1))") }
                #expect(commit?.sqlState == "42P01")
            }
            _ = try await client.query("CREATE TABLE later (id int8)")
            _ = try await client.commit("INSERT INTO later VALUES (\(1))")
            #expect(try await client.query("SELECT id FROM later WHERE id = \(1)").count == 1)
        }
    }

    @Test("a statement whose table changed is prepared anew after its one failure")
    func changedTable() async throws {
        try await withClient({ $0.readConnectionsMax = 1 }) { client in
            _ = try await client.query("CREATE TABLE t (a int8)")
            _ = try await client.query("INSERT INTO t VALUES (1)")
            let statement: SQL = "SELECT * FROM t"
            for _ in 0..<3 { _ = try await client.query(statement) }
            _ = try await client.query("ALTER TABLE t ADD COLUMN b text DEFAULT 'x'")
            _ = await failure { _ = try await client.query(statement) }
            let row = try await client.query(statement)[0]
            #expect(try row.decode("b", as: String.self) == "x")
        }
    }
}
