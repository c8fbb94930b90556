import AppStoreClient
import PurchaseCore
import PurchaseService
import Testing

@Suite("Throttling by Apple")
struct ThrottlingTests {
    private static let id = TransactionID("2000000123456789")
    private static let signed = ScriptedServer.answer("200 OK", body: #"{"signedTransactionInfo":"a.b.c"}"#)

    private static func tooMany(_ retryAfter: String?) -> ScriptedServer.Step {
        ScriptedServer.answer(
            "429 Too Many Requests", body: #"{"errorCode":4290000,"errorMessage":"Rate limit exceeded."}"#,
            headers: retryAfter.map { ["Retry-After: \($0)"] } ?? [])
    }

    @Test("Retry-After is believed as milliseconds, holds every other call back, and ends on time")
    func believed() async throws {
        let clock = ManualClock()
        let retryAt = ManualClock.start + .seconds(20)
        let header = "\(retryAt.millisecondsSince1970)"
        let script: ScriptedServer.Script = { _, number in [number == 1 ? Self.tooMany(header) : Self.signed] }
        try await withClient(script: script, time: clock.time) { client, server in
            for lane in RequestLane.allCases {
                let answer = await client.transactionInfo(Self.id, in: .production, lane: lane, deadline: .seconds(8))
                #expect(answer == .throttled(retryAt: retryAt))
            }
            #expect(server.requests.count == 1)
            // The other environment has its own limit.
            let sandbox = await client.transactionInfo(Self.id, in: .sandbox, lane: .retry, deadline: .seconds(8))
            #expect(sandbox == .signed("a.b.c"))
            clock.advance(by: .seconds(20))
            let later = await client.transactionInfo(Self.id, in: .production, lane: .retry, deadline: .seconds(8))
            #expect(later == .signed("a.b.c"))
            #expect(server.requests.count == 3)
        }
    }

    @Test(
        "a header that can't be meant is nil, and the pause is a second: no multi-year sleep, no hammering",
        arguments: [nil, "30", "1795348830", "1795348830000000", "0", "soon", "1795348799000"] as [String?])
    func disbelieved(header: String?) async throws {
        let clock = ManualClock()
        let script: ScriptedServer.Script = { _, number in [number == 1 ? Self.tooMany(header) : Self.signed] }
        try await withClient(script: script, time: clock.time) { client, server in
            for _ in 0..<3 {
                let answer = await client.transactionInfo(Self.id, in: .production, lane: .retry, deadline: .seconds(8))
                #expect(answer == .throttled(retryAt: nil))
            }
            #expect(server.requests.count == 1)
            clock.advance(by: .seconds(1))
            let later = await client.transactionInfo(Self.id, in: .production, lane: .retry, deadline: .seconds(8))
            #expect(later == .signed("a.b.c"))
        }
    }

    @Test("a 429 turns away the calls that wait for the budget")
    func waiters() async throws {
        let clock = ManualClock()
        let budget = SteeredBudget()
        let script: ScriptedServer.Script = { _, _ in [Self.tooMany(nil)] }
        try await withClient(script: script, budget: budget, time: clock.time) { client, server in
            let first = Task {
                await client.transactionInfo(Self.id, in: .production, lane: .retry, deadline: .seconds(8))
            }
            await budget.waitForDraws(1)
            let second = Task {
                await client.transactionInfo(Self.id, in: .production, lane: .retry, deadline: .seconds(8))
            }
            // Both deadlines run: the second call waits behind the first.
            await clock.waitForSleepers(2)
            budget.answer(.success(BudgetBlock(count: 1, nextTokenIn: .zero)))
            #expect(await first.value == .throttled(retryAt: nil))
            // The second call has taken over the draw; what it brings now is not used.
            await budget.waitForDraws(2)
            budget.answer(.success(BudgetBlock(count: 1, nextTokenIn: .zero)))
            #expect(await second.value == .throttled(retryAt: nil))
            #expect(server.requests.count == 1)
        }
    }
}
