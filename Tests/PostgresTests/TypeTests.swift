import Postgres
import Testing

@Suite("Types")
struct TypeTests {
    /// Sends values there and back, and lets the server compare them with its own literal.
    private func roundTrip<Value: PostgresEncodable & PostgresDecodable & Equatable>(
        _ client: PostgresClient, _ values: [Value]
    ) async throws {
        for value in values {
            let rows = try await client.query("SELECT \(value) AS value")
            #expect(try rows[0].decode("value", as: Value.self) == value)
        }
        let rows = try await client.query("SELECT \(Value?.none) AS value")
        #expect(try rows[0].decode("value", as: Value?.self) == nil)
        #expect(throws: PostgresError.self) { try rows[0].decode("value", as: Value.self) }
    }

    @Test("every type comes back as it was sent, extremes and NULL included")
    func roundTrips() async throws {
        try await withClient { client in
            try await roundTrip(client, [Int64.min, -1, 0, 1, .max])
            try await roundTrip(client, [Int.min, 0, .max])
            try await roundTrip(client, [Int32.min, 0, .max])
            try await roundTrip(client, [true, false])
            try await roundTrip(client, [0.0, -0.5, .pi, .greatestFiniteMagnitude, .leastNonzeroMagnitude, .infinity])
            try await roundTrip(
                client, ["", "ASCII", "Grüße 😀 漢字", "a'b\"c\\d\n$1", String(repeating: "x", count: 100_000)])
            try await roundTrip(client, [[UInt8](), [0], Array(0...255), Array(repeating: 7, count: 100_000)])
            let instants = [Int64.min, -1, 0, 1, 1_767_225_600_123_456, .max]
            try await roundTrip(client, instants.map { PostgresTimestamp(microsecondsSinceUnixEpoch: $0) })
        }
    }

    @Test("arrays come back as they were sent: empty, with NULLs, with extremes")
    func arrays() async throws {
        try await withClient { client in
            try await roundTrip(client, [[String](), ["a", "", "ü", "{\"x\",NULL}"]])
            try await roundTrip(client, [[Int64](), [.min, 0, .max]])
            try await roundTrip(client, [[Int32](), [.min, 0, .max]])
            try await roundTrip(client, [[Bool](), [true, false]])
            try await roundTrip(client, [[[UInt8]](), [[], [0, 255]]])
            try await roundTrip(client, [[PostgresTimestamp(microsecondsSinceUnixEpoch: 1)]])
            try await roundTrip(client, [[String?](), ["a", nil, "c"]])
            try await roundTrip(client, [[Int64?](), [1, nil, 3]])
            let rows = try await client.query("SELECT ARRAY['a', NULL] AS a")
            #expect(throws: PostgresError.self) { try rows[0].decode("a", as: [String].self) }
        }
    }

    @Test("the server sees the values that were meant")
    func serverSide() async throws {
        try await withClient { client in
            let rows = try await client.query(
                """
                SELECT \(PostgresTimestamp(microsecondsSinceUnixEpoch: 951_782_400_000_001)) \
                         = '2000-02-29 00:00:00.000001+00'::timestamptz AS instant,
                       \(PostgresTimestamp(microsecondsSinceUnixEpoch: .max)) = 'infinity' AS infinite,
                       \([UInt8](arrayLiteral: 0, 255)) = '\\x00ff'::bytea AS bytes,
                       \(["a", nil] as [String?]) = ARRAY['a', NULL] AS texts,
                       (\(PostgresValue.jsonb("{\"a\": [1, 2]}")) #>> '{a,1}')::int8 AS json,
                       \(PostgresValue.jsonbArray(["{}", nil])) = ARRAY['{}'::jsonb, NULL] AS jsons
                """)
            for column in ["instant", "infinite", "bytes", "texts", "jsons"] {
                #expect(try rows[0].decode(column, as: Bool.self), "\(column)")
            }
            #expect(try rows[0].decode("json", as: Int64.self) == 2)
        }
    }

    @Test("types that are only read: numeric, uuid, enums, small integers, jsonb, names, void")
    func readOnly() async throws {
        try await withClient { client in
            _ = try await client.query("CREATE TYPE mood AS ENUM ('fine', 'grim')")
            let rows = try await client.query(
                """
                SELECT sum(x)::numeric AS sum, '-12345.6700'::numeric AS price, 0.00012::numeric AS small,
                       'NaN'::numeric AS nan, 100000000::numeric AS round,
                       '0f0e0d0c-0b0a-0908-0706-050403020100'::uuid AS id, 'grim'::mood AS mood, 7::int2 AS small_int,
                       1.5::float4 AS real, '{"k": 1}'::jsonb AS json, 'n'::name AS name
                FROM (VALUES (9000000000000000000::int8), (1::int8)) AS v (x)
                """)
            let row = rows[0]
            #expect(try row.decode("sum", as: Int64.self) == 9_000_000_000_000_000_001)
            #expect(try row.decode("price", as: String.self) == "-12345.6700")
            #expect(try row.decode("price", as: Double.self) == -12345.67)
            #expect(try row.decode("small", as: String.self) == "0.00012")
            #expect(try row.decode("nan", as: String.self) == "NaN")
            #expect(try row.decode("round", as: Int64.self) == 100_000_000)
            #expect(try row.decode("id", as: String.self) == "0f0e0d0c-0b0a-0908-0706-050403020100")
            #expect(try row.decode("mood", as: String.self) == "grim")
            #expect(try row.decode("small_int", as: Int.self) == 7)
            #expect(try row.decode("real", as: Double.self) == 1.5)
            #expect(try row.decode("json", as: String.self) == "{\"k\": 1}")
            #expect(try row.decode("name", as: String.self) == "n")
            #expect(try await client.query("SELECT pg_sleep(0)").count == 1)
        }
    }

    private enum Mood: String, PostgresEncodable, PostgresDecodable { case fine, grim }

    @Test("an enum over a raw value is bound and read; an unknown raw value is a typed failure")
    func rawValues() async throws {
        try await withClient { client in
            let rows = try await client.query("SELECT \(Mood.grim) AS mood, 'odd' AS odd")
            #expect(try rows[0].decode("mood", as: Mood.self) == .grim)
            #expect(throws: PostgresError.self) { try rows[0].decode("odd", as: Mood.self) }
        }
    }

    @Test("a wrong column or type is a typed failure that names the column, not a trap")
    func mismatches() async throws {
        try await withClient { client in
            let row = try await client.query("SELECT 'x' AS a, 5000000000 AS b, 1 AS c, ARRAY[[1, 2]] AS d")[0]
            let wrongType = await failure { _ = try row.decode("a", as: Int.self) }
            #expect(wrongType?.code == .decodingFailed)
            #expect(wrongType?.debugDescription.contains("column a") == true)
            #expect(await failure { _ = try row.decode("b", as: Int32.self) }?.code == .decodingFailed)
            #expect(await failure { _ = try row.decode("c", as: Bool.self) }?.code == .decodingFailed)
            #expect(await failure { _ = try row.decode("d", as: [Int64].self) }?.code == .decodingFailed)
            #expect(await failure { _ = try row.decode("none", as: Int.self) }?.code == .decodingFailed)
            #expect(await failure { _ = try row.decode(9, as: Int.self) }?.code == .decodingFailed)
        }
    }
}
