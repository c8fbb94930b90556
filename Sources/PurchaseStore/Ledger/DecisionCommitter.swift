import Postgres
import PurchaseCore
import PurchaseService
import Synchronization

/// Commits decisions of concurrent callers together, one statement at a time.
///
/// The callers do the work themselves: whoever finds nobody at it leads a group, answers its members, and hands the lead
/// on. There is no task of its own that could die, and a caller is never kept longer than for its own group. An error of
/// the database harms nobody else: a statement of several that is refused is repeated one by one.
final class DecisionCommitter: Sendable {
    /// Decisions that one statement may hold: beyond it the saving is small, and the lock is held longer.
    private static let membersMax = 64
    /// Decisions that are worth a statement behind the one under way: half a full one.
    private static let crowdMin = 32
    /// Decisions that may wait.
    private static let waitingMax = 1_024
    /// How long one may wait for its group; then the database is too slow to promise anything.
    private static let waitMax: Duration = .seconds(15)

    private typealias Groups = DecisionGroups<PreparedDecision.Subject>
    private typealias Outcome = Result<ChainID?, LedgerError>

    /// What a caller has to do next.
    private enum Turn {
        /// Commit these, of which it is the first.
        case lead([Groups.Ticket])
        /// Commit its own decision by itself: the statement with others was refused.
        case alone
        case answer(Outcome)
    }

    private struct Member {
        var decision: PreparedDecision
        var waiter: CheckedContinuation<Turn, Never>?
    }

    private struct State {
        var groups = Groups(
            membersMax: DecisionCommitter.membersMax, waitingMax: DecisionCommitter.waitingMax,
            crowdMin: DecisionCommitter.crowdMin)
        var members: [Groups.Ticket: Member] = [:]
        var lastTicket: Groups.Ticket = 0
    }

    private let client: PostgresClient
    private let state = Mutex(State())
    private let storedHeaders = StoredHeaders()

    init(client: PostgresClient) { self.client = client }

    /// Commits a decision; `nil` when the chain is not as it was, and nothing was written.
    ///
    /// Throws `overloaded` when too many wait, and what the database says of this decision alone.
    func commit(_ decision: PreparedDecision) async throws(LedgerError) -> ChainID? {
        let ticket = state.withLock { state in
            state.lastTicket += 1
            return state.lastTicket
        }
        switch await turn(ticket, decision) {
        case .answer(let outcome): return try outcome.get()
        case .alone: return try await commitTogether([decision])[0]
        case .lead(let tickets): return try await lead(tickets)
        }
    }

    /// Decisions that wait for the group that is being committed.
    var waitingCount: Int { state.withLock { $0.groups.waitingCount } }

    // MARK: Waiting

