import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import PurchaseAPI
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("Problems")
struct EdgeProblemTests {
    @Test("every error of a use case has its problem, on every operation that can meet it")
    func serviceErrors() async throws {
        let expected: [(error: ServiceError, code: String, status: Int, retryAfter: String?)] = [
            (.notFound, "not-found", 404, nil), (.overloaded(retryAfterSeconds: 7), "overloaded", 503, "7"),
            (.unavailable(retryAfterSeconds: 2), "overloaded", 503, "2"),
            (.beingErased(retryAfterSeconds: 5), "overloaded", 503, "5"),
            (.overloaded(retryAfterSeconds: 0), "overloaded", 503, "1"),
            (.overloaded(retryAfterSeconds: 1_000_000), "overloaded", 503, "86400"),
            (.fault("a row can't be read: secret-of-ours"), "internal-error", 500, nil),
        ]
        for (error, code, status, retryAfter) in expected {
            try await withEdge(Self.throwing(error)) { edge in
                for operation in EdgeClient.spec.operations
                where !operation.roles.isEmpty && !(error == .notFound && Self.wholes.contains(operation.operationID)) {
                    let answer = try await Self.call(operation, edge)
                    #expect(answer.status == status, "\(operation.operationID)")
                    #expect(answer.code == code)
                    #expect(answer.headers[.retryAfter] == retryAfter)
                    #expect(answer.json?["retryAfterSeconds"] == retryAfter.flatMap { Int64($0) }.map { .integer($0) })
                    #expect(!answer.text.contains("secret-of-ours"))
                    #expect((answer.json?["finish"] != nil) == (operation.operationID == "postTransaction"))
                }
            }
        }
    }

    @Test("a delivery that a refund cancelled is 409")
    func grantCancelled() async throws {
        try await withEdge(Self.throwing(.grantCancelled)) { edge in
            let answer = try await edge.post("/v1/grants/g.1/acknowledge", "")
            #expect(answer.status == 409)
            #expect(answer.code == "grant-cancelled")
        }
    }

    @Test("a fault of ours is logged once, at error, with the request id; a refusal of the client's is not")
    func logging() async throws {
        let lines = Box<[String]>([])
        let logger = Logger(label: "edge") { _ in RecordingLog(lines: lines) }
        try await withEdge(Self.throwing(.fault("a row\ncan't be read")), logger: logger) { edge in
            let answer = try await edge.get("/v1/accounts/secret-account/entitlements?x=secret-query", key: "app")
            #expect(answer.status == 400)
            let failed = try await edge.get(
                "/v1/accounts/secret-account/entitlements", headers: [.requestID: "my-request.1"])
            #expect(failed.status == 500)
            _ = try await edge.post(
                "/v1/transactions", #"{"accountId":"secret-account","transactionId":"1"}"#, key: "device")
            _ = try await edge.get("/secret-path", key: "secret-key")
        }
        let log = lines.value
        let errors = log.filter { $0.hasPrefix("error") }
        #expect(errors.count == 2, "\(log)")
        #expect(errors.first?.contains("cause=a row?can't be read code=internal-error request_id=my-request.1") == true)
        #expect(log.filter { $0.hasPrefix("info request ") }.count == 4)
        #expect(
            log.contains {
                $0.contains("method=GET request_id=my-request.1 route=/v1/accounts/{accountId}/entitlements status=500")
            }, "\(log)")
        #expect(!log.contains { $0.contains("secret") }, "\(log)")
    }

    @Test("an error that nobody foresaw is a 500 without a word of it")
    func unknownError() async throws {
        let router = buildRouter(
            useCases: StubUseCases(),
            configuration: APIConfiguration(
                bundleID: BundleID("a"), openAPIDocument: "", now: { Sample.now }))
        struct Unforeseen: Error { let text = "secret" }
        router.get("unforeseen") { _, _ -> String in throw Unforeseen() }
        try await Application(router: router).test(.router) { client in
            let answer = try await client.execute(uri: "/unforeseen", method: .get)
            #expect(answer.status == .internalServerError)
            let text = String(buffer: answer.body)
            #expect(text.contains(#""code":"internal-error""#))
            #expect(!text.contains("secret"))
        }
    }

    @Test("readiness follows the database, liveness does not")
    func health() async throws {
        let sound = StubUseCases()
        try await withEdge(sound) { edge in
            let answer95 = try await edge.get("/health/ready", key: nil)
            #expect(answer95.text == #"{"status":"ready"}"#)
            let answer96 = try await edge.get("/health/live", key: nil)
            #expect(answer96.text == #"{"status":"live"}"#)
        }
        for error in [ServiceError.unavailable(retryAfterSeconds: 2), .fault("schema 3, expected 4")] {
            try await withEdge(Self.throwing(error)) { edge in
                let answer = try await edge.get("/health/ready", key: nil)
                #expect(answer.status == 503)
                #expect(answer.code == "not-ready")
                #expect(!answer.text.contains("schema 3"))
                #expect(try await edge.get("/health/live", key: nil).status == 200)
            }
        }
    }

