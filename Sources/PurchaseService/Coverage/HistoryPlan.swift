import PurchaseCore

/// How a span of Apple's history is walked: in slices, oldest first, shorter ones while tokens expire too soon.
///
/// Pure.
struct HistoryPlan: Equatable {
    /// The end of the last slice.
    let end: Instant
    /// Where the next slice begins.
    private(set) var from: Instant
    private var length: Span
    private let sliceMax: Span
    private let sliceMin: Span
    private let sliceOverlap: Span

    init(_ span: HistorySlice, _ configuration: CoverageConfiguration) {
        from = span.from
        end = span.to
        length = configuration.sliceMax
        sliceMax = configuration.sliceMax
        sliceMin = configuration.sliceMin
        sliceOverlap = configuration.sliceOverlap
    }

    /// The slice to walk now; `nil` when everything is done.
    var next: HistorySlice? { from < end ? HistorySlice(from: from, to: min(from + length, end)) : nil }

    /// The slice is done: the next one follows, up to twice as long.
    mutating func finished() {
        guard let slice = next else { return }
        from = slice.to == end ? end : slice.to - sliceOverlap
        length = min(sliceMax, Span(milliseconds: length.milliseconds * 2))
    }

    /// A token expired in the middle of the slice: it starts again, half as long; false when it can't be shorter.
    mutating func shorten() -> Bool {
        guard length > sliceMin else { return false }
        length = max(sliceMin, Span(milliseconds: length.milliseconds / 2))
        return true
    }

    /// Apple doesn't go back that far: begins a slice later; false when nothing would be left.
    mutating func skip() -> Bool {
        guard from + sliceMax < end else { return false }
        from = from + sliceMax
        return true
    }
}

extension HistoryPlan {
    /// What a sweep walks: from a little before what is complete, as far back as Apple goes, up to now.
    ///
    /// `isBehindHorizon` says that something between `completeThrough` and the plan's beginning can't be asked for any
    /// more.
    static func sweep(
        of environment: StoreEnvironment, completeThrough: Instant, now: Instant, _ configuration: CoverageConfiguration
    ) -> (plan: HistoryPlan, isBehindHorizon: Bool) {
        let oldest = now - environment.notificationHistoryHorizon + configuration.horizonMargin
        // In our future: the clock ran ahead when it was noted, and how far nobody knows any more.
        let through = completeThrough > now ? now - configuration.clockDoubt : completeThrough
        let from = max(through - configuration.overlap, oldest)
        return (HistoryPlan(HistorySlice(from: from, to: now), configuration), from > completeThrough)
    }

    /// The days, from midnight to midnight in UTC, that a backfill walks, newest first; the outer ones are cut.
    ///
    /// Whole days, so that a later run with other ends finds most of them done.
    static func days(of span: HistorySlice) -> [HistorySlice] {
        let day = Span.days(1)
        var days: [HistorySlice] = []
        var to = span.to
        while to > span.from {
            let (quotient, remainder) = to.millisecondsSince1970.quotientAndRemainder(dividingBy: day.milliseconds)
            let midnight = Instant(
                millisecondsSince1970: (remainder == 0 ? quotient - 1 : quotient) * day.milliseconds)
            let from = max(midnight, span.from)
            days.append(HistorySlice(from: from, to: to))
            to = from
        }
        return days
    }

    /// The wait after a failed sweep: half of the time since the first failure in a row, within its bounds.
    ///
    /// So it grows with each failure, and nothing but the first one's moment has to be remembered.
    static func wait(failingSince: Instant, now: Instant, _ configuration: CoverageConfiguration) -> Span {
        let half = Span(milliseconds: max(0, (now - failingSince).milliseconds) / 2)
        return min(max(half, configuration.retryMin), configuration.retryMax)
    }
}
