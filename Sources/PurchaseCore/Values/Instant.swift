/// A point in time: whole milliseconds since 1970-01-01T00:00:00Z, Apple's own unit and precision.
package struct Instant: Hashable, Comparable, Codable, Sendable {
    /// Milliseconds since 1970, negative before.
    package let millisecondsSince1970: Int64

    /// Takes milliseconds since 1970.
    package init(millisecondsSince1970: Int64) { self.millisecondsSince1970 = millisecondsSince1970 }

    /// Reads the plain number of milliseconds.
    package init(from decoder: any Decoder) throws {
        self.init(millisecondsSince1970: try decoder.singleValueContainer().decode(Int64.self))
    }

    /// Writes the plain number of milliseconds.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(millisecondsSince1970)
    }

    /// Earlier is less.
    package static func < (left: Self, right: Self) -> Bool {
        left.millisecondsSince1970 < right.millisecondsSince1970
    }

    /// The instant a span later; stops at the ends of the range instead of trapping, since Apple's numbers come in here.
    package static func + (instant: Self, span: Span) -> Self {
        let (sum, overflow) = instant.millisecondsSince1970.addingReportingOverflow(span.milliseconds)
        guard overflow else { return Self(millisecondsSince1970: sum) }
        return Self(millisecondsSince1970: span.milliseconds > 0 ? .max : .min)
    }

    /// The instant a span earlier.
    package static func - (instant: Self, span: Span) -> Self {
        let (difference, overflow) = instant.millisecondsSince1970.subtractingReportingOverflow(span.milliseconds)
        guard overflow else { return Self(millisecondsSince1970: difference) }
        return Self(millisecondsSince1970: span.milliseconds > 0 ? .min : .max)
    }

    /// The span from `right` to `left`; stops at the ends of the range.
    package static func - (left: Self, right: Self) -> Span {
        let (difference, overflow) = left.millisecondsSince1970.subtractingReportingOverflow(
            right.millisecondsSince1970)
        guard overflow else { return Span(milliseconds: difference) }
        return Span(milliseconds: left > right ? .max : -.max)
    }
}

/// A length of time in whole milliseconds; `Duration` has attosecond pairs that neither Apple nor the ledger needs.
package struct Span: Hashable, Comparable, Codable, Sendable {
    /// Milliseconds; negative for a span backwards.
    package let milliseconds: Int64

    /// Takes milliseconds.
    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// A number of seconds.
    package static func seconds(_ count: Int64) -> Self { Self(milliseconds: count * 1_000) }
    /// A number of minutes.
    package static func minutes(_ count: Int64) -> Self { .seconds(count * 60) }
    /// A number of hours.
    package static func hours(_ count: Int64) -> Self { .minutes(count * 60) }
    /// A number of days of 24 hours.
    package static func days(_ count: Int64) -> Self { .hours(count * 24) }
    /// No time at all.
    package static let zero = Self(milliseconds: 0)

    /// Both together; stops at the ends of the range.
    package static func + (left: Self, right: Self) -> Self {
        let (sum, overflow) = left.milliseconds.addingReportingOverflow(right.milliseconds)
        guard overflow else { return Self(milliseconds: sum) }
        return Self(milliseconds: right.milliseconds > 0 ? .max : .min)
    }

    /// Shorter is less.
    package static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }

    /// Reads the plain number of milliseconds.
    package init(from decoder: any Decoder) throws {
        self.init(milliseconds: try decoder.singleValueContainer().decode(Int64.self))
    }

    /// Writes the plain number of milliseconds.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(milliseconds)
    }
}
