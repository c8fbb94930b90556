/// An instant as `timestamptz` stores it: microseconds, no zone.
///
/// `Int64.max` and `Int64.min` stand for PostgreSQL's `infinity` and `-infinity`.
package struct PostgresTimestamp: Sendable, Hashable, Comparable {
    /// Microseconds since 1970-01-01T00:00:00Z, negative before.
    package var microsecondsSinceUnixEpoch: Int64

    /// Makes an instant from microseconds since 1970-01-01T00:00:00Z.
    package init(microsecondsSinceUnixEpoch: Int64) { self.microsecondsSinceUnixEpoch = microsecondsSinceUnixEpoch }

    /// Makes an instant from milliseconds since 1970-01-01T00:00:00Z, the unit of Apple's dates; saturates.
    package init(millisecondsSinceUnixEpoch: Int64) {
        let (value, overflow) = millisecondsSinceUnixEpoch.multipliedReportingOverflow(by: 1000)
        microsecondsSinceUnixEpoch = overflow ? (millisecondsSinceUnixEpoch < 0 ? .min : .max) : value
    }

    /// Milliseconds since 1970-01-01T00:00:00Z, rounded down.
    package var millisecondsSinceUnixEpoch: Int64 {
        let (quotient, remainder) = microsecondsSinceUnixEpoch.quotientAndRemainder(dividingBy: 1000)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// Earlier before later; the infinities at the ends.
    package static func < (left: Self, right: Self) -> Bool {
        left.microsecondsSinceUnixEpoch < right.microsecondsSinceUnixEpoch
    }

    /// The wire counts from 2000-01-01.
    private static let wireEpochMicroseconds: Int64 = 946_684_800_000_000

    /// The value on the wire; what does not fit becomes an infinity, as the type's doc comment says.
    var wireValue: Int64 {
        if microsecondsSinceUnixEpoch == .max { return .max }
        let (value, overflow) = microsecondsSinceUnixEpoch.subtractingReportingOverflow(Self.wireEpochMicroseconds)
        return overflow ? .min : value
    }

    /// Reads the value from the wire.
    init(wireValue: Int64) {
        if wireValue == .min {
            microsecondsSinceUnixEpoch = .min
            return
        }
        let (value, overflow) = wireValue.addingReportingOverflow(Self.wireEpochMicroseconds)
        microsecondsSinceUnixEpoch = overflow ? .max : value
    }
}
