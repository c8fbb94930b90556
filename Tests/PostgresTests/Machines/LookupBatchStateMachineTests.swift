import Testing

@testable import Postgres

@Suite("Lookup batch state machine")
struct LookupBatchStateMachineTests {
    @Test("all callers share one statement, and are answered together")
    func together() {
        var batch = LookupBatchStateMachine(count: 3)
        #expect(batch.start() == .send([0, 1, 2]))
        #expect(batch.open == [0, 1, 2])
        #expect(batch.statementSucceeded() == .init(answered: [0, 1, 2], next: .finished))
        #expect(batch.unanswered == [])
    }

    @Test("nobody asks, nothing is sent")
    func empty() {
        var batch = LookupBatchStateMachine(count: 0)
        #expect(batch.start() == .finished)
    }

    @Test("a failure that may be one key's makes each be asked for alone: only the guilty one fails")
    func poison() {
        var batch = LookupBatchStateMachine(count: 3)
        _ = batch.start()
        #expect(batch.statementFailed(.ofOne) == .init(next: .send([0])))
        #expect(batch.unanswered == [0, 1, 2])
        #expect(batch.statementSucceeded() == .init(answered: [0], next: .send([1])))
        #expect(batch.statementFailed(.ofOne) == .init(failed: [1], next: .send([2])))
        #expect(batch.statementSucceeded() == .init(answered: [2], next: .finished))
    }

    @Test("a time-out is everybody's, and is not waited for once more for each")
    func timeOut() {
        var batch = LookupBatchStateMachine(count: 2)
        _ = batch.start()
        #expect(batch.statementFailed(.ofAll) == .init(failed: [0, 1], next: .finished))
    }

    @Test("who left is neither answered again nor asked for again")
    func left() {
        var batch = LookupBatchStateMachine(count: 3)
        _ = batch.start()
        batch.callerLeft(1)
        #expect(batch.open == [0, 2])
        #expect(batch.statementFailed(.ofOne) == .init(next: .send([0])))
        batch.callerLeft(2)
        #expect(batch.statementSucceeded() == .init(answered: [0], next: .finished))
    }

    @Test("the last one who stayed is the guilty one: it is not asked for twice")
    func lastOne() {
        var batch = LookupBatchStateMachine(count: 2)
        _ = batch.start()
        batch.callerLeft(0)
        #expect(batch.statementFailed(.ofOne) == .init(failed: [1], next: .finished))
    }

    @Test("a lost connection leaves whoever has no answer, those of later statements too")
    func lost() {
        var batch = LookupBatchStateMachine(count: 4)
        _ = batch.start()
        batch.callerLeft(3)
        _ = batch.statementFailed(.ofOne)
        _ = batch.statementSucceeded()
        #expect(batch.connectionLost() == [1, 2])
        #expect(batch.unanswered == [])
    }
}
