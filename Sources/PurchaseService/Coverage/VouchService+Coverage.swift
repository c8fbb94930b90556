import PurchaseCore

extension VouchService {
    /// The worker that heals gaps from Apple's own history.
    package func notificationSweeper(
        _ configuration: CoverageConfiguration = CoverageConfiguration()
    ) -> NotificationSweeper {
        NotificationSweeper(
            dependencies: dependencies, configuration: configuration, walk: historyWalk(configuration))
    }

    /// Takes in a time in the past.
    package func notificationBackfill(
        _ configuration: CoverageConfiguration = CoverageConfiguration()
    ) -> NotificationBackfill {
        NotificationBackfill(
            dependencies: dependencies, configuration: configuration, walk: historyWalk(configuration))
    }

    private func historyWalk(_ coverage: CoverageConfiguration) -> HistoryWalk {
        let intake = notificationIntake
        return HistoryWalk(
            history: dependencies.history, clock: dependencies.clock, configuration: coverage,
            isUnreleased: configuration.appUnreleased,
            receive: { signedPayload async throws(LedgerError) in
                try await intake.receive(signedPayload, origin: .history)
            })
    }

    /// See ``UseCases/coverage()``.
    package func coverage() async throws(ServiceError) -> [CoverageView] {
        let now = dependencies.clock.now()
        let allowed = dependencies.policy.allowedEnvironments
        let reports = try await withLedger { () async throws(LedgerError) in
            try await ledger.coverage(of: allowed)
        }
        return reports.map { CoverageView($0, now: now) }
    }

    /// See ``UseCases/appleHealth()``.
    package func appleHealth() async throws(ServiceError) -> AppleHealthView {
        let now = dependencies.clock.now()
        let (workload, levels) = try await withLedger { () async throws(LedgerError) in
            (try await ledger.workload(at: now), try await ledger.budgetLevels())
        }
        let health = dependencies.health.health()
        let environments = dependencies.policy.allowedEnvironments.sorted()
        let budgets = health.budgets.filter { environments.contains($0.environment) }.map { terms in
            AppleHealthView.Budget(
                terms,
                level: levels.first {
                    $0.environment == terms.environment && $0.endpointClass == terms.endpointClass
                })
        }
        return AppleHealthView(
            environments: environments, budgets: budgets, lastCalls: health.lastCalls, clockSkew: health.clockSkew,
            workload: workload, observedAt: now)
    }
}
