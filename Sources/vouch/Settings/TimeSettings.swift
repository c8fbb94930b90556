import PurchaseCore

/// Waits and deadlines.
struct TimeSettings: Equatable, Sendable {
    /// How long a POST waits for Apple before it answers 202.
    var answerWithin = Span.seconds(8)
    /// When an unsettled transaction is asked about again.
    var recheck = RecheckSchedule(first: .seconds(5), maximum: .minutes(15), notFoundDeadline: .days(3))
    /// How long a settled answer is repeated without asking Apple.
    var freshFor = Span.days(1)
    /// How long access goes on past a period's end while Apple can't be asked about the renewal.
    var renewalLeeway = Span.hours(1)

    /// The defaults.
    init() {}

    /// Reads everything.
    init(reading reader: inout SettingsReader) {
        let defaults = TimeSettings()
        answerWithin = reader.span(.answerWithin, default: defaults.answerWithin, in: .zero ... .minutes(1))
        freshFor = reader.span(.freshFor, default: defaults.freshFor, in: .zero ... .days(366))
        renewalLeeway = reader.span(.renewalLeeway, default: defaults.renewalLeeway, in: .zero ... .days(30))
        recheck = RecheckSchedule(
            first: reader.span(.recheckFirst, default: defaults.recheck.first, in: .seconds(1) ... .days(1)),
            maximum: reader.span(.recheckMax, default: defaults.recheck.maximum, in: .seconds(1) ... .days(1)),
            notFoundDeadline: reader.span(
                .notFoundDeadline, default: defaults.recheck.notFoundDeadline, in: .seconds(1) ... .days(60)))
        if recheck.first > recheck.maximum {
            reader.fault(
                .recheckMax, "\(recheck.maximum.iso8601) is less than VOUCH_RECHECK_FIRST, \(recheck.first.iso8601)",
                "use at least as much")
        }
    }
}
