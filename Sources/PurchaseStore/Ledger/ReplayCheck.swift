import Postgres
package import PurchaseCore
package import PurchaseService

/// Replays the ledger's append-only rows and compares them with what is stored (law 7).
///
/// Chain by chain, with a bounded page of events at a time in memory; may run beside a service that writes.
package struct ReplayCheck: Sendable {
    /// A chain whose stored state is not what its events say.
    package struct Difference: Hashable, Sendable {
        /// The ledger's number.
        package let chainID: ChainID
        /// A few of its transactions, smallest first, for people to find it by.
        package let transactions: [TransactionID]
        /// What differs: `transactions`, `claims`, `cases`, `overrides`, `erasure`, `grants`, `entitlements`, `movements`,
        /// `renewal`, `identity`, `version`, or why the events can't be replayed.
        package let parts: [String]

        /// Takes every part.
        package init(chainID: ChainID, transactions: [TransactionID], parts: [String]) {
            self.chainID = chainID
            self.transactions = transactions
            self.parts = parts
        }
    }

    /// How far a run has come.
    package struct Progress: Hashable, Sendable {
        /// Chains looked at.
        package var chains: Int64 = 0
        /// Events replayed.
        package var events: Int64 = 0
        /// Chains that differ.
        package var differences: Int64 = 0
    }

    private static let page = 500

    private let store: LedgerStore

    /// Takes the store to read from.
    package init(store: LedgerStore) { self.store = store }

    /// Looks at every chain, in the order of their numbers; tells each difference and, after each page, the progress.
    ///
    /// Throws when the database can't be read; a chain that can't be read is a difference.
    package func run(
        found: (Difference) -> Void, progress: (Progress) -> Void
    ) async throws(LedgerError) -> Progress {
        var total = Progress()
        var last: ChainID?
        while true {
            let ids = try await store.chains(after: last, limit: Self.page)
            for id in ids {
                let (events, difference) = try await check(id)
                total.chains += 1
                total.events += events
                guard let difference else { continue }
                total.differences += 1
                found(difference)
            }
            progress(total)
            guard let newest = ids.last, !Task.isCancelled else { return total }
            last = newest
        }
    }

    /// Compares one chain; `nil` when stored and replayed are the same.
    package func check(_ id: ChainID) async throws(LedgerError) -> (events: Int64, difference: Difference?) {
        let stored: Chain
        do {
            guard let chain = try await store.chain(numbered: id) else {
                return (0, Difference(chainID: id, transactions: [], parts: ["missing"]))
            }
            stored = chain
        } catch  where error.code == .unreadable {
            return (0, Difference(chainID: id, transactions: [], parts: ["unreadable: \(error.message)"]))
        }
        var events: [LedgerEvent] = []
        var version: Int64 = 0
        // What is written meanwhile has a later version: it is left out, so that both sides are of one moment.
        while version < stored.version {
            let page = try await store.events(of: id, afterVersion: version, limit: Self.page)
            guard let newest = page.last?.chainVersion else { break }
            events += page.filter { $0.chainVersion <= stored.version }.map {
                LedgerEvent(chainID: id, chainVersion: $0.chainVersion, entries: $0.entries)
            }
            version = newest
        }
        let parts: [String]
        do {
            let replayed = try Chain.replay(events, evidence: stored.evidence)
            parts = Self.parts(replayed.replayable, stored.replayable)
        } catch {
            parts = ["\(error)"]
        }
        let transactions = Array(stored.transactions.keys.sorted().prefix(3))
        return (
            Int64(events.count),
            parts.isEmpty ? nil : Difference(chainID: id, transactions: transactions, parts: parts)
        )
    }

    private static func parts(_ replayed: Chain, _ stored: Chain) -> [String] {
        let comparisons: [(String, Bool)] = [
            ("identity", replayed.identity == stored.identity && replayed.absorbedBy == stored.absorbedBy),
            ("version", replayed.version == stored.version),
            ("transactions", replayed.transactions == stored.transactions),
            ("claims", replayed.claims == stored.claims), ("cases", replayed.cases == stored.cases),
            ("overrides", replayed.overrides == stored.overrides), ("erasure", replayed.erasure == stored.erasure),
            ("grants", replayed.grants == stored.grants),
            ("entitlements", replayed.entitlements == stored.entitlements),
            ("movements", replayed.movements == stored.movements), ("renewal", replayed.renewal == stored.renewal),
            ("evidence", replayed.evidence == stored.evidence),
        ]
        let parts = comparisons.filter { !$0.1 }.map(\.0)
        // A part that a later version adds and that is not named here must not go unnoticed.
        return parts.isEmpty && replayed != stored ? ["something"] : parts
    }
}
