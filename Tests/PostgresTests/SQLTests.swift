import Testing

@testable import Postgres

@Suite("SQL")
struct SQLTests {
    @Test("interpolation binds and numbers")
    func binds() {
        let id: Int64 = 5
        let name: String? = nil
        let sql: SQL = "SELECT \(id), \(name), \(["a", "b"]), \([UInt8](arrayLiteral: 1, 2))"
        #expect(sql.text == "SELECT $1, $2, $3, $4")
        #expect(sql.values == [.int8(5), .null(.text), .textArray(["a", "b"]), .bytea([1, 2])])
    }

    @Test("text from outside can only become a value, never part of the statement")
    func injection() {
        let hostile = "'; DROP TABLE events; --"
        let sql: SQL = "SELECT * FROM t WHERE name = \(hostile)"
        #expect(sql.text == "SELECT * FROM t WHERE name = $1")
        #expect(sql.values == [.text(hostile)])
    }

    @Test("a spliced fragment keeps its values, renumbered")
    func fragments() {
        let condition: SQL = "a = \(1) AND b = \(2)"
        let sql: SQL = "SELECT \(0) WHERE \(fragment: condition) AND c = \(3)"
        #expect(sql.text == "SELECT $1 WHERE a = $2 AND b = $3 AND c = $4")
        #expect(sql.values == [.int8(0), .int8(1), .int8(2), .int8(3)])
        let tail: SQL = "\(9)::text || '$' || $$x$$"
        let both: SQL = "SELECT \(8), \(fragment: tail)"
        #expect(both.text == "SELECT $1, $2::text || '$' || $$x$$")
    }

    @Test("NUL in the text and too many values are refused before anything is sent")
    func faults() {
        #expect(SQL(unsafe: "SELECT 1\0").fault?.code == .statementInvalid)
        let many = SQL("SELECT 1", Array(repeating: .int8(1), count: 65_536))
        #expect(many.fault?.code == .statementInvalid)
        #expect(SQL("SELECT 1", Array(repeating: .int8(1), count: 65_535)).fault == nil)
    }
}

@Suite("Postgres error")
struct PostgresErrorTests {
    @Test("the description shows code, SQLSTATE and constraint, and no text of the server")
    func redaction() {
        let error = PostgresError(
            .server, sqlState: "23505", message: "secret-value", detail: "Key (id)=(secret-value)", constraint: "t_key")
        #expect(error.description == "PostgresError.server, SQLSTATE 23505, constraint t_key")
        #expect("\(error)" == error.description)
        #expect(String(reflecting: error).contains("secret-value"))
    }

    @Test("only what surely had no effect and may pass is retryable")
    func retryable() {
        #expect(PostgresError(.queueFull, message: "").retryable)
        #expect(PostgresError(.server, sqlState: "40001", message: "").retryable)
        #expect(!PostgresError(.server, sqlState: "23505", message: "").retryable)
        #expect(!PostgresError(.commitOutcomeUnknown, message: "").retryable)
        #expect(!PostgresError(.connectionLost, message: "").retryable)
    }
}

@Suite("Postgres timestamp")
struct PostgresTimestampTests {
    @Test("extremes saturate to PostgreSQL's infinities instead of trapping")
    func extremes() {
        for value in [Int64.min, .min + 1, -1, 0, 1, .max - 1, .max] {
            let wire = PostgresTimestamp(microsecondsSinceUnixEpoch: value).wireValue
            let back = PostgresTimestamp(wireValue: wire).microsecondsSinceUnixEpoch
            #expect(back == value || value < .min + 946_684_800_000_001 && back == .min)
        }
        #expect(PostgresTimestamp(wireValue: .max).microsecondsSinceUnixEpoch == .max)
        #expect(PostgresTimestamp(wireValue: .max - 1).microsecondsSinceUnixEpoch == .max)
        #expect(PostgresTimestamp(millisecondsSinceUnixEpoch: .max).microsecondsSinceUnixEpoch == .max)
        #expect(PostgresTimestamp(microsecondsSinceUnixEpoch: -1).millisecondsSinceUnixEpoch == -1)
    }
}
