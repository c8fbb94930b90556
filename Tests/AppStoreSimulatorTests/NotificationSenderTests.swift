import AppStoreSimulator
import AsyncHTTPClient
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization
import Testing

/// The sender over real connections, against receivers that behave and misbehave.
@Suite("Notifications over HTTP")
struct NotificationSenderTests {
    /// Serves `router` on a free port while `body` runs.
    private func withReceiver(
        _ router: Router<BasicRequestContext>, _ body: @escaping @Sendable (_ baseURL: String) async throws -> Void
    ) async throws {
        let (ports, running) = AsyncStream.makeStream(of: Int.self)
        var logger = Logger(label: "receiver")
        logger.logLevel = .critical
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in running.yield(channel.localAddress?.port ?? 0) }, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            group.addTask {
                for await port in ports { return try await body("http://127.0.0.1:\(port)") }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    private func simulator(url: String) throws -> AppStoreSimulator {
        var configuration = AppStoreSimulator.Configuration()
        configuration.notificationURLs = [.production: url]
        let simulator = try AppStoreSimulator(configuration: configuration)
        try simulator.purchase(SimulatedPurchase(productID: "coins", type: .consumable))
        return simulator
    }

    /// The result of one attempt.
    private func attempt(_ url: String, timeout: Duration = .seconds(10)) async throws -> SendAttemptResult? {
        let simulator = try simulator(url: url)
        _ = try await HTTPNotificationSender.withSender(timeout: timeout) { sender in
            try await simulator.deliverDue(using: sender)
        }
        return try simulator.notifications(in: .production).first?.attempts.first?.result
    }

    @Test("the receiver gets JSON with the signed payload")
    func request() async throws {
        let seen = Mutex<[(HTTPFields, ByteBuffer)]>([])
        let router = Router()
        router.post("n") { request, _ in
            let body = try await request.body.collect(upTo: 1 << 20)
            seen.withLock { $0.append((request.headers, body)) }
            return HTTPResponse.Status.ok
        }
        try await withReceiver(router) { baseURL async throws in
            let simulator = try simulator(url: baseURL + "/n")
            _ = try await HTTPNotificationSender.withSender { sender in
                try await simulator.deliverDue(using: sender)
            }
            let made = try #require(simulator.notifications(in: .production).first)
            #expect(made.isDelivered)
            let (headers, body) = try #require(seen.withLock { $0.first })
            #expect(headers[.contentType] == "application/json")
            let object = try SimulatorJSON(parsing: body.readableBytesView).objectValue
            #expect(object?.names == ["signedPayload"])
            #expect(object?["signedPayload"] == .string(made.signedPayload))
        }
    }

    @Test("200 to 206 is taken, everything else is not, and no redirect is followed")
    func statuses() async throws {
        let followed = Mutex(0)
        let router = Router()
        router.post("status/{code}") { _, context in
            let code = try context.parameters.require("code", as: Int.self)
            var headers = HTTPFields()
            if (300...399).contains(code) { headers[.location] = "/elsewhere" }
            return Response(status: .init(code: code), headers: headers)
        }
        for method in [HTTPRequest.Method.get, .post] {
            router.on("elsewhere", method: method) { _, _ in
                followed.withLock { $0 += 1 }
                return HTTPResponse.Status.ok
            }
        }
        let expected: [(Int, SendAttemptResult)] = [
            (200, .success), (202, .success), (206, .success), (207, .unsuccessfulHTTPResponseCode),
            (301, .circularRedirect), (307, .circularRedirect), (400, .unsuccessfulHTTPResponseCode),
            (503, .unsuccessfulHTTPResponseCode),
        ]
        try await withReceiver(router) { baseURL async throws in
            for (code, result) in expected {
                #expect(try await attempt("\(baseURL)/status/\(code)") == result, "\(code)")
            }
        }
        #expect(followed.withLock { $0 } == 0)
    }

    @Test("a receiver that says nothing is TIMED_OUT, one that is not there NO_RESPONSE")
    func silence() async throws {
        let router = Router()
        router.post("silent") { request, _ in
            try await request.body.consumeWithCancellationOnInboundClose { _ in
                try await Task.sleep(for: .seconds(60))
            }
            return HTTPResponse.Status.ok
        }
        try await withReceiver(router) { baseURL async throws in
            #expect(try await attempt(baseURL + "/silent", timeout: .milliseconds(200)) == .timedOut)
            // TLS spoken to a server without it.
            let tls = baseURL.replacingOccurrences(of: "http://", with: "https://")
            #expect(try await attempt(tls + "/silent") == .tlsIssue)
        }
        // A port on which nobody listens any more.
        let gone = Mutex("")
        try await withReceiver(Router()) { baseURL in gone.withLock { $0 = baseURL } }
        #expect(try await attempt(gone.withLock { $0 } + "/n") == .noResponse)
    }

    @Test("the loop delivers what comes due and ends when it is cancelled")
    func loop() async throws {
        let (received, arrival) = AsyncStream.makeStream(of: String.self)
        let simulator = try simulator(url: "http://127.0.0.1:1/n")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await simulator.deliverUntilCancelled(every: .milliseconds(1)) { delivery in
                    arrival.yield(delivery.notificationUUID)
                    return .success
                }
            }
            var count = 0
            for await _ in received {
                count += 1
                if count == 3 { break }
                try simulator.purchase(SimulatedPurchase(productID: "coins", type: .consumable))
            }
            group.cancelAll()
            try await group.waitForAll()
        }
        #expect(simulator.notificationsCount(in: .production) == 3)
    }
}
