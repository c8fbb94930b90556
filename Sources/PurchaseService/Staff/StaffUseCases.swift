package import PurchaseCore

/// What support may decide, as a part of ``UseCases``.
///
/// The caller's name is the "who" of the ledger, `why` its words.
package protocol StaffUseCases: Sendable {
    /// Disputes of one status, oldest first, and the cursor of the next page; with an account, those in which it claims
    /// or holds.
    func cases(
        _ status: ClaimCase.Status, of account: AccountID?, after cursor: CaseCursor?, limit: Int
    ) async throws(ServiceError) -> (cases: [RecordedCase], next: CaseCursor?)
    /// One dispute.
    func claimCase(_ id: CaseID) async throws(ServiceError) -> RecordedCase
    /// Closes a dispute, or corrects how it was closed; the same outcome again changes nothing.
    func resolve(
        _ id: CaseID, _ outcome: ClaimCase.Outcome, why: String, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> RecordedCase
    /// An account's overrides, newest first, and the number before which the next page begins.
    func overrides(
        of account: AccountID, before number: Int64?, limit: Int
    ) async throws(ServiceError) -> (overrides: [RecordedOverride], next: Int64?)
    /// Lets an account use something, or keeps it from using it; the same terms, while they are in force, are answered
    /// with the override that is there.
    ///
    /// The account need not be known. ``ServiceError/overrideLimit`` when it has as many as it may have.
    func override(
        _ account: AccountID, _ terms: Override.Terms, why: String, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> (override: RecordedOverride, isNew: Bool)
    /// Ends an override; one that is over already is answered as it is.
    func endOverride(
        _ id: OverrideID, of account: AccountID, why: String, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> RecordedOverride
    /// Erases an account's personal data and lets go of what it claims; goes on where an earlier call stopped.
    ///
    /// Waits as long as a post waits for Apple; what is not done then follows by itself. An account that is not known has
    /// nothing to erase, which is an answer and no error.
    func erase(
        _ account: AccountID, why: String, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> AccountErasure
    /// What people did, newest first, and the position before which the next page begins: everything, one key's by its
    /// name, or what is about one account and the purchases that it claims.
    ///
    /// An account that is not known, or was erased, has none.
    func staffActions(
        by who: String?, of account: AccountID?, before position: Int64?, limit: Int
    ) async throws(ServiceError) -> (actions: [RecordedStaffAction], next: Int64?)
}
