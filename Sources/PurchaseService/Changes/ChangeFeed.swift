import PurchaseCore
import ServiceLifecycle
import Synchronization

/// Reads the change feed, and lets a bounded number of readers wait for what comes next.
///
/// While anybody waits, one of the waiting readers looks at the newest position once per interval, on behalf of all;
/// when it leaves, another takes its place. So nobody asks the database while nobody waits, nothing runs in the
/// background, and a change that another process committed wakes readers as well as one of this process.
package final class ChangeFeed: Sendable {
    /// Bounds and times of waiting.
    package struct Configuration: Sendable {
        /// How often the newest position is looked at, by all readers of this process together.
        package var interval: Duration = .milliseconds(250)
        /// Readers that may wait at once; the next one is answered at once.
        package var waitersMax = 64
        /// Sleeps; throws when the task is cancelled.
        package var pause: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

        /// The defaults.
        package init() {}
    }

    private struct State {
        /// The newest position that a look has shown; never ahead of what is visible.
        var newest: Int64 = 0
        /// Whether one of the readers is looking.
        var isWatched = false
        var nextWaiter: UInt64 = 0
        var bells: [UInt64: AsyncStream<Void>.Continuation] = [:]
    }

    /// A place among those who wait; its bell rings after each look of another reader.
    private struct Waiter: Sendable {
        let number: UInt64
        let bell: AsyncStream<Void>
    }

    private let ledger: any LedgerPort
    private let configuration: Configuration
    private let state = Mutex(State())

    /// Takes the ledger that is read.
    package init(ledger: any LedgerPort, configuration: Configuration = Configuration()) {
        self.ledger = ledger
        self.configuration = configuration
    }

    /// Readers that wait now.
    package var waiting: Int { state.withLock { $0.bells.count } }

    /// Changes after a position, oldest first.
    ///
    /// When there are none, waits for the next one, at most so long; gives none at once when too many wait already, when
    /// the task is cancelled, and when the process stops.
    package func changes(
        after position: Int64, wait: Duration, limit: Int
    ) async throws(LedgerError) -> [RecordedChange] {
        let page = try await ledger.changes(after: position, limit: limit)
        guard page.isEmpty, wait > .zero, let waiter = enter() else { return page }
        defer { leave(waiter) }
        let deadline = ContinuousClock.now + wait
        let news = await cancelWhenGracefulShutdown { await self.news(after: position, until: deadline, for: waiter) }
        guard try news.get() else { return [] }
        return try await ledger.changes(after: position, limit: limit)
    }

    private func news(
        after position: Int64, until deadline: ContinuousClock.Instant, for waiter: Waiter
    ) async -> Result<Bool, LedgerError> {
        while !Task.isCancelled {
            if state.withLock({ $0.newest > position }) { return .success(true) }
            let rest = ContinuousClock.now.duration(to: deadline)
            guard rest > .zero else { break }
            guard beginWatch() else {
                // Kept for us if it rang since we looked, and ended by a cancellation.
                for await _ in waiter.bell { break }
                continue
            }
            let outcome = await look(after: min(rest, configuration.interval))
            endWatch(by: waiter)
            if case .failure(let error) = outcome { return .failure(error) }
        }
        return .success(false)
    }

    private func look(after pause: Duration) async -> Result<Void, LedgerError> {
        do {
            try await configuration.pause(pause)
        } catch {
            return .success(())
        }
        do throws(LedgerError) {
            let newest = try await ledger.newestChange()
            state.withLock { $0.newest = max($0.newest, newest) }
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    // MARK: Places

    private func enter() -> Waiter? {
        let (bell, ring) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        return state.withLock { state in
            guard state.bells.count < configuration.waitersMax else { return nil }
            state.nextWaiter += 1
            state.bells[state.nextWaiter] = ring
            return Waiter(number: state.nextWaiter, bell: bell)
        }
    }

    private func leave(_ waiter: Waiter) { _ = state.withLock { $0.bells.removeValue(forKey: waiter.number) } }

    private func beginWatch() -> Bool {
        state.withLock { state in
            guard !state.isWatched else { return false }
            state.isWatched = true
            return true
        }
    }

    /// Lets everybody else see what came, and somebody else go on, should this reader leave.
    private func endWatch(by waiter: Waiter) {
        let bells = state.withLock { state in
            state.isWatched = false
            return state.bells.filter { $0.key != waiter.number }.values.map(\.self)
        }
        for bell in bells { bell.yield() }
    }
}
