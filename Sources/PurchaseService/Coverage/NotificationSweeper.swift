import Logging
package import PurchaseCore
import ServiceLifecycle

/// Heals what was lost on the way: walks over Apple's own history of notifications, and says up to when it is complete.
///
/// Each sweep of a store goes from a little before what is complete up to now, in slices, and notes each finished one,
/// so a crash repeats a slice at most. Of the newest minutes nothing is called complete: Apple may list a notification
/// some time after signing it, and the next sweep reaches back over them. Any number of processes may run one: a lease
/// lets one at a time sweep a store. Nothing but the ledger remembers anything.
package struct NotificationSweeper: Sendable {
    /// What came of an attempt to sweep.
    package enum Outcome: Equatable, Sendable {
        /// It isn't time yet, or another process is at it.
        case notDue
        /// Up to now.
        case finished(HistoryCounts)
        /// Not up to now; it is tried again later.
        case failed(HistoryFault, HistoryCounts)
        /// Cancelled, or another process has taken over.
        case stopped(HistoryCounts)
    }

    let dependencies: ServiceDependencies
    let configuration: CoverageConfiguration
    let walk: HistoryWalk

    /// Sweeps every store that is served, again and again, until shut down.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                // A long way to go in one store doesn't hold the other one up.
                for environment in dependencies.policy.allowedEnvironments.sorted() {
                    group.addTask { await keepSweeping(environment) }
                }
            }
        }
    }

    private func keepSweeping(_ environment: StoreEnvironment) async {
        while !Task.isCancelled {
            _ = await sweep(environment)
            try? await configuration.sleep(configuration.pollEvery * configuration.jitter())
        }
    }

    /// One sweep of a store, if it is due and nobody else is at it.
    ///
    /// On first sight of a store, coverage begins a little before now: `vouch backfill` is for the past.
    package func sweep(_ environment: StoreEnvironment) async -> Outcome {
        let now = dependencies.clock.now()
        do throws(LedgerError) {
            let begun = try await dependencies.ledger.beginSweep(
                of: environment, holder: dependencies.processName, firstStart: now - configuration.overlap,
                until: now + configuration.leaseFor, now: now)
            guard let record = begun else { return .notDue }
            var run = Run(sweeper: self, environment: environment, record: record, startedAt: now)
            return try await run.sweep()
        } catch {
            // Without the ledger nothing can be noted either; the lease runs out by itself.
            dependencies.logger.warning(
                "a sweep of the notification history failed",
                metadata: [
                    LogKey.environment.rawValue: "\(environment.rawValue)", LogKey.error.rawValue: "\(error)",
                ])
            return .failed(.ledger(error.code), HistoryCounts())
        }
    }
}

extension NotificationSweeper {
    /// One sweep under way.
    private struct Run {
        let sweeper: NotificationSweeper
        let environment: StoreEnvironment
        let record: CoverageRecord
        let startedAt: Instant
        private var counts = HistoryCounts()
        private var plan: HistoryPlan
        /// Where coverage begins anew, because what lies before can't be asked for any more.
        private var newStart: Instant?
        /// Slices are read on, but not noted, after the ledger refused a notification for good.
        private var heldBackBy: HistoryFault?

        init(sweeper: NotificationSweeper, environment: StoreEnvironment, record: CoverageRecord, startedAt: Instant) {
            self.sweeper = sweeper
            self.environment = environment
            self.record = record
            self.startedAt = startedAt
            let window = HistoryPlan.sweep(
                of: environment, completeThrough: record.completeThrough, now: startedAt, sweeper.configuration)
            plan = window.plan
            newStart = window.isBehindHorizon ? window.plan.from : nil
        }

        private var configuration: CoverageConfiguration { sweeper.configuration }
        private var ledger: any LedgerPort { sweeper.dependencies.ledger }
        private var holder: String { sweeper.dependencies.processName }
        private var now: Instant { sweeper.dependencies.clock.now() }

