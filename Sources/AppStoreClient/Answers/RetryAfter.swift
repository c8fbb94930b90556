package import PurchaseCore

/// Apple's `Retry-After`: an absolute UNIX time in milliseconds, unlike RFC 9110's seconds or date
/// (App Store Server API, "Identifying rate limits").
package enum RetryAfter {
    /// The furthest that a value is believed; a larger one would park every request on somebody's mistake.
    package static let limit = Span.hours(1)

    /// Reads the header; `nil` for everything but an instant after `now` and at most an hour ahead.
    ///
    /// A count of seconds, or a UNIX time in seconds, read as milliseconds lies in January 1970, and so is `nil` too:
    /// the caller then takes its own pause, neither years nor none.
    package static func parse(_ value: String?, now: Instant) -> Instant? {
        guard let value, value.utf8.count <= 19, !value.isEmpty, value.utf8.allSatisfy({ (48...57).contains($0) }),
            let milliseconds = Int64(value)
        else { return nil }
        let instant = Instant(millisecondsSince1970: milliseconds)
        guard instant > now, instant - now <= limit else { return nil }
        return instant
    }
}
