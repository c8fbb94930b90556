import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Synchronization
import TestSupport
import Testing

/// An identity provider's key set behind a loopback port, whose answers a test changes and counts.
final class KeySetServer: Sendable {
    /// What it answers.
    enum Answer: Sendable {
        case document([UInt8])
        case status(HTTPResponse.Status)
        /// A redirect to a good set, which nobody may follow.
        case redirect([UInt8])
    }

    private let state: Mutex<(answer: Answer, requests: Int)>

    init(_ keys: TestSigningKey...) { state = Mutex((.document(TestKeySet.json(of: keys)), 0)) }

    var requests: Int { state.withLock { $0.requests } }
    func answer(_ answer: Answer) { state.withLock { $0.answer = answer } }
    func publish(_ keys: TestSigningKey...) { answer(.document(TestKeySet.json(of: keys))) }

    /// Serves while a test runs; the body gets the set's URL.
    func serve(_ body: @escaping @Sendable (String) async throws -> Void) async throws {
        let router = Router()
        router.get("keys") { _, _ in self.respond() }
        router.get("elsewhere") { _, _ in
            guard case .redirect(let document) = self.state.withLock({ $0.answer }) else {
                return Response(status: .notFound)
            }
            return Self.response(document)
        }
        let application = Application(
            router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            logger: TestDatabase.silent)
        try await application.test(.live) { client in
            try await body("http://127.0.0.1:\(try #require(client.port))/keys?set=1")
        }
    }

    private func respond() -> Response {
        let answer = state.withLock { state in
            state.requests += 1
            return state.answer
        }
        switch answer {
        case .document(let document): return Self.response(document)
        case .status(let status): return Response(status: status)
        case .redirect: return Response(status: .found, headers: [.location: "/elsewhere"])
        }
    }

    private static func response(_ document: [UInt8]) -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/jwk-set+json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: document)))
    }
}

/// The settings that turn the role `user` on.
func userSettings(keys: String) -> [String: String?] {
    [
        "VOUCH_USER_ISSUER": TestUserToken.issuer, "VOUCH_USER_AUDIENCE": TestUserToken.audience,
        "VOUCH_USER_JWKS": keys,
    ]
}

/// A provider's key, shared by the tests: making keys takes time, and no test changes it.
let providerKey = TestSigningKey.p256("provider-1")
