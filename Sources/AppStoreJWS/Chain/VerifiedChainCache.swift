import Crypto
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

    /// A chain that was verified, and what else all JWS with its header have in common.
    struct Found: Sendable {
        let chain: VerifiedChain
        /// SHA-256 under way: the header segment is in it, and nothing else.
        let hashedHeader: SHA256
    }

    private struct Entry {
        let key: Key
        let found: Found
        let endsAt: Instant
    }

    private struct State {
        /// The most recently used first.
        ///
        /// Nearly always it is the one that is looked for, so comparing bytes takes less than hashing them would.
        var entries: [Entry] = []
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

    /// What is known of a header segment, under these roots.
    func find(_ header: ArraySlice<UInt8>, roots: [UInt8], now: Instant) -> Found? {
        state.withLock { state in
            guard let place = state.entries.firstIndex(where: { $0.key.has(header, roots) }) else { return nil }
            let entry = state.entries[place]
            guard now < entry.endsAt else {
                state.entries.remove(at: place)
                return nil
            }
            if place > 0 {
                state.entries.remove(at: place)
                state.entries.insert(entry, at: 0)
            }
            state.statistics.hits += 1
            return entry.found
        }
    }

    func countBuild() { state.withLock { $0.statistics.builds += 1 } }

    /// Keeps a chain; to be called only after a signature by its leaf has been checked.
    func admit(_ found: Found, for key: Key, now: Instant) {
        let endsAt = min(now + lifetime, found.chain.nextExpiry(after: now) ?? .init(millisecondsSince1970: .max))
        state.withLock { state in
            state.entries.removeAll { $0.key == key }
            if state.entries.count >= entriesMax { state.entries.removeAll { now >= $0.endsAt } }
            if state.entries.count >= entriesMax { state.entries.removeLast(state.entries.count - entriesMax + 1) }
            state.entries.insert(Entry(key: key, found: found, endsAt: endsAt), at: 0)
        }
    }
}

extension VerifiedChainCache.Key {
    /// Whether it is of this header and these roots.
    fileprivate func has(_ header: ArraySlice<UInt8>, _ roots: [UInt8]) -> Bool {
        roots == self.roots
            && header.withUnsafeBufferPointer { left in
                self.header.withUnsafeBufferPointer { right in ByteScan.equal(left, right) }
            }
    }
}
