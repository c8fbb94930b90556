import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import TestSupport
import Testing

@Suite("Stopping", .serialized)
struct DrainTests {
    /// A port that nobody listened on a moment ago.
    private static func freePort() async throws -> Int {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(channel.localAddress?.port)
        try await channel.close()
        return port
    }

    @Test(
        "SIGTERM: first not ready on both addresses, then a request under way is answered, then the process ends well")
    func drain() async throws {
        let port = try await Self.freePort()
        try await TestDatabase.withDatabase(migrated: false) { database in
            try await Installation.with(
                database: database.uri, ["VOUCH_OPERATOR_ADDRESS": "127.0.0.1:\(port)"]
            ) { vouch in
                let server = try vouch.startServer()
                let operatorReady = "http://127.0.0.1:\(port)/health/ready"
                for url in [server.url + "/health/ready", operatorReady] {
                    #expect(try await vouch.poll(url) { $0.status == 200 }.status == 200)
                }
                let id = try await vouch.buy()
                _ = try await vouch.send(
                    .POST, vouch.simulator.url + "/control/faults",
                    #"{"fault":{"kind":"delay","delayMilliseconds":4000},"transactionId":"\#(id)"}"#)
                async let posted = vouch.post("ada", id, to: server.url)
                // Under way once Apple is asked.
                _ = try await vouch.poll(vouch.simulator.url + "/control/calls?transactionId=\(id)") {
                    $0.body["count"] == .integer(1)
                }
                server.requestStop()
                let edge = try await vouch.poll(server.url + "/health/ready") { $0.status == 503 }
                #expect(edge.body["code"]?.text == "not-ready")
                #expect(try await vouch.poll(operatorReady) { $0.status == 503 }.status == 503)
                let answer = try await posted
                #expect(answer.status == 200 && answer.state == "paid")
                #expect(server.waitForExit() == 0)
                await #expect(throws: (any Error).self) { _ = try await vouch.send(.GET, operatorReady) }
            }
        }
    }

    @Test("GET /metrics on the operator's address, and nowhere else")
    func metrics() async throws {
        let port = try await Self.freePort()
        try await TestDatabase.withDatabase(migrated: false) { database in
            try await Installation.with(
                database: database.uri, ["VOUCH_OPERATOR_ADDRESS": "127.0.0.1:\(port)"]
            ) { vouch in
                let server = try vouch.startServer()
                #expect(try await vouch.send(.GET, server.url + "/metrics").status == 404)
                let client = HTTPClient(eventLoopGroupProvider: .singleton)
                do {
                    var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/metrics")
                    request.method = .GET
                    let response = try await client.execute(request, timeout: .seconds(30))
                    let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
                    #expect(response.status == .ok)
                    #expect(text.contains("\nvouch_scrape_errors 0\n"), "\(text)")
                    #expect(text.contains("\nprocess_open_fds "))
                    #expect(text.contains(#"vouch_http_requests_total{operation="none",method="GET",status="404"} 1"#))
                } catch {
                    try await client.shutdown()
                    throw error
                }
                try await client.shutdown()
            }
        }
    }
}
