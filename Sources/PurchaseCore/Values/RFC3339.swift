/// Instants as the contract writes them: `2026-11-20T09:15:02.120Z`, UTC, always three decimals (RFC 3339).
///
/// Integer arithmetic alone: a formatter that goes through floating-point seconds gets some milliseconds wrong.
package enum RFC3339 {
    private static let millisecondsPerDay: Int64 = 86_400_000
    /// 0001-01-01T00:00:00.000Z to 9999-12-31T23:59:59.999Z, in milliseconds since 1970: four digits of year are all that
    /// the format has.
    ///
    /// What lies beyond is written as the nearer end.
    package static let range: ClosedRange<Int64> = -62_135_596_800_000...253_402_300_799_999

    /// Appends the 24 characters.
    package static func append(_ instant: Instant, to bytes: inout [UInt8]) {
        let clamped = min(max(instant.millisecondsSince1970, range.lowerBound), range.upperBound)
        // Floor division, so that the time of day is never negative.
        let day = (clamped - (clamped < 0 ? millisecondsPerDay - 1 : 0)) / millisecondsPerDay
        let time = clamped - day * millisecondsPerDay
        let date = CivilDate(daysSince1970: day)
        digits(date.year, 4, &bytes)
        bytes.append(UInt8(ascii: "-"))
        digits(date.month, 2, &bytes)
        bytes.append(UInt8(ascii: "-"))
        digits(date.day, 2, &bytes)
        bytes.append(UInt8(ascii: "T"))
        digits(time / 3_600_000, 2, &bytes)
        bytes.append(UInt8(ascii: ":"))
        digits(time / 60_000 % 60, 2, &bytes)
        bytes.append(UInt8(ascii: ":"))
        digits(time / 1_000 % 60, 2, &bytes)
        bytes.append(UInt8(ascii: "."))
        digits(time % 1_000, 3, &bytes)
        bytes.append(UInt8(ascii: "Z"))
    }

    /// The 24 characters.
    package static func text(_ instant: Instant) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24)
        append(instant, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func digits(_ value: Int64, _ count: Int, _ bytes: inout [UInt8]) {
        var divisor: Int64 = 1
        for _ in 1..<count { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }
}
