import AppStoreSimulator
import Logging
import PurchaseCore
import Synchronization

@testable import PurchaseService

/// Apple's history as the simulator has it, with a word of the test's before each call.
final class InterceptedHistory: NotificationHistoryPort {
    /// A call: its number, from 1, and what is asked.
    struct Call: Hashable, Sendable {
        var number: Int
        var slice: HistorySlice
        var paginationToken: String?
        var environment: StoreEnvironment
    }

    private let base: any NotificationHistoryPort
    private let intercept: @Sendable (Call) async -> NotificationHistoryAnswer?
    private let made = Mutex<[Call]>([])

    init(
        _ base: any NotificationHistoryPort, _ intercept: @escaping @Sendable (Call) async -> NotificationHistoryAnswer?
    ) {
        self.base = base
        self.intercept = intercept
    }

    var calls: [Call] { made.withLock { $0 } }

    func notificationHistory(
        _ slice: HistorySlice, paginationToken: String?, in environment: StoreEnvironment, deadline: Duration
    ) async -> NotificationHistoryAnswer {
        let call = made.withLock { calls in
            calls.append(
                Call(
                    number: calls.count + 1, slice: slice, paginationToken: paginationToken, environment: environment))
            return calls[calls.count - 1]
        }
        if let answer = await intercept(call) { return answer }
        return await base.notificationHistory(
            slice, paginationToken: paginationToken, in: environment, deadline: deadline)
    }
}

/// What a client knows, but for the difference of the clocks.
private struct SkewedHealth: AppStoreHealthPort {
    let base: any AppStoreHealthPort
    let clockSkew: Span?

    func health() -> AppStoreHealth {
        var health = base.health()
        health.clockSkew = clockSkew
        return health
    }
}

extension TestStack {
    /// No jitter, and waits that only move the clock.
    var coverageConfiguration: CoverageConfiguration {
        var configuration = CoverageConfiguration()
        configuration.jitter = { 1 }
        configuration.sleep = { [clock] duration in
            try Task.checkCancellation()
            clock.advance(Span(milliseconds: Int64(duration / .milliseconds(1))))
        }
        return configuration
    }

    /// A walk over the simulator's history, or over what a test makes of it, into the real intake.
    func walk(
        _ history: (any NotificationHistoryPort)? = nil, isUnreleased: Bool = false,
        receive: (@Sendable (String) async throws(LedgerError) -> NotificationIntake.Result)? = nil
    ) -> HistoryWalk {
        let intake = service.notificationIntake
        let own: @Sendable (String) async throws(LedgerError) -> NotificationIntake.Result = {
            payload async throws(LedgerError) in try await intake.receive(payload, origin: .history)
        }
        return HistoryWalk(
            history: history ?? service.dependencies.history, clock: service.dependencies.clock,
            configuration: coverageConfiguration, isUnreleased: isUnreleased,
            receive: receive ?? own)
    }

    /// A sweeper, as a process of its own, whose clock is so far ahead of Apple's.
    ///
    /// The stack's clock is moved by tests, while the `Date` of the simulator's answers is the machine's.
    func sweeper(
        _ walk: HistoryWalk? = nil, process: String = "sweeper", clockSkew: Span? = nil, logger: Logger? = nil
    ) -> NotificationSweeper {
        var dependencies = service.dependencies
        dependencies.processName = process
        dependencies.health = SkewedHealth(base: service.dependencies.health, clockSkew: clockSkew)
        if let logger { dependencies.logger = logger }
        return NotificationSweeper(
            dependencies: dependencies, configuration: coverageConfiguration, walk: walk ?? self.walk())
    }

    func backfill(_ walk: HistoryWalk? = nil, _ configuration: CoverageConfiguration? = nil) -> NotificationBackfill {
        NotificationBackfill(
            dependencies: service.dependencies, configuration: configuration ?? coverageConfiguration,
            walk: walk ?? self.walk())
    }

    /// Buys so many things; each makes a notification, which nobody delivers.
    ///
    /// A second later they lie in the past.
    @discardableResult
    func buy(_ count: Int = 1, in environment: SimulatedEnvironment = .production) throws -> [String] {
        defer { clock.advance(.seconds(1)) }
        return try (0..<count).map { _ in
            try simulator.purchase(SimulatedPurchase(productID: "pro", type: .nonConsumable, environment: environment))
                .transactionID
        }
    }

    /// What the API tells of a store.
    func coverage(of environment: StoreEnvironment = .production) async throws -> CoverageView? {
        try await service.coverage().first { $0.environment == environment }
    }
}

extension HistoryCounts {
    init(seen: Int, new: Int = 0, known: Int = 0, waiting: Int = 0, refused: Int = 0, foreign: Int = 0) {
        self.init()
        self.seen = seen
        self.new = new
        self.known = known
        self.waiting = waiting
        self.refused = refused
        self.foreign = foreign
    }
}
