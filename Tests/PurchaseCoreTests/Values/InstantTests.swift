import PurchaseCore
import Testing

@Suite("Instants and spans")
struct InstantTests {
    static let extremes: [Int64] = [.min, .min + 1, -1, 0, 1, .max - 1, .max]

    @Test("no arithmetic on instants and spans traps, whatever a payload carries", arguments: extremes, extremes)
    func neverTraps(left: Int64, right: Int64) {
        let instant = Instant(millisecondsSince1970: left)
        let span = Span(milliseconds: right)
        #expect(right <= 0 || instant + span >= instant)
        #expect(right >= 0 || instant + span <= instant)
        #expect(right <= 0 || instant - span <= instant)
        #expect(right >= 0 || instant - span >= instant)
        let distance = instant - Instant(millisecondsSince1970: right)
        #expect((distance > .zero) == (left > right))
    }

    @Test("instants and spans add up")
    func adds() {
        #expect(Instant.minute(3) - Instant.minute(1) == .minutes(2))
        #expect(Instant.minute(1) + .hours(1) == .minute(61))
        #expect(Instant.minute(61) - .hours(1) == .minute(1))
        #expect(Span.days(1) == .hours(24) && Span.hours(1) == .minutes(60) && Span.minutes(1) == .seconds(60))
    }
}

@Suite("Calendar durations")
struct CalendarDurationTests {
    @Test(
        "ISO 8601 durations are read",
        arguments: [
            ("P30D", 0, Span.days(30)), ("P1Y", 12, .zero), ("P1Y2M3D", 14, .days(3)), ("P2W", 0, .days(14)),
            ("PT8S", 0, .seconds(8)), ("PT15M", 0, .minutes(15)), ("P3DT4H5M6S", 0, .seconds(273_906)),
            ("PT0S", 0, .zero),
            ("P0D", 0, .zero), ("P1M", 1, .zero), ("PT1M", 0, .minutes(1)),
        ])
    func reads(text: String, months: Int64, span: Span) {
        #expect(CalendarDuration(iso8601: text) == CalendarDuration(months: months, span: span))
    }

    @Test(
        "everything else is refused",
        arguments: [
            "", "P", "PT", "P1", "1D", "P1DT", "PT1", "P1H", "PT1D", "P-1D", "-P1D", "+P1D", "P1.5D", "PT1,5S", "P1D1Y",
            "P1D1D", "PT1S1M", "PT1HT1M", "p1d", "P1 D", "P1D ", "P１D", "P1234567D", "P1W1D", "P1Y1W", "P1WT1H",
            "PPT1S",
        ])
    func refuses(text: String) {
        #expect(CalendarDuration(iso8601: text) == nil)
    }

    @Test("a duration with months has no fixed length")
    func fixedSpan() {
        #expect(CalendarDuration(iso8601: "P30D")?.fixedSpan == .days(30))
        #expect(CalendarDuration(iso8601: "P1M")?.fixedSpan == nil)
    }

    /// Days since 1970 of dates that a civil calendar gives (checked with `date -u -d`).
    @Test(
        "months end on the same day, or on the month's last",
        arguments: [
            // 2024-01-31 + P1M = 2024-02-29
            (19_753, 1, 19_782),
            // 2023-01-31 + P1M = 2023-02-28
            (19_388, 1, 19_416),
            // 2024-02-29 + P1Y = 2025-02-28
            (19_782, 12, 20_147),
            // 2023-12-15 + P1M = 2024-01-15
            (19_706, 1, 19_737),
            // 1969-12-31 + P2M = 1970-02-28
            (-1, 2, 58),
            // 2000-02-29 + P100Y = 2100-02-28
            (11_016, 1_200, 47_540),
        ])
    func months(from: Int64, months: Int64, to: Int64) {
        let time: Int64 = 45_296_789
        let start = Instant(millisecondsSince1970: from * 86_400_000 + time)
        let end = CalendarDuration(months: months, span: .zero).end(from: start)
        #expect(end == Instant(millisecondsSince1970: to * 86_400_000 + time))
    }

    @Test("no start traps, however far away", arguments: InstantTests.extremes, [0, 1, 12, 11_999_988])
    func neverTraps(start: Int64, months: Int64) {
        let instant = Instant(millisecondsSince1970: start)
        #expect(CalendarDuration(months: months, span: .days(1)).end(from: instant) >= instant)
    }
}

@Suite("Recheck schedule")
struct RecheckScheduleTests {
    let schedule = RecheckSchedule(first: .seconds(5), maximum: .minutes(15), notFoundDeadline: .days(3))

    @Test("waits double from the first to the maximum, give or take a tenth")
    func doubles() {
        for attempt in Int64(1)...20 {
            let ideal: Int64 = min(5_000 << (attempt - 1), 900_000)
            let wait = schedule.wait(afterAttempts: attempt, transaction: TransactionID("1001")).milliseconds
            #expect(abs(wait - ideal) <= ideal / 10)
        }
    }

    @Test("the spread depends on the id, and the same id waits the same")
    func spreads() {
        let waits = Set(
            (0..<100).map { schedule.wait(afterAttempts: 9, transaction: TransactionID("10\($0)")).milliseconds })
        #expect(waits.count > 50)
        #expect(
            schedule.wait(afterAttempts: 9, transaction: TransactionID("7"))
                == schedule.wait(afterAttempts: 9, transaction: TransactionID("7")))
    }

    @Test("no setting and no number of attempts traps", arguments: InstantTests.extremes, InstantTests.extremes)
    func neverTraps(attempts: Int64, milliseconds: Int64) {
        let extreme = RecheckSchedule(
            first: Span(milliseconds: milliseconds), maximum: Span(milliseconds: milliseconds), notFoundDeadline: .zero)
        for id in 0..<10 { _ = extreme.wait(afterAttempts: attempts, transaction: TransactionID("\(id)")) }
    }
}
