import FoundationEssentials
import PurchaseCore
import PurchaseService

extension SignedTransactionsPage {
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
        guard signed.count <= transactionsMax else {
            throw MalformedBody(reason: "the body has too many signedTransactions")
        }
        // It goes into cursors.
        if let revision = wire.revision {
            guard revision.utf8.count <= revisionBytesMax, revision.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
            else {
                throw MalformedBody(reason: "the body's revision is too long or not ASCII")
            }
        }
        return Self(
            signedTransactions: signed, revision: wire.revision, hasMore: hasMore, environment: wire.environment,
            bundleID: wire.bundleId.map { BundleID($0) })
    }
}

extension SubscriptionStatuses {
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
        guard groups.reduce(0, { $0 + $1.lastTransactions.count }) <= subscriptionsMax else {
            throw MalformedBody(reason: "the body has too many lastTransactions")
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
