import Logging
import PurchaseCore

/// Takes the transactions of a customer's history into the ledger, and claims for an account what nobody has claimed.
struct HistoryIntake: Sendable {
    let dependencies: ServiceDependencies
    let checker: TransactionChecker
    /// Whom the purchases are restored for.
    let account: AccountNumber
    /// Its name, and its token where one is known.
    let claimant: ErasableFacts.Account
    /// Who acts, and for which request.
    let cause: Decider.Cause
    let claimsConsumables: Bool

    /// What was taken in so far; bounded by the pages of one call.
    struct Taken {
        /// The chains as they were left, each once.
        fileprivate(set) var chains: [Chain.Identity: Chain] = [:]
        /// Apple's entries in their order, each transaction once.
        fileprivate(set) var entries: [(id: TransactionID, chain: Chain.Identity)] = []
        /// Those of them that nobody had heard of.
        fileprivate(set) var recorded = 0
        /// Chains that are claimed for the account now.
        fileprivate(set) var claimed = 0
    }

    var reader: AnswerReader { checker.reader }

    /// Takes in one transaction; false when the ledger can't hold it, which somebody should look at.
    func take(_ signed: AnswerReader.SignedTransaction, _ taken: inout Taken) async throws(LedgerError) -> Bool {
        let facts = signed.evidence.facts
        let id = facts.transactionID
        let identity = Chain.Identity.original(facts.environment, facts.originalTransactionID)
        let known = try await load(id, identity)
        var chain = known ?? Chain(identity: identity)
        do {
            if adds(signed.evidence, to: chain) {
                var cause = cause
                cause.body = signed.body
                chain = try await checker.record(signed.evidence, cause: cause, known: known)
            }
            if mayClaim(signed, in: chain), try await !isAnothers(signed.body.appAccountToken) {
                let claimed = try await claim(id, in: chain, identity)
                if let status = claimed.claims[account]?.status, status == .held || status == .waiting {
                    taken.claimed += 1
                }
                chain = claimed
            }
        } catch  where error.code == .refused || error.code == .unreadable {
            dependencies.logger.error(
                "evidence can't be stored",
                metadata: [LogKey.transaction.rawValue: "\(id)", LogKey.error.rawValue: "\(error)"])
            return false
        }
        if !taken.entries.contains(where: { $0.id == id }) {
            taken.entries.append((id, identity))
            if known?.transactions[id] == nil { taken.recorded += 1 }
        }
        taken.chains[identity] = chain
        return true
    }

    private func load(_ id: TransactionID, _ identity: Chain.Identity) async throws(LedgerError) -> Chain? {
        if let holding = try await dependencies.ledger.chain(holding: id), holding.environment != nil { return holding }
        return try await dependencies.ledger.chain(identifiedBy: identity)
    }

    /// Whether the entry says anything new; whoever restores every day must not grow the ledger for ever.
    private func adds(_ evidence: Evidence, to chain: Chain) -> Bool {
        guard let transaction = chain.transactions[evidence.facts.transactionID],
            let deciding = chain.decidingEvidence(of: transaction.state),
            let newest = chain.evidence.values
                .filter({ $0.facts.transactionID == transaction.id && $0.id.source.isAuthoritative })
                .max(by: Evidence.precedes)
        else { return true }
        var facts = evidence.facts
        facts.signedDate = newest.facts.signedDate
        return facts != newest.facts || facts.isRevoked != deciding.facts.isRevoked
    }

    // MARK: Claiming

    /// Whether a restore may claim the chain at all: nobody has, and it delivers nothing that was delivered elsewhere.
    private func mayClaim(_ signed: AnswerReader.SignedTransaction, in chain: Chain) -> Bool {
        let facts = signed.evidence.facts
        guard chain.claims.isEmpty, chain.environment == facts.environment,
            let transaction = chain.transactions[facts.transactionID], transaction.refusal == nil
        else { return false }
        if facts.type == .consumable, !claimsConsumables { return false }
        // A refused claim would be the first one, and keep out whoever the purchase belongs to.
        switch (dependencies.policy.accountTokenRule, signed.body.appAccountToken) {
        case (.ignore, _), (.matchWhenPresent, nil): return true
        case (.require, nil): return facts.inAppOwnershipType == .familyShared
        case (_, let token?):
            return claimant.token.map { $0 == token } ?? true
        }
    }

    /// Whether a token is known to be another account's.
    private func isAnothers(_ token: AppAccountToken?) async throws(LedgerError) -> Bool {
        guard let token, dependencies.policy.accountTokenRule != .ignore, claimant.token != token,
            let named = try await dependencies.ledger.account(withToken: token)
        else { return false }
        return named.number != account
    }

    private func claim(
        _ id: TransactionID, in chain: Chain, _ identity: Chain.Identity
    ) async throws(LedgerError) -> Chain {
        let claimedAt = dependencies.clock.now()
        let result = try await checker.decider.run(
            known: withClaimant(chain), cause: cause,
            load: { () async throws(LedgerError) in withClaimant(try await load(id, identity) ?? chain) },
            input: { _ in .claimed(id, by: account, at: claimedAt, isAutomatic: true) })
        return result.chain
    }

    private func withClaimant(_ chain: Chain) -> Chain {
        var chain = chain
        chain.erasable.accounts[account] = claimant
        return chain
    }
}
