import PurchaseCore

/// Instants as operators type them: RFC 3339, or a date alone for its first moment in UTC.
enum BackfillDate {
    /// `2026-11-20`, `2026-11-20T09:15:00Z`, also with decimals and with an offset such as `+02:00`; `nil` otherwise.
    static func parse(_ text: String) -> Instant? { CalendarDay(text)?.startInUTC ?? RFC3339.parse(text) }
}
