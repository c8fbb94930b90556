import Hummingbird
import PurchaseCore
import PurchaseService

extension ConsolePages {
    /// `GET /console/coverage`: up to when Apple's notifications are complete, and what came in.
    func coverage(_ visit: ConsoleVisit) async throws -> Response {
        try FormReader(visit.fields, known: []).check()
        let coverage = try await useCases.coverage()
        let workload = try await useCases.appleHealth().workload
        let content = CoverageContent(
            stores: coverage.map(CoverageContent.Store.init), notifications: .init(workload, now: visit.now))
        return page(.coverage, "Coverage", content, visit)
    }

    /// `GET /console/apple`: how the service gets on with Apple.
    func appleHealth(_ visit: ConsoleVisit) async throws -> Response {
        try FormReader(visit.fields, known: []).check()
        let health = try await useCases.appleHealth()
        return page(.apple, "Apple", AppleContent(health), visit)
    }
}

/// What `coverage.mustache` shows.
struct CoverageContent: Sendable {
    /// One store.
    struct Store: Sendable {
        let id: String
        let name: String
        let standing: Badge
        let sentence: String
        let from: ShownTime?
        let through: ShownTime?
        let lag: String?
        let sweptAt: ShownTime?
        let fault: String?
        let waiting: String

        /// Twice the time between two sweeps, and the newest minutes that are never noted.
        private static let usualLagSeconds: Int64 = 15 * 60

        init(_ coverage: CoverageView) {
            id = "store-" + coverage.environment.rawValue.lowercased()
            name = coverage.environment.rawValue
            from = coverage.completeFrom.map { ShownTime($0) }
            through = coverage.completeThrough.map { ShownTime($0) }
            lag = coverage.lagSeconds.map { Age.words(from: .epoch, to: .epoch + .seconds($0)) }
            sweptAt = coverage.sweptAt.map { ShownTime($0) }
            fault = coverage.fault.map(ShownCode.words)
            waiting = FinanceReport.count(coverage.waiting)
            guard let lagSeconds = coverage.lagSeconds else {
                standing = Badge(.waiting, "Not known yet")
                sentence = "The first comparison with Apple\u{2019}s own list has not come to its end."
                return
            }
            if coverage.fault != nil {
                standing = Badge(.bad, "Not up to date")
                sentence = "The last comparison with Apple\u{2019}s own list broke off. It is tried again by itself."
            } else if lagSeconds > Self.usualLagSeconds {
                standing = Badge(.waiting, "Behind")
                sentence = "What Apple sent since then may be missing. Comparisons are made every five minutes."
            } else {
                standing = Badge(.good, "Complete")
                sentence = "Every notification that Apple lists for this time is in the ledger."
            }
        }
    }

    /// What came in, of all stores.
    struct Notifications: Sendable {
        let lastReceivedAt: ShownTime?
        let lastAge: String?
        let waiting: String
        let waitingStanding: Badge
        let consumptionRequests: String
        let nextDeadline: ShownTime?

        init(_ workload: Workload, now: Instant) {
            lastReceivedAt = workload.notificationReceivedAt.map { ShownTime($0) }
            lastAge = workload.notificationReceivedAt.map { Age.words(from: $0, to: now) }
            waiting = FinanceReport.count(workload.notificationsWaiting)
            waitingStanding =
                workload.notificationsWaiting == 0
                ? Badge(.good, "None waits") : Badge(.waiting, waiting + " to be applied")
            consumptionRequests = FinanceReport.count(workload.consumptionRequestsOpen)
            nextDeadline = workload.nextConsumptionDeadline.map { ShownTime($0) }
        }
    }

    let stores: [Store]
    let notifications: Notifications
}

extension Instant {
    fileprivate static let epoch = Instant(millisecondsSince1970: 0)
}
