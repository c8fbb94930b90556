import Logging
package import PurchaseCore

/// Takes in Apple's history of notifications of a time in the past, day by day, newest first.
///
/// Finished days are noted in the ledger and left out next time, so an interrupted one goes on where it was. It runs in
/// a process of its own, whose lanes know nothing of the customers who wait for `serve`; therefore it asks no faster
/// than a fifth of the configured rate, and the shared budget bounds all processes together.
package struct NotificationBackfill: Sendable {
    /// Where a backfill is.
    package struct Progress: Hashable, Sendable {
        /// The day that was just done, or left out.
        package var slice: HistorySlice
        /// Days done so far, those left out included.
        package var done: Int
        /// Days of the whole backfill.
        package var total: Int
        /// Whether an earlier run had done it.
        package var isSkipped: Bool
        /// What was found so far.
        package var counts: HistoryCounts
    }

    /// How a backfill ended.
    package enum End: Equatable, Sendable {
        /// Everything is here.
        case finished
        /// It gave up; a repeat goes on from there.
        case failed(HistoryFault)
        /// Cancelled; a repeat goes on from there.
        case cancelled
    }

    /// What came of a backfill.
    package struct Summary: Equatable, Sendable {
        /// How it ended.
        package var end: End
        /// What was found.
        package var counts = HistoryCounts()
        /// Days that were walked to their end.
        package var daysDone = 0
        /// Days that earlier runs had done.
        package var daysSkipped = 0
    }

    let dependencies: ServiceDependencies
    let configuration: CoverageConfiguration
    let walk: HistoryWalk

    /// The oldest moment that a backfill of a store can begin at.
    package func oldestStart(of environment: StoreEnvironment) -> Instant {
        dependencies.clock.now() - environment.notificationHistoryHorizon + configuration.horizonMargin
    }

    /// Walks over a span; `again` also over what earlier runs have done.
    ///
    /// Never throws: the summary says how it ended.
    package func run(
        _ span: HistorySlice, in environment: StoreEnvironment, again: Bool,
        progress: @Sendable (Progress) -> Void = { _ in }
    ) async -> Summary {
        var summary = Summary(end: .finished)
        do throws(LedgerError) {
            let finished = try await dependencies.ledger.finishedBackfills(touching: span, in: environment)
            let days = HistoryPlan.days(of: span)
            for day in days {
                let isSkipped = !again && finished.contains { $0.contains(day) }
                if isSkipped {
                    summary.daysSkipped += 1
                } else {
                    summary.end = try await fill(day, in: environment, &summary.counts)
                    guard case .finished = summary.end else { return summary }
                    summary.daysDone += 1
                }
                progress(
                    Progress(
                        slice: day, done: summary.daysDone + summary.daysSkipped, total: days.count,
                        isSkipped: isSkipped, counts: summary.counts))
            }
        } catch {
            summary.end = Task.isCancelled ? .cancelled : .failed(.ledger(error.code))
        }
        return summary
    }

    /// One day, in shorter slices where tokens expire, and again after what passes by itself.
    private func fill(
        _ day: HistorySlice, in environment: StoreEnvironment, _ counts: inout HistoryCounts
    ) async throws(LedgerError) -> End {
        // While a long backfill runs, the horizon moves on.
        let slice = HistorySlice(from: max(day.from, oldestStart(of: environment)), to: day.to)
        let startedAt = dependencies.clock.now()
        let interval = interval(in: environment)
        let sleep = configuration.sleep
        var plan = HistoryPlan(slice, configuration)
        var found = 0
        var attempts = 0
        while let part = plan.next {
            let outcome = await walk.walk(part, in: environment) {
                do {
                    try await sleep(interval)
                    return nil
                } catch {
                    return .stopped
                }
            }
            counts += outcome.counts
            found += outcome.counts.seen
            if let fault = outcome.heldBackBy { return .failed(fault) }
            switch outcome.end {
            case .finished:
                plan.finished()
                attempts = 0
            case .tokenExpired: guard plan.shorten() else { return .failed(.tokensExpireTooSoon) }
            case .startTooFarInPast: return .failed(.startTooFarInPast)
            case .stopped: return .cancelled
            case .failed(let fault):
                attempts += 1
                guard fault.isPassing, attempts < configuration.sliceAttemptsMax else { return .failed(fault) }
                guard await pause(for: fault, attempts) else { return .cancelled }
            }
        }
        // Of the newest minutes Apple may list more later.
        let done = HistorySlice(from: slice.from, to: min(slice.to, startedAt - configuration.settleMargin))
        guard done.from < done.to else { return .finished }
        try await dependencies.ledger.finishBackfill(
            of: done, in: environment, notifications: found, at: dependencies.clock.now())
        try await dependencies.ledger.joinBackfills(in: environment)
        return .finished
    }

    /// The time between two calls that keeps to the backfill's share of the configured rate.
    private func interval(in environment: StoreEnvironment) -> Duration {
        let budget = dependencies.health.health().budgets.first {
            $0.environment == environment && $0.endpointClass == .standard
        }
        return .milliseconds(3_600_000 * configuration.backfillShare / Int64(max(1, budget?.requestsPerHour ?? 1)))
    }

    /// Waits for Apple's moment, or 10, 20, 40 … seconds; false when cancelled.
    private func pause(for fault: HistoryFault, _ attempts: Int) async -> Bool {
        var wait = Span.seconds(5 << Int64(min(attempts, 6)))
        if case .throttled(let retryAt?) = fault {
            wait = min(max(retryAt - dependencies.clock.now(), wait), .hours(1))
        }
        do {
            try await configuration.sleep(.milliseconds(wait.milliseconds))
            return true
        } catch {
            return false
        }
    }
}
