import Foundation
import Postgres
import Testing

@Suite("Row streaming")
struct StreamTests {
    private func residentBytes() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        return (Int(text.split(separator: " ")[1]) ?? 0) * 4096
    }

    @Test("200,000 rows of 2 KB pass through without being kept")
    func flatMemory() async throws {
        try await withClient { client in
            let before = try residentBytes()
            var count = 0
            var highest = 0
            try await client.stream("SELECT generate_series(1, 200000), repeat('x', 2000)") { row in
                count += 1
                #expect(try row.decode(0, as: Int.self) == count)
                if count % 10_000 == 0 { highest = max(highest, try residentBytes()) }
            }
            #expect(count == 200_000)
            // 400 MB went by; other tests run in this process meanwhile, so the bound is not tight.
            #expect(highest - before < 150 << 20)
        }
    }

    @Test("while the consumer is busy the server has to wait: nothing is buffered without bound")
    func backPressure() async throws {
        try await withDatabase { uri in
            try await withOpen(PostgresConfiguration(uri: uri)) { other in
                try await withOpen(PostgresConfiguration(uri: uri)) { client in
                    var seen = 0
                    try await client.stream(
                        "SELECT i, repeat('x', 2000) AS filler FROM generate_series(1, 50000) AS i /* slow consumer */"
                    ) { _ in
                        seen += 1
                        if seen == 1 {
                            try await eventually("the server waits for us to read") {
                                try await other.query(
                                    """
                                    SELECT 1 FROM pg_stat_activity
                                    WHERE query LIKE '%slow consumer%' AND wait_event = 'ClientWrite'
                                    """
                                ).count == 1
                            }
                        }
                    }
                    #expect(seen == 50_000)
                }
            }
        }
    }

    @Test("the rows are one snapshot, read-only, and an empty result ends at once")
    func snapshot() async throws {
        try await withClient { client in
            _ = try await client.query("CREATE TABLE t AS SELECT i FROM generate_series(1, 20000) AS i")
            var count = 0
            try await client.stream("SELECT i, repeat('x', 200) FROM t") { _ in
                if count == 0 { _ = try await client.query("DELETE FROM t") }
                count += 1
            }
            #expect(count == 20_000)
            try await client.stream("SELECT i FROM t") { _ in Issue.record("the table is empty") }
            let error = await failure {
                try await client.stream("INSERT INTO t VALUES (1) RETURNING i") { _ in }
            }
            #expect(error?.sqlState == "25006")
        }
    }

    @Test("a body that throws ends the statement on the server; the connection is used again")
    func abandoned() async throws {
        try await withClient({ $0.readConnectionsMax = 1 }) { client in
            let pid: SQL = "SELECT pg_backend_pid() AS pid"
            let before = try await client.query(pid)[0].decode("pid", as: Int.self)
            struct Enough: Error {}
            await #expect(throws: Enough.self) {
                try await client.stream("SELECT generate_series(1, 1000000000), repeat('x', 2000)") { row in
                    if try row.decode(0, as: Int.self) == 5000 { throw Enough() }
                }
            }
            let after = try await client.query(pid)[0].decode("pid", as: Int.self)
            #expect(before == after)
        }
    }

    @Test("an error in the middle arrives after the rows before it")
    func failsInTheMiddle() async throws {
        try await withClient { client in
            var last = 0
            let error = await failure {
                try await client.stream(
                    "SELECT i, 1 / (5000 - i) AS x, repeat('y', 500) FROM generate_series(1, 9000) AS i"
                ) {
                    last = try $0.decode(0)
                }
            }
            #expect(error?.sqlState == "22012")
            #expect(last > 0 && last < 5000)
            let rows = try await client.query("SELECT 1")
            #expect(rows.count == 1)
        }
    }

    @Test("a stream has a deadline, and cancelling its task ends it")
    func deadlineAndCancel() async throws {
        try await withClient { client in
            let late = await failure {
                try await client.stream("SELECT pg_sleep(600)", deadline: .milliseconds(50)) { _ in }
            }
            #expect(late?.code == .deadlineExceeded)
            let started = Gathered<Bool>()
            let task = Task {
                try await client.stream("SELECT generate_series(1, 1000000000)") { _ in
                    if started.all.isEmpty { started.add(true) }
                }
            }
            try await eventually("it runs") { !started.all.isEmpty }
            task.cancel()
            #expect(await failure { try await task.value }?.code == .cancelled)
        }
    }
}
