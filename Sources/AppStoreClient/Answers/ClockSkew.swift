package import PurchaseCore

/// How far our clock is from Apple's, from the `Date` header of an answer.
package enum ClockSkew {
    /// From here on a 401 may be the clock's fault: tokens are issued this far in the past.
    package static let suspicious = Duration.seconds(60)

    /// Our clock minus Apple's (positive: ours is fast), or `nil` without a readable header.
    ///
    /// Apple's instant lies somewhere between asking and answer, so it is compared with the middle; the header has
    /// whole seconds, so half of one is added. The error is at most half the round trip and half a second.
    package static func measure(date: String?, sentAt: Instant, receivedAt: Instant) -> Duration? {
        guard let date, let apple = HTTPDate.parse(date) else { return nil }
        let middle = sentAt + Span(milliseconds: (receivedAt - sentAt).milliseconds / 2)
        return .milliseconds((middle - (apple + Span(milliseconds: 500))).milliseconds)
    }
}
