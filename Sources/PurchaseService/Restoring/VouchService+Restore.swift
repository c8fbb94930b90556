import AppStoreJWS
import Logging
package import PurchaseCore

extension VouchService {
    /// See ``UseCases/restore(_:for:by:requestID:)``.
    package func restore(
        _ request: RestoreRequest, for account: AccountID, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> RestoreOutcome {
        if let own = caller.ownAccount, own != account { throw .notFound }
        switch restoreGate.enter(account, isApp: caller.roles.contains(.app)) {
        case .entered: break
        case .underWay: throw .rateLimited(retryAfterSeconds: 1)
        case .full: throw .overloaded(retryAfterSeconds: 1)
        }
        defer { restoreGate.leave(account) }
        var cursor = RestoreCursor()
        var named: TransactionID?
        if case .cursor(let earlier) = request.beginning { cursor = earlier }
        if let subject = request.inHand {
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
        let proof = await judge(request.inHand, shownBy: caller)
        let restorer = try await restorer(
            request, for: (number, account), by: caller, requestID: requestID, beginnings: proof.beginnings)
        let (restoration, taken) = try await withLedger { () async throws(LedgerError) in
            try await restorer.run(from: cursor, named: named)
        }
        var result = restoration
        if proof == .undetermined, result.found == 0, result.next == nil, result.retryAt == nil {
            // Whether the customer's proof is one can't be told now: it must not look as if there were nothing.
            result.retryAt = dependencies.clock.now() + dependencies.policy.recheck.first
            result.isComplete = false
        }
        return .restored(report(result, taken, to: number))
    }

    // MARK: Proof

    /// What a caller shows for the account's being the customer's, beside what the ledger has.
    private enum Proof: Hashable {
        /// The caller's word is enough.
        case unneeded
        /// Nothing, or nothing that counts.
        case nothing
        /// Apple's signature on a transaction of the chain.
        case chain(Chain.Identity)
        /// A signed transaction that can't be judged now.
        case undetermined

        var beginnings: RestoreBeginnings {
            switch self {
            case .unneeded: .all
            case .chain(let identity): .proven(shown: identity)
            case .nothing, .undetermined: .proven(shown: nil)
            }
        }
    }

    /// Judges the transaction in hand once more: posting it has recorded its claim, and not what it proved.
    private func judge(_ subject: Submission.Subject?, shownBy caller: Caller) async -> Proof {
        if caller.roles.contains(.app) { return .unneeded }
        guard case .signedTransaction(let jws)? = subject else { return .nothing }
        let now = dependencies.clock.now()
        switch await dependencies.verifier.verifyTransaction(jws, now: now) {
        case .invalid: return .nothing
        case .undetermined: return .undetermined
        case .verified(let verified):
            // The key of an expired leaf may be in wrong hands by now.
            guard verified.leafNotAfter >= now, let facts = TransactionFacts(verified.claims) else {
                return .nothing
            }
            return .chain(.original(facts.environment, facts.originalTransactionID))
        }
    }

    private func restorer(
        _ request: RestoreRequest, for account: (number: AccountNumber, id: AccountID), by caller: Caller,
        requestID: String, beginnings: RestoreBeginnings
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
            lane: caller.roles.contains(.app) ? .interactive : .unproven, beginnings: beginnings,
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
