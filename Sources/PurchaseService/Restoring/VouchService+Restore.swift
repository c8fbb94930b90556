import Logging
package import PurchaseCore

extension VouchService {
    /// See ``UseCases/restore(_:for:by:requestID:)``.
    package func restore(
        _ request: RestoreRequest, for account: AccountID, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> RestoreOutcome {
        if let own = caller.ownAccount, own != account { throw .notFound }
        guard restoreGate.enter() else { throw .overloaded(retryAfterSeconds: 1) }
        defer { restoreGate.leave() }
        var cursor = RestoreCursor()
        var named: TransactionID?
        switch request.beginning {
        case .account: break
        case .cursor(let earlier): cursor = earlier
        case .transaction(let subject):
            let submission = Submission(account: account, subject: subject, environment: nil, appAccountToken: nil)
            let outcome = try await submit(submission, by: caller, requestID: requestID)
            guard case .recorded(let view, _) = outcome, view.isTaken else { return .notTaken(outcome) }
            named = view.transaction.id
        }
        let number = try await withLedger { () async throws(LedgerError) in try await ledger.findAccount(account) }
        // Somebody who was never heard of has nothing to begin with, and nothing is left to read.
        guard let number else {
            var nothing = Restoration()
            nothing.isComplete = true
            return .restored(nothing)
        }
        let restorer = try await restorer(request, for: (number, account), by: caller, requestID: requestID)
        let (result, taken) = try await withLedger { () async throws(LedgerError) in
            try await restorer.run(from: cursor, named: named)
        }
        return .restored(report(result, taken, to: number))
    }

    private func restorer(
        _ request: RestoreRequest, for account: (number: AccountNumber, id: AccountID), by caller: Caller,
        requestID: String
    ) async throws(ServiceError) -> PurchaseRestorer {
        let stated = try await withLedger { () async throws(LedgerError) in
            try await ledger.statedToken(of: account.id)
        }
        let intake = HistoryIntake(
            dependencies: dependencies,
            checker: TransactionChecker(dependencies: dependencies, configuration: configuration),
            account: account.number,
            claimant: ErasableFacts.Account(
                id: account.id, token: stated ?? dependencies.cryptography.accountToken(account.id)),
            cause: Decider.Cause(actor: caller.name, requestID: requestID),
            claimsConsumables: request.claimsConsumables)
        return PurchaseRestorer(
            dependencies: dependencies, configuration: configuration, intake: intake,
            // Anybody can press a button again and again: end users share a lane that is bounded while others wait.
            lane: caller.roles.contains(.app) ? .interactive : .unproven,
            deadline: .now + configuration.answerWithin)
    }

    /// Adds what the account may see: its own claims, and of everybody else's the number alone.
    private func report(
        _ result: Restoration, _ taken: HistoryIntake.Taken, to account: AccountNumber
    ) -> Restoration {
        var result = result
        for entry in taken.entries {
            guard let chain = taken.chains[entry.chain] else { continue }
            if chain.claims[account] != nil {
                result.transactions.append(view(of: entry.id, in: chain, claimant: account))
            } else if chain.claims.isEmpty {
                result.unclaimed += 1
            } else {
                result.others += 1
            }
        }
        dependencies.metrics.restored(result)
        dependencies.logger.info(
            "restored",
            metadata: [
                LogKey.outcome.rawValue: "\(result.outcome)", LogKey.seen.rawValue: "\(result.found)",
                LogKey.new.rawValue: "\(result.recorded)", LogKey.refused.rawValue: "\(result.unverified)",
            ])
        return result
    }
}

extension Restoration {
    /// How the call ended, as metrics and logs name it.
    var outcome: String {
        if retryAt != nil { return "deferred" }
        if next != nil { return "paused" }
        return isComplete ? "complete" : "incomplete"
    }
}

extension TransactionView {
    /// Whether the claim of the one who posted it stands, or may still.
    fileprivate var isTaken: Bool {
        guard transaction.refusal == nil else { return false }
        switch claim?.status {
        case .held, .waiting: return true
        case .refused, .conflict, nil: return false
        }
    }
}
