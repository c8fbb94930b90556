package import PurchaseCore

/// How far the erasing of an account has come, as the one who asked for it is told.
package enum AccountErasure: Hashable, Sendable {
    /// Nothing under this name is known: it was erased before, or never seen. Nor is a signed text left with the token that
    /// it has by rule.
    case unknown
    /// Under way: nobody can claim anything for the account any more, and the rest follows by itself.
    case underWay(requestedAt: Instant)
    /// All of it is gone.
    case finished(requestedAt: Instant, finishedAt: Instant)
}

extension VouchService {
    /// See ``StaffUseCases/erase(_:why:by:requestID:)``.
    package func erase(
        _ account: AccountID, why: String, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> AccountErasure {
        let number = try await withLedger { () async throws(LedgerError) in try await ledger.findAccount(account) }
        guard let number else {
            try await eraseTexts(ofUnknown: account)
            return .unknown
        }
        let known = try await accountChain(.account(number))
        let recorded = try await withLedger { () async throws(LedgerError) -> RecordedErasure? in
            // A repeat goes on where the first one stopped, and leaves no second copy of the words behind.
            if known.erasure == nil {
                _ = try await decideOn(known, .eraseAccount, why: why, by: caller, requestID: requestID)
            }
            return try await ledger.erasure(of: number)
        }
        guard let recorded else { throw .fault("an erasing is decided, and not in its table") }
        let requestedAt = recorded.erasure.requestedAt
        let finishedAt = try await withLedger { () async throws(LedgerError) -> Instant? in
            let deadline = ContinuousClock.now + configuration.answerWithin
            let finished = try await eraser.run(recorded, until: deadline, requestID: requestID)
            // The workers need not wait for this request's lease to run out.
            if finished == nil { try await ledger.releaseErasure(of: number) }
            return finished
        }
        guard let finishedAt else { return .underWay(requestedAt: requestedAt) }
        return .finished(requestedAt: requestedAt, finishedAt: finishedAt)
    }

    /// What came with the account's token after it was erased, or without that it ever was an account: the token by rule
    /// follows from the name alone.
    private func eraseTexts(ofUnknown account: AccountID) async throws(ServiceError) {
        guard let token = dependencies.cryptography.accountToken(account) else { return }
        let isDone = try await withLedger { () async throws(LedgerError) in
            try await eraser.eraseTexts(
                carrying: [token], of: nil, until: ContinuousClock.now + configuration.answerWithin)
        }
        // Nobody goes on with it but the one who asks.
        if !isDone { throw .overloaded(retryAfterSeconds: 1) }
    }

    private var eraser: AccountEraser { AccountEraser(dependencies: dependencies, decider: decider) }

    /// The worker that brings erasings to their end that a request did not.
    package var erasureWorker: ErasureWorker {
        ErasureWorker(dependencies: dependencies, configuration: configuration, eraser: eraser)
    }
}
