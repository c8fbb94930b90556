package import PurchaseCore

/// How a transaction stands at one moment, with what is known of the account that asks about it.
package struct TransactionStanding: Sendable {
    /// What the ledger knows of an account by its name.
    package struct Account: Hashable, Sendable {
        /// The ledger's number.
        package var number: AccountNumber
        /// The token that the app's server stated for it.
        package var statedToken: AppAccountToken?
        /// The token that it has by rule.
        package var ruleToken: AppAccountToken?
        /// Whether nothing may be recorded for it any more.
        package var isBeingErased: Bool

        /// Takes every part.
        package init(
            number: AccountNumber, statedToken: AppAccountToken?, ruleToken: AppAccountToken?, isBeingErased: Bool
        ) {
            self.number = number
            self.statedToken = statedToken
            self.ruleToken = ruleToken
            self.isBeingErased = isBeingErased
        }

        /// Whether a claim that brings these tokens, or none, can go on without writing the account's row.
        func isReady(stated: AppAccountToken?, rule: AppAccountToken?) -> Bool {
            !isBeingErased && (stated == nil || stated == statedToken) && (rule == nil || rule == ruleToken)
        }
    }

    /// The account; `nil` when none was named, and for one that was never seen.
    package var account: Account?
    /// The chain, complete, with its erasable facts; `nil` when the transaction was never recorded.
    package var chain: Chain?

    /// Takes both parts.
    package init(account: Account?, chain: Chain?) {
        self.account = account
        self.chain = chain
    }
}
