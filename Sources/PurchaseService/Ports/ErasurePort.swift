package import PurchaseCore

/// Erasing accounts: what is left to do, and the last step.
///
/// A part of ``LedgerPort``; throws ``LedgerError`` alone. What goes with an account's own chain, and with each claim, goes
/// with the decision about it.
package protocol ErasurePort: Sendable {
    /// How far the erasing of an account has come; `nil` when nobody asked for it.
    func erasure(of account: AccountNumber) async throws(LedgerError) -> RecordedErasure?
    /// Chains in which an account still has a claim, in the order of their numbers, after one.
    func chains(
        claimedBy account: AccountNumber, after chain: ChainID?, limit: Int
    ) async throws(LedgerError) -> [ChainID]
    /// The account's name, and the appAccountTokens that are stored with it; `nil` once they are gone.
    func tokens(of account: AccountNumber) async throws(LedgerError) -> (id: AccountID, tokens: Set<AppAccountToken>)?
    /// Deletes signed texts that carry one of the tokens, whoever they were about, and what leads to them; how many went.
    ///
    /// At most `limit` of each kind: call it until it returns 0. A token that another account has too is left out; `account`
    /// is the one whose tokens they are, `nil` where nobody has that name. Idempotent.
    func eraseTexts(
        carrying tokens: Set<AppAccountToken>, of account: AccountNumber?, limit: Int
    ) async throws(LedgerError) -> Int
    /// Takes away the account's name and tokens, once no claim is left; nothing before that.
    ///
    /// Returns when that happened, by this call or by an earlier one; `nil` while claims are left.
    func finishErasure(of account: AccountNumber, at now: Instant) async throws(LedgerError) -> Instant?
    /// Takes the erasing that has waited longest, and that no process is at; others find it again after `until`.
    func leaseErasure(until: Instant, now: Instant) async throws(LedgerError) -> RecordedErasure?
    /// Lets other processes go on with an erasing at once.
    func releaseErasure(of account: AccountNumber) async throws(LedgerError)
}

/// The erasing of one account; names nobody.
package struct RecordedErasure: Hashable, Sendable {
    /// What was recorded first.
    package var erasure: Erasure
    /// The name of the key that asked for it.
    package var who: String
    /// When the last of it was gone; `nil` before.
    package var finishedAt: Instant?

    /// Takes every part.
    package init(erasure: Erasure, who: String, finishedAt: Instant?) {
        self.erasure = erasure
        self.who = who
        self.finishedAt = finishedAt
    }
}
