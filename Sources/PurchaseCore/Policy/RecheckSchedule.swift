/// When Apple is asked about a transaction again: an unsettled one after waits that double from `first` to `maximum`, a
/// paid one in sweeps that follow the time in which refunds happen.
///
/// Each moment is spread by the id.
package struct RecheckSchedule: Equatable, Sendable {
    /// `VOUCH_RECHECK_FIRST`.
    package var first: Span
    /// `VOUCH_RECHECK_MAX`.
    package var maximum: Span
    /// `VOUCH_NOT_FOUND_DEADLINE`: how long Apple may know nothing before the transaction is refused.
    package var notFoundDeadline: Span

    /// Apple's definitive "not found" answers that each allowed environment must have given before a refusal.
    package static let notFoundAnswersMin: Int64 = 5

    /// Distances from the first contradiction at which Apple is asked again (law 2).
    ///
    /// 65 minutes makes the second clean answer at least an hour younger than the first, so that it can count.
    package static let contradiction: [Span] = [.minutes(1), .minutes(15), .minutes(65), .hours(6), .hours(24)]

    /// How long after the schedule's end Apple is asked once more for the second of two clean answers, when an outage
    /// took the time; as long as the two must lie apart, and a little more.
    package static let contradictionExtension = Span.minutes(65)

    /// How often the schedule is lengthened like that: Apple may give one stale answer after another.
    package static let contradictionExtensionsMax = 3

    /// The longest that a `Retry-After` is believed: Apple's budget is per hour, and a wrong value must not park a purchase.
    package static let throttledMax = Span.hours(1)

    /// The longest wait where asking sooner would bring nothing: Apple has answered and left out what is missing, or
    /// nobody waits for the answer.
    package static let patientMaximum = Span.hours(24)

    /// Distances from the charge at which Apple is asked about a paid transaction, in case nobody told of its refund.
    package static let sweeps: [Span] = [.days(1), .days(7), .days(30), .days(60), .days(90), .days(120)]

    /// The distance between sweeps after the last of ``sweeps``: Apple names no end of the time in which it refunds.
    package static let sweepEvery = Span.days(180)

    /// Fruitless attempts at one sweep before the next one is waited for; with the default first wait two days' worth.
    package static let sweepAttemptsMax: Int64 = 16

    /// Fruitless attempts at having an answer confirmed that turned around what was settled.
    package static let confirmationAttemptsMax: Int64 = 8

    /// Takes the three settings.
    package init(first: Span, maximum: Span, notFoundDeadline: Span) {
        self.first = first
        self.maximum = maximum
        self.notFoundDeadline = notFoundDeadline
    }

    /// The wait after the given number of fruitless attempts (≥ 1), with ±10 % that depends on the id alone.
    ///
    /// Grows to ``maximum``; a patient one on to ``patientMaximum``.
    package func wait(
        afterAttempts attempts: Int64, transaction: TransactionID, isPatient: Bool = false
    ) -> Span {
        let longest = isPatient ? max(maximum, Self.patientMaximum) : maximum
        let doublings = min(max(attempts, 1) - 1, 40)
        let (grown, overflow) = first.milliseconds.multipliedReportingOverflow(by: 1 << doublings)
        let base = overflow ? longest : min(Span(milliseconds: grown), longest)
        return base + Self.spread(over: base, transaction, turn: attempts)
    }

    /// The first sweep of a paid transaction after `now`, at most ``sweepEvery`` and a fifth ahead.
    ///
    /// Each lies within ±10 % of its distance from the one before it, so they never change places.
    package static func nextSweep(
        of transaction: TransactionID, chargedAt: Instant, after now: Instant
    ) -> Instant {
        var last = Span.zero
        for (turn, distance) in sweeps.enumerated() {
            let step = Span(milliseconds: distance.milliseconds - last.milliseconds)
            let moment = chargedAt + distance + spread(over: step, transaction, turn: Int64(turn))
            // Apple may date a renewal a day ahead; a date beyond all sense must not put the sweep off for ever.
            if moment > now { return min(moment, now + sweepEvery) }
            last = distance
        }
        // Reckoned from now, since no multiple of a period can be added to any date that Apple may send.
        let (steps, passed) = (now - (chargedAt + last)).milliseconds
            .flooredQuotientAndRemainder(by: sweepEvery.milliseconds)
        var ahead = max(1 - steps, 0)
        var moment = now
        repeat {
            let turn = Int64(sweeps.count) + steps + ahead
            moment =
                now + Span(milliseconds: ahead * sweepEvery.milliseconds - passed)
                + spread(over: sweepEvery, transaction, turn: turn)
            ahead += 1
        } while moment <= now
        return moment
    }

    /// Up to a tenth of a span, backwards or forwards, by the id and the turn alone.
    ///
    /// A hash in place of a random number keeps `decide` pure and still spreads a herd that came together.
    private static func spread(over span: Span, _ transaction: TransactionID, turn: Int64) -> Span {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in transaction.rawValue.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ UInt64(bitPattern: turn)) &* 0x100_0000_01b3
        let perMille = Int64(hash % 201) - 100
        let base = span.milliseconds
        // Exact for short spans; long ones are divided first, so that no setting overflows.
        return Span(milliseconds: abs(base / 1_000) < 1_000_000_000 ? base * perMille / 1_000 : base / 1_000 * perMille)
    }
}

