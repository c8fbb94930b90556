import AppStoreSimulator
import HTTPTypes
import Postgres
import PurchaseAPI
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@testable import vouch

@Suite("More posts than can be taken")
struct SheddingTests {
    @Test("a post is refused before its key is looked at or its body read; everything else is answered")
    func early() async throws {
        let isCrowded = Box(true)
        try await withEdge(StubUseCases(), configure: { $0.turnsPostsAway = { isCrowded.value } }) { edge in
            let refused = try await edge.post("/v1/transactions", "no JSON at all", key: nil)
            #expect(refused.status == 503 && refused.code == "overloaded")
            #expect(refused.headers[.retryAfter] == "1")
            #expect(refused.json?["finish"] == .bool(false))
            #expect(try await edge.get("/v1/accounts/a/entitlements").status == 200)
            isCrowded.set(false)
            #expect(try await edge.post("/v1/transactions", "no JSON at all", key: nil).status == 401)
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
