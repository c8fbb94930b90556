/// One group commit and the redos it takes until every unit of it has its own outcome: pure.
///
/// A unit is what one caller wants committed together. A group of units is sent behind one Sync, which makes it one
/// transaction, so an error rolls the whole group back. The group is then split around the unit that failed — those
/// before it, it alone, those after it — because the others are innocent: one poison unit costs three commits, not
/// one per unit. A group whose commit itself fails names no culprit and is redone unit by unit.
struct CommitBatchStateMachine {
    /// The failures that matter for what happens next; the shell keeps the errors themselves.
    enum Failure: Equatable {
        /// 40001 or 40P01: lost against a concurrent transaction; a repeat may succeed.
        case conflict
        case permanent
    }

    enum Next: Equatable {
        /// Send these units, by index, behind the prelude and before one Sync.
        case send([Int])
        /// Wait first: somebody else is at the same rows.
        case pauseThenSend(Duration, [Int])
        case finished
    }

    struct SyncStep: Equatable {
        /// These are committed.
        var committed: [Int] = []
        /// These failed with their own last error.
        var failed: [Int] = []
        var next: Next
    }

    struct LossStep: Equatable {
        /// Sent with their Sync: whether they are committed is not known.
        var unknown: [Int] = []
        /// Known to have had no effect: they can be sent again on another connection.
        var unsent: [Int] = []
    }

    /// Statements per unit.
    private let statementCounts: [Int]
    private let hasPrelude: Bool
    private let conflictRedosMax: Int
    private var redos: [Int: Int] = [:]
    private var waiting: [[Int]]
    private var current: [Int] = []
    private var isSyncSent = false
    /// Statements of the current group that have been answered, the prelude included.
    private var answered = 0
    /// The first failure in the current group: the unit at this position, or nil for the prelude.
    private var failure: (unit: Int?, kind: Failure)?

    init(statementCounts: [Int], hasPrelude: Bool, conflictRedosMax: Int) {
        self.statementCounts = statementCounts
        self.hasPrelude = hasPrelude
        self.conflictRedosMax = conflictRedosMax
        waiting = statementCounts.isEmpty ? [] : [Array(statementCounts.indices)]
    }

    /// Whom the next statement's answer belongs to; nil is the prelude.
    var unitAnsweredNext: Int? {
        var before = hasPrelude ? 1 : 0
        if answered < before { return nil }
        for unit in current {
            before += statementCounts[unit]
            if answered < before { return unit }
        }
        return nil
    }

    /// The first thing to send.
    mutating func start() -> Next { sendNext() }

    mutating func syncSent() { isSyncSent = true }

    mutating func statementSucceeded() { answered += 1 }

    mutating func statementFailed(_ kind: Failure) {
        if failure == nil { failure = (unitAnsweredNext, kind) }
        answered += 1
    }

    mutating func statementSkipped() { answered += 1 }

    /// The Sync was reached: the group is committed, or rolled back.
    ///
    /// `random` is 0 ..< 1.
    mutating func synced(commitFailure: Failure?, random: Double) -> SyncStep {
        let group = current
        if let failure {
            guard let unit = failure.unit else { return redoOrFail(group, failure.kind, random) }
            if group.count == 1 { return redoOrFail(group, failure.kind, random) }
            split(group, around: unit)
            return SyncStep(next: sendNext())
        }
        if let commitFailure {
            if group.count == 1 { return redoOrFail(group, commitFailure, random) }
            waiting.insert(contentsOf: group.map { [$0] }, at: 0)
            return SyncStep(next: sendNext())
        }
        return SyncStep(committed: group, next: sendNext())
    }

    /// The connection is gone.
    ///
    /// `terminated`: the server said so while a statement of the group was unfinished,
    /// which rules a commit out.
    mutating func connectionLost(terminated: Bool) -> LossStep {
        let later = waiting.flatMap { $0 }
        let sent = current
        waiting = []
        current = []
        // An error before the Sync has rolled the group back, whatever became of the connection.
        let hadNoEffect = !isSyncSent || terminated || failure != nil
        return hadNoEffect ? LossStep(unsent: sent + later) : LossStep(unknown: sent, unsent: later)
    }

    private mutating func redoOrFail(_ group: [Int], _ kind: Failure, _ random: Double) -> SyncStep {
        let redone = group.map { redos[$0, default: 0] }.max() ?? 0
        guard kind == .conflict, redone < conflictRedosMax else { return SyncStep(failed: group, next: sendNext()) }
        for unit in group { redos[unit] = redone + 1 }
        waiting.insert(group, at: 0)
        // 2 to 4 ms first, doubling: longer than a commit, shorter than anybody notices.
        let pause = Duration.milliseconds(2 << min(redone, 5)) * (1 + random)
        guard case .send(let again) = sendNext() else { return SyncStep(next: .finished) }
        return SyncStep(next: .pauseThenSend(pause, again))
    }

    private mutating func split(_ group: [Int], around unit: Int) {
        let before = Array(group.prefix { $0 != unit })
        let after = Array(group.drop { $0 != unit }.dropFirst())
        waiting.insert(contentsOf: [before, [unit], after].filter { !$0.isEmpty }, at: 0)
    }

    private mutating func sendNext() -> Next {
        answered = 0
        failure = nil
        isSyncSent = false
        current = waiting.isEmpty ? [] : waiting.removeFirst()
        return current.isEmpty ? .finished : .send(current)
    }
}
