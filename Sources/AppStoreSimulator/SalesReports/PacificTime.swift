import PurchaseCore

/// Midnights of Pacific time, in which Apple's sales reports count days; by the rules of the United States since 2007.
enum PacificTime {
    /// The first moment of a day, in milliseconds since 1970 UTC.
    static func start(of day: CalendarDay) -> Int64 {
        // The clocks change at two o'clock, so midnight of such a day is still the time before.
        let isDaylight = day.number > sunday(2, in: 3, of: day) && day.number <= sunday(1, in: 11, of: day)
        return day.number * Milliseconds.day + (isDaylight ? 7 : 8) * Milliseconds.hour
    }

    /// The number of the n-th Sunday of a month in the year of a day.
    private static func sunday(_ count: Int64, in month: Int64, of day: CalendarDay) -> Int64 {
        let text = String(day.description.prefix(5)) + (month < 10 ? "0" : "") + "\(month)-01"
        guard let first = CalendarDay(text)?.number else { return .max }
        // 1970-01-01 was a Thursday, four days after a Sunday.
        let weekday = (first + 4) % 7
        return first + (7 - weekday) % 7 + 7 * (count - 1)
    }
}

extension CalendarDay {
    /// Days since 1970-01-01.
    fileprivate var number: Int64 { startInUTC.millisecondsSince1970 / Milliseconds.day }

    /// The next day.
    var next: CalendarDay { CalendarDay(String(RFC3339.text(startInUTC + .days(1)).prefix(10))) ?? self }

    /// As Apple's reports write it: `11/20/2026`.
    var monthDayYear: String {
        let parts = description.split(separator: "-")
        return "\(parts[1])/\(parts[2])/\(parts[0])"
    }
}
