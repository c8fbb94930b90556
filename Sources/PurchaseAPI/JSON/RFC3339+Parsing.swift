import PurchaseCore

extension RFC3339 {
    /// Reads `2026-11-20T09:15:00Z`, also with decimals and with an offset such as `+02:00`; `nil` otherwise.
    ///
    /// Decimals beyond the millisecond are cut. A leap second counts as the second after it.
    static func parse(_ text: String) -> Instant? {
        var scanner = InstantScanner(rest: Array(text.utf8)[...])
        guard let year = scanner.number(4), scanner.take("-"), let month = scanner.number(2), scanner.take("-"),
            let day = scanner.number(2), (1...12).contains(month), (1...days(in: month, of: year)).contains(day),
            scanner.take("T"), let hour = scanner.number(2), scanner.take(":"), let minute = scanner.number(2),
            scanner.take(":"), let second = scanner.number(2), hour < 24, minute < 60, second <= 60,
            let milliseconds = scanner.fraction(), let offset = scanner.offsetMinutes(), scanner.rest.isEmpty
        else { return nil }
        let time = ((hour * 60 + minute - offset) * 60 + second) * 1_000 + milliseconds
        return Instant(millisecondsSince1970: daysSince1970(year, month, day) * 86_400_000 + time)
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    /// Counted in years that begin in March, so that the leap day is last; a whole cycle of 400 years later, so that no
    /// number is negative in the year 0.
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let marchYear = year + 400 - (month <= 2 ? 1 : 0)
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        let leapDays = marchYear / 4 - marchYear / 100 + marchYear / 400
        return marchYear * 365 + leapDays + dayOfYear - 719_468 - 146_097
    }
}

/// Takes an instant apart from its front.
private struct InstantScanner {
    var rest: ArraySlice<UInt8>

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

    /// A dot and digits, in whole milliseconds; 0 when there is no dot.
    mutating func fraction() -> Int64? {
        guard take(".") else { return 0 }
        let digits = rest.prefix { (48...57).contains($0) }
        guard (1...9).contains(digits.count) else { return nil }
        rest = rest.dropFirst(digits.count)
        return (Array(digits) + [48, 48]).prefix(3).reduce(0) { $0 * 10 + Int64($1 - 48) }
    }

    /// `Z`, or `+hh:mm` and `-hh:mm`, in minutes.
    mutating func offsetMinutes() -> Int64? {
        if take("Z") { return 0 }
        let sign: Int64 = take("+") ? 1 : -1
        if sign < 0, !take("-") { return nil }
        guard let hours = number(2), take(":"), let minutes = number(2), hours < 24, minutes < 60 else { return nil }
        return sign * (hours * 60 + minutes)
    }
}
