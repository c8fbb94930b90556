import AppStoreClient
import Testing

@Suite("OCSP fetch")
struct OCSPFetcherTests {
    private static let request: [UInt8] = [0x30, 0x03, 0x0A, 0x01, 0x00]

    private func fetch(
        _ script: @escaping ScriptedServer.Script, time: ClientTime = fixedWallTime(),
        during: (ScriptedServer) async -> Void = { _ in }
    ) async throws -> (Result<[UInt8], OCSPFetchError>, [ScriptedServer.Request]) {
        try await ScriptedServer.run(script) { server in
            try await withHTTPClient { httpClient in
                let fetcher = OCSPFetcher(
                    allowedHosts: ["127.0.0.1:\(server.port)"], httpClient: httpClient, version: "1", time: time)
                let url = server.url + "/ocsp03"
                async let outcome = Self.result { () async throws(OCSPFetchError) in
                    try await fetcher.fetch(Self.request, from: url)
                }
                await during(server)
                return (await outcome, server.requests)
            }
        }
    }

    private static func result(
        _ body: @Sendable () async throws(OCSPFetchError) -> [UInt8]
    ) async -> Result<[UInt8], OCSPFetchError> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }

    @Test("the request is posted as it is, and the response comes back as it is")
    func posted() async throws {
        let (result, requests) = try await fetch { _, _ in
            [ScriptedServer.answer("200 OK", body: "response", headers: ["Content-Type: application/ocsp-response"])]
        }
        #expect(result == .success(Array("response".utf8)))
        #expect(requests.count == 1)
        #expect(requests.first?.method == "POST")
        #expect(requests.first?.target == "/ocsp03")
        #expect(requests.first?.headers["content-type"] == "application/ocsp-request")
        #expect(requests.first.map { Array($0.body.utf8) } == Self.request)
    }

    @Test("a status, a redirect, an empty, a cut and an oversized body are faults")
    func faults() async throws {
        let cases: [([ScriptedServer.Step], OCSPFetchError)] = [
            ([ScriptedServer.answer("500 Internal Server Error")], .status(500)),
            ([ScriptedServer.answer("302 Found", headers: ["Location: http://127.0.0.1:1/"])], .status(302)),
            ([ScriptedServer.answer("200 OK")], .cut),
            ([.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"), .close], .cut),
            ([ScriptedServer.answer("200 OK", body: String(repeating: "x", count: 65_537))], .tooLarge),
        ]
        for (steps, expected) in cases {
            let (result, requests) = try await fetch { _, _ in steps }
            #expect(result == .failure(expected))
            #expect(requests.count == 1)
        }
    }

    @Test("after five seconds it gives up")
    func deadline() async throws {
        let clock = ManualClock()
        let (result, _) = try await fetch({ _, _ in [.hold] }, time: clock.time) { server in
            await server.waitForRequests(1)
            await clock.waitForSleepers(1)
            clock.advance(by: OCSPFetcher.deadline)
        }
        #expect(result == .failure(.timedOut))
    }

    @Test("a cancelled task ends the fetch")
    func cancellation() async throws {
        try await ScriptedServer.run({ _, _ in [.hold] }) { server in
            try await withHTTPClient { httpClient in
                let fetcher = OCSPFetcher(
                    allowedHosts: ["127.0.0.1:\(server.port)"], httpClient: httpClient, version: "1",
                    time: fixedWallTime())
                let url = server.url
                let task = Task {
                    await Self.result { () async throws(OCSPFetchError) in
                        try await fetcher.fetch(Self.request, from: url)
                    }
                }
                await server.waitForRequests(1)
                task.cancel()
                #expect(await task.value == .failure(.cancelled))
            }
        }
    }

    @Test(
        "only plain HTTP to a listed host is asked",
        arguments: [
            "https://ocsp.apple.com/x", "http://ocsp.apple.com.example/x", "http://example.com/",
            "http://evil@ocsp.apple.com/",
            "http://ocsp.apple.com@evil.example/", "http://ocsp.apple.com:99999/", "http://ocsp.apple.com:8080/",
            "http:///x", "",
            "http://ocsp.apple.com/a b", "http://ocsp.apple.com/\r\nX: y", "ldap://ocsp.apple.com/x",
        ])
    func notAllowed(url: String) async throws {
        try await withHTTPClient { httpClient in
            let fetcher = OCSPFetcher(
                allowedHosts: ["ocsp.apple.com"], httpClient: httpClient, version: "1", time: fixedWallTime())
            await #expect(throws: OCSPFetchError.notAllowed) { try await fetcher.fetch(Self.request, from: url) }
        }
    }
}
