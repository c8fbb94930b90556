import AppStoreJWS
import Logging
package import PurchaseCore
import Synchronization

/// The use cases over a real ledger and a real (or simulated) App Store.
package final class VouchService: UseCases {
    let dependencies: ServiceDependencies
    let configuration: ServiceConfiguration
    let decider: Decider
    /// Asks Apple; runs as a service of its own.
    package let pool: AskPool
    /// Where readers wait for changes.
    package let changeFeed: ChangeFeed
    let restoreGate: RestoreGate
    /// How many posts are let in; asked at the edge already.
    package let recordingGate: RecordingGate
    private let knownKeys = Mutex<[[UInt8]: (caller: Caller, until: Instant)]>([:])

    /// Puts the use cases together; ``pool`` must run for posts to be answered with Apple's word.
    package init(dependencies: ServiceDependencies, configuration: ServiceConfiguration) {
        self.dependencies = dependencies
        self.configuration = configuration
        recordingGate = RecordingGate(configuration, metrics: dependencies.metrics)
        let checker = TransactionChecker(
            dependencies: dependencies, configuration: configuration, gate: recordingGate)
        self.decider = checker.decider
        self.changeFeed = ChangeFeed(ledger: dependencies.ledger)
        self.restoreGate = RestoreGate(maximum: configuration.restoresMax)
        self.pool = AskPool(
            checker: checker, gate: recordingGate, configuration: configuration, logger: dependencies.logger,
            metrics: dependencies.metrics)
    }

    /// The worker that brings unsettled transactions to their end.
    package var recheckWorker: RecheckWorker {
        RecheckWorker(dependencies: dependencies, configuration: configuration, pool: pool)
    }

    /// Decides again after a change of settings or catalogue.
    package var policyWorker: PolicyWorker {
        PolicyWorker(dependencies: dependencies, configuration: configuration, decider: decider)
    }

    /// Takes in Apple's notifications.
    package var notificationIntake: NotificationIntake {
        NotificationIntake(dependencies: dependencies, configuration: configuration)
    }

    /// Tries waiting notifications again.
    package var notificationWorker: NotificationWorker {
        NotificationWorker(dependencies: dependencies, configuration: configuration, intake: notificationIntake)
    }

    var ledger: any LedgerPort { dependencies.ledger }

    /// Runs ledger calls, turning their errors into the service's.
    func withLedger<Value>(
        _ body: () async throws(LedgerError) -> Value
    ) async throws(ServiceError) -> Value {
        do {
            return try await body()
        } catch {
            if error.code == .refused || error.code == .unreadable {
                dependencies.logger.error("ledger fault", metadata: [LogKey.error.rawValue: "\(error)"])
            }
            throw ServiceError(error)
        }
    }

    // MARK: Access

    /// See ``UseCases/authenticate(key:)``.
    package func authenticate(key: String) async throws(ServiceError) -> Caller? {
        if UserToken.isToken(key) { return try await authenticate(userToken: key) }
        let digest = dependencies.cryptography.sha256(Array(key.utf8))
        let now = dependencies.clock.now()
        if let known = knownKeys.withLock({ $0[digest] }), known.until > now { return known.caller }
        guard let found = try await withLedger({ () async throws(LedgerError) in try await ledger.key(sha256: digest) })
        else { return nil }
        let caller = Caller(name: found.name, roles: found.roles, keyID: found.id)
        knownKeys.withLock { keys in
            if keys.count >= configuration.cachedKeysMax { keys.removeAll() }
            keys[digest] = (caller, now + configuration.cachedKeysFor)
        }
        return caller
    }

    /// The user whom a token of the identity provider names; `nil` for one that is not to be believed, and while no
    /// provider is set up.
    private func authenticate(userToken: String) async throws(ServiceError) -> Caller? {
        guard let tokens = dependencies.userTokens else { return nil }
        switch await tokens.check(userToken) {
        case .account(let account): return Caller(user: account)
        case .refused: return nil
        case .undetermined: throw .identityUnavailable(retryAfterSeconds: 5)
        }
    }

    /// See ``UseCases/checkReadiness()``.
    package func checkReadiness() async throws(ServiceError) {
        try await withLedger { () async throws(LedgerError) in try await ledger.checkReadiness() }
    }

    // MARK: Notifications

    /// See ``UseCases/receiveNotification(_:requestID:)``.
    package func receiveNotification(
        _ signedPayload: String, requestID: String
    ) async throws(ServiceError) -> NotificationIntake.Result {
        try await withLedger { () async throws(LedgerError) in
            try await notificationIntake.receive(signedPayload, origin: .delivery, requestID: requestID)
        }
    }

    // MARK: Reading

    /// See ``UseCases/transaction(_:for:claimToken:)``.
    package func transaction(
        _ id: TransactionID, for caller: Caller, claimToken: String?
    ) async throws(ServiceError) -> TransactionView {
        let standing = try await withLedger { () async throws(LedgerError) in
            try await ledger.standing(of: id, for: caller.ownAccount)
        }
        guard let chain = standing.chain else { throw .notFound }
        if caller.seesAllAccounts { return view(of: id, in: chain, claimant: nil) }
        var claimant: AccountNumber?
        if caller.ownAccount != nil {
            claimant = standing.account?.number
        } else if let claimToken {
            claimant = dependencies.cryptography.claimant(claimToken, id)
        }
        guard let claimant, chain.claims[claimant] != nil else { throw .notFound }
        return view(of: id, in: chain, claimant: claimant)
    }

    /// See ``UseCases/entitlements(of:)``.
    package func entitlements(of account: AccountID) async throws(ServiceError) -> [EntitlementView] {
        try await entitlements(ofEach: [account])[account] ?? []
    }

    /// See ``UseCases/openGrants(of:after:limit:)``.
    package func openGrants(
        of account: AccountID, after cursor: GrantCursor?, limit: Int
    ) async throws(ServiceError) -> (grants: [Grant], next: GrantCursor?) {
        let grants = try await withLedger { () async throws(LedgerError) -> [Grant] in
            guard let number = try await ledger.findAccount(account) else { return [] }
            return try await ledger.openGrants(of: number, after: cursor, limit: limit + 1)
        }
        let page = Array(grants.prefix(limit))
        let next = grants.count > limit ? page.last.map { GrantCursor(createdAt: $0.createdAt, id: $0.id) } : nil
        return (page, next)
    }

    /// See ``UseCases/events(of:afterVersion:limit:)``.
    package func events(
        of transaction: TransactionID, afterVersion: Int64, limit: Int
    ) async throws(ServiceError) -> (events: [RecordedEvent], next: Int64?) {
        let events = try await withLedger { () async throws(LedgerError) -> [RecordedEvent]? in
            guard let chain = try await ledger.chain(holding: transaction), let id = chain.id else { return nil }
            return try await ledger.events(of: id, afterVersion: afterVersion, limit: limit + 1)
        }
        guard let events else { throw .notFound }
        let page = Array(events.prefix(limit))
        return (page, events.count > limit ? page.last?.chainVersion : nil)
    }

    // MARK: Acting

    /// See ``UseCases/acknowledge(_:by:requestID:)``.
    package func acknowledge(
        _ grant: GrantID, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> (grant: Grant, account: AccountID?) {
        let found = try await withLedger { () async throws(LedgerError) in try await ledger.chain(holding: grant) }
        guard let found else { throw .notFound }
        let result = try await withLedger { () async throws(LedgerError) in
            try await decider.run(
                known: found, cause: Decider.Cause(actor: caller.name, requestID: requestID),
                load: { () async throws(LedgerError) in try await ledger.chain(holding: grant) ?? found },
                input: { _ in .grantAcknowledged(grant) })
        }
        guard let stored = result.chain.grants[grant] else { throw .notFound }
        guard stored.status == .acknowledged else { throw .grantCancelled }
        return (stored, result.chain.erasable.accounts[stored.account]?.id)
    }

    /// See ``UseCases/recheck(_:why:by:requestID:)``.
    package func recheck(
        _ transaction: TransactionID, why: String, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> TransactionView {
        let found = try await withLedger { () async throws(LedgerError) in
            try await ledger.chain(holding: transaction)
        }
        guard let found else { throw .notFound }
        let began = pool.begin(transaction)
        do {
            try await withLedger { () async throws(LedgerError) in
                let reason = GivenReason(number: try await ledger.nextReasonNumber(), words: why)
                _ = try await decider.run(
                    known: found, cause: Decider.Cause(actor: caller.name, requestID: requestID, reason: reason),
                    load: { () async throws(LedgerError) in try await ledger.chain(holding: transaction) ?? found },
                    input: { _ in .staffActed(.recheck(transaction), reasonNumber: reason.number) },
                    lease: { _ in began ? newLease(on: transaction) : nil })
            }
        } catch {
            if began { pool.end(transaction) }
            throw error
        }
        if began {
            // Another process may be asking at this moment: its answer serves as well.
            if try await holdsLease(on: transaction, evenIfAskedJustNow: true) {
                _ = pool.enqueue(
                    AskPool.Job(
                        transactionID: transaction, first: nil, lane: .interactive,
                        enqueuedAt: dependencies.clock.now(), requestID: requestID))
            } else {
                pool.end(transaction)
            }
        }
        await pool.join(transaction, atMost: configuration.answerWithin)
        return try await self.transaction(transaction, for: caller, claimToken: nil)
    }

    func newLease(on id: TransactionID) -> CheckLease {
        CheckLease(
            transactionID: id, holder: dependencies.processName,
            until: dependencies.clock.now() + configuration.leaseFor)
    }
}
