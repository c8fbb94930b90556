package import PurchaseCore

/// What a restore begins with.
///
/// Part of ``LedgerPort``; throws ``LedgerError`` alone.
package protocol RestorePort: Sendable {
    /// The chains that an account holds or waits for, newest purchase first, at most `limit`; none that is refused.
    func customerTraces(of account: AccountNumber, limit: Int) async throws(LedgerError) -> [CustomerTrace]
}

/// A chain of an account's, as far as it names one of Apple's customers.
package struct CustomerTrace: Hashable, Sendable {
    /// The chain.
    package var identity: Chain.Identity
    /// Its newest transaction.
    package var transactionID: TransactionID
    /// Apple's id of the customer's download of the app, the same in all of the customer's purchases; absent in old ones.
    ///
    /// Personal: it never leaves the service.
    package var appTransactionID: String?
    /// When Apple is asked about the transaction next.
    package var nextCheckAt: Instant?
    /// Whether more than a bare id ties the account to the chain: the claim was made with a transaction that Apple signed
    /// for a device, or the purchase's appAccountToken is the account's own.
    package var isProven: Bool

    /// Takes every part.
    package init(
        identity: Chain.Identity, transactionID: TransactionID, appTransactionID: String?, nextCheckAt: Instant?,
        isProven: Bool
    ) {
        self.identity = identity
        self.transactionID = transactionID
        self.appTransactionID = appTransactionID
        self.nextCheckAt = nextCheckAt
        self.isProven = isProven
    }

    /// The store, once evidence named it.
    package var store: StoreEnvironment? {
        switch identity {
        case .provisional, .account: nil
        case .original(let environment, _): environment
        }
    }
}
