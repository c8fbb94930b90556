import PurchaseCore

extension VouchService {
    /// A transaction as a caller sees it; with a claimant the claim is theirs, and so is the only account shown.
    func view(of id: TransactionID, in chain: Chain, claimant: AccountNumber?) -> TransactionView {
        let now = dependencies.clock.now()
        // Present: the chain was loaded by this id, or the id has just been recorded in it.
        let transaction = chain.transactions[id] ?? Transaction(id: id, recordedAt: now)
        let own = chain.evidence.values.filter { $0.facts.transactionID == id }
        let authoritative = own.filter { $0.id.source.isAuthoritative && $0.facts.environment == chain.environment }
        let deciding = chain.decidingEvidence(of: transaction.state)
        let shown =
            deciding.flatMap { $0.facts.transactionID == id ? $0 : nil } ?? authoritative.max(by: Evidence.precedes)
            ?? own.max(by: Evidence.precedes)
        let claim: Claim? = if let claimant { chain.claims[claimant] } else { foremostClaim(of: chain) }
        let holder = chain.owner.flatMap { owner in
            claimant == nil || claimant == owner ? chain.erasable.accounts[owner]?.id : nil
        }
        let verdict = chain.entitlementVerdict(of: transaction, policy: dependencies.policy, now: now)
        let mine = claimant == nil || chain.owner == nil || claimant == chain.owner
        return TransactionView(
            transaction: transaction, environment: chain.environment, facts: facts(shown, deciding: deciding),
            deciding: deciding, accountID: holder, claim: claim, isEntitled: verdict.isEntitled && mine,
            entitlementReason: mine ? EntitlementReason(verdict) : .unclaimed,
            mayFinish: transaction.state.isSettled && claim?.status == .held,
            nextCheckAt: chain.checks[id].flatMap { $0.isSweep ? nil : $0.nextCheckAt }, version: chain.version)
    }

    /// The transaction's own fields, with the refund of the deciding evidence, which may be about a sibling.
    private func facts(_ shown: Evidence?, deciding: Evidence?) -> TransactionFacts? {
        guard var facts = shown?.facts else { return nil }
        if let deciding {
            facts.revocationDate = deciding.facts.revocationDate
            facts.revocationReason = deciding.facts.revocationReason
            facts.revocationType = deciding.facts.revocationType
            facts.revocationPercentage = deciding.facts.revocationPercentage
            facts.inAppOwnershipType = facts.inAppOwnershipType ?? deciding.facts.inAppOwnershipType
        }
        return facts
    }

    /// The holding claim, else the earliest that waits, else the earliest.
    private func foremostClaim(of chain: Chain) -> Claim? {
        let byAge = chain.claims.values.sorted { ($0.claimedAt, $0.account) < ($1.claimedAt, $1.account) }
        return byAge.first { $0.status == .held } ?? byAge.first { $0.status == .waiting } ?? byAge.first
    }
}

extension EntitlementReason {
    /// Why the purchase alone entitles, or not; what support decided is in the account's own chain.
    init(_ verdict: EntitlementVerdict) {
        switch verdict {
        case .paid: self = .paid
        case .gracePeriod: self = .gracePeriod
        case .renewalUnconfirmed: self = .renewalUnconfirmed
        case .proratedKeep: self = .proratedKeep
        case .refused: self = .refused
        case .notPaid: self = .notPaid
        case .refunded: self = .refunded
        case .unclaimed: self = .unclaimed
        case .expired: self = .expired
        case .upgraded: self = .upgraded
        case .blocked(.sandboxAccountNotListed): self = .sandboxAccountNotListed
        case .blocked(.ownershipNotAllowed): self = .ownershipNotAllowed
        case .blocked(.productUnknown): self = .productUnknown
        }
    }
}
