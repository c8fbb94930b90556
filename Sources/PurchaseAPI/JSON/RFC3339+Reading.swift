import PurchaseCore

extension RFC3339 {
    /// Reads a date with time and offset (RFC 3339 §5.6); `nil` for anything else, and for days that don't exist.
    ///
    /// Digits beyond the millisecond are cut. A leap second is the second after it, as POSIX counts.
    static func instant(_ text: String) -> Instant? {
        var rest = Array(text.utf8)[...]
        guard let year = number(&rest, 4), take(&rest, "-"), let month = number(&rest, 2), take(&rest, "-"),
            let day = number(&rest, 2), take(&rest, "Tt"), let hour = number(&rest, 2), take(&rest, ":"),
            let minute = number(&rest, 2), take(&rest, ":"), let second = number(&rest, 2),
            let fraction = milliseconds(&rest), let offset = offsetMinutes(&rest), rest.isEmpty,
            year >= 1, (1...12).contains(month), (1...length(ofMonth: month, year)).contains(day), hour < 24,
            minute < 60, second <= 60
        else { return nil }
        let time = (hour * 60 + minute - offset) * 60 + second
        return Instant(millisecondsSince1970: (daysSince1970(year, month, day) * 86_400 + time) * 1_000 + fraction)
    }

    private static func take(_ rest: inout ArraySlice<UInt8>, _ characters: StaticString) -> Bool {
        guard let first = rest.first, characters.withUTF8Buffer({ $0.contains(first) }) else { return false }
        rest.removeFirst()
        return true
    }

    private static func number(_ rest: inout ArraySlice<UInt8>, _ count: Int) -> Int64? {
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        rest.removeFirst(count)
        return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }

    /// The fraction of a second, if there is one; 9 digits are read.
    private static func milliseconds(_ rest: inout ArraySlice<UInt8>) -> Int64? {
        guard rest.first == UInt8(ascii: ".") else { return 0 }
        rest.removeFirst()
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        guard (1...9).contains(digits.count) else { return nil }
        rest.removeFirst(digits.count)
        return digits.prefix(3).reduce(0) { $0 * 10 + Int64($1 - 0x30) } * [100, 10, 1][min(digits.count, 3) - 1]
    }

    /// `Z`, or hours and minutes with their sign.
    private static func offsetMinutes(_ rest: inout ArraySlice<UInt8>) -> Int64? {
        if take(&rest, "Zz") { return 0 }
        let isEast = rest.first == UInt8(ascii: "+")
        guard take(&rest, "+-"), let hours = number(&rest, 2), take(&rest, ":"), let minutes = number(&rest, 2),
            hours < 24, minutes < 60
        else { return nil }
        return (hours * 60 + minutes) * (isEast ? 1 : -1)
    }

    private static func length(ofMonth month: Int64, _ year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// The inverse of the calendar of writing: years begin in March, months follow the pattern of 153 days in five.
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let marchYear = month > 2 ? year : year - 1
        let monthFromMarch = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        return marchYear * 365 + marchYear / 4 - marchYear / 100 + marchYear / 400 + dayOfYear - 719_468
    }
}
