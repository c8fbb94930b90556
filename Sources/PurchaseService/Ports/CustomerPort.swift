package import PurchaseCore

/// What Apple knows of a customer, who is named by any of their transactions.
///
/// Part of ``AppStorePort``: inside the request budget, at most one quick repeat, and every outcome is an answer. Both
/// wait for the budget and for Apple together no longer than `deadline`; a cancelled task ends a call at once with
/// `.unavailable(.cancelled)`.
package protocol CustomerPort: Sendable {
    /// Get All Subscription Statuses: the newest transaction and the renewal info of each of the customer's subscriptions.
    func subscriptionStatuses(
        of id: TransactionID, in environment: StoreEnvironment, lane: RequestLane, deadline: Duration
    ) async -> AppStoreReply<SubscriptionStatuses>
    /// Get Transaction History (v2): one page of the customer's transactions of all types and states, oldest change first.
    ///
    /// `revision` is that of the page before; `nil` asks for the first page.
    func transactionHistory(
        of id: TransactionID, revision: String?, in environment: StoreEnvironment, lane: RequestLane,
        deadline: Duration
    ) async -> AppStoreReply<SignedTransactionsPage>
}

/// One page of Get Transaction History or Get Refund History; the JWS are **not verified**.
package struct SignedTransactionsPage: Sendable, Equatable {
    /// The most JWS that a page may hold; Apple's pages have up to 20.
    package static let transactionsMax = 100
    /// The longest revision, in bytes, that is passed on.
    package static let revisionBytesMax = 1_024

    /// JWS.
    package let signedTransactions: [String]
    /// Where the next page begins, and, kept after the last page, where newer entries will.
    package let revision: String?
    /// Whether another page follows; then there is a `revision`.
    package let hasMore: Bool
    /// Apple's `environment`; history only.
    package let environment: String?
    /// Apple's `bundleId`; history only.
    package let bundleID: BundleID?

    /// Takes every part.
    package init(
        signedTransactions: [String], revision: String?, hasMore: Bool, environment: String? = nil,
        bundleID: BundleID? = nil
    ) {
        self.signedTransactions = signedTransactions
        self.revision = revision
        self.hasMore = hasMore
        self.environment = environment
        self.bundleID = bundleID
    }
}

/// The answer of Get All Subscription Statuses; the JWS are **not verified**.
package struct SubscriptionStatuses: Sendable, Equatable {
    /// The most subscriptions that an answer may list.
    package static let subscriptionsMax = 200

    /// One subscription group of the customer.
    package struct Group: Sendable, Equatable {
        /// The group in App Store Connect.
        package let subscriptionGroupIdentifier: String?
        /// The newest transaction of each subscription in it.
        package let lastTransactions: [LastTransaction]

        /// Takes every part.
        package init(subscriptionGroupIdentifier: String?, lastTransactions: [LastTransaction]) {
            self.subscriptionGroupIdentifier = subscriptionGroupIdentifier
            self.lastTransactions = lastTransactions
        }
    }

    /// The newest transaction of one subscription.
    package struct LastTransaction: Sendable, Equatable {
        /// 1 active, 2 expired, 3 billing retry, 4 grace period, 5 revoked; others as they come; not signed.
        package let status: Int64?
        /// Which subscription; not signed.
        package let originalTransactionID: OriginalTransactionID?
        /// A JWS.
        package let signedTransactionInfo: String?
        /// A JWS.
        package let signedRenewalInfo: String?

        /// Takes every part.
        package init(
            status: Int64?, originalTransactionID: OriginalTransactionID?, signedTransactionInfo: String?,
            signedRenewalInfo: String?
        ) {
            self.status = status
            self.originalTransactionID = originalTransactionID
            self.signedTransactionInfo = signedTransactionInfo
            self.signedRenewalInfo = signedRenewalInfo
        }
    }

    /// Apple's `environment`.
    package let environment: String?
    /// Apple's `bundleId`.
    package let bundleID: BundleID?
    /// All groups; may be empty.
    package let groups: [Group]

    /// Takes every part.
    package init(environment: String?, bundleID: BundleID?, groups: [Group]) {
        self.environment = environment
        self.bundleID = bundleID
        self.groups = groups
    }
}
