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
        bytes.append(addingCapacity: 24) { output in
            pair(date.year / 100, &output)
            pair(date.year % 100, &output)
            output.append(UInt8(ascii: "-"))
            pair(date.month, &output)
            output.append(UInt8(ascii: "-"))
            pair(date.day, &output)
            output.append(UInt8(ascii: "T"))
            pair(time / 3_600_000, &output)
            output.append(UInt8(ascii: ":"))
            pair(time / 60_000 % 60, &output)
            output.append(UInt8(ascii: ":"))
            pair(time / 1_000 % 60, &output)
            output.append(UInt8(ascii: "."))
            output.append(UInt8(ascii: "0") + UInt8(time % 1_000 / 100))
            pair(time % 100, &output)
            output.append(UInt8(ascii: "Z"))
        }
    }

    /// The 24 characters.
    package static func text(_ instant: Instant) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24)
        append(instant, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Two digits of a number below 100.
    private static func pair(_ value: Int64, _ output: inout OutputSpan<UInt8>) {
        output.append(UInt8(ascii: "0") + UInt8(value / 10))
        output.append(UInt8(ascii: "0") + UInt8(value % 10))
    }
}
