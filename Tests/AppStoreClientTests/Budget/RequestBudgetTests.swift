import AppStoreClient
import PurchaseCore
import PurchaseService
import Testing

@Suite("Request budget, the shell")
struct RequestBudgetTests {
    private let clock = ManualClock()

    private func makeBudget(_ port: any RequestBudgetPort, waitersMax: Int = 10) -> RequestBudget {
        RequestBudget(
            port: port, terms: BudgetTerms(requestsPerSecond: 50), time: clock.time, waitersMax: waitersMax)
    }

    private func ask(
        _ budget: RequestBudget, lane: RequestLane = .retry, deadline: Duration = .seconds(8)
    ) -> Task<RequestBudget.Admission, Never> {
        Task { await budget.admission(in: .production, endpointClass: .standard, lane: lane, deadline: deadline) }
    }

    @Test("one draw serves those who came before it, the next one those who came meanwhile")
    func draws() async {
        let port = SteeredBudget()
        let budget = makeBudget(port)
        let first = ask(budget)
        await port.waitForDraws(1)
        let second = ask(budget)
        let third = ask(budget)
        await clock.waitForSleepers(3)
        #expect(port.pendingRequests.map(\.count) == [1])
        port.answer(.success(BudgetBlock(count: 1, nextTokenIn: .zero)))
        #expect(await first.value == .granted)
        await port.waitForDraws(2)
        #expect(port.pendingRequests.map(\.count) == [2])
        port.answer(.success(BudgetBlock(count: 2, nextTokenIn: .zero)))
        #expect(await second.value == .granted)
        #expect(await third.value == .granted)
    }

    @Test("a cancelled leader hands over: the others are served all the same")
    func leaderCancelled() async {
        let port = SteeredBudget()
        let budget = makeBudget(port)
        let first = ask(budget)
        await port.waitForDraws(1)
        let second = ask(budget)
        await clock.waitForSleepers(2)
        first.cancel()
        #expect(await first.value == .cancelled)
        await port.waitForDraws(2)
        port.answer(.success(BudgetBlock(count: 1, nextTokenIn: .zero)))
        #expect(await second.value == .granted)
    }

    @Test("a cancelled leader hands over also while it waits for the next token")
    func waitingLeaderCancelled() async {
        let port = SteeredBudget()
        let budget = makeBudget(port)
        let first = ask(budget)
        await port.waitForDraws(1)
        let second = ask(budget)
        await clock.waitForSleepers(2)
        port.answer(.success(BudgetBlock(count: 0, nextTokenIn: .milliseconds(500))))
        // Two deadlines and the leader's pause.
        await clock.waitForSleepers(3)
        first.cancel()
        #expect(await first.value == .cancelled)
        await clock.waitForSleepers(2)
        clock.advance(by: .milliseconds(500))
        await port.waitForDraws(2)
        port.answer(.success(BudgetBlock(count: 1, nextTokenIn: .zero)))
        #expect(await second.value == .granted)
    }

    @Test("a cancelled follower leaves no trace")
    func followerCancelled() async {
        let port = SteeredBudget()
        let budget = makeBudget(port)
        let first = ask(budget)
        await port.waitForDraws(1)
        let second = ask(budget)
        await clock.waitForSleepers(2)
        second.cancel()
        #expect(await second.value == .cancelled)
        port.answer(.success(BudgetBlock(count: 1, nextTokenIn: .zero)))
        #expect(await first.value == .granted)
    }

    @Test("each waiter has its own deadline, also while a draw hangs")
    func deadlines() async {
        let port = SteeredBudget()
        let budget = makeBudget(port)
        let first = ask(budget, deadline: .seconds(20))
        await port.waitForDraws(1)
        let second = ask(budget, deadline: .seconds(2))
        await clock.waitForSleepers(2)
        clock.advance(by: .seconds(2))
        #expect(await second.value == .exhausted)
        clock.advance(by: .seconds(18))
        #expect(await first.value == .exhausted)
    }

    @Test("a database that is down turns everybody away, and is asked again by the next caller")
    func databaseDown() async {
        let port = SteeredBudget()
        let budget = makeBudget(port)
        let first = ask(budget)
        await port.waitForDraws(1)
        let second = ask(budget)
        await clock.waitForSleepers(2)
        port.answer(.failure(BrokenBudget.Down()))
        #expect(await first.value == .unavailable)
        #expect(await second.value == .unavailable)
        let third = ask(budget)
        await port.waitForDraws(2)
        port.answer(.success(BudgetBlock(count: 1, nextTokenIn: .zero)))
        #expect(await third.value == .granted)
    }

    @Test("a full lane answers at once")
    func full() async {
        let port = SteeredBudget()
        let budget = makeBudget(port, waitersMax: 1)
        let first = ask(budget, lane: .unproven)
        await port.waitForDraws(1)
        #expect(await ask(budget, lane: .unproven).value == .exhausted)
        port.answer(.success(BudgetBlock(count: 1, nextTokenIn: .zero)))
        #expect(await first.value == .granted)
    }

    @Test("a thousand calls, many of them cancelled, all come to an end")
    func stress() async {
        let budget = RequestBudget(
            port: UnlimitedBudget(), terms: BudgetTerms(requestsPerSecond: 50), time: fixedWallTime())
        await withTaskGroup(of: RequestBudget.Admission.self) { group in
            for number in 0..<1_000 {
                group.addTask {
                    let lane = RequestLane.allCases[number % 4]
                    let task = Task {
                        await budget.admission(
                            in: .production, endpointClass: .standard, lane: lane, deadline: .seconds(60))
                    }
                    if number % 3 == 0 { task.cancel() }
                    return await task.value
                }
            }
            for await admission in group { #expect(admission == .granted || admission == .cancelled) }
        }
    }
}
