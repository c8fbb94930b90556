package import PurchaseService

/// The waiting calls of one replica for one bucket, and who gets the tokens: a state machine without clock or IO.
///
/// Facts go in with the time (since any fixed start); actions come out, to be carried out in order. Waiting is by id:
/// the shell maps ids to continuations. One waiter at a time *leads*: it draws on the shared bucket for everybody,
/// and hands the lead on when it is served, so no task of our own is needed. Tokens are only ever handed to waiters;
/// what a draw brings beyond them expires after ``BudgetTerms/block``.
package struct BudgetLanes: ~Copyable {
    /// Names one waiting call.
    package struct WaiterID: Hashable, Sendable {
        /// Unique within the machine.
        package let rawValue: UInt64

        /// Wraps a number.
        package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    }

    /// What the shell must do.
    package enum Action: Equatable, Sendable {
        /// Let the waiter make its one call.
        case grant(WaiterID)
        /// Tell the waiter that it leads now: it asks ``leaderStep(_:now:)`` what to do.
        case lead(WaiterID)
        /// The waiter's lane is full: turn it away at once.
        case refuse(WaiterID)
        /// The budget could not be asked: turn the waiter away.
        case fail(WaiterID)
        /// Apple told us to pause: turn the waiter away.
        case pause(WaiterID)
    }

    /// What the leader does next.
    package enum LeaderStep: Equatable, Sendable {
        /// Draw so many tokens, then report ``blockReceived(count:nextTokenIn:now:)`` or ``drawFailed()``.
        case draw(Int)
        /// Wait so long, then ask again.
        case wait(Duration)
        /// Somebody else leads, or the waiter is gone.
        case nothing
    }

    /// While demand is higher than the rate, draws are this far apart (or one token's time, if that is longer).
    package static let pace = Duration.milliseconds(50)

    private let capacity: Int
    private let tokenInterval: Duration
    private let waitersMax: Int
    private var queues: [RequestLane: [WaiterID]] = [:]
    private var shares = LaneShares()
    private var tokens = 0
    private var tokensExpireAt = Duration.zero
    private var leader: WaiterID?
    private var nextDrawAt: Duration?

    /// Starts empty.
    /// - Parameters:
    ///   - capacity: the most tokens of one draw.
    ///   - tokensPerHour: the bucket's refill rate, for pacing the draws.
    ///   - waitersMax: how many calls may wait in each lane.
    package init(capacity: Int, tokensPerHour: Int, waitersMax: Int) {
        self.capacity = capacity
        self.tokenInterval = .seconds(3_600) / max(1, tokensPerHour)
        self.waitersMax = waitersMax
    }

    /// How many calls wait in a lane.
    package func waiting(in lane: RequestLane) -> Int { queues[lane]?.count ?? 0 }

    /// A call wants a token.
    package mutating func arrived(_ id: WaiterID, in lane: RequestLane, now: Duration) -> [Action] {
        guard waiting(in: lane) < waitersMax else { return [.refuse(id)] }
        queues[lane, default: []].append(id)
        var actions = distribute(now: now)
        actions += electLeader()
        return actions
    }

    /// A waiter was cancelled or ran out of time; not an error if it was served meanwhile.
    package mutating func departed(_ id: WaiterID) -> [Action] {
        remove(id)
        return electLeader()
    }

    /// The leader asks what to do.
    package mutating func leaderStep(_ id: WaiterID, now: Duration) -> LeaderStep {
        guard leader == id else { return .nothing }
        if let nextDrawAt, nextDrawAt > now { return .wait(nextDrawAt - now) }
        return .draw(min(capacity, max(1, demand)))
    }

    /// A draw came back; valid from anybody, also from a leader that was cancelled meanwhile.
    package mutating func blockReceived(count: Int, nextTokenIn: Duration, now: Duration) -> [Action] {
        if count > 0 {
            let expiry = now + BudgetTerms.block
            let live = tokensExpireAt > now ? tokens : 0
            tokensExpireAt = live > 0 ? min(tokensExpireAt, expiry) : expiry
            tokens = live + count
        }
        let actions = distribute(now: now)
        // Waiting for as many tokens as are wanted saves draws; waiting for all of a long queue would only add delay. Who
        // came away with nothing comes back sooner than who got some: else two replicas in step would leave the tokens
        // to the same one for ever.
        let worthwhile = count > 0 ? min(Self.pace, tokenInterval * max(1, demand)) : .zero
        nextDrawAt = nextTokenIn > .zero ? now + max(nextTokenIn, worthwhile) : nil
        return actions + electLeader()
    }

    /// The budget could not be asked: everybody who waits is turned away, since nobody can say until when.
    package mutating func drawFailed() -> [Action] {
        nextDrawAt = nil
        return removeAll().map(Action.fail)
    }

    /// Apple asked for a pause: everybody who waits is turned away, and unused tokens are dropped.
    package mutating func paused() -> [Action] {
        tokens = 0
        return removeAll().map(Action.pause)
    }

    private var demand: Int { queues.values.reduce(0) { $0 + $1.count } }

    private mutating func distribute(now: Duration) -> [Action] {
        if tokensExpireAt <= now { tokens = 0 }
        var actions: [Action] = []
        while tokens > 0 {
            let waitingLanes = Set(queues.lazy.filter { !$0.value.isEmpty }.map(\.key))
            guard let lane = shares.next(waiting: waitingLanes), let id = queues[lane]?.first else { break }
            queues[lane]?.removeFirst()
            if leader == id { leader = nil }
            tokens -= 1
            actions.append(.grant(id))
        }
        return actions
    }

    private mutating func electLeader() -> [Action] {
        guard leader == nil else { return [] }
        for lane in [RequestLane.interactive, .retry, .unproven, .sweep] {
            guard let id = queues[lane]?.first else { continue }
            leader = id
            return [.lead(id)]
        }
        return []
    }

    private mutating func remove(_ id: WaiterID) {
        for lane in RequestLane.allCases { queues[lane]?.removeAll { $0 == id } }
        if leader == id { leader = nil }
    }

    private mutating func removeAll() -> [WaiterID] {
        let everybody = RequestLane.allCases.flatMap { queues[$0] ?? [] }
        queues.removeAll()
        leader = nil
        return everybody
    }
}
