import Hummingbird
import PurchaseCore
import PurchaseService

extension Handlers {
    /// `GET /v1/coverage`: up to when Apple's notifications are complete, one item for each store.
    func getCoverage(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        try ParameterReader(request, context).check()
        let coverage = try await useCases.coverage()
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("coverage", coverage) { writer, item in writer.coverage(item) }
        }
        return .json(writer)
    }

    /// `GET /v1/apple/health`: budget, queues, clock and notifications.
    func getAppleHealth(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        try ParameterReader(request, context).check()
        let health = try await useCases.appleHealth()
        var writer = JSONWriter()
        writer.appleHealth(health)
        return .json(writer)
    }
}

extension JSONWriter {
    fileprivate mutating func coverage(_ coverage: CoverageView) {
        object { writer in
            writer.member("environment", coverage.environment.rawValue)
            writer.member("completeFrom", coverage.completeFrom)
            writer.member("completeThrough", coverage.completeThrough)
            writer.member("lagSeconds", coverage.lagSeconds)
            writer.member("sweptAt", coverage.sweptAt)
            writer.member("fault", coverage.fault)
            writer.member("waiting", coverage.waiting)
        }
    }

    fileprivate mutating func appleHealth(_ health: AppleHealthView) {
        object { writer in
            writer.member("observedAt", health.observedAt)
            writer.member("clockSkewMilliseconds", health.clockSkew?.milliseconds)
            writer.member("environments", health.environments) { writer, environment in
                writer.environment(environment, of: health)
            }
            writer.member("queue") { writer in writer.queues(of: health.workload, at: health.observedAt) }
            writer.member("notifications") { writer in writer.notifications(of: health.workload) }
        }
    }

    private mutating func environment(_ environment: StoreEnvironment, of health: AppleHealthView) {
        object { writer in
            writer.member("environment", environment.rawValue)
            writer.member("lastCall", health.lastCalls[environment]) { writer, call in
                writer.member("endpoint", call.endpoint)
                writer.member("outcome", call.outcome)
                writer.member("at", call.at)
            }
            let budgets = health.budgets.filter { $0.terms.environment == environment }
            writer.member("budgets", budgets) { writer, budget in
                writer.object { writer in
                    writer.member("endpointClass", budget.terms.endpointClass.rawValue)
                    writer.member("requestsPerHour", budget.terms.requestsPerHour)
                    writer.member("tokens", budget.tokens)
                    writer.member("throttledUntil", budget.terms.throttledUntil)
                }
            }
        }
    }

    private mutating func queues(of workload: Workload, at now: Instant) {
        let oldest = [workload.retry.oldestDueAt, workload.sweep.oldestDueAt].compactMap { $0 }.min()
        let together = Workload.Queue(due: workload.retry.due + workload.sweep.due, oldestDueAt: oldest)
        object { writer in
            writer.queueMembers(together, at: now)
            writer.member("retry") { writer in writer.object { $0.queueMembers(workload.retry, at: now) } }
            writer.member("sweep") { writer in writer.object { $0.queueMembers(workload.sweep, at: now) } }
        }
    }

    private mutating func queueMembers(_ queue: Workload.Queue, at now: Instant) {
        member("due", queue.due)
        member("oldestDueAt", queue.oldestDueAt)
        member("ageSeconds", queue.oldestDueAt.map { max(0, (now - $0).milliseconds / 1_000) } ?? 0)
    }

    private mutating func notifications(of workload: Workload) {
        object { writer in
            writer.member("lastReceivedAt", workload.notificationReceivedAt)
            writer.member("waiting", workload.notificationsWaiting)
            writer.member("consumptionRequests") { writer in
                writer.object { writer in
                    writer.member("open", workload.consumptionRequestsOpen)
                    writer.member("nextDeadline", workload.nextConsumptionDeadline)
                }
            }
        }
    }
}
