import PurchaseAPI
import PurchaseCore
import PurchaseService

/// The question of the finance page, as it was sent.
struct FinanceForm: Sendable {
    let errors: ErrorSummary?
    let days: [TextField]
    let texts: [TextField]
    let choices: [ChoiceField]
    /// Usual periods.
    let presets: [ShownLink]

    private static let defaultDays: Int64 = 30

    init(_ reader: FormReader, now: Instant) {
        let (prefix, faults) = ("finance-", reader.faults)
        func text(_ name: String, _ label: String, _ hint: String? = nil, isRequired: Bool = false) -> TextField {
            TextField(
                name, label, prefix: prefix, value: reader.text(name), hint: hint, faults: faults,
                isRequired: isRequired, maximum: 64)
        }
        errors = ErrorSummary(faults, prefix: prefix, heading: "There are no figures for this")
        days = [
            text("from", "First day", isRequired: true),
            text("to", "Up to, but without", isRequired: true),
        ]
        texts = [
            text("tz", "Time zone of the days", "UTC, or such as Europe/Berlin"),
            text("asOf", "As of position", "Empty: now. A position brings the same figures for ever."),
        ]
        let stores = [StoreEnvironment.production, .sandbox].map { (value: $0.rawValue, label: $0.rawValue) }
        let groupings = RevenueGrouping.allCases.map { (value: $0.rawValue, label: "by \($0.rawValue)") }
        choices = [
            ChoiceField(
                "environment", "Environment", prefix: prefix, value: reader.text("environment") ?? "Production",
                options: stores, faults: faults),
            ChoiceField(
                "groupBy", "Table", prefix: prefix, value: reader.text("groupBy") ?? "day", options: groupings,
                faults: faults),
        ]
        presets = Self.presets(reader, now: now)
    }

    /// Fields for the last thirty days where no period is asked for.
    static func withDefaults(_ fields: [FormField], now: Instant) -> [FormField] {
        guard !fields.contains(where: { ($0.name == "from" || $0.name == "to") && !$0.value.isEmpty }) else {
            return fields
        }
        // Where the day begins earlier than in UTC, tomorrow may have begun.
        let zone = fields.first { $0.name == "tz" }?.value ?? ""
        let tomorrow = now + .days(1) + (zone.isEmpty || zone == "UTC" ? .zero : .hours(14))
        return fields.filter { $0.name != "from" && $0.name != "to" } + [
            FormField(name: "from", value: day(tomorrow - .days(defaultDays))),
            FormField(name: "to", value: day(tomorrow)),
        ]
    }

    /// The days of a query; `nil` where an end is another moment, which the page has no field for.
    static func period(of query: PaidRecordsQuery?) -> DayPeriod? {
        guard case .day(let from)? = query?.from, case .day(let to)? = query?.to else { return nil }
        return DayPeriod(from: from, to: to)
    }

    private static func presets(_ reader: FormReader, now: Instant) -> [ShownLink] {
        let today = day(now)
        guard let year = Int64(today.prefix(4)), let month = Int64(today.dropFirst(5).prefix(2)) else { return [] }
        /// The first of the month so many months after this one.
        func first(_ months: Int64) -> String {
            let count = year * 12 + month - 1 + months
            let number = count % 12 + 1
            return "\(count / 12)-\(number < 10 ? "0" : "")\(number)-01"
        }
        let periods: [(String, String, String)] = [
            ("Last 30 days", day(now - .days(29)), day(now + .days(1))), ("This month", first(0), first(1)),
            ("Last month", first(-1), first(0)), ("This year", "\(year)-01-01", "\(year + 1)-01-01"),
            ("Last year", "\(year - 1)-01-01", "\(year)-01-01"),
        ]
        let address = FinanceAddress(reader)
        return periods.map { label, from, to in ShownLink(label, address.page(["from": from, "to": to, "asOf": ""])) }
    }

    private static func day(_ instant: Instant) -> String { String(RFC3339.text(instant).prefix(10)) }
}

/// What `finance.mustache` shows.
struct FinanceContent: Sendable {
    let form: FinanceForm
    let report: FinanceReport?
}

/// From one day up to another, which is not included.
struct DayPeriod: Hashable, Sendable {
    let from: CalendarDay
    let to: CalendarDay

    /// `2026-11-01 through 2026-11-30`, or the one day that it has.
    var words: String {
        let last = RFC3339.text(to.startInUTC - .days(1)).prefix(10)
        return last == from.description ? from.description : "\(from) through \(last)"
    }
}