    private func turn(_ ticket: Groups.Ticket, _ decision: PreparedDecision) async -> Turn {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let turns = state.withLock { state -> [(CheckedContinuation<Turn, Never>, Turn)] in
                    if Task.isCancelled { return [(continuation, .answer(.failure(Self.cancelled)))] }
                    switch state.groups.entered(
                        ticket, subjects: decision.subjects, standsAlone: decision.standsAlone,
                        until: .now + Self.waitMax)
                    {
                    case .lead:
                        state.members[ticket] = Member(decision: decision)
                        return [(continuation, .lead([ticket]))]
                    case .wait:
                        state.members[ticket] = Member(decision: decision, waiter: continuation)
                        return Self.leads(&state)
                    case .refuse: return [(continuation, .answer(.failure(Self.overloaded)))]
                    }
                }
                for (waiter, turn) in turns { waiter.resume(returning: turn) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.groups.cancelled(ticket) ? state.members.removeValue(forKey: ticket)?.waiter : nil
            }
            waiter?.resume(returning: .answer(.failure(Self.cancelled)))
        }
    }

    // MARK: Leading

    /// Commits a group that this caller leads, tells the others, and hands the lead on.
    private func lead(_ tickets: [Groups.Ticket]) async throws(LedgerError) -> ChainID? {
        let (decisions, isBehind) = state.withLock { state in
            (tickets.compactMap { state.members[$0]?.decision }, state.groups.isBehind(tickets[0]))
        }
        let chains: [ChainID?]
        do {
            chains = try await commitTogether(decisions, isBehind: isBehind)
        } catch {
            // A caller that went away takes only its own decision with it: the others are led by the next of them.
            if Task.isCancelled, error.code != .outcomeUnknown {
                handOn(from: tickets, rest: Array(tickets.dropFirst())) { _ in .answer(.failure(Self.cancelled)) }
                throw error
            }
            // What the statement is refused for is one decision's; what befell the database befell everybody.
            guard error.code == .refused, tickets.count > 1 else {
                handOn(from: tickets) { _ in .answer(.failure(error)) }
                throw error
            }
            handOn(from: tickets) { _ in .alone }
            return try await commitTogether([decisions[0]])[0]
        }
        handOn(from: tickets) { .answer(.success(chains[$0])) }
        return chains[0]
    }

    /// Ends a group: tells its members by their order, and lets the next group begin; or, with a `rest` that is still to be
    /// committed, lets the first of it lead the same group on.
    private func handOn(
        from tickets: [Groups.Ticket], rest: [Groups.Ticket] = [], telling turn: (Int) -> Turn
    ) {
        let turns = state.withLock { state -> [(CheckedContinuation<Turn, Never>, Turn)] in
            var turns: [(CheckedContinuation<Turn, Never>, Turn)] = []
            for (index, ticket) in tickets.enumerated() where !rest.contains(ticket) {
                let waiter = state.members.removeValue(forKey: ticket)?.waiter
                // The first of them leads, and has been resumed before.
                if let waiter, index > 0 { turns.append((waiter, turn(index))) }
            }
            if let first = rest.first {
                if let waiter = state.members[first]?.waiter { turns.append((waiter, .lead(rest))) }
                return turns
            }
            state.groups.finished(tickets[0])
            for ticket in state.groups.expired(now: .now) {
                if let waiter = state.members.removeValue(forKey: ticket)?.waiter {
                    turns.append((waiter, .answer(.failure(Self.overloaded))))
                }
            }
            turns += Self.leads(&state)
            return turns
        }
        for (waiter, turn) in turns { waiter.resume(returning: turn) }
    }

    /// Whoever is to lead a group that may begin now.
    private static func leads(_ state: inout State) -> [(CheckedContinuation<Turn, Never>, Turn)] {
        var turns: [(CheckedContinuation<Turn, Never>, Turn)] = []
        while let members = state.groups.next() {
            if let waiter = state.members[members[0]]?.waiter { turns.append((waiter, .lead(members))) }
        }
        return turns
    }

    /// Commits one statement.
    ///
    /// A group behind another waits for it as long as it would have before it was sent; else nobody waits longer for the
    /// connection than for any.
    private func commitTogether(
        _ decisions: [PreparedDecision], isBehind: Bool = false
    ) async throws(LedgerError) -> [ChainID?] {
        let headers = Set(decisions.flatMap { $0.rows.headers.map(\.sha256) })
        let stored = headers.filter(storedHeaders.contains)
        let rows: [PostgresRow]
        do {
            rows = try await client.commit(
                DecisionStatement.build(decisions, storedHeaders: stored),
                acquireTimeout: isBehind ? Self.waitMax : nil)
        } catch {
            // Erasing may have removed a header that this process believed stored.
            if error.sqlState == "23503" { for header in stored { storedHeaders.remove(header) } }
            // Of several it may be one's own fault: a row that somebody else has locked is about one of them.
            if decisions.count > 1, ["57014", "40P01", "40001"].contains(error.sqlState) {
                throw LedgerError(.refused, error.description)
            }
            throw LedgerError(error)
        }
        var chains = [ChainID?](repeating: nil, count: decisions.count)
        do {
            for row in rows {
                let ordinal: Int32 = try row.decode("ordinal")
                chains[Int(ordinal)] = ChainID(try row.decode("chain_id"))
            }
        } catch {
            throw LedgerError(error)
        }
        for (decision, chain) in zip(decisions, chains) where chain != nil {
            for header in decision.rows.headers { storedHeaders.insert(header.sha256) }
        }
        return chains
    }

    private static let overloaded = LedgerError(.overloaded, "too many decisions wait to be committed")
    private static let cancelled = LedgerError(.unavailable, "the caller went away before its decision was committed")
}

/// Headers that are known to be stored, so that their 4 KB don't travel with every commit; bounded.
private final class StoredHeaders: Sendable {
    private static let maximum = 64
    private let digests = Mutex<Set<[UInt8]>>([])

    func contains(_ digest: [UInt8]) -> Bool { digests.withLock { $0.contains(digest) } }

    func insert(_ digest: [UInt8]) {
        digests.withLock { known in
            guard !known.contains(digest) else { return }
            if known.count >= Self.maximum { known.removeAll() }
            known.insert(digest)
        }
    }

    func remove(_ digest: [UInt8]) { _ = digests.withLock { $0.remove(digest) } }
}
