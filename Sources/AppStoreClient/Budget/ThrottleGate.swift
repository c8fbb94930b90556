package import PurchaseCore

/// Holds requests back after a 429, so that a replica doesn't go on asking at full rate until each call has learnt it.
///
/// Closed until Apple's `Retry-After`, or, without one, for 1 s, 2 s, 4 s … 30 s. While it is closed one request every
/// 30 s passes all the same: a mistaken header costs little, and the first answer that isn't a 429 opens the gate.
package struct ThrottleGate: Sendable, Equatable {
    /// How often one request passes while the gate is closed.
    package static let probeEvery = Span.seconds(30)

    private var closedAt: Instant?
    /// When the pause ends; `nil` while no pause was asked for since the last answer that was not a 429.
    package private(set) var closedUntil: Instant?
    private var retryAt: Instant?
    private var nextProbeAt: Instant?
    private var refusalsInARow = 0

    /// Starts open.
    package init() {}

    /// Whether a request may pass.
    package enum Verdict: Sendable, Equatable {
        /// It may.
        case open
        /// It may not; `retryAt` is Apple's instant if there was one.
        case closed(retryAt: Instant?)
    }

    /// Asks for one request; an `.open` while the gate is closed is the probe, and the next one is 30 s away.
    package mutating func admit(now: Instant) -> Verdict {
        guard let closedUntil, now < closedUntil else { return .open }
        if let nextProbeAt, now >= nextProbeAt {
            self.nextProbeAt = now + Self.probeEvery
            return .open
        }
        return .closed(retryAt: retryAt)
    }

    /// Apple answered 429; the answers to requests that were under way together count as one.
    package mutating func throttled(retryAt: Instant?, now: Instant) {
        let isClosed = closedUntil.map { now < $0 } ?? false
        if !isClosed {
            refusalsInARow += 1
            closedAt = now
            nextProbeAt = now + Self.probeEvery
            self.retryAt = nil
            closedUntil = now + .seconds(min(30, 1 << Int64(min(refusalsInARow - 1, 5))))
        }
        if let retryAt {
            self.retryAt = retryAt
            closedUntil = retryAt
        }
    }

    /// Apple answered with anything else; an answer to a request from before the gate closed says nothing.
    package mutating func passed(askedAt: Instant) {
        if let closedAt, askedAt <= closedAt { return }
        self = ThrottleGate()
    }
}
