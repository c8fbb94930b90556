import Testing

@testable import Postgres

@Suite("Commit batch state machine")
struct CommitBatchStateMachineTests {
    private typealias Machine = CommitBatchStateMachine

    private func machine(_ counts: [Int], prelude: Bool = false, redos: Int = 2) -> CommitBatchStateMachine {
        CommitBatchStateMachine(statementCounts: counts, hasPrelude: prelude, conflictRedosMax: redos)
    }

    @Test("a batch without errors is committed at the Sync, all at once")
    func success() {
        var batch = machine([1, 2, 1])
        #expect(batch.start() == .send([0, 1, 2]))
        batch.syncSent()
        for _ in 0..<4 { batch.statementSucceeded() }
        #expect(batch.synced(commitFailure: nil, random: 0) == .init(committed: [0, 1, 2], next: .finished))
    }

    @Test("answers are counted to their units, behind the prelude")
    func attribution() {
        var batch = machine([2, 1], prelude: true)
        _ = batch.start()
        #expect(batch.unitAnsweredNext == nil)
        batch.statementSucceeded()
        #expect(batch.unitAnsweredNext == 0)
        batch.statementSucceeded()
        #expect(batch.unitAnsweredNext == 0)
        batch.statementSucceeded()
        #expect(batch.unitAnsweredNext == 1)
    }

    @Test("a poison unit fails alone: those before it and those after it are redone as groups")
    func poison() {
        var batch = machine([1, 1, 1, 1, 1])
        _ = batch.start()
        batch.syncSent()
        batch.statementSucceeded()
        batch.statementSucceeded()
        batch.statementFailed(.permanent)
        batch.statementSkipped()
        batch.statementSkipped()
        #expect(batch.synced(commitFailure: nil, random: 0) == .init(next: .send([0, 1])))
        batch.statementSucceeded()
        batch.statementSucceeded()
        #expect(batch.synced(commitFailure: nil, random: 0) == .init(committed: [0, 1], next: .send([2])))
        batch.statementFailed(.permanent)
        #expect(batch.synced(commitFailure: nil, random: 0) == .init(failed: [2], next: .send([3, 4])))
        batch.statementSucceeded()
        batch.statementSucceeded()
        #expect(batch.synced(commitFailure: nil, random: 0) == .init(committed: [3, 4], next: .finished))
    }

    @Test("a unit that failed only because of its neighbours succeeds when it is redone alone")
    func innocent() {
        var batch = machine([1, 1])
        _ = batch.start()
        batch.statementSucceeded()
        batch.statementFailed(.permanent)
        #expect(batch.synced(commitFailure: nil, random: 0).next == .send([0]))
        batch.statementSucceeded()
        #expect(batch.synced(commitFailure: nil, random: 0).next == .send([1]))
        batch.statementSucceeded()
        #expect(batch.synced(commitFailure: nil, random: 0) == .init(committed: [1], next: .finished))
    }

    @Test("an error at the commit itself names nobody, so every unit is redone alone")
    func commitFailure() {
        var batch = machine([1, 1, 1])
        _ = batch.start()
        for _ in 0..<3 { batch.statementSucceeded() }
        #expect(batch.synced(commitFailure: .permanent, random: 0) == .init(next: .send([0])))
        batch.statementSucceeded()
        #expect(batch.synced(commitFailure: nil, random: 0) == .init(committed: [0], next: .send([1])))
        batch.statementSucceeded()
        #expect(batch.synced(commitFailure: .permanent, random: 0) == .init(failed: [1], next: .send([2])))
    }

    @Test("a conflict is redone alone with growing pauses, and fails after the bound")
    func conflict() {
        var batch = machine([1], redos: 2)
        _ = batch.start()
        batch.statementFailed(.conflict)
        let again = Machine.Next.pauseThenSend(.milliseconds(2), [0])
        #expect(batch.synced(commitFailure: nil, random: 0) == .init(next: again))
        batch.statementFailed(.conflict)
        let later = Machine.Next.pauseThenSend(.milliseconds(8), [0])
        #expect(batch.synced(commitFailure: nil, random: 1) == .init(next: later))
        batch.statementFailed(.conflict)
        #expect(batch.synced(commitFailure: nil, random: 0) == .init(failed: [0], next: .finished))
    }

    @Test("a failing prelude fails or redoes the whole group")
    func prelude() {
        var batch = machine([1, 1], prelude: true, redos: 1)
        _ = batch.start()
        batch.statementFailed(.conflict)
        #expect(batch.synced(commitFailure: nil, random: 0).next == .pauseThenSend(.milliseconds(2), [0, 1]))
        batch.statementFailed(.permanent)
        batch.statementSkipped()
        #expect(batch.synced(commitFailure: nil, random: 0) == .init(failed: [0, 1], next: .finished))
    }

    @Test("a loss after the Sync was sent leaves the sent units unknown and the others unsent")
    func lossAfterSync() {
        var batch = machine([1, 1, 1])
        _ = batch.start()
        batch.syncSent()
        batch.statementFailed(.permanent)
        _ = batch.synced(commitFailure: nil, random: 0)
        // Now [0] is in flight, [1, 2] waits.
        batch.syncSent()
        #expect(batch.connectionLost(terminated: false) == .init(unknown: [0], unsent: [1, 2]))
    }

    @Test("a loss before the Sync, or one that the server announced in time, has had no effect")
    func lossBeforeSync() {
        var unsent = machine([1, 1])
        _ = unsent.start()
        #expect(unsent.connectionLost(terminated: false) == .init(unsent: [0, 1]))
        var terminated = machine([1, 1])
        _ = terminated.start()
        terminated.syncSent()
        terminated.statementSucceeded()
        #expect(terminated.connectionLost(terminated: true) == .init(unsent: [0, 1]))
        var failed = machine([1, 1])
        _ = failed.start()
        failed.syncSent()
        failed.statementFailed(.permanent)
        #expect(failed.connectionLost(terminated: false) == .init(unsent: [0, 1]))
    }

    @Test("whatever fails, every unit ends exactly once, within three sends per unit")
    func everyUnitEndsOnce() {
        var generator = SplitMix(seed: 20_261_122)
        for _ in 0..<500 {
            let count = Int(generator.next() % 12) + 1
            let poison = Set((0..<count).filter { _ in generator.next() % 4 == 0 })
            var batch = machine(Array(repeating: 1, count: count))
            var ended: [Int] = []
            var sends = 0
            var next = batch.start()
            while case .send(let group) = next {
                sends += 1
                batch.syncSent()
                var hasFailed = false
                for unit in group {
                    if hasFailed {
                        batch.statementSkipped()
                    } else if poison.contains(unit) {
                        batch.statementFailed(.permanent)
                        hasFailed = true
                    } else {
                        batch.statementSucceeded()
                    }
                }
                let step = batch.synced(commitFailure: nil, random: 0)
                #expect(poison.isDisjoint(with: step.committed))
                #expect(poison.isSuperset(of: step.failed))
                ended += step.committed + step.failed
                next = step.next
            }
            #expect(ended.sorted() == Array(0..<count))
            #expect(sends <= 1 + 3 * poison.count)
        }
    }
}

/// A small seeded generator; the seed stands in each test.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
