import FoundationEssentials
import Glibc
import PurchaseCore

/// Instants as people and log readers see them: RFC 3339, UTC, milliseconds.
enum UTCTime {
    /// Our clock.
    static var now: Instant {
        Instant(millisecondsSince1970: Int64((Date().timeIntervalSince1970 * 1_000).rounded(.down)))
    }

    /// `2026-11-22T21:04:05.678Z`; the plain number of milliseconds outside the years 0 to 9999.
    static func text(_ instant: Instant) -> String {
        // The years of RFC 3339, which is nearly always, without a look at the C library's calendar.
        if RFC3339.range.contains(instant.millisecondsSince1970) { return RFC3339.text(instant) }
        var (seconds, milliseconds) = instant.millisecondsSince1970.quotientAndRemainder(dividingBy: 1_000)
        if milliseconds < 0 { (seconds, milliseconds) = (seconds - 1, milliseconds + 1_000) }
        var time = time_t(seconds)
        var parts = tm()
        guard gmtime_r(&time, &parts) != nil, (-1900...8099).contains(parts.tm_year) else {
            return String(instant.millisecondsSince1970)
        }
        let date = [pad(Int(parts.tm_year) + 1900, 4), pad(Int(parts.tm_mon) + 1), pad(Int(parts.tm_mday))]
        let clock = [pad(Int(parts.tm_hour)), pad(Int(parts.tm_min)), pad(Int(parts.tm_sec))]
        return date.joined(separator: "-") + "T" + clock.joined(separator: ":") + "." + pad(Int(milliseconds), 3) + "Z"
    }

    private static func pad(_ number: Int, _ width: Int = 2) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
