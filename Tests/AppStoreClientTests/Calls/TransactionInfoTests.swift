import AppStoreClient
import Crypto
import Foundation
import JWTKit
import Logging
import PurchaseCore
import PurchaseService
import Testing

@Suite("Get Transaction Info")
struct TransactionInfoTests {
    private static let id = TransactionID("2000000123456789")
    private static let signed = ScriptedServer.answer("200 OK", body: #"{"signedTransactionInfo":"a.b.c"}"#)
    private static let unauthenticated = ScriptedServer.answer(
        "401 Unauthorized", body: "Unauthenticated\n", headers: ["Content-Type: text/plain"])

    private static func notFound(_ code: Int) -> ScriptedServer.Step {
        ScriptedServer.answer("404 Not Found", body: #"{"errorCode":\#(code),"errorMessage":"x"}"#)
    }

    @Test("the request is Apple's: path, headers, and a token that the key signed")
    func request() async throws {
        try await withClient(script: { _, _ in [Self.signed] }) { client, server in
            let answer = await client.transactionInfo(
                Self.id, in: .production, lane: .interactive, deadline: .seconds(30))
            #expect(answer == .signed("a.b.c"))
            let sandbox = await client.transactionInfo(
                Self.id, in: .sandbox, lane: .interactive, deadline: .seconds(30))
            #expect(sandbox == .signed("a.b.c"))
            let requests = server.requests
            try #require(requests.count == 2)
            #expect(requests[0].method == "GET")
            #expect(requests[0].target == "/production/inApps/v1/transactions/2000000123456789")
            #expect(requests[1].target == "/sandbox/inApps/v1/transactions/2000000123456789")
            #expect(requests[0].headers["accept"] == "application/json")
            #expect(requests[0].headers["user-agent"] == "vouch/1.2.3")
            let authorization = try #require(requests[0].headers["authorization"])
            #expect(authorization == requests[1].headers["authorization"])
            let keys = await JWTKeyCollection().add(
                ecdsa: try ES256PublicKey(pem: testSigningKey.publicKey.pemRepresentation), kid: "2X9R4HXF34")
            let claims = try await keys.verify(String(authorization.dropFirst("Bearer ".count)), as: Claims.self)
            #expect(claims.bid == "com.example.app")
            #expect(claims.iss == "57246542-96fe-1a63-e053-0824d011072a")
        }
    }

    @Test("each answer is the one that Apple's codes mean, after one request")
    func answers() async throws {
        let cases: [(ScriptedServer.Step, AppStoreAnswer)] = [
            (Self.signed, .signed("a.b.c")),
            (ScriptedServer.answer("200 OK", body: #"{"new":1,"signedTransactionInfo":"x"}"#), .signed("x")),
            (Self.notFound(4_040_010), .notFound(errorCode: 4_040_010)),
            (
                ScriptedServer.answer("400 Bad Request", body: #"{"errorCode":4000006,"errorMessage":"x"}"#),
                .notFound(errorCode: 4_000_006)
            ),
            (
                ScriptedServer.answer("400 Bad Request", body: #"{"errorCode":4000048,"errorMessage":"x"}"#),
                .notFound(errorCode: 4_000_048)
            ),
            (
                ScriptedServer.answer("400 Bad Request", body: #"{"errorCode":4000000}"#),
                .refusedRequest(status: 400, errorCode: 4_000_000)
            ),
            (ScriptedServer.answer("400 Bad Request", body: "nope"), .refusedRequest(status: 400, errorCode: nil)),
            (ScriptedServer.answer("403 Forbidden"), .refusedRequest(status: 403, errorCode: nil)),
            (Self.notFound(4_040_003), .refusedRequest(status: 404, errorCode: 4_040_003)),
            (Self.notFound(4_040_002), .unavailable(.notFoundRetryable(errorCode: 4_040_002))),
            (Self.notFound(4_040_004), .unavailable(.notFoundRetryable(errorCode: 4_040_004))),
            (Self.notFound(4_040_006), .unavailable(.notFoundRetryable(errorCode: 4_040_006))),
            (
                ScriptedServer.answer(
                    "404 Not Found", body: "<html>4040010</html>", headers: ["Content-Type: text/html"]),
                .unavailable(.notFoundRetryable(errorCode: nil))
            ),
            (ScriptedServer.answer("404 Not Found"), .unavailable(.notFoundRetryable(errorCode: nil))),
            (
                ScriptedServer.answer("500 Internal Server Error", body: #"{"errorCode":5000001}"#),
                .unavailable(.serverError(status: 500, errorCode: 5_000_001))
            ),
            (
                ScriptedServer.answer("503 Service Unavailable", body: "busy"),
                .unavailable(.serverError(status: 503, errorCode: nil))
            ),
            (
                ScriptedServer.answer("302 Found", headers: ["Location: /elsewhere"]),
                .unavailable(.unexpectedStatus(302))
            ),
            (ScriptedServer.answer("202 Accepted", body: "{}"), .unavailable(.unexpectedStatus(202))),
        ]
        for (step, expected) in cases {
            try await withClient(script: { _, _ in [step] }) { client, server in
                let answer = await client.transactionInfo(
                    Self.id, in: .production, lane: .interactive, deadline: .seconds(30))
                #expect(answer == expected)
                #expect(server.requests.count == 1, "\(expected)")
            }
        }
    }

    @Test("a 200 with any other body is malformed, never an outage and never a transaction")
    func malformed() async throws {
        let mebibyte = 1_048_576
        let cases: [([ScriptedServer.Step], String)] = [
            ([ScriptedServer.answer("200 OK")], "the body is empty"),
            ([ScriptedServer.answer("200 OK", body: "<html>")], "the body is not JSON"),
            ([ScriptedServer.answer("200 OK", body: #"{"signedTransactionInfo":"a.b"#)], "the body is not JSON"),
            (
                [ScriptedServer.answer("200 OK", body: #"["signedTransactionInfo"]"#)],
                "the body is JSON, but not what Apple documents"
            ),
            (
                [ScriptedServer.answer("200 OK", body: #"{"signedTransactionInfo":7}"#)],
                "the body is JSON, but not what Apple documents"
            ),
            ([ScriptedServer.answer("200 OK", body: "{}")], "the body has no signedTransactionInfo"),
            (
                [ScriptedServer.answer("200 OK", body: #"{"signedTransactionInfo":""}"#)],
                "the body has no signedTransactionInfo"
            ),
            (
                [ScriptedServer.answer("200 OK", body: #"{"signedTransactionInfo":null}"#)],
                "the body has no signedTransactionInfo"
            ),
            (
                [ScriptedServer.answer("200 OK", body: String(repeating: "[", count: 100_000))],
                "the body is not JSON"
            ),
            (
                [.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"signedTrans"), .close],
                "the body was cut"
            ),
            (
                [.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"sig\r\n"), .close],
                "the body was cut"
            ),
            (
                [ScriptedServer.answer("200 OK", body: String(repeating: " ", count: mebibyte + 1))],
                "the body is larger than 1 MiB"
            ),
            (
                [
                    .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
                    .send("100001\r\n" + String(repeating: " ", count: mebibyte + 1) + "\r\n0\r\n\r\n"),
                ], "the body is larger than 1 MiB"
            ),
        ]
        for (steps, reason) in cases {
            try await withClient(script: { _, _ in steps }) { client, server in
                let answer = await client.transactionInfo(
                    Self.id, in: .production, lane: .interactive, deadline: .seconds(30))
                #expect(answer == .malformed(reason))
                #expect(server.requests.count == 1, "\(reason)")
            }
        }
    }

    @Test("a body of exactly one mebibyte is still read")
    func largestBody() async throws {
        let start = #"{"signedTransactionInfo":""#
        let end = #""}"#
        let jws = String(repeating: "a", count: 1_048_576 - start.utf8.count - end.utf8.count)
        try await withClient(script: { _, _ in [ScriptedServer.answer("200 OK", body: start + jws + end)] }) {
            client, _ in
            #expect(
                await client.transactionInfo(Self.id, in: .production, lane: .interactive, deadline: .seconds(30))
                    == .signed(jws))
        }
    }

    @Test("a 401 is repeated once with a fresh token, and succeeds if that one is accepted")
    func freshToken() async throws {
        let budget = UnlimitedBudget()
        let script: ScriptedServer.Script = { _, number in [number == 1 ? Self.unauthenticated : Self.signed] }
        try await withClient(script: script, budget: budget) { client, server in
            let answer = await client.transactionInfo(
                Self.id, in: .production, lane: .interactive, deadline: .seconds(30))
            #expect(answer == .signed("a.b.c"))
            let requests = server.requests
            try #require(requests.count == 2)
            #expect(requests[0].headers["authorization"] != requests[1].headers["authorization"])
            #expect(budget.requests.reduce(0) { $0 + $1.count } == 2)
        }
    }

    @Test("a key that is refused for good costs one extra request, not one for each call")
    func refusedKey() async throws {
        try await withClient(script: { _, _ in [Self.unauthenticated] }) { client, server in
            for _ in 0..<5 {
                let answer = await client.transactionInfo(
                    Self.id, in: .production, lane: .interactive, deadline: .seconds(30))
                #expect(answer == .unauthorized)
            }
            #expect(server.requests.count == 6)
        }
    }

    @Test("a connection that closes before the answer is tried once more, and no oftener")
    func closedConnection() async throws {
        let budget = UnlimitedBudget()
        let once: ScriptedServer.Script = { _, number in number == 1 ? [.close] : [Self.signed] }
        try await withClient(script: once, budget: budget) { client, server in
            let answer = await client.transactionInfo(
                Self.id, in: .production, lane: .interactive, deadline: .seconds(30))
            #expect(answer == .signed("a.b.c"))
            #expect(server.requests.count == 2)
            #expect(budget.requests.count == 2)
        }
        try await withClient(script: { _, _ in [.close] }) { client, server in
            let answer = await client.transactionInfo(
                Self.id, in: .production, lane: .interactive, deadline: .seconds(30))
            #expect(answer == .unavailable(.connectionFailed))
            #expect(server.requests.count == 2)
        }
    }

    @Test("a closed connection and a 401 together still make one repeat")
    func oneRepeatInAll() async throws {
        let script: ScriptedServer.Script = { _, number in number == 1 ? [.close] : [Self.unauthenticated] }
        try await withClient(script: script) { client, server in
            let answer = await client.transactionInfo(
                Self.id, in: .production, lane: .interactive, deadline: .seconds(30))
            #expect(answer == .unauthorized)
            #expect(server.requests.count == 2)
        }
    }

    @Test("a refused connection is an outage at once")
    func refusedConnection() async throws {
        let port = try await ScriptedServer.run({ _, _ in [] }) { $0.port }
        try await withHTTPClient { httpClient in
            let url = "http://127.0.0.1:\(port)"
            let client = try makeClient(
                production: url, sandbox: url, httpClient: httpClient, budget: UnlimitedBudget(), time: fixedWallTime())
            let answer = await client.transactionInfo(
                Self.id, in: .production, lane: .interactive, deadline: .seconds(30))
            #expect(answer == .unavailable(.connectionFailed))
        }
    }

    @Test("an answer that is no HTTP is a failed connection")
    func notHTTP() async throws {
        try await withClient(script: { _, _ in [.send("SSH-2.0-OpenSSH\r\n\r\n")] }) { client, _ in
            let answer = await client.transactionInfo(
                Self.id, in: .production, lane: .interactive, deadline: .seconds(30))
            #expect(answer == .unavailable(.connectionFailed))
        }
    }

    @Test(
        "no answer, half a head, or half a body by the deadline is a time-out",
        arguments: [[], ["HTTP/1.1 200 OK\r\nContent-"], ["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"sig"]])
    func timeOut(sent: [String]) async throws {
        let clock = ManualClock()
        let script: ScriptedServer.Script = { _, _ in sent.map { .send($0) } + [.hold] }
        try await withClient(script: script, time: clock.time) { client, server in
            async let answer = client.transactionInfo(
                Self.id, in: .production, lane: .interactive, deadline: .seconds(8))
            await server.waitForRequests(1)
            await clock.waitForSleepers(1)
            clock.advance(by: .seconds(8))
            #expect(await answer == .unavailable(.timedOut))
        }
    }

    @Test("a deadline that has passed already sends nothing")
    func noTime() async throws {
        try await withClient(script: { _, _ in [Self.signed] }) { client, server in
            let answer = await client.transactionInfo(Self.id, in: .production, lane: .interactive, deadline: .zero)
            #expect(answer == .unavailable(.budgetExhausted))
            #expect(server.requests.isEmpty)
        }
    }

    @Test("a cancelled task ends the call at once, before and during the request")
    func cancellation() async throws {
        try await withClient(script: { _, _ in [.hold] }) { client, server in
            let task = Task {
                await client.transactionInfo(Self.id, in: .production, lane: .interactive, deadline: .seconds(3_600))
            }
            await server.waitForRequests(1)
            task.cancel()
            #expect(await task.value == .unavailable(.cancelled))
        }
        let budget = SteeredBudget()
        try await withClient(script: { _, _ in [.hold] }, budget: budget) { client, server in
            let task = Task {
                await client.transactionInfo(Self.id, in: .production, lane: .interactive, deadline: .seconds(3_600))
            }
            await budget.waitForDraws(1)
            task.cancel()
            #expect(await task.value == .unavailable(.cancelled))
            #expect(server.requests.isEmpty)
        }
    }

    @Test("an id that isn't digits never becomes a path")
    func invalidIdentifier() async throws {
        let budget = UnlimitedBudget()
        try await withClient(script: { _, _ in [Self.signed] }, budget: budget) { client, server in
            for text in ["", "1/../2", "12?x", "１２", "1 2", "-1", String(repeating: "1", count: 33), "1\r\nX: y"] {
                let answer = await client.transactionInfo(
                    TransactionID(text), in: .production, lane: .interactive, deadline: .seconds(30))
                #expect(answer == .unavailable(.invalidIdentifier))
            }
            #expect(server.requests.isEmpty)
            #expect(budget.requests.isEmpty)
        }
    }

    @Test("without its budget Apple is never called")
    func budgetDown() async throws {
        try await withClient(script: { _, _ in [Self.signed] }, budget: BrokenBudget()) { client, server in
            for lane in RequestLane.allCases {
                let answer = await client.transactionInfo(Self.id, in: .production, lane: lane, deadline: .seconds(30))
                #expect(answer == .unavailable(.budgetUnavailable))
            }
            #expect(server.requests.isEmpty)
        }
        let clock = ManualClock()
        try await withClient(script: { _, _ in [Self.signed] }, budget: EmptyBudget(), time: clock.time) {
            client, server in
            async let answer = client.transactionInfo(
                Self.id, in: .production, lane: .interactive, deadline: .seconds(8))
            // The deadline, and the leader's pause until the next token.
            await clock.waitForSleepers(2)
            clock.advance(by: .seconds(8))
            #expect(await answer == .unavailable(.budgetExhausted))
            #expect(server.requests.isEmpty)
        }
    }

    @Test("each environment draws on its own bucket, Sandbox at a tenth of the rate")
    func buckets() async throws {
        let budget = UnlimitedBudget()
        try await withClient(script: { _, _ in [Self.signed] }, budget: budget) { client, _ in
            for environment in StoreEnvironment.allCases {
                _ = await client.transactionInfo(Self.id, in: environment, lane: .retry, deadline: .seconds(30))
            }
        }
        let requests = budget.requests
        try #require(requests.count == 2)
        #expect(requests[0].environment == .production && requests[0].endpointClass == .standard)
        #expect(requests[0].capacity == 12 && requests[0].tokensPerHour == 179_976 && requests[0].count == 1)
        #expect(requests[1].environment == .sandbox)
        #expect(requests[1].capacity == 1 && requests[1].tokensPerHour == 17_998)
    }

    struct Claims: JWTPayload {
        let iss: String
        let bid: String
        func verify(using algorithm: some JWTAlgorithm) throws {}
    }
}
