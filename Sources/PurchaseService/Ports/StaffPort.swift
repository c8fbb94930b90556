package import PurchaseCore

/// What support reads and decides about: disputes, and what an account may use whatever it bought.
///
/// A part of ``LedgerPort``; throws ``LedgerError`` alone.
package protocol StaffPort: Sendable {
    /// The chain of a dispute, complete; `nil` when there is no such case.
    func chain(disputedIn id: CaseID) async throws(LedgerError) -> Chain?
    /// One dispute with all that a person needs to decide it; `nil` when there is none.
    func recordedCase(_ id: CaseID) async throws(LedgerError) -> RecordedCase?
    /// Disputes of one status, oldest first, after a cursor; with an account, those in which it claims or holds.
    func cases(
        _ status: ClaimCase.Status, of account: AccountNumber?, after cursor: CaseCursor?, limit: Int
    ) async throws(LedgerError) -> [RecordedCase]
    /// One override; `nil` when there is none.
    func recordedOverride(_ id: OverrideID) async throws(LedgerError) -> RecordedOverride?
    /// An account's overrides, newest first, those with a smaller number than `before`.
    func overrides(
        of account: AccountNumber, before number: Int64?, limit: Int
    ) async throws(LedgerError) -> [RecordedOverride]
}

/// Where a list of disputes goes on.
package struct CaseCursor: Hashable, Sendable {
    /// When the last one was opened.
    package var openedAt: Instant
    /// Its id.
    package var id: CaseID

    /// Takes both parts.
    package init(openedAt: Instant, id: CaseID) {
        self.openedAt = openedAt
        self.id = id
    }
}

/// A dispute with both sides and what it is about.
package struct RecordedCase: Hashable, Sendable {
    /// The most transactions that are shown; a subscription can have hundreds.
    package static let transactionsMax = 20

    /// One of the two accounts.
    package struct Party: Hashable, Sendable {
        /// `nil` once the account is erased.
        package var accountID: AccountID?
        /// The transaction that it posted.
        package var transactionID: TransactionID
        /// When it first claimed.
        package var claimedAt: Instant
        /// How the purchase's appAccountToken compares with the account's; `nil` while there was nothing to compare.
        package var tokenComparison: Claim.TokenComparison?

        /// Takes every part.
        package init(
            accountID: AccountID?, transactionID: TransactionID, claimedAt: Instant,
            tokenComparison: Claim.TokenComparison?
        ) {
            self.accountID = accountID
            self.transactionID = transactionID
            self.claimedAt = claimedAt
            self.tokenComparison = tokenComparison
        }
    }

    /// One transaction of the chain, in short.
    package struct Subject: Hashable, Sendable {
        /// Apple's id.
        package var transactionID: TransactionID
        /// `nil` until evidence names it.
        package var productID: ProductID?
        /// Where it stands.
        package var state: PurchaseState.Name
        /// A stable code.
        package var reason: String
        /// `nil` until evidence names it.
        package var purchaseDate: Instant?

        /// Takes every part.
        package init(
            transactionID: TransactionID, productID: ProductID?, state: PurchaseState.Name, reason: String,
            purchaseDate: Instant?
        ) {
            self.transactionID = transactionID
            self.productID = productID
            self.state = state
            self.reason = reason
            self.purchaseDate = purchaseDate
        }
    }

    /// The dispute itself.
    package var dispute: ClaimCase
    /// The chain's store.
    package var environment: StoreEnvironment?
    /// The chain's original transaction.
    package var originalTransactionID: OriginalTransactionID?
    /// Who claims; `nil` once the claim is released.
    package var claimant: Party?
    /// Who holds the chain now; `nil` when nobody does, and the claimant itself after a transfer.
    package var holder: Party?
    /// The newest transactions of the chain, at most ``transactionsMax``.
    package var transactions: [Subject]
    /// How many there are.
    package var transactionCount: Int64
    /// The name of the key that closed it; `nil` while it is open.
    package var resolvedBy: String?
    /// The person's words; `nil` while it is open, and once they are erased.
    package var why: String?

    /// Takes every part.
    package init(
        dispute: ClaimCase, environment: StoreEnvironment?, originalTransactionID: OriginalTransactionID?,
        claimant: Party?, holder: Party?, transactions: [Subject], transactionCount: Int64, resolvedBy: String?,
        why: String?
    ) {
        self.dispute = dispute
        self.environment = environment
        self.originalTransactionID = originalTransactionID
        self.claimant = claimant
        self.holder = holder
        self.transactions = transactions
        self.transactionCount = transactionCount
        self.resolvedBy = resolvedBy
        self.why = why
    }
}

/// An override with who and why.
package struct RecordedOverride: Hashable, Sendable {
    /// The override itself.
    package var override: Override
    /// Its number among the account's, from 1.
    package var number: Int64
    /// The account's name; `nil` once it is erased.
    package var accountID: AccountID?
    /// The name of the key that made it.
    package var madeBy: String
    /// The words of whoever made it; `nil` once they are erased.
    package var why: String?
    /// The name of the key that ended it; `nil` when nobody did.
    package var endedBy: String?
    /// The words of whoever ended it; `nil` when nobody did, and once they are erased.
    package var endedWhy: String?

    /// Takes every part.
    package init(
        override: Override, number: Int64, accountID: AccountID?, madeBy: String, why: String?, endedBy: String?,
        endedWhy: String?
    ) {
        self.override = override
        self.number = number
        self.accountID = accountID
        self.madeBy = madeBy
        self.why = why
        self.endedBy = endedBy
        self.endedWhy = endedWhy
    }
}