/// An ISO 8601 duration of whole years, months, weeks, days, hours, minutes and seconds, as catalogues state them.
package struct CalendarDuration: Equatable, Sendable {
    /// Years and months, as months.
    package var months: Int64
    /// Everything with a fixed length.
    package var span: Span

    /// Takes months and a fixed span.
    package init(months: Int64, span: Span) {
        self.months = months
        self.span = span
    }

    /// Reads `P1Y2M3DT4H5M6S` and its parts, or weeks alone (`P2W`); `nil` for anything else, fractions and signs included.
    package init?(iso8601 text: String) {
        var rest = Substring(text)
        guard rest.popFirst() == "P", !rest.isEmpty else { return nil }
        var months: Int64 = 0
        var seconds: Int64 = 0
        var inTime = false
        var lastRank = -1
        let weeks = 2
        while !rest.isEmpty {
            if rest.first == "T" {
                guard !inTime, rest.count > 1, lastRank != weeks else { return nil }
                inTime = true
                rest.removeFirst()
                continue
            }
            let digits = rest.prefix(while: { $0.isASCII && $0.isNumber })
            guard !digits.isEmpty, digits.count <= 6, let count = Int64(digits) else { return nil }
            rest.removeFirst(digits.count)
            guard let designator = rest.popFirst() else { return nil }
            let rank: Int
            switch (designator, inTime) {
            case ("Y", false): (rank, months) = (0, months + count * 12)
            case ("M", false): (rank, months) = (1, months + count)
            case ("W", false): (rank, seconds) = (weeks, seconds + count * 604_800)
            case ("D", false): (rank, seconds) = (3, seconds + count * 86_400)
            case ("H", true): (rank, seconds) = (4, seconds + count * 3_600)
            case ("M", true): (rank, seconds) = (5, seconds + count * 60)
            case ("S", true): (rank, seconds) = (6, seconds + count)
            default: return nil
            }
            guard rank > lastRank, lastRank != weeks, rank != weeks || lastRank < 0 else { return nil }
            lastRank = rank
        }
        guard lastRank >= 0 else { return nil }
        self.init(months: months, span: .seconds(seconds))
    }

    /// The fixed length, where the duration has one (`nil` with years or months in it).
    package var fixedSpan: Span? { months == 0 ? span : nil }

    /// The end of the duration from a start, in the proleptic Gregorian calendar, UTC; a 31st that the target month
    /// does not have becomes its last day.
    package func end(from start: Instant) -> Instant {
        guard months != 0 else { return start + span }
        let (days, timeOfDay) = start.millisecondsSince1970.flooredQuotientAndRemainder(by: 86_400_000)
        var date = CivilDate(daysSince1970: days)
        let monthIndex = date.year * 12 + date.month - 1 + months
        let (year, month) = monthIndex.flooredQuotientAndRemainder(by: 12)
        date = CivilDate(year: year, month: month + 1, day: 1)
        let day = min(CivilDate(daysSince1970: days).day, date.daysInMonth)
        let result = CivilDate(year: date.year, month: date.month, day: day).daysSince1970
        // A start near the end of the range, which Apple's dates can be, must not trap: the end stops there too.
        let (midnight, overflow) = result.multipliedReportingOverflow(by: 86_400_000)
        guard !overflow else { return Instant(millisecondsSince1970: months > 0 ? .max : .min) }
        return Instant(millisecondsSince1970: midnight) + Span(milliseconds: timeOfDay) + span
    }
}
