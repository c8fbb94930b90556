package import PurchaseCore

/// The ledger, as far as a change of policy is concerned.
///
/// Implemented by `PurchaseStore`; throws ``LedgerError`` alone.
package protocol PolicyPort: Sendable {
    /// The policy under which everything was last decided again, completely; `nil` on a new database.
    func decidedPolicy() async throws(LedgerError) -> DecidedPolicy?
    /// Remembers how far everything follows a policy.
    func setDecidedPolicy(_ decided: DecidedPolicy) async throws(LedgerError)
    /// What differs between two policies that were in force here; everything, where one of them is not known any more.
    func policyDifference(
        from old: PolicyVersion, to new: PolicyVersion
    ) async throws(LedgerError) -> PolicyDifference
    /// The chains, after one, whose outcome a difference may change: refused or unsettled ones, paid ones without an
    /// entitlement, and those with a product that the difference is about; in order of their numbers.
    func chainsToDecideAgain(
        _ difference: PolicyDifference, after id: ChainID?, limit: Int
    ) async throws(LedgerError) -> [ChainID]
    /// The chains with an event under a policy that is none of these, at a position after `after` and up to `through`.
    func chainsDecidedOtherwise(
        than versions: [PolicyVersion], after: Int64, through: Int64
    ) async throws(LedgerError) -> [ChainID]
    /// The newest position of the ledger; 0 while there is none.
    func newestEvent() async throws(LedgerError) -> Int64
}

/// How far everything follows a policy.
package struct DecidedPolicy: Hashable, Sendable {
    /// The policy.
    package var version: PolicyVersion
    /// A ledger position: later events may have been decided under another policy, by a process that had not heard of
    /// this one yet.
    package var position: Int64

    /// Takes both parts.
    package init(version: PolicyVersion, position: Int64) {
        self.version = version
        self.position = position
    }
}

/// Which purchases two policies may treat differently.
package struct PolicyDifference: Hashable, Sendable {
    /// Nothing can be ruled out.
    package var everything: Bool
    /// Products whose rules differ, one that only one of them lists included; sorted.
    package var products: [ProductID]
    /// Products that one of them lists or both; sorted.
    package var listed: [ProductID]
    /// Products that neither lists are treated differently.
    package var unlistedProducts: Bool
    /// Other accounts are entitled by sandbox purchases.
    package var sandbox: Bool
    /// Access beyond a paid period lasts for another time.
    package var renewals: Bool

    /// Takes every part.
    package init(
        everything: Bool, products: [ProductID] = [], listed: [ProductID] = [], unlistedProducts: Bool = false,
        sandbox: Bool = false, renewals: Bool = false
    ) {
        self.everything = everything
        self.products = products
        self.listed = listed
        self.unlistedProducts = unlistedProducts
        self.sandbox = sandbox
        self.renewals = renewals
    }

    /// Nothing can be ruled out.
    package static let everything = PolicyDifference(everything: true)
}
