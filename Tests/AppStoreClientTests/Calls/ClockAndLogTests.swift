import AppStoreClient
import Crypto
import PurchaseCore
import PurchaseService
import Testing

@Suite("Clock skew and log lines")
struct ClockAndLogTests {
    private static let id = TransactionID("2000000123456789")

    private static func answer(_ status: String, date: String?) -> ScriptedServer.Step {
        ScriptedServer.answer(status, body: "{}", headers: date.map { ["Date: \($0)"] } ?? [])
    }

    @Test("the Date header of any answer shows how far our clock is off")
    func skew() async throws {
        // Ours says 12:00:00.
        let script: ScriptedServer.Script = { _, number in
            switch number {
            case 1: [Self.answer("404 Not Found", date: "Sun, 22 Nov 2026 11:58:20 GMT")]
            case 2: [Self.answer("200 OK", date: nil)]
            default: [Self.answer("500 Internal Server Error", date: "Sun, 22 Nov 2026 12:00:00 GMT")]
            }
        }
        try await withClient(script: script) { client, _ in
            #expect(client.clockSkew == nil)
            _ = await client.transactionInfo(Self.id, in: .production, lane: .retry, deadline: .seconds(30))
            #expect(client.clockSkew == .milliseconds(99_500))
            _ = await client.transactionInfo(Self.id, in: .production, lane: .retry, deadline: .seconds(30))
            #expect(client.clockSkew == .milliseconds(99_500))
            _ = await client.transactionInfo(Self.id, in: .production, lane: .retry, deadline: .seconds(30))
            #expect(client.clockSkew == .milliseconds(-500))
        }
    }

    @Test(
        "a 401 under a skewed clock is logged as an error with the skew, another one quietly",
        arguments: [
            ("Sun, 22 Nov 2026 11:55:00 GMT", "299"), ("Sun, 22 Nov 2026 12:05:00 GMT", "-300"),
            ("Sun, 22 Nov 2026 12:00:30 GMT", nil),
        ] as [(String, String?)])
    func unauthorized(date: String, skew: String?) async throws {
        let logs = LogCapture()
        let script: ScriptedServer.Script = { _, _ in [Self.answer("401 Unauthorized", date: date)] }
        try await withClient(script: script, logger: logs.logger) { client, _ in
            _ = await client.transactionInfo(Self.id, in: .production, lane: .retry, deadline: .seconds(30))
        }
        let errors = logs.lines.filter { $0.hasPrefix("error") }
        if let skew {
            #expect(errors.count == 1)
            #expect(errors.first?.contains("clock differs") == true)
            #expect(errors.first?.contains("\"clock_skew_seconds\": \(skew)") == true)
        } else {
            #expect(errors.isEmpty)
            #expect(logs.lines.count == 1)
        }
    }

    @Test("no log line holds a token, a key, an id or a body")
    func redaction() async throws {
        let logs = LogCapture()
        let script: ScriptedServer.Script = { _, number in
            let statuses = [
                "401 Unauthorized", "401 Unauthorized", "404 Not Found", "500 Oops", "200 OK", "429 Too Many",
            ]
            return [
                ScriptedServer.answer(
                    statuses[min(number, statuses.count) - 1],
                    body: #"{"signedTransactionInfo":"secretbody","errorMessage":"secretbody"}"#)
            ]
        }
        try await withClient(script: script, logger: logs.logger) { client, server in
            for _ in 0..<10 {
                _ = await client.transactionInfo(Self.id, in: .production, lane: .retry, deadline: .seconds(30))
            }
            #expect(!logs.lines.isEmpty)
            let keyText = testSigningKey.pemRepresentation.split(separator: "\n")[1]
            for line in logs.lines {
                #expect(!line.contains("secretbody") && !line.contains(Self.id.rawValue) && !line.contains(keyText))
                for request in server.requests {
                    let token = try #require(request.headers["authorization"]).dropFirst("Bearer ".count)
                    #expect(!line.contains(token))
                }
            }
        }
    }
}