    @Test(
        "a path that is no route is 404, with or without a key",
        arguments: [
            "/", "/v1", "/v2/transactions", "/v1/transactions/", "//v1/transactions", "/v1//transactions",
            "/v1/transactions/1/", "/v1/transactions/1/nothing", "/v1/accounts//entitlements", "/openapi.json",
            "/health", "/v1/%74ransactions", "/.well-known/x", "/health/live/", "*",
        ])
    func noRoute(path: String) async throws {
        try await withEdge { edge in
            for method in [HTTPRequest.Method.get, .post, .delete] {
                for key in ["app", nil] {
                    let answer = try await edge.send(method, path, key: key)
                    #expect(answer.status == 404)
                    #expect(answer.code == "not-found")
                }
            }
        }
    }

    @Test(
        "a method that the path does not know is 405 with Allow",
        arguments: [
            (HTTPRequest.Method.put, "/v1/transactions", "GET, POST"), (.get, "/v1/entitlements/query", "POST"),
            (.delete, "/v1/transactions/1", "GET"), (.options, "/v1/accounts/a/grants", "GET"),
            (.get, "/v1/grants/g/acknowledge", "POST"), (.post, "/health/live", "GET"),
            (.post, "/openapi.yaml", "GET"),
        ])
    func wrongMethod(method: HTTPRequest.Method, path: String, allowed: String) async throws {
        try await withEdge { edge in
            let answer = try await edge.send(method, path)
            #expect(answer.status == 405)
            #expect(answer.headers[.allow] == allowed)
            #expect(answer.json?["finish"] == nil)
        }
    }

    @Test("the answer to a HEAD has no body, whatever it says")
    func head() async throws {
        try await withEdge { edge in
            for path in ["/v1/transactions/1", "/health/live", "/nothing"] {
                let answer = try await edge.send(.head, path)
                #expect(answer.status == (path == "/nothing" ? 404 : 405))
                #expect(answer.body.isEmpty)
                #expect(answer.headers[.requestID] != nil)
            }
        }
    }

    @Test("every answer has a request id: the caller's own where it is harmless, else a fresh one")
    func requestIDs() async throws {
        try await withEdge { edge in
            let harmless = ["a", "A.b_c-9", String(repeating: "z", count: 64)]
            for id in harmless {
                let answer = try await edge.get("/nothing", headers: [.requestID: id])
                #expect(answer.headers[.requestID] == id)
                #expect(answer.json?["instance"]?.text == "urn:request:" + id)
            }
            var fresh: Set<String> = []
            for id in ["", "a b", "a,b", "é", String(repeating: "z", count: 65), "a\tb"] {
                let answer = try await edge.get("/health/live", key: nil, headers: [.requestID: id])
                let given = try #require(answer.headers[.requestID])
                #expect(given != id)
                #expect(given.count == 32)
                fresh.insert(given)
            }
            #expect(fresh.count == 6)
        }
    }

