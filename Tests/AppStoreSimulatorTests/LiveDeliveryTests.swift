import AppStoreSimulator
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Testing

/// Faults that need a real connection.
@Suite("Delivery over a real connection")
struct LiveDeliveryTests {
    private typealias Ask = @Sendable () async throws -> (HTTPClientResponse, ByteBuffer)

    private let simulator: AppStoreSimulator
    private let id: String

    init() throws {
        simulator = try AppStoreSimulator()
        id = try simulator.purchase(SimulatedPurchase(productID: "level", type: .nonConsumable)).transactionID
    }

    private func withClient(
        givingUpAfter patience: TimeAmount = .seconds(30),
        _ body: @escaping @Sendable (_ ask: Ask) async throws -> Void
    ) async throws {
        let (simulator, id) = (simulator, id)
        try await simulator.withServer { baseURL in
            var configuration = HTTPClient.Configuration()
            configuration.timeout.read = patience
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
            let authorization = try BearerTokens(simulator).authorization()
            do {
                try await body {
                    var request = HTTPClientRequest(url: baseURL + "/production/inApps/v1/transactions/\(id)")
                    request.headers.add(name: "Authorization", value: authorization)
                    let response = try await client.execute(request, timeout: .seconds(30))
                    return (response, try await response.body.collect(upTo: 8 << 20))
                }
            } catch {
                try await client.shutdown()
                throw error
            }
            try await client.shutdown()
        }
    }

    @Test("a signed answer arrives over HTTP, and the connection serves the next call")
    func plain() async throws {
        try await withClient { ask async throws in
            for _ in 0..<3 {
                let (response, body) = try await ask()
                #expect(response.status == .ok)
                let object = try SimulatorJSON(parsing: body.readableBytesView).objectValue
                let seen = try SignedInspection(object?["signedTransactionInfo"]?.stringValue ?? "")
                #expect(seen.string("transactionId") == id)
            }
        }
    }

    @Test("a body is cut before its declared end")
    func cutBody() async throws {
        try simulator.inject(SimulatedFault(.cutBody))
        try await withClient { ask async throws in
            await #expect(throws: (any Error).self) { _ = try await ask() }
            #expect(try await ask().0.status == .ok)
        }
    }

    @Test("no answer comes at all")
    func timeout() async throws {
        try simulator.inject(SimulatedFault(.timeout))
        try await withClient(givingUpAfter: .milliseconds(300)) { ask async throws in
            let error = await #expect(throws: HTTPClientError.self) { _ = try await ask() }
            #expect(error == .readTimeout)
        }
    }

    @Test("a slow body arrives whole in the end")
    func slowBody() async throws {
        try simulator.inject(SimulatedFault(.slowBody(bytesPerSecond: 20_000)))
        try await withClient { ask async throws in
            let (response, body) = try await ask()
            #expect(response.headers.first(name: "content-length") == String(body.readableBytes))
            #expect(try SimulatorJSON(parsing: body.readableBytesView).objectValue?["signedTransactionInfo"] != nil)
        }
    }

    @Test("an oversized body has the size that was asked for, and is JSON")
    func oversizedBody() async throws {
        try simulator.inject(SimulatedFault(.oversizedBody(bytes: 3 << 20)))
        try await withClient { ask async throws in
            let (_, body) = try await ask()
            #expect(body.readableBytes == 3 << 20)
            #expect(try SimulatorJSON(parsing: body.readableBytesView).objectValue != nil)
        }
    }

    @Test("the Date header is off once, and right again afterwards")
    func badDate() async throws {
        try simulator.inject(SimulatedFault(.badDate(skewSeconds: -86_400 * 400)))
        try await withClient { ask async throws in
            let (skewed, _) = try await ask()
            let (right, _) = try await ask()
            let year = Calendar(identifier: .gregorian).component(.year, from: Date())
            #expect(skewed.headers.first(name: "date")?.contains(" \(year) ") == false)
            #expect(skewed.headers.first(name: "date")?.hasSuffix(" GMT") == true)
            #expect(right.headers.first(name: "date")?.contains(" \(year) ") == true)
        }
    }
}
