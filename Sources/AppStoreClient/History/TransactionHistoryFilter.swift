package import PurchaseCore

/// Which transactions Get Transaction History gives; all of them by default.
///
/// Apple wants the same filter again with each page.
package struct TransactionHistoryFilter: Sendable, Equatable {
    /// Apple's `productType`, spelt unlike the `type` of a transaction.
    package enum ProductType: String, Sendable, CaseIterable {
        /// Auto-renewable subscriptions.
        case autoRenewable = "AUTO_RENEWABLE"
        /// Non-renewing subscriptions.
        case nonRenewable = "NON_RENEWABLE"
        /// Consumables, finished ones included.
        case consumable = "CONSUMABLE"
        /// Non-consumables.
        case nonConsumable = "NON_CONSUMABLE"
    }

    /// By the instant of the last change, which is not the purchase's.
    package enum Sort: String, Sendable {
        /// Oldest change first; a transaction that changes meanwhile can come twice.
        case ascending = "ASCENDING"
        /// Newest change first.
        case descending = "DESCENDING"
    }

    /// purchaseDate at or after this.
    package var startDate: Instant?
    /// purchaseDate before this; may lie in the future.
    package var endDate: Instant?
    /// Any of these products.
    package var productIDs: [ProductID] = []
    /// Any of these types.
    package var productTypes: [ProductType] = []
    /// Any of these subscription groups.
    package var subscriptionGroupIdentifiers: [String] = []
    /// Only purchased, or only shared ones; an unknown value is left out.
    package var inAppOwnershipType: InAppOwnershipType?
    /// Only revoked (`true`), only not revoked (`false`), or both.
    package var revoked: Bool?
    /// Apple's default is ascending.
    package var sort: Sort?

    /// Everything.
    package init() {}

    var query: [(name: String, value: String)] {
        var query: [(name: String, value: String)] = []
        if let startDate { query.append(("startDate", String(startDate.millisecondsSince1970))) }
        if let endDate { query.append(("endDate", String(endDate.millisecondsSince1970))) }
        query += productIDs.map { ("productId", $0.rawValue) }
        query += productTypes.map { ("productType", $0.rawValue) }
        query += subscriptionGroupIdentifiers.map { ("subscriptionGroupIdentifier", $0) }
        if let inAppOwnershipType, inAppOwnershipType.isKnown {
            query.append(("inAppOwnershipType", inAppOwnershipType.appleValue))
        }
        if let revoked { query.append(("revoked", revoked ? "true" : "false")) }
        if let sort { query.append(("sort", sort.rawValue)) }
        return query
    }
}
