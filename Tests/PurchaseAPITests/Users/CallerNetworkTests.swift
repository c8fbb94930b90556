import HTTPTypes
import Hummingbird
import HummingbirdTesting
import PurchaseAPI
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@testable import vouch

@Suite("The network that a request comes from")
struct CallerNetworkTests {
    private func network(_ peer: String?, _ forwarded: String..., proxies: String...) -> String? {
        CallerNetwork(trustedProxies: proxies.compactMap { IPNetwork($0) }).name(peer: peer, forwardedFor: forwarded)
    }

    @Test("an IPv4 address stands for itself, an IPv6 address for its /64, a mapped one for what it maps")
    func forms() {
        #expect(network("192.0.2.7") == "c0000207")
        #expect(network("::ffff:192.0.2.7") == "c0000207")
        #expect(network("2001:db8:1:2:3:4:5:6") == "20010db800010002")
        #expect(network("2001:db8:1:2::") == network("2001:db8:1:2:ffff::1"))
        #expect(network("2001:db8:1:3::") != network("2001:db8:1:2::"))
        #expect(network(nil) == nil)
        #expect(network("/run/vouch.sock") == nil)
    }

    @Test("what is forwarded counts only behind a trusted proxy")
    func untrusted() {
        #expect(network("203.0.113.9", "198.51.100.1") == network("203.0.113.9"))
        #expect(network("203.0.113.9", "198.51.100.1", proxies: "10.0.0.0/8") == network("203.0.113.9"))
        #expect(network("10.0.0.1", "198.51.100.1", proxies: "10.0.0.0/8") == network("198.51.100.1"))
        #expect(network("::ffff:10.0.0.1", "198.51.100.1", proxies: "10.0.0.0/8") == network("198.51.100.1"))
    }

    @Test("the rightmost address that is no trusted proxy's is the caller's, whatever stands left of it")
    func rightmost() {
        let caller = network("198.51.100.1")
        #expect(network("10.0.0.1", "1.1.1.1, 198.51.100.1", proxies: "10.0.0.0/8") == caller)
        #expect(network("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.9.9.9", proxies: "10.0.0.0/8") == caller)
        #expect(network("10.0.0.1", "1.1.1.1", "198.51.100.1", "10.9.9.9", proxies: "10.0.0.0/8") == caller)
        // A caller who claims to be behind a proxy of ours.
        #expect(network("10.0.0.1", "10.0.0.77, 198.51.100.1", proxies: "10.0.0.0/8") == caller)
        // Only our own machines on the way: the one that is farthest.
        #expect(network("10.0.0.1", "10.0.0.3,10.0.0.2", proxies: "10.0.0.0/8") == network("10.0.0.3"))
    }

    @Test("ports and brackets are taken off; what is no address ends the way")
    func hops() {
        for text in ["198.51.100.1:4711", " 198.51.100.1 ", "::ffff:198.51.100.1", "[::ffff:198.51.100.1]:80"] {
            #expect(network("10.0.0.1", text, proxies: "10.0.0.1") == network("198.51.100.1"), "\(text)")
        }
        #expect(network("10.0.0.1", "[2001:db8::1]:80", proxies: "10.0.0.1") == network("2001:db8::1"))
        for text in [
            "unknown", "", "_hidden", "[2001:db8::1", "198.51.100.1.", "198.51.100", "1.1.1.1, ", "fe80::1%eth0",
        ] {
            #expect(network("10.0.0.1", text, proxies: "10.0.0.1") == network("10.0.0.1"), "\(text)")
        }
        let long = String(repeating: "10.0.0.1,", count: 100_000) + "10.0.0.1"
        #expect(network("10.0.0.1", long, proxies: "10.0.0.1") == network("10.0.0.1"))
    }

    @Test("the edge hands the peer's address and every forwarded field to it")
    func edge() async throws {
        let networks = Box<[String?]>([])
        var useCases = StubUseCases()
        useCases.onTransaction = { _, caller, _ async throws(ServiceError) in
            networks.update { $0.append(caller.network) }
            throw .notFound
        }
        var configuration = APIConfiguration(
            bundleID: BundleID("com.example.app"), openAPIDocument: "openapi: 3.1.0\n", now: { Sample.now })
        configuration.callerNetwork = { peer, forwarded in "\(peer ?? "-") \(forwarded)" }
        let application = Application(
            router: buildRouter(useCases: useCases, configuration: configuration), logger: TestDatabase.silent)
        try await application.test(.live) { client in
            var headers = HTTPFields()
            let name = try #require(HTTPField.Name("X-Forwarded-For"))
            headers.append(HTTPField(name: name, value: "192.0.2.1, 192.0.2.2"))
            headers.append(HTTPField(name: name, value: "192.0.2.3"))
            let answer = try await EdgeClient(client: client).get("/v1/transactions/1", key: "device", headers: headers)
            #expect(answer.status == 404)
        }
        let seen = try #require(networks.value.first ?? nil)
        #expect(["127.0.0.1", "::1", "::ffff:127.0.0.1"].contains { seen.hasPrefix($0 + " ") }, "\(seen)")
        #expect(seen.hasSuffix(#"["192.0.2.1, 192.0.2.2", "192.0.2.3"]"#), "\(seen)")
    }
}
