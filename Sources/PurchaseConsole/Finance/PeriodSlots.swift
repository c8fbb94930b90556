package import PurchaseCore
package import PurchaseService

/// The days or months of a period, as a chart's horizontal axis has them.
package struct PeriodSlots: Hashable, Sendable {
    /// What one slot is: a day, or a month for longer periods.
    package var grouping: RevenueGrouping
    /// `2026-11-20` or `2026-11`, oldest first.
    package var labels: [String]

    /// The most days of a chart by day: a leap year.
    package static let daysMax = 366
    /// The most months of a chart by month: fifty years.
    package static let monthsMax = 600

    /// Takes the first day and the day after the last; `nil` when there are more months than a chart can hold, or none.
    ///
    /// Days are names, not lengths of time: it doesn't matter in which time zone they are meant.
    package init?(from: CalendarDay, to: CalendarDay) {
        let (start, end) = (from.startInUTC, to.startInUTC)
        guard start < end else { return nil }
        if (end - start).milliseconds <= Span.days(Int64(Self.daysMax)).milliseconds {
            grouping = .day
            labels = stride(
                from: start.millisecondsSince1970, to: end.millisecondsSince1970, by: Int(Span.days(1).milliseconds)
            ).map { String(RFC3339.text(Instant(millisecondsSince1970: $0)).prefix(10)) }
            return
        }
        guard let last = CalendarDay(RFC3339.text(end - .days(1)).prefix(10).description) else { return nil }
        let months = (from.year * 12 + from.month - 1)...(last.year * 12 + last.month - 1)
        guard months.count <= Self.monthsMax else { return nil }
        grouping = .month
        labels = months.map { month in
            let (year, month) = (String(month / 12), String(month % 12 + 1))
            return String(repeating: "0", count: 4 - year.count) + year + "-"
                + String(repeating: "0", count: 2 - month.count) + month
        }
    }
}
