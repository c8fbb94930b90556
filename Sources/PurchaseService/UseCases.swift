package import PurchaseCore

/// Everything the API can ask of the service; one implementation, ``VouchService``, and a seam for tests of the API's edges.
package protocol UseCases: FinanceUseCases, StaffUseCases, SupportUseCases {
    /// Records a claim durably, asks Apple where that is needed, and answers within the configured time.
    ///
    /// `place` is the one that the post took when it arrived; without one it is taken later, or refused as `overloaded`.
    func submit(
        _ submission: Submission, by caller: Caller, requestID: String, place: RecordingPlace?
    ) async throws(ServiceError) -> SubmissionOutcome
    /// Takes in one of Apple's notifications; returns when it is durable, with everything that it changes.
    func receiveNotification(
        _ signedPayload: String, requestID: String
    ) async throws(ServiceError) -> NotificationIntake.Result
    /// One transaction for a caller; ``ServiceError/notFound`` also when this caller may not see it.
    ///
    /// `claimToken` is what a `device` caller got with its post.
    func transaction(
        _ id: TransactionID, for caller: Caller, claimToken: String?
    ) async throws(ServiceError) -> TransactionView
    /// What an account may use, sorted by key and environment; empty for an account never seen.
    func entitlements(of account: AccountID) async throws(ServiceError) -> [EntitlementView]
    /// What each of many accounts may use, sorted by key and environment; one without anything is absent.
    func entitlements(ofEach accounts: [AccountID]) async throws(ServiceError) -> [AccountID: [EntitlementView]]
    /// What changed after a position, oldest first; waits for the next change when there is none.
    ///
    /// Gives none when nothing came within `wait`, and at once when the process stops or too many wait.
    func changes(
        after position: Int64, wait: Duration, limit: Int
    ) async throws(ServiceError) -> [RecordedChange]
    /// Deliveries that wait for acknowledgement, oldest first, and the cursor of the next page.
    func openGrants(
        of account: AccountID, after cursor: GrantCursor?, limit: Int
    ) async throws(ServiceError) -> (grants: [Grant], next: GrantCursor?)
    /// Marks a delivery as credited; again is the same. ``ServiceError/grantCancelled`` when a refund came first.
    func acknowledge(
        _ grant: GrantID, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> (grant: Grant, account: AccountID?)
    /// The events of a transaction's chain after a version, oldest first, and the version to go on from.
    func events(
        of transaction: TransactionID, afterVersion: Int64, limit: Int
    ) async throws(ServiceError) -> (events: [RecordedEvent], next: Int64?)
    /// Asks Apple again now, on a person's word, and waits for it as a post does.
    func recheck(
        _ transaction: TransactionID, why: String, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> TransactionView
    /// Reads the histories of an account's customers at Apple, takes in what is in them, and claims for the account what
    /// nobody has claimed; waits for Apple as a post does.
    ///
    /// Idempotent. ``ServiceError/notFound`` also for an account that this caller may not name.
    func restore(
        _ request: RestoreRequest, for account: AccountID, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> RestoreOutcome
    /// Up to when Apple's notifications are known to be complete: one for each store that is served, Production first.
    func coverage() async throws(ServiceError) -> [CoverageView]
    /// The request budget, the queues, the clock and what came of this process's newest calls; asks Apple nothing.
    func appleHealth() async throws(ServiceError) -> AppleHealthView
    /// The caller who shows a bearer credential, a key or a user's token; `nil` for one that is not good.
    ///
    /// ``ServiceError/identityUnavailable(retryAfterSeconds:)`` when a user's token can't be judged now.
    func authenticate(key: String) async throws(ServiceError) -> Caller?
    /// Throws when the service can't answer: the database is away or has another schema.
    func checkReadiness() async throws(ServiceError)
}
