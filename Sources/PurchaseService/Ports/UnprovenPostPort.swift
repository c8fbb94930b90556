package import PurchaseCore

/// Who posts ids that nothing vouches for: bounded together, in the database, so that the bounds hold across processes and
/// restarts.
///
/// Implemented by `PurchaseStore`; throws ``LedgerError`` alone.
package protocol UnprovenPostPort: Sendable {
    /// Notes that an unproven id is posted, unless one of the posters is at a bound already; then nothing is written, and
    /// the answer says from when on it is worth another try. `nil`: go on.
    ///
    /// An id that Apple has vouched for is never noted and never held up, and a poster's repeat of an id that is noted for
    /// it counts once. Posters that post at the same instant may pass a bound together, one for each statement under way.
    func noteUnprovenPost(
        of transaction: TransactionID, by posters: [UnprovenPoster], now: Instant
    ) async throws(LedgerError) -> Instant?
    /// Gives back what these posters used up with an id, since Apple knows it; idempotent.
    func forgetUnprovenPost(of transaction: TransactionID, by posters: [UnprovenPoster]) async throws(LedgerError)
}

/// A key, an account or a network that posts unproven ids, with its bounds.
package struct UnprovenPoster: Hashable, Sendable {
    /// How long a miss, or an id without an answer yet, counts.
    package enum Window {
        /// Of misses.
        package static let misses = Span.hours(1)
        /// Of ids whose answer is still out: longer than a post waits for it, and short enough that an outage of Apple's
        /// shuts nobody out for long.
        package static let unanswered = Span.minutes(1)
    }

    /// What is bounded; the raw value is a stable code, for metrics.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// A publishable key, which all copies of the app share.
        case key
        /// The account that is posted for.
        case account
        /// The caller's address, or its /64.
        case network

        /// Misses within ``Window/misses`` that are let through.
        ///
        /// A miss costs about 600 calls to Apple until it is refused after three days. The key's bound, used up hour after
        /// hour, makes 24 calls a second: half of the default budget, in the lanes that wait for paying customers. It takes
        /// five networks to use up a key's. An honest account has none, but for ids of another environment.
        package var missesMax: Int64 {
            switch self {
            case .key: 150
            case .account: 10
            case .network: 30
            }
        }

        /// Ids without an answer yet, within ``Window/unanswered``, that are let through: what would be too many misses if
        /// all of them became one, with room for customers behind one key or one address while Apple is slow.
        package var unansweredMax: Int64 {
            switch self {
            case .key: 600
            case .account: 10
            case .network: 60
            }
        }
    }

    /// What it is.
    package var kind: Kind
    /// A keyed digest of its name, 32 lower-case hexadecimal digits: the table that bounds people names nobody.
    package var digest: String

    /// Takes both.
    package init(kind: Kind, digest: String) {
        self.kind = kind
        self.digest = digest
    }
}
