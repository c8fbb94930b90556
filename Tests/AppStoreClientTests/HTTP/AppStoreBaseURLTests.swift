import AppStoreClient
import AsyncHTTPClient
import NIOCore
import NIOSSL
import Testing

@Suite("App Store URLs")
struct AppStoreBaseURLTests {
    @Test(
        "accepted, with a slash at the end removed",
        arguments: [
            ("https://api.storekit.apple.com", "https://api.storekit.apple.com"),
            ("https://API.storekit.apple.com/", "https://api.storekit.apple.com"),
            ("HTTPS://store.example:8443/v/x//", "https://store.example:8443/v/x"),
            ("http://127.0.0.1:9100/production", "http://127.0.0.1:9100/production"),
            ("http://localhost:9100", "http://localhost:9100"),
            ("http://[::1]:9100/", "http://[::1]:9100"),
        ])
    func accepted(text: String, expected: String) throws {
        #expect(try AppStoreBaseURL(validating: text).description == expected)
    }

    @Test(
        "refused, with a reason",
        arguments: [
            ("", AppStoreBaseURLError.notAURL), ("api.storekit.apple.com", .notAURL), ("ftp://x", .notAURL),
            ("https://", .notAURL), ("https:///x", .notAURL), ("https://user@host", .notAURL),
            ("https://host:0", .notAURL), ("https://host:99999", .notAURL), ("https://host:", .notAURL),
            ("https://host?x=1", .notAURL), ("https://host/x?y", .notAURL), ("https://host/#f", .notAURL),
            ("https://host/a b", .notAURL), ("https://host/%2e", .notAURL),
            ("http://store.example", .plainHTTP(host: "store.example")),
            ("http://127.0.0.1.example", .plainHTTP(host: "127.0.0.1.example")),
            ("http://10.0.0.1", .plainHTTP(host: "10.0.0.1")),
        ])
    func refused(text: String, expected: AppStoreBaseURLError) {
        #expect(throws: expected) { try AppStoreBaseURL(validating: text) }
    }

    @Test("Apple's hosts are told apart from names that only look like them")
    func apple() throws {
        #expect(AppStoreBaseURL.production.isApple)
        #expect(AppStoreBaseURL.sandbox.isApple)
        #expect(try !AppStoreBaseURL(validating: "https://api.storekit.apple.com.example").isApple)
        #expect(try !AppStoreBaseURL(validating: "https://notapple.com").isApple)
        #expect(try !AppStoreBaseURL(validating: "http://127.0.0.1:9100/apple.com").isApple)
    }

    @Test("the pool is rate times latency, within bounds")
    func pool() {
        #expect(AppStoreHTTPClient.poolConnections(requestsPerSecond: 50, slowAnswer: .seconds(4)) == 200)
        #expect(AppStoreHTTPClient.poolConnections(requestsPerSecond: 50, slowAnswer: .milliseconds(250)) == 13)
        #expect(AppStoreHTTPClient.poolConnections(requestsPerSecond: 1) == 8)
        #expect(AppStoreHTTPClient.poolConnections(requestsPerSecond: 100_000) == 512)
    }

    @Test("the HTTP client is HTTP/1.1 over TLS 1.2 or newer, verifies, and neither unpacks nor retries by itself")
    func configuration() {
        let configuration = AppStoreHTTPClient.configuration(requestsPerSecond: 50)
        #expect(configuration.httpVersion == .http1Only)
        #expect(configuration.tlsConfiguration?.minimumTLSVersion == .tlsv12)
        #expect(configuration.tlsConfiguration?.certificateVerification == .fullVerification)
        #expect(configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit == 200)
        #expect(!configuration.connectionPool.retryConnectionEstablishment)
        #expect(configuration.timeout.connect == .seconds(5))
        guard case .disabled = configuration.decompression else {
            Issue.record("decompression would undo the bound on bodies")
            return
        }
    }
}
