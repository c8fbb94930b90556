import AppStoreJWS
import Logging
import PurchaseCore

extension NotificationIntake {
    /// What the ledger is asked about a notification; for one whose content counts, everything that deciding takes.
    func subject(of envelope: Envelope, _ finding: Finding) -> NotificationSubject {
        guard case .content(.transaction(let content)) = finding else {
            return NotificationSubject(uuid: envelope.record.uuid)
        }
        var subject = subject(of: content.evidence, content.body)
        subject.uuid = envelope.record.uuid
        return subject
    }

    /// What the ledger is asked about a verified transaction.
    func subject(of evidence: Evidence, _ body: EvidenceBody) -> NotificationSubject {
        let facts = evidence.facts
        var subject = NotificationSubject(uuid: nil)
        subject.transaction = facts.transactionID
        subject.original = facts.originalTransactionID
        subject.environment = facts.environment
        // What the transactions of family members carry is the payer's.
        if dependencies.policy.accountTokenRule != .ignore, facts.inAppOwnershipType == .purchased {
            subject.token = body.appAccountToken
        }
        return subject
    }

    /// Decides upon the evidence, and commits that together with the notification.
    func apply(
        _ content: SignedContent, _ notification: NotificationRecord, _ standing: NotificationStanding,
        _ arrival: Arrival
    ) async throws(LedgerError) -> Result {
        var record = notification
        record.outcome = .applied
        do {
            let cause = Decider.Cause(
                requestID: arrival.requestID, body: content.body, renewalBody: content.renewal?.body,
                notification: record)
            let decision = try await decide(
                upon: content.evidence, renewal: content.renewal?.info, cause: cause, standing)
            if case .record = decision { return .applied }
            // Nothing new in it; then it has no event to come with.
            try await dependencies.ledger.keep(record)
            return .applied
        } catch  where error.code == .refused || error.code == .unreadable {
            // Genuine, and beyond what the ledger can take: kept for a version that can, and somebody should look.
            alarm(
                "notification_not_applied",
                [
                    LogKey.transactions.rawValue: "\(content.evidence.facts.transactionID)",
                    LogKey.error.rawValue: "\(error)",
                ])
            return try await wait(notification, arrival)
        }
    }

    /// Links a transaction to the account that its appAccountToken names, and decides upon it.
    ///
    /// `standing` is what the ledger said of ``subject(of:_:)``; what has changed since is found out by the commit.
    func decide(
        upon evidence: Evidence, renewal: RenewalInfo? = nil, cause: Decider.Cause, _ standing: NotificationStanding
    ) async throws(LedgerError) -> Decision {
        var found: TransactionChecker.FoundChains? = try await chains(of: standing)
        if let account = standing.account, let seen = found {
            found = try await claim(
                evidence.facts, for: account, token: cause.body?.appAccountToken, seen, requestID: cause.requestID)
        }
        let checker = TransactionChecker(dependencies: dependencies, configuration: configuration)
        return try await checker.decide(evidence, renewal: renewal, cause: cause, known: nil, found: found).decision
    }

    /// Reads the chains that the transaction belongs to; most are about something new, and there is none.
    private func chains(of standing: NotificationStanding) async throws(LedgerError) -> TransactionChecker.FoundChains {
        let ledger = dependencies.ledger
        var holding: Chain?
        if let number = standing.holding { holding = try await ledger.chain(numbered: number) }
        guard standing.identified != standing.holding else { return (holding, holding) }
        var identified: Chain?
        if let number = standing.identified { identified = try await ledger.chain(numbered: number) }
        return (holding, identified)
    }

    /// Claims the purchase for the account that its appAccountToken names, where nobody has the chain yet; the chains as
    /// they are then, or `nil` where they have to be looked at again.
    ///
    /// A commit of its own before the evidence: alone it is a claim that waits, and Apple is asked about it, so a crash in
    /// between loses nothing.
    private func claim(
        _ facts: TransactionFacts, for account: NotificationStanding.Account, token: AppAccountToken?,
        _ found: TransactionChecker.FoundChains, requestID: String?
    ) async throws(LedgerError) -> TransactionChecker.FoundChains? {
        let id = facts.transactionID
        let ledger = dependencies.ledger
        let choose = { (found: TransactionChecker.FoundChains) in
            var chain =
                found.holding ?? found.identified
                ?? Chain(identity: .original(facts.environment, facts.originalTransactionID))
            chain.erasable.accounts[account.number] = ErasableFacts.Account(id: account.id, token: token)
            return chain
        }
        let known = choose(found)
        guard known.claims.isEmpty, known.environment == nil || known.environment == facts.environment else {
            return found
        }
        let claimedAt = dependencies.clock.now()
        let (chain, decision) = try await decider.run(
            known: known, cause: Decider.Cause(requestID: requestID),
            load: { () async throws(LedgerError) in
                choose(
                    try await ledger.chains(
                        holding: id, original: facts.originalTransactionID, in: facts.environment))
            }, input: { _ in .claimed(id, by: account.number, at: claimedAt, isAutomatic: true) })
        guard case .record = decision else { return nil }
        return (chain, chain.environment == nil ? found.identified : chain)
    }
}
