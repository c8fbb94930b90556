package import PurchaseCore

/// A transaction as one caller may see it, at one instant.
package struct TransactionView: Sendable {
    /// The transaction.
    package var transaction: Transaction
    /// The chain's store, once known.
    package var environment: StoreEnvironment?
    /// What the shown evidence says: the transaction's own newest, authoritative before device.
    package var facts: TransactionFacts?
    /// The evidence that decides the state; `nil` while unsettled.
    package var deciding: Evidence?
    /// The holder's account, where the caller may know it.
    package var accountID: AccountID?
    /// The claim to show: the caller's own, or the holding one, or the earliest that waits.
    package var claim: Claim?
    /// Whether it entitles its account now: by the purchase alone, and in an ``Explanation`` with what support decided.
    package var isEntitled: Bool
    /// Why, or why not; a stable code.
    package var entitlementReason: EntitlementReason
    /// Whether the app may finish the StoreKit transaction.
    package var mayFinish: Bool
    /// When Apple is asked next; `nil` where nothing is open, also when a sweep of a paid transaction is planned.
    package var nextCheckAt: Instant?
    /// The chain's version.
    package var version: Int64

    /// Takes every part.
    package init(
        transaction: Transaction, environment: StoreEnvironment?, facts: TransactionFacts?, deciding: Evidence?,
        accountID: AccountID?, claim: Claim?, isEntitled: Bool, entitlementReason: EntitlementReason,
        mayFinish: Bool, nextCheckAt: Instant?, version: Int64
    ) {
        self.transaction = transaction
        self.environment = environment
        self.facts = facts
        self.deciding = deciding
        self.accountID = accountID
        self.claim = claim
        self.isEntitled = isEntitled
        self.entitlementReason = entitlementReason
        self.mayFinish = mayFinish
        self.nextCheckAt = nextCheckAt
        self.version = version
    }
}

/// Why a transaction entitles or does not.
package enum EntitlementReason: String, Hashable, Sendable, CaseIterable {
    /// Paid.
    case paid
    /// Apple reports a grace period.
    case gracePeriod = "grace_period"
    /// Apple can't be asked at the renewal.
    case renewalUnconfirmed = "renewal_unconfirmed"
    /// Refunded in part, and the product keeps access.
    case proratedKeep = "prorated_keep"
    /// Granted by support.
    case override
    /// Withheld by support, whatever was bought.
    case withheld
    /// Not paid (yet).
    case notPaid = "not_paid"
    /// Refused.
    case refused
    /// Refunded or revoked.
    case refunded
    /// Its time is over.
    case expired
    /// Superseded by an upgrade.
    case upgraded
    /// No account holds it.
    case unclaimed
    /// A sandbox purchase of an account that is not listed for it.
    case sandboxAccountNotListed = "sandbox_account_not_listed"
    /// The product does not entitle family members.
    case ownershipNotAllowed = "ownership_not_allowed"
    /// The catalogue is strict and does not list the product.
    case productUnknown = "product_unknown"
}
