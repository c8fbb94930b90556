extension RFC3339 {
    /// Reads `2026-11-20T09:15:00Z`, also with decimals and with an offset such as `+02:00`; `nil` otherwise.
    ///
    /// Decimals beyond the millisecond are cut. A leap second counts as the second after it.
    package static func parse(_ text: String) -> Instant? {
        var scanner = DateScanner(text)
        guard let day = scanner.day(), scanner.take("T") || scanner.take("t"), let hour = scanner.number(2),
            scanner.take(":"), let minute = scanner.number(2), scanner.take(":"), let second = scanner.number(2),
            hour < 24, minute < 60, second <= 60, let milliseconds = scanner.fraction(),
            let offset = scanner.offsetMinutes(), scanner.isAtEnd
        else { return nil }
        let time = ((hour * 60 + minute - offset) * 60 + second) * 1_000 + milliseconds
        return Instant(millisecondsSince1970: day.startInUTC.millisecondsSince1970 + time)
    }
}

/// A day of the Gregorian calendar, wherever it is: when it begins depends on the time zone.
package struct CalendarDay: Hashable, Sendable, CustomStringConvertible {
    /// 0–9999.
    package let year: Int64
    /// 1–12.
    package let month: Int64
    /// 1–31, one that the month has.
    package let day: Int64

    /// Reads `2026-11-20`; `nil` for anything else, and for a day that the month doesn't have.
    package init?(_ text: String) {
        var scanner = DateScanner(text)
        guard let day = scanner.day(), scanner.isAtEnd else { return nil }
        self = day
    }

    fileprivate init?(year: Int64, month: Int64, day: Int64) {
        guard (1...12).contains(month), (1...CivilDate(year: year, month: month, day: 1).daysInMonth).contains(day)
        else { return nil }
        self.year = year
        self.month = month
        self.day = day
    }

    /// `2026-11-20`.
    package var description: String { String(RFC3339.text(startInUTC).prefix(10)) }

    /// Its first moment in UTC.
    package var startInUTC: Instant {
        Instant(millisecondsSince1970: CivilDate(year: year, month: month, day: day).daysSince1970 * 86_400_000)
    }
}

/// Takes a date apart from its front.
private struct DateScanner {
    private var rest: ArraySlice<UInt8>

    init(_ text: String) { rest = Array(text.utf8)[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    /// Exactly so many digits.
    mutating func number(_ digits: Int) -> Int64? {
        let head = rest.prefix(digits)
        guard head.count == digits, head.allSatisfy({ (48...57).contains($0) }) else { return nil }
        rest = rest.dropFirst(digits)
        return head.reduce(0) { $0 * 10 + Int64($1 - 48) }
    }

    /// `2026-11-20`.
    mutating func day() -> CalendarDay? {
        guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2) else { return nil }
        return CalendarDay(year: year, month: month, day: day)
    }

    /// `.` and digits, in whole milliseconds; 0 when there is no dot.
    mutating func fraction() -> Int64? {
        guard take(".") else { return 0 }
        let digits = rest.prefix { (48...57).contains($0) }
        guard (1...9).contains(digits.count) else { return nil }
        rest = rest.dropFirst(digits.count)
        return (Array(digits) + [48, 48]).prefix(3).reduce(0) { $0 * 10 + Int64($1 - 48) }
    }

    /// `Z`, or `+hh:mm` and `-hh:mm`, in minutes.
    mutating func offsetMinutes() -> Int64? {
        if take("Z") || take("z") { return 0 }
        let sign: Int64 = take("+") ? 1 : -1
        if sign < 0, !take("-") { return nil }
        guard let hours = number(2), take(":"), let minutes = number(2), hours < 24, minutes < 60 else { return nil }
        return sign * (hours * 60 + minutes)
    }
}
