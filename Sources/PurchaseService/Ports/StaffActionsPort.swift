package import PurchaseCore

/// What people did in the ledger, for those who answer for it.
///
/// A part of ``LedgerPort``; throws ``LedgerError`` alone.
package protocol StaffActionsPort: Sendable {
    /// What people did, newest first, before a position: everything, one key's, or what is about one account.
    ///
    /// An account's are those about itself, and those about every purchase that it claims.
    func staffActions(
        by who: String?, of account: AccountNumber?, before position: Int64?, limit: Int
    ) async throws(LedgerError) -> [RecordedStaffAction]
}

/// One thing that a person did: who, when, what, why, and what it is about.
package struct RecordedStaffAction: Hashable, Sendable {
    /// What was done.
    package enum What: Hashable, Sendable {
        /// Apple was asked again, whatever came of it.
        case recheck
        /// A dispute was closed, or closed otherwise.
        case caseResolved(ClaimCase.Outcome)
        /// An account was given access to a key, or had it withheld.
        case overrideCreated(Override.Effect)
        /// That was ended.
        case overrideEnded(Override.Effect)
        /// An account's personal data was erased.
        case accountErased

        /// A stable code.
        package var code: String {
            switch self {
            case .recheck: "recheck"
            case .caseResolved: "case_resolved"
            case .overrideCreated: "override_created"
            case .overrideEnded: "override_ended"
            case .accountErased: "account_erased"
            }
        }
    }

    /// The place in the ledger of the event that recorded it.
    package var position: Int64
    /// Our clock.
    package var at: Instant
    /// The name of the key that acted.
    package var who: String
    /// What was done.
    package var what: What
    /// The person's words; `nil` once they are erased.
    package var why: String?
    /// The transaction that Apple was asked about.
    package var transactionID: TransactionID?
    /// The claimant of the dispute, or the account that an override is about; `nil` for a recheck, and once it is erased.
    package var accountID: AccountID?
    /// The dispute.
    ///
    /// A transfer also closes the dispute of the account that loses the purchase; this is the one of the account that got it.
    package var caseID: CaseID?
    /// The override.
    package var overrideID: OverrideID?
    /// The key of the entitlement that an override is about.
    package var entitlementKey: String?

    /// An action that is about nothing yet.
    package init(position: Int64, at: Instant, who: String, what: What) {
        self.position = position
        self.at = at
        self.who = who
        self.what = what
    }
}
