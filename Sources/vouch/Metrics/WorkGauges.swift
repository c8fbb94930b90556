import PurchaseCore
import PurchaseService
import PurchaseStore

/// What waits in the database, read at each scrape: the same in every process.
struct WorkGauges: Sendable {
    let ledger: LedgerStore
    /// The stores that this deployment serves.
    let environments: Set<StoreEnvironment>
    let now: @Sendable () -> Instant

    /// Reads everything; ends when its task is cancelled.
    func read() async throws -> [GaugeSample] {
        let now = now()
        let standing = try await ledger.standing()
        let workload = try await ledger.workload(at: now)
        let coverage = try await ledger.coverage(of: environments)
        return samples(standing) + samples(workload, now) + samples(coverage, now)
    }

    private func samples(_ standing: LedgerStanding) -> [GaugeSample] {
        standing.unsettled.map {
            GaugeSample(
                MetricCatalogue.transactionsUnsettled, labels: ["state": $0.state, "reason": $0.reason],
                value: Double($0.count))
        } + [GaugeSample(MetricCatalogue.casesOpen, value: Double(standing.openCases))]
    }

    private func samples(_ workload: Workload, _ now: Instant) -> [GaugeSample] {
        var samples: [GaugeSample] = []
        for (name, queue) in [("retry", workload.retry), ("sweep", workload.sweep)] {
            let age = queue.oldestDueAt.map { Self.seconds(max(.zero, now - $0)) } ?? 0
            samples.append(GaugeSample(MetricCatalogue.checksDue, labels: ["queue": name], value: Double(queue.due)))
            samples.append(GaugeSample(MetricCatalogue.checksOldestAge, labels: ["queue": name], value: age))
        }
        samples.append(
            GaugeSample(MetricCatalogue.notificationsWaiting, value: Double(workload.notificationsWaiting)))
        samples.append(
            GaugeSample(MetricCatalogue.consumptionRequestsOpen, value: Double(workload.consumptionRequestsOpen)))
        if let last = workload.notificationReceivedAt {
            samples.append(GaugeSample(MetricCatalogue.lastNotification, value: Self.unixTime(last)))
        }
        if let deadline = workload.nextConsumptionDeadline {
            samples.append(GaugeSample(MetricCatalogue.consumptionDeadline, value: Self.unixTime(deadline)))
        }
        return samples
    }

    private func samples(_ coverage: [CoverageReport], _ now: Instant) -> [GaugeSample] {
        coverage.flatMap { report -> [GaugeSample] in
            // Before the first sweep there is no moment to be behind of.
            guard let record = report.record else { return [] }
            // An app that has no release yet has no notifications to be behind of.
            if record.fault == "unreleased" { return [] }
            let labels = ["environment": report.environment.rawValue]
            let failing = record.failingSince.map { Self.seconds(max(.zero, now - $0)) } ?? 0
            return [
                GaugeSample(
                    MetricCatalogue.coverageLag, labels: labels,
                    value: Self.seconds(max(.zero, now - record.completeThrough))),
                GaugeSample(MetricCatalogue.coverageFailing, labels: labels, value: failing),
            ]
        }
    }

    private static func seconds(_ span: Span) -> Double { Double(span.milliseconds) / 1_000 }

    private static func unixTime(_ instant: Instant) -> Double { Double(instant.millisecondsSince1970) / 1_000 }
}
