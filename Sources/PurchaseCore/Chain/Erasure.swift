/// That an account's personal data is to be gone: from this on nobody claims or decides anything for the account.
///
/// It lives in the account's own chain (``Chain/Identity/account(_:)``) and names nobody. The account's claims are released
/// chain by chain after it, and the account's name goes last.
package struct Erasure: Hashable, Codable, Sendable {
    /// Whose data it is; the number stays.
    package var account: AccountNumber
    /// Our clock.
    package var requestedAt: Instant
    /// Where the words of the person are kept that erased it; about the act, and not erased with the account.
    package var reasonNumber: Int64

    /// Takes every part.
    package init(account: AccountNumber, requestedAt: Instant, reasonNumber: Int64) {
        self.account = account
        self.requestedAt = requestedAt
        self.reasonNumber = reasonNumber
    }
}
