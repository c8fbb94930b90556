package import PurchaseCore

/// Bounds and times of sweeps and backfills of Apple's notification history.
package struct CoverageConfiguration: Sendable {
    /// How often a store is swept, before jitter.
    package var sweepEvery: Span = .minutes(5)
    /// How often a process looks whether a sweep is due.
    package var pollEvery: Duration = .seconds(10)
    /// How far a sweep reaches back behind what is complete, so that what Apple listed late is found.
    package var overlap: Span = .minutes(15)
    /// How much of the newest time is never called complete: Apple may list a notification some time after signing it.
    package var settleMargin: Span = .minutes(5)
    /// How far back a sweep goes when what was noted as complete lies in our future: the clock had run ahead.
    package var clockDoubt: Span = .days(1)
    /// How much our clock may be ahead of Apple's before that is taken off what is noted as complete.
    package var clockTolerance: Span = .seconds(5)
    /// The longest slice that is asked for in one walk over its pages.
    package var sliceMax: Span = .days(1)
    /// The shortest that slices become while tokens expire before their last page.
    package var sliceMin: Span = .minutes(10)
    /// How much of a slice the next one repeats: Apple doesn't say which ends of a span belong to it.
    package var sliceOverlap: Span = .seconds(1)
    /// How far inside Apple's horizon the oldest question stays.
    package var horizonMargin: Span = .hours(1)
    /// Pages of one slice, 20 notifications each; a slice with more is asked for in shorter ones.
    package var pagesMax = 50_000
    /// How long other processes leave a sweep to the one that said so; renewed before each call.
    package var leaseFor: Span = .minutes(3)
    /// The longest that one call waits for the budget and for Apple.
    package var askTimeout: Duration = .seconds(20)
    /// How often one page is asked for again at once, after an outage or a short pause.
    package var pageRepeatsMax = 3
    /// The longest pause that is waited for in the middle of a slice; for a longer one the sweep ends and comes back.
    package var pauseMax: Span = .seconds(60)
    /// The shortest wait after a failed sweep.
    package var retryMin: Span = .seconds(30)
    /// The longest wait after failed sweeps; it grows with the time since the first of them.
    package var retryMax: Span = .minutes(15)
    /// Notifications of one page that are taken in at once.
    package var receiveAtOnce = 8
    /// How often a backfill asks for a failing slice before it gives up.
    package var sliceAttemptsMax = 6
    /// The part of the configured rate that a backfill uses, as its divisor.
    package var backfillShare: Int64 = 5
    /// A factor around 1 for waits between sweeps, so that many deployments don't ask Apple in step.
    package var jitter: @Sendable () -> Double = { Double.random(in: 0.9...1.1) }
    /// Waits; throws when cancelled.
    package var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

    /// The defaults of the design.
    package init() {}
}

extension StoreEnvironment {
    /// How far back Get Notification History goes (App Store Server API, "Get Notification History").
    package var notificationHistoryHorizon: Span {
        switch self {
        case .production: .days(180)
        case .sandbox: .days(30)
        }
    }
}
