import FoundationEssentials
package import PurchaseCore

/// One page of Get Transaction History or Get Refund History; the JWS are **not verified**.
package struct SignedTransactionsPage: Sendable, Equatable {
    /// JWS, at most 20.
    package let signedTransactions: [String]
    /// Where the next page begins, and, kept after the last page, where newer entries will.
    package let revision: String?
    /// Whether another page follows; then there is a `revision`.
    package let hasMore: Bool
    /// Apple's `environment`; history only.
    package let environment: String?
    /// Apple's `bundleId`; history only.
    package let bundleID: BundleID?

    private struct Wire: Decodable {
        let signedTransactions: [String]?
        let revision: String?
        let hasMore: Bool?
        let environment: String?
        let bundleId: String?
    }

    /// Reads the body of a 200.
    ///
    /// A page without its list, or one that says "more" and not from where, is malformed: taking it for the end would
    /// lose purchases.
    static func decode(_ bytes: [UInt8]) throws(MalformedBody) -> Self {
        let wire = try decodeJSON(Wire.self, from: bytes)
        guard let signed = wire.signedTransactions, let hasMore = wire.hasMore else {
            throw MalformedBody(reason: "the body has no signedTransactions or no hasMore")
        }
        guard !hasMore || wire.revision?.isEmpty == false else {
            throw MalformedBody(reason: "the body says hasMore and has no revision")
        }
        return Self(
            signedTransactions: signed, revision: wire.revision, hasMore: hasMore, environment: wire.environment,
            bundleID: wire.bundleId.map { BundleID($0) })
    }
}

/// The answer of Get All Subscription Statuses; the JWS are **not verified**.
package struct SubscriptionStatuses: Sendable, Equatable {
    /// One subscription group of the customer.
    package struct Group: Sendable, Equatable {
        /// The group in App Store Connect.
        package let subscriptionGroupIdentifier: String?
        /// The newest transaction of each subscription in it.
        package let lastTransactions: [LastTransaction]
    }

    /// The newest transaction of one subscription.
    package struct LastTransaction: Sendable, Equatable {
        /// 1 active, 2 expired, 3 billing retry, 4 grace period, 5 revoked; others as they come.
        package let status: Int64?
        /// Which subscription.
        package let originalTransactionID: OriginalTransactionID?
        /// A JWS.
        package let signedTransactionInfo: String?
        /// A JWS.
        package let signedRenewalInfo: String?
    }

    /// Apple's `environment`.
    package let environment: String?
    /// Apple's `bundleId`.
    package let bundleID: BundleID?
    /// All groups; may be empty.
    package let groups: [Group]

    private struct Wire: Decodable {
        struct Group: Decodable {
            let subscriptionGroupIdentifier: String?
            let lastTransactions: [Item]?
        }
        struct Item: Decodable {
            let status: Int64?
            let originalTransactionId: String?
            let signedTransactionInfo: String?
            let signedRenewalInfo: String?
        }
        let environment: String?
        let bundleId: String?
        let data: [Group]?
    }

    /// Reads the body of a 200.
    static func decode(_ bytes: [UInt8]) throws(MalformedBody) -> Self {
        let wire = try decodeJSON(Wire.self, from: bytes)
        guard let data = wire.data else { throw MalformedBody(reason: "the body has no data") }
        let groups = data.map { group in
            Group(
                subscriptionGroupIdentifier: group.subscriptionGroupIdentifier,
                lastTransactions: (group.lastTransactions ?? []).map { item in
                    LastTransaction(
                        status: item.status, originalTransactionID: item.originalTransactionId.map { .init($0) },
                        signedTransactionInfo: item.signedTransactionInfo, signedRenewalInfo: item.signedRenewalInfo)
                })
        }
        return Self(environment: wire.environment, bundleID: wire.bundleId.map { BundleID($0) }, groups: groups)
    }
}

/// The answer of Look Up Order ID; the JWS are **not verified**.
package struct OrderLookup: Sendable, Equatable {
    /// Whether Apple knows the order id (status 0); `false` for status 1 and anything newer.
    package let isValid: Bool
    /// The order's purchases; empty when it isn't valid.
    package let signedTransactions: [String]

    private struct Wire: Decodable {
        let status: Int64?
        let signedTransactions: [String]?
    }

    /// Reads the body of a 200.
    static func decode(_ bytes: [UInt8]) throws(MalformedBody) -> Self {
        let wire = try decodeJSON(Wire.self, from: bytes)
        guard let status = wire.status else { throw MalformedBody(reason: "the body has no status") }
        return Self(isValid: status == 0, signedTransactions: wire.signedTransactions ?? [])
    }
}
