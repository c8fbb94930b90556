package import PurchaseCore

/// Where a period begins or ends.
package enum PeriodBoundary: Hashable, Sendable {
    /// A moment.
    case instant(Instant)
    /// The first moment of a day in the query's time zone; where midnight is skipped, the first that there is.
    case day(CalendarDay)

    /// 0001-01-01T00:00:00Z: neither the format nor the database tells years before that apart.
    private static let earliest = Instant(millisecondsSince1970: -62_135_596_800_000)

    /// Reads an RFC 3339 instant or a day, `2026-11-20`; `nil` for anything else, and for the year 0.
    package init?(_ text: String) {
        if let day = CalendarDay(text), day.year >= 1 {
            self = .day(day)
        } else if let instant = RFC3339.parse(text), instant >= Self.earliest {
            self = .instant(instant)
        } else {
            return nil
        }
    }
}

/// Which movements of money somebody asks for.
package struct PaidRecordsQuery: Hashable, Sendable {
    /// From when, by `occurredAt`.
    package var from: PeriodBoundary
    /// Up to when; not included.
    package var to: PeriodBoundary
    /// The IANA name of the time zone in which days begin.
    package var timeZone: String
    /// The ledger position up to which events count; `nil` for the newest.
    package var asOf: Int64?
    /// Which store; never both, since Sandbox is no money.
    package var environment: StoreEnvironment

    /// Takes a period; in UTC, Production and the newest position unless told otherwise.
    package init(
        from: PeriodBoundary, to: PeriodBoundary, timeZone: String = "UTC", asOf: Int64? = nil,
        environment: StoreEnvironment = .production
    ) {
        self.from = from
        self.to = to
        self.timeZone = timeZone
        self.asOf = asOf
        self.environment = environment
    }

    /// Whether text has the form of an IANA time zone name; whether there is one the database knows.
    package static func isTimeZoneName(_ text: String) -> Bool {
        guard (1...64).contains(text.utf8.count), text.utf8.first.map(isLetter) == true else { return false }
        return text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty
                && part.utf8.allSatisfy {
                    isLetter($0) || (48...57).contains($0) || [UInt8(ascii: "_"), 43, 45].contains($0)
                }
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte) || (97...122).contains(byte) }
}

/// A query made definite: what it selects is the same for ever.
package struct PaidRecordsScope: Hashable, Sendable {
    /// From when, by `occurredAt`.
    package var from: Instant
    /// Up to when; not included.
    package var to: Instant
    /// The ledger position up to which events count.
    package var asOf: Int64
    /// Which store.
    package var environment: StoreEnvironment
    /// The time zone that days and months are told in; an IANA name that the database knows.
    package var timeZone: String

    /// Takes every part.
    package init(from: Instant, to: Instant, asOf: Int64, environment: StoreEnvironment, timeZone: String) {
        self.from = from
        self.to = to
        self.asOf = asOf
        self.environment = environment
        self.timeZone = timeZone
    }
}
