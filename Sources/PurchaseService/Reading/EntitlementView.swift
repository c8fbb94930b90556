package import PurchaseCore

/// What the ledger says about what an account may use, before it is put together.
package struct AccountRights: Hashable, Sendable {
    /// Rows that purchases gave it; at least the one of each (key, environment) that counts, the others are no harm.
    package var rows: [Entitlement]
    /// What support decided, in force at the instant of reading.
    package var overrides: [Override]

    /// Takes both parts.
    package init(rows: [Entitlement] = [], overrides: [Override] = []) {
        self.rows = rows
        self.overrides = overrides
    }
}

/// What an account may use of one key in one store, as the API lists it.
package struct EntitlementView: Hashable, Sendable {
    /// What it is about.
    package var key: String
    /// The store.
    package var environment: StoreEnvironment
    /// Whether it may be used now.
    package var isActive: Bool
    /// From when.
    package var since: Instant
    /// Until when; `nil` has no end.
    package var until: Instant?
    /// Why, or why not.
    package var reason: EntitlementReason
    /// What was bought; `nil` where support decided, and so are the next two.
    package var productID: ProductID?
    /// The transaction that entitles.
    package var transactionID: TransactionID?
    /// Its chain's original transaction.
    package var originalTransactionID: OriginalTransactionID?
    /// Support's decision; `nil` where a purchase speaks.
    package var overrideID: OverrideID?

    /// A purchase's row as it is at an instant.
    package init(_ row: Entitlement, at now: Instant) {
        key = row.id.key
        environment = row.environment
        isActive = row.isActive(at: now)
        since = row.since
        until = row.until
        reason = isActive ? EntitlementReason(row, at: now) : .expired
        productID = row.productID
        transactionID = row.id.transactionID
        originalTransactionID = row.originalTransactionID
    }

    /// A decision of support that is in force.
    package init(_ override: Override) {
        key = override.terms.key
        environment = override.terms.environment
        since = override.since
        until = override.terms.until
        overrideID = override.id
        switch override.terms.effect {
        case .grant: (isActive, reason) = (true, .override)
        case .withhold: (isActive, reason) = (false, .withheld)
        }
    }

    /// One view per (key, environment), sorted by both: a withholding wins, else the active one that lasts longest, else
    /// the one that ended last.
    ///
    /// Of two that last equally long, a purchase goes before support's word, and the smaller id before the larger; an
    /// override that is not in force at `now` counts for nothing.
    package static func merge(_ rights: AccountRights, at now: Instant) -> [EntitlementView] {
        let live = rights.overrides.filter { $0.isLive(at: now) }
        let views = rights.rows.map { EntitlementView($0, at: now) } + live.map { EntitlementView($0) }
        var best: [Place: EntitlementView] = [:]
        for view in views {
            let place = Place(key: view.key, environment: view.environment)
            if let known = best[place], !view.goesBefore(known) { continue }
            best[place] = view
        }
        return best.values.sorted { ($0.key, $0.environment) < ($1.key, $1.environment) }
    }

    private struct Place: Hashable {
        var key: String
        var environment: StoreEnvironment
    }

    private func goesBefore(_ other: EntitlementView) -> Bool {
        if (reason == .withheld) != (other.reason == .withheld) { return reason == .withheld }
        if isActive != other.isActive { return isActive }
        if until != other.until { return (until ?? .endOfTime) > (other.until ?? .endOfTime) }
        if (overrideID == nil) != (other.overrideID == nil) { return overrideID == nil }
        if let own = overrideID, let its = other.overrideID {
            return (own.rawValue.utf8.count, own) < (its.rawValue.utf8.count, its)
        }
        return (transactionID ?? TransactionID("")) < (other.transactionID ?? TransactionID(""))
    }
}

extension Instant {
    /// What "no end" compares as.
    fileprivate static let endOfTime = Instant(millisecondsSince1970: .max)
}
