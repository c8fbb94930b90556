package import PurchaseCore
import Synchronization

/// Chains that were verified, by the header segment that carried them: all JWS of one leaf have the same one, so a hit
/// saves its base64, JSON and DER and two P-384 signatures, 95 % of the work.
///
/// A hit never saves the JWS signature, the validity at the evidence's `signedDate`, or the revocation check. Only
/// chains whose JWS signature was good are kept: anybody can write endless variants of a genuine header, and those must
/// not push the genuine one out. An entry ends after ``lifetime`` or when one of its certificates does, whichever is
/// first; revocation has its own cache and its own end, in ``OCSPChecker``.
package final class VerifiedChainCache: Sendable {
    /// The trusted roots are part of the key: a chain that was verified under others proves nothing.
    struct Key: Hashable, Sendable {
        let roots: [UInt8]
        /// Bytes and not a `String`, whose equality is looser than that of bytes.
        let header: [UInt8]
    }

    private struct Entry {
        let chain: VerifiedChain
        let endsAt: Instant
        var lastUse: UInt64
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var uses: UInt64 = 0
        var statistics = Statistics()
    }

    /// How often the cache saved work, since it was made.
    package struct Statistics: Equatable, Sendable {
        /// Verifications that found their chain.
        package var hits = 0
        /// Chains that were verified.
        package var builds = 0
    }

    /// Entries that are kept; the least recently used makes room.
    ///
    /// Apple has one or two leaves at a time.
    package let entriesMax: Int
    /// How long an entry lasts at most.
    package let lifetime: Span

    /// One verification per header at a time.
    let flights = FlightTable<Key, Result<VerifiedChain, VerificationFailure>>()
    private let state = Mutex(State())

    /// An empty cache with room for `entriesMax` chains, at most about 40 KiB each.
    package init(entriesMax: Int = 64, lifetime: Span = .hours(1)) {
        self.entriesMax = max(1, entriesMax)
        self.lifetime = lifetime
    }

    /// Chains that are held now, ended ones included.
    package var count: Int { state.withLock { $0.entries.count } }
    /// Hits and builds so far.
    package var statistics: Statistics { state.withLock { $0.statistics } }

    func find(_ key: Key, now: Instant) -> VerifiedChain? {
        state.withLock { state in
            guard var entry = state.entries[key] else { return nil }
            guard now < entry.endsAt else {
                state.entries[key] = nil
                return nil
            }
            state.uses += 1
            entry.lastUse = state.uses
            state.entries[key] = entry
            state.statistics.hits += 1
            return entry.chain
        }
    }

    func countBuild() { state.withLock { $0.statistics.builds += 1 } }

    /// Keeps a chain; to be called only after a signature by its leaf has been checked.
    func admit(_ chain: VerifiedChain, for key: Key, now: Instant) {
        let endsAt = min(now + lifetime, chain.nextExpiry(after: now) ?? .init(millisecondsSince1970: .max))
        state.withLock { state in
            if state.entries[key] == nil, state.entries.count >= entriesMax {
                state.entries = state.entries.filter { now < $0.value.endsAt }
                while state.entries.count >= entriesMax,
                    let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
                {
                    state.entries[oldest.key] = nil
                }
            }
            state.uses += 1
            state.entries[key] = Entry(chain: chain, endsAt: endsAt, lastUse: state.uses)
        }
    }
}
