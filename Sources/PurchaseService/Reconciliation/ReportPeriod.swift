package import PurchaseCore

/// The days that a line of one of Apple's sales reports counts together: a day, a week, a month or a year.
package struct ReportPeriod: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The longest that a report covers: a leap year.
    package static let daysMax: Int64 = 366

    /// The first day.
    package let first: CalendarDay
    /// The last day, which is included.
    package let last: CalendarDay

    /// Takes both ends; `nil` unless they are in order and at most ``daysMax`` apart.
    package init?(first: CalendarDay, last: CalendarDay) {
        guard (0..<Self.daysMax).contains(last.number - first.number) else { return nil }
        self.first = first
        self.last = last
    }

    /// The day after the last.
    package var next: CalendarDay { last.moved(by: 1) }

    /// Earlier is less; of those that begin together, the shorter one.
    package static func < (left: Self, right: Self) -> Bool {
        (left.first.number, left.last.number) < (right.first.number, right.last.number)
    }

    /// `2026-11-20`, or `2026-11-01 to 2026-11-30`.
    package var description: String { first == last ? "\(first)" : "\(first) to \(last)" }

    /// Whether they have a day in common.
    func overlaps(_ other: Self) -> Bool {
        first.number <= other.last.number && other.first.number <= last.number
    }
}

extension CalendarDay {
    /// Days since 1970-01-01.
    var number: Int64 { startInUTC.millisecondsSince1970 / Span.days(1).milliseconds }

    /// The day so many days later; itself beyond the years that have four digits.
    func moved(by days: Int64) -> Self {
        Self(String(RFC3339.text(startInUTC + .days(days)).prefix(10))) ?? self
    }

    /// Reads Apple's spelling in reports, `11/20/2026`; `nil` for anything else.
    init?(monthDayYear text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        self.init("\(parts[2])-\(parts[0])-\(parts[1])")
    }
}

/// The periods of the reports at hand, as the spans of time that the ledger knows.
package struct ReportCalendar: Hashable, Sendable {
    /// One period.
    package struct Entry: Hashable, Sendable {
        /// Apple's days.
        package var period: ReportPeriod
        /// Their first moment.
        package var from: Instant
        /// The first moment after them.
        package var to: Instant

        /// Takes all three.
        package init(period: ReportPeriod, from: Instant, to: Instant) {
            self.period = period
            self.from = from
            self.to = to
        }
    }

    /// Ascending, without a day in common.
    package let entries: [Entry]

    /// Takes periods that have no day in common, in any order.
    package init(_ entries: [Entry]) { self.entries = entries.sorted { $0.period < $1.period } }

    /// The days between the periods that no report covers.
    package var gaps: [ReportPeriod] {
        zip(entries, entries.dropFirst()).compactMap { earlier, later in
            ReportPeriod(first: earlier.period.next, last: later.period.first.moved(by: -1))
        }
    }

    /// The place of the period that holds an instant; `nil` when none does.
    func index(holding instant: Instant) -> Int? {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].to <= instant { low = middle + 1 } else { high = middle }
        }
        guard low < entries.count, entries[low].from <= instant else { return nil }
        return low
    }

    /// The place of a period; `nil` when it is none of these.
    func index(of period: ReportPeriod) -> Int? {
        entries.firstIndex { $0.period == period }
    }

    /// Whether the period after another's place follows without a gap.
    func isFollowed(_ index: Int) -> Bool {
        index + 1 < entries.count && entries[index].period.next == entries[index + 1].period.first
    }
}
