/// Keys of several callers that share statements, until each of them has its own outcome: pure.
///
/// All of them are asked for at once. When that fails, nobody knows whose key it was, so each is asked for alone, and the
/// innocent get their answers. A failure that would come again for each of them, such as a time-out, is everybody's.
struct LookupBatchStateMachine {
    enum Failure: Equatable {
        /// It may be one key's fault.
        case ofOne
        /// It took the server's time limit, and would take it again for every key.
        case ofAll
    }

    enum Next: Equatable {
        /// Ask for the keys of these callers, by index, in one statement.
        case send([Int])
        case finished
    }

    struct Step: Equatable {
        /// These have their rows, or none.
        var answered: [Int] = []
        /// These have the statement's error.
        var failed: [Int] = []
        var next: Next
    }

    private var waiting: [[Int]]
    private var current: [Int] = []
    private var gone: Set<Int> = []

    init(count: Int) { waiting = count == 0 ? [] : [Array(0..<count)] }

    /// Callers of the statement that runs who still want its answer.
    var open: [Int] { current.filter { !gone.contains($0) } }

    /// All callers that have no answer yet, in their order.
    var unanswered: [Int] { (current + waiting.flatMap { $0 }).filter { !gone.contains($0) } }

    /// The first thing to send.
    mutating func start() -> Next { sendNext() }

    /// A caller was answered before its turn: cancelled, or out of time.
    ///
    /// It is not asked for again.
    mutating func callerLeft(_ caller: Int) { gone.insert(caller) }

    mutating func statementSucceeded() -> Step {
        let answered = open
        return Step(answered: answered, next: sendNext())
    }

    mutating func statementFailed(_ failure: Failure) -> Step {
        let open = open
        if failure == .ofAll || open.count <= 1 { return Step(failed: open, next: sendNext()) }
        waiting.insert(contentsOf: open.map { [$0] }, at: 0)
        return Step(next: sendNext())
    }

    /// The connection is gone: returns whom to ask for on another one.
    ///
    /// It does not matter whether the statement ran: reading has no effect, and what it wrote it finds the next time.
    mutating func connectionLost() -> [Int] {
        defer {
            current = []
            waiting = []
        }
        return unanswered
    }

    private mutating func sendNext() -> Next {
        while !waiting.isEmpty {
            current = waiting.removeFirst().filter { !gone.contains($0) }
            if !current.isEmpty { return .send(current) }
        }
        current = []
        return .finished
    }
}
