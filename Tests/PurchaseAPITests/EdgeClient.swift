import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import PurchaseAPI
import PurchaseCore
import PurchaseService
import Synchronization
import TestSupport
import Testing

/// An answer, taken apart.
struct EdgeAnswer: Sendable {
    let status: Int
    let headers: HTTPFields
    let body: [UInt8]
    let json: TestSupport.JSONValue?

    var code: String? { json?["code"]?.text }
    var pointers: [String] { (json?["errors"]?.items ?? []).compactMap { $0["pointer"]?.text } }
    var text: String { String(decoding: body, as: UTF8.self) }
}

/// Sends requests to the router and holds every answer to the contract.
struct EdgeClient: Sendable {
    // SAFETY: without its contract no test can run.
    static let spec = try! APISpec.load()

    let client: any TestClientProtocol

    func send(
        _ method: HTTPRequest.Method, _ path: String, key: String? = "app", headers: HTTPFields = HTTPFields(),
        bytes: [UInt8]? = nil, at location: SourceLocation = #_sourceLocation
    ) async throws -> EdgeAnswer {
        var headers = headers
        if let key, headers[.authorization] == nil { headers[.authorization] = "Bearer " + key }
        if bytes != nil, headers[.contentType] == nil { headers[.contentType] = "application/json" }
        let response = try await client.execute(
            uri: path, method: method, headers: headers, body: bytes.map { ByteBuffer(bytes: $0) })
        let body = Array(response.body.readableBytesView)
        if method != .head {
            let violations = Self.spec.validate(
                response: Int(response.status.code), method: method.rawValue, path: path,
                contentType: response.headers[.contentType],
                headers: response.headers.map { (name: $0.name.rawName, value: $0.value) }, body: body)
            #expect(violations.isEmpty, "\(method) \(path) -> \(response.status.code)", sourceLocation: location)
        }
        return EdgeAnswer(
            status: Int(response.status.code), headers: response.headers, body: body,
            json: try? TestSupport.JSONValue(parsing: body))
    }

    func get(
        _ path: String, key: String? = "app", headers: HTTPFields = HTTPFields(),
        at location: SourceLocation = #_sourceLocation
    ) async throws -> EdgeAnswer {
        try await send(.get, path, key: key, headers: headers, at: location)
    }

    func post(
        _ path: String, _ body: String, key: String? = "app", headers: HTTPFields = HTTPFields(),
        at location: SourceLocation = #_sourceLocation
    ) async throws -> EdgeAnswer {
        try await send(.post, path, key: key, headers: headers, bytes: Array(body.utf8), at: location)
    }
}

/// Runs a test against the real router over stub use cases.
func withEdge(
    _ useCases: StubUseCases = StubUseCases(), on setup: TestingSetup = .router, logger: Logger? = nil,
    maximumBodyBytes: Int = 64 << 10, requestTimeout: Duration = .seconds(30),
    configure: (inout APIConfiguration) -> Void = { _ in },
    _ body: @escaping @Sendable (EdgeClient) async throws -> Void
) async throws {
    var configuration = APIConfiguration(
        bundleID: BundleID("com.example.app"), openAPIDocument: "openapi: 3.1.0\n", maximumBodyBytes: maximumBodyBytes,
        requestTimeout: requestTimeout, now: { Sample.now })
    configure(&configuration)
    let application = Application(
        router: buildRouter(useCases: useCases, configuration: configuration),
        logger: logger ?? Logger(label: "edge") { _ in SwiftLogNoOpLogHandler() })
    try await application.test(setup) { client in try await body(EdgeClient(client: client)) }
}

/// A log in memory: each line with its level and its sorted metadata.
struct RecordingLog: LogHandler {
    let lines: Box<[String]>
    var logLevel = Logger.Level.trace
    var metadata = Logger.Metadata()

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let line = "\(event.level) \(event.message) " + all.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        lines.update { $0.append(line) }
    }
}

/// A value that several tasks may set and read.
final class Box<Value: Sendable>: Sendable {
    private let stored: Mutex<Value>

    init(_ value: Value) { stored = Mutex(value) }

    var value: Value { stored.withLock { $0 } }

    func set(_ value: Value) { stored.withLock { $0 = value } }

    func update(_ change: @Sendable (inout Value) -> Void) { stored.withLock { change(&$0) } }
}