    @Test("what comes beyond a lane's bound is 503 at once, other lanes answer, and the place is given back")
    func concurrency() async throws {
        let (entered, enter) = AsyncStream.makeStream(of: Void.self)
        let (released, release) = AsyncStream.makeStream(of: Void.self)
        var useCases = StubUseCases()
        useCases.onEntitlements = { _ async throws(ServiceError) in
            enter.yield()
            for await _ in released { break }
            return []
        }
        try await withEdge(useCases, configure: { $0.places = [.entitlements: 1] }) { edge in
            async let first = edge.get("/v1/accounts/a/entitlements")
            for await _ in entered { break }
            let second = try await edge.get("/v1/accounts/a/entitlements")
            #expect(second.status == 503)
            #expect(second.code == "overloaded")
            #expect(second.headers[.retryAfter] == "1")
            #expect(try await edge.get("/health/live", key: nil).status == 200)
            #expect(try await edge.get("/v1/accounts/a/grants").status == 200)
            #expect(try await edge.get("/v1/cases", key: "support").status == 200)
            let post = try await edge.post("/v1/transactions", #"{"accountId":"a","transactionId":"1"}"#)
            #expect(post.status == 404)
            release.finish()
            let held = try await first
            #expect(held.status == 200)
            for _ in 0..<3 { #expect(try await edge.get("/v1/accounts/a/entitlements").status == 200) }
        }
    }

    @Test("a use case that does not end is cancelled, and the client told to come again")
    func timeLimit() async throws {
        let cancelled = Box(false)
        var useCases = StubUseCases()
        useCases.onSubmit = { _, _ async throws(ServiceError) in
            let (never, _) = AsyncStream.makeStream(of: Void.self)
            for await _ in never {}
            cancelled.set(Task.isCancelled)
            throw .unavailable(retryAfterSeconds: 9)
        }
        try await withEdge(useCases, on: .live, requestTimeout: .milliseconds(20)) { edge in
            let answer = try await edge.post("/v1/transactions", #"{"accountId":"a","transactionId":"1"}"#)
            #expect(answer.status == 503)
            #expect(answer.code == "overloaded")
            #expect(answer.headers[.retryAfter] == "1")
            #expect(answer.json?["finish"] == .bool(false))
        }
        #expect(cancelled.value)
    }

    @Test("the catalogue, docs/errors.md and the contract list the same codes with the same words")
    func catalogue() throws {
        #expect(ProblemCode.allCases.map(\.rawValue) == EdgeClient.spec.problemCodes)
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { root.deleteLastPathComponent() }
        let document = try String(contentsOf: root.appendingPathComponent("docs/errors.md"), encoding: .utf8)
        let sections = document.components(separatedBy: "\n## ").dropFirst()
        let listed = sections.map { $0.components(separatedBy: "\n")[0] }
        #expect(listed.sorted() == ProblemCode.allCases.map(\.rawValue).sorted())
        for section in sections {
            let code = try #require(ProblemCode(rawValue: section.components(separatedBy: "\n")[0]))
            #expect(
                section.contains("Status \(code.status), retryable: \(code.isRetryable ? "yes" : "no")."), "\(code)")
        }
        for example in EdgeClient.spec.examples where example.mediaType == "application/problem+json" {
            let code = try #require(example.value["code"]?.text.flatMap(ProblemCode.init))
            #expect(example.value["title"]?.text == code.title)
            #expect(example.value["type"]?.text == code.type)
            #expect(example.value["status"] == .integer(Int64(code.status)))
            #expect(example.value["retryable"] == .bool(code.isRetryable))
        }
    }

    /// Operations about the whole deployment, or about any account: there is always something to tell.
    private static let wholes: Set = [
        "getCoverage", "getAppleHealth", "listChanges", "queryEntitlements", "exportPaidRecords",
        "getRevenue", "searchTransactions", "listCases", "listOverrides", "createOverride",
        "listStaffActions", "eraseAccount",
    ]

    /// Use cases that throw one error, but for authentication.
    static func throwing(_ error: ServiceError) -> StubUseCases {
        var useCases = StubUseCases()
        useCases.onSubmit = { _, _ async throws(ServiceError) in throw error }
        useCases.onTransaction = { _, _, _ async throws(ServiceError) in throw error }
        useCases.onEntitlements = { _ async throws(ServiceError) in throw error }
        useCases.onEntitlementsOfEach = { _ async throws(ServiceError) in throw error }
        useCases.onChanges = { _, _, _ async throws(ServiceError) in throw error }
        useCases.onGrants = { _, _, _ async throws(ServiceError) in throw error }
        useCases.onAcknowledge = { _ async throws(ServiceError) in throw error }
        useCases.onEvents = { _, _, _ async throws(ServiceError) in throw error }
        useCases.onRecheck = { _, _ async throws(ServiceError) in throw error }
        useCases.onRestore = { _, _, _ async throws(ServiceError) in throw error }
        useCases.onNotification = { _ async throws(ServiceError) in throw error }
        useCases.onCoverage = { () async throws(ServiceError) in throw error }
        useCases.onAppleHealth = { () async throws(ServiceError) in throw error }
        useCases.onPaidRecords = { _ async throws(ServiceError) in throw error }
        useCases.onRevenue = { _, _ async throws(ServiceError) in throw error }
        useCases.supportError = error
        useCases.staff = StubStaff(failing: error)
        useCases.onReadiness = { () async throws(ServiceError) in throw error }
        return useCases
    }

    /// A well-formed call of an operation.
    static func call(
        _ operation: APISpec.Operation, _ edge: EdgeClient, key: String? = "app+support+finance",
        at location: SourceLocation = #_sourceLocation
    ) async throws -> EdgeAnswer {
        let path =
            operation.path.replacing("{transactionId}", with: "1").replacing("{accountId}", with: "player-1")
            .replacing("{id}", with: "g.1").replacing("{orderId}", with: "M1")
            + (["exportPaidRecords", "getRevenue"].contains(operation.operationID)
                ? "?from=2026-11-01&to=2026-12-01" : "")
        if operation.method == "GET" { return try await edge.get(path, key: key, at: location) }
        let body =
            switch operation.operationID {
            case "postTransaction": #"{"accountId":"a","transactionId":"1"}"#
            case "queryEntitlements": #"{"accountIds":["a"]}"#
            case "restorePurchases": "{}"
            case "resolveCase": #"{"outcome":"refused","why":"x"}"#
            case "endOverride": #"{"overrideId":"override-1-1","why":"x"}"#
            case "createOverride": #"{"key":"pro","effect":"grant","why":"x"}"#
            default: #"{"why":"x"}"#
            }
        let method = try #require(HTTPRequest.Method(operation.method))
        return try await edge.send(method, path, key: key, bytes: Array(body.utf8), at: location)
    }
}

extension HTTPField.Name {
    // SAFETY: a constant that is a field name.
    static let requestID = HTTPField.Name("X-Request-Id")!
}