        mutating func sweep() async throws(LedgerError) -> Outcome {
            while let slice = plan.next {
                let outcome = await sweeper.walk.walk(slice, in: environment, beforeCall: keepLease)
                counts += outcome.counts
                heldBackBy = heldBackBy ?? outcome.heldBackBy
                // What ends a cancelled walk is no fault.
                if Task.isCancelled { return .stopped(counts) }
                switch outcome.end {
                case .finished:
                    guard try await note(slice) else { return .stopped(counts) }
                    plan.finished()
                case .tokenExpired:
                    guard plan.shorten() else { return try await fail(.tokensExpireTooSoon) }
                case .startTooFarInPast:
                    guard plan.skip() else { return try await fail(.startTooFarInPast) }
                    if plan.from > record.completeThrough { newStart = plan.from }
                case .failed(let fault): return try await fail(fault)
                case .stopped: return .stopped(counts)
                }
            }
            if let heldBackBy { return try await fail(heldBackBy) }
            return try await finish()
        }

        private func keepLease() async -> HistoryWalk.End? {
            do throws(LedgerError) {
                let mayGoOn = try await ledger.renewSweep(
                    of: environment, holder: holder, until: now + configuration.leaseFor)
                return mayGoOn ? nil : .stopped
            } catch {
                return .failed(.ledger(error.code))
            }
        }

        private mutating func note(_ slice: HistorySlice) async throws(LedgerError) -> Bool {
            guard heldBackBy == nil else { return true }
            // By Apple's clock: one of ours that is fast must not declare complete what Apple has yet to sign.
            let ahead = sweeper.dependencies.health.health().clockSkew ?? .zero
            let apples = ahead > configuration.clockTolerance ? startedAt - ahead : startedAt
            let settled = min(slice.to, apples - configuration.settleMargin)
            let mayGoOn = try await ledger.advanceCoverage(
                of: environment, holder: holder, completeFrom: newStart,
                completeThrough: max(settled, newStart ?? settled), until: now + configuration.leaseFor)
            if mayGoOn, newStart != nil {
                sweeper.dependencies.metrics.alarmRaised("coverage_gap")
                log(.error, "alarm", [LogKey.alarm.rawValue: "coverage_gap"])
                newStart = nil
            }
            return mayGoOn
        }

        private func finish() async throws(LedgerError) -> Outcome {
            try await ledger.joinBackfills(in: environment)
            let wait = Double(configuration.sweepEvery.milliseconds) * configuration.jitter()
            try await ledger.finishSweep(
                of: environment, holder: holder, sweptAt: startedAt, dueAt: now + Span(milliseconds: Int64(wait)))
            log(counts.new > 0 ? .info : .debug, "the notification history was swept")
            return .finished(counts)
        }

        private func fail(_ fault: HistoryFault) async throws(LedgerError) -> Outcome {
            let now = now
            let since = record.failingSince ?? now
            var dueAt = now + HistoryPlan.wait(failingSince: since, now: now, configuration)
            if case .throttled(let retryAt?) = fault { dueAt = max(retryAt, now + configuration.retryMin) }
            // Nothing will change soon, and nothing is wrong.
            if case .unreleased = fault { dueAt = now + configuration.retryMax }
            tell(fault, failingFor: now - since)
            try await ledger.failSweep(
                of: environment, holder: holder, fault: fault.code, failedAt: now, dueAt: dueAt)
            return .failed(fault, counts)
        }

        private func tell(_ fault: HistoryFault, failingFor span: Span) {
            if case .unreleased = fault { return log(.debug, "the app has no release yet") }
            var metadata: Logger.Metadata = [LogKey.fault.rawValue: "\(fault.code)"]
            if case .refusedRequest(let status, let errorCode) = fault {
                metadata[LogKey.status.rawValue] = "\(status)"
                metadata[LogKey.code.rawValue] = "\(errorCode.map(String.init) ?? "none")"
            }
            // What passes by itself is somebody's business only once it has lasted.
            if fault.isPassing, span < Span.hours(1) {
                log(.warning, "a sweep of the notification history failed", metadata)
            } else {
                sweeper.dependencies.metrics.alarmRaised("coverage_sweep_failed")
                metadata[LogKey.alarm.rawValue] = "coverage_sweep_failed"
                log(.error, "alarm", metadata)
            }
        }

        private func log(_ level: Logger.Level, _ message: Logger.Message, _ more: Logger.Metadata = [:]) {
            let metadata: Logger.Metadata = [
                LogKey.environment.rawValue: "\(environment.rawValue)", LogKey.seen.rawValue: "\(counts.seen)",
                LogKey.new.rawValue: "\(counts.new)", LogKey.refused.rawValue: "\(counts.refused)",
            ]
            sweeper.dependencies.logger.log(level: level, message, metadata: metadata.merging(more) { $1 })
        }
    }
}
