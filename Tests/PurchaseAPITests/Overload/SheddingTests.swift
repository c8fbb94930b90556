import AppStoreSimulator
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTesting
import Logging
import Postgres
import PurchaseCore
import TestSupport
import Testing

@testable import PurchaseAPI
@testable import PurchaseService
@testable import vouch

@Suite("More posts than can be taken")
struct SheddingTests {
    @Test("a post is refused before its key is looked at or its body read; everything else is answered")
    func early() async throws {
        let isCrowded = Box(true)
        let admit: @Sendable () -> RecordingPlace? = { isCrowded.value ? nil : RecordingPlace {} }
        try await withEdge(StubUseCases(), configure: { $0.admitPost = admit }) { edge in
            let refused = try await edge.post("/v1/transactions", "no JSON at all", key: nil)
            #expect(refused.status == 503 && refused.code == "overloaded")
            #expect(refused.headers[.retryAfter] == "1")
            #expect(refused.json?["finish"] == .bool(false))
            #expect(try await edge.get("/v1/accounts/a/entitlements").status == 200)
            isCrowded.set(false)
            #expect(try await edge.post("/v1/transactions", "no JSON at all", key: nil).status == 401)
        }
    }

    @Test("over a real connection a refusal says what the router's does, and leaves the connection usable")
    func onTheWire() async throws {
        let isCrowded = Box(true)
        var configuration = APIConfiguration(
            bundleID: BundleID("com.example.app"), openAPIDocument: "openapi: 3.1.0\n", now: { Sample.now })
        configuration.admitPost = { isCrowded.value ? nil : RecordingPlace {} }
        let logger = Logger(label: "edge") { _ in SwiftLogNoOpLogHandler() }
        let application = Application(
            router: buildRouter(useCases: StubUseCases(), configuration: configuration),
            server: .http1(
                shedding: PostShedding(configuration: configuration, logger: logger), configuration: .init()),
            logger: logger)
        try await application.test(.live) { client in
            let edge = EdgeClient(client: client)
            let id: HTTPFields = [.requestID: "call-1"]
            let early = try await edge.post("/v1/transactions", "no JSON at all", key: nil, headers: id)
            // A query is the router's to judge, so this one is refused there.
            let late = try await edge.post("/v1/transactions?", "no JSON at all", key: nil, headers: id)
            #expect(early.status == 503 && early.body == late.body)
            #expect(early.json?["instance"]?.text == "urn:request:call-1")
            // An answer without success needs no date (RFC 9110 §6.6.1), which Hummingbird adds.
            let names = { (answer: EdgeAnswer) in Set(answer.headers.map(\.name)).subtracting([.date]) }
            #expect(names(early) == names(late))
            for name in names(early) { #expect(early.headers[name] == late.headers[name], "\(name)") }

            let large = String(repeating: "x", count: 1 << 20)
            let unnamed = [
                try await edge.post("/v1/transactions", large, key: nil), try await edge.post("/v1/transactions", ""),
            ]
            #expect(unnamed.map(\.status) == [503, 503])
            let ids = unnamed.compactMap { $0.headers[.requestID] }
            #expect(Set(ids).count == 2 && ids.allSatisfy { $0.count == 32 })
            #expect(try await edge.get("/v1/accounts/a/entitlements").status == 200)
            isCrowded.set(false)
            #expect(try await edge.post("/v1/transactions", "no JSON at all", key: nil).status == 401)
        }
    }

    @Test("over a real connection a post brings its place to where it records, and gives it back when it doesn't")
    func placeOnTheWire() async throws {
        let (free, brought) = (Box(1), Box<[Bool]>([]))
        var configuration = APIConfiguration(
            bundleID: BundleID("com.example.app"), openAPIDocument: "openapi: 3.1.0\n", now: { Sample.now })
        configuration.admitPost = {
            guard free.value > 0 else { return nil }
            free.update { $0 -= 1 }
            return RecordingPlace { free.update { $0 += 1 } }
        }
        var useCases = StubUseCases()
        useCases.onPlace = { hasPlace in
            brought.update { $0.append(hasPlace) }
            #expect(free.value == (hasPlace ? 0 : 1))
        }
        let logger = Logger(label: "edge") { _ in SwiftLogNoOpLogHandler() }
        let application = Application(
            router: buildRouter(useCases: useCases, configuration: configuration),
            server: .http1(
                shedding: PostShedding(configuration: configuration, logger: logger), configuration: .init()),
            logger: logger)
        try await application.test(.live) { client in
            let edge = EdgeClient(client: client)
            let body = #"{"accountId":"ada","transactionId":"2000000000000001"}"#
            var statuses: [Int] = []
            for _ in 0..<2 { statuses.append(try await edge.post("/v1/transactions", body).status) }
            statuses.append(try await edge.post("/v1/transactions", body, key: "unknown").status)
            statuses.append(try await edge.post("/v1/transactions", "no JSON").status)
            let large = String(repeating: " ", count: SheddingHandler.heldBytesMax) + body
            statuses.append(try await edge.post("/v1/transactions", large).status)
            #expect(statuses == [404, 404, 401, 400, 404])
            #expect(brought.value == [true, true, false])
            #expect(free.value == 1)
        }
    }

    @Test("beyond what the ledger takes in, posts leave nothing behind, and reads and notifications go on")
    func ledgerFull() async throws {
        try await TestStack.with(tune: { $0.recordingsAtOnce = 0...0 }) { stack in
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "pro", type: .nonConsumable)
            ).transactionID
            for _ in 0..<3 {
                let refused = try await stack.api.post("ada", id)
                #expect(refused.status == 503 && refused.code == "overloaded")
                #expect(refused.headers[.retryAfter] == "1")
            }
            #expect(try await stack.count("SELECT count(*) FROM accounts") == 0)
            #expect(try await stack.count("SELECT count(*) FROM transactions") == 0)
            #expect(stack.simulator.callsCount(transactionID: id) == 0)
            #expect(try await stack.api.get("/v1/accounts/ada/entitlements").status == 200)
        }
    }

    @Test("a slow post lets fewer in, but not one that waits for another of its transaction")
    func oneTransaction() async throws {
        // Every recording takes longer than no time.
        let tune: @Sendable (inout ServiceConfiguration) -> Void = { configuration in
            (configuration.recordWithin, configuration.recordingsAtOnce) = (.zero, 8...64)
            configuration.answerWithin = .milliseconds(20)
        }
        try await TestStack.with(tune: tune) { stack in
            @Sendable func most() async -> Double? {
                MetricsStackTests.Scrape(await stack.metrics.render())["vouch_recordings_max"]
            }
            let popular = TransactionID("2000000000000001")
            #expect(stack.service.pool.begin(popular), "somebody else posts it")
            #expect(try await stack.api.post("ada", popular.rawValue).status == 202)
            #expect(await most() == 16)
            stack.service.pool.end(popular)
            // No answer of Apple's comes, whose commit would be slow as well and make it fewer still.
            let slow = "2000000000000002"
            _ = try stack.simulator.inject(SimulatedFault(.timeout, transactionID: slow, times: nil))
            #expect(try await stack.api.post("ada", slow).status == 202)
            #expect(await most() == 12)
        }
    }

    @Test("callers' connections leave descriptors for everything else, whatever the process may open")
    func connections() {
        #expect(connectionsMax(descriptorsMax: nil) == 4_096 && connectionsMax(descriptorsMax: 1e9) == 4_096)
        #expect(connectionsMax(descriptorsMax: 1_024) == 768 && connectionsMax(descriptorsMax: 4_352) == 4_096)
        #expect(connectionsMax(descriptorsMax: 256) == 64)
    }

    @Test("a bare id of a stranger that is turned away behind the edge counts for nobody")
    func strangers() async throws {
        try await TestStack.with(tune: { $0.recordingsAtOnce = 0...0 }) { stack in
            let submission = Submission(
                account: AccountID("ada"), subject: .transactionID(TransactionID("2000000000000001")),
                environment: nil, appAccountToken: nil)
            let device = Caller(name: "an app", roles: [.device], keyID: 1, network: "192.0.2.1")
            await #expect(throws: ServiceError.self) {
                _ = try await stack.service.submit(submission, by: device, requestID: "request-1")
            }
            let left = try await stack.count("SELECT count(*) FROM unproven_posts")
            #expect(left == 0)
        }
    }

    @Test("a hundred posts at once over two processes are one call to Apple, and all of them hear its answer")
    func replicas() async throws {
        try await TestStack.with { stack in
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "pro", type: .nonConsumable)
            ).transactionID
            try await stack.withReplica { other in
                let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                    for number in 0..<100 {
                        let api = number % 2 == 0 ? stack.api : other
                        group.addTask { try await api.post("ada", id).status }
                    }
                    return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
                }
                #expect(statuses == [200: 100])
                #expect(stack.simulator.callsCount(transactionID: id) == 1)
            }
        }
    }
}
