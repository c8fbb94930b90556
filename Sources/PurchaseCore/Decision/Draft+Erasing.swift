/// What erasing an account changes: nothing about purchases and money, only whose they are.
extension Draft {
    /// Erases an account's own chain: what support decided about it ends, and from here on nothing is decided for it.
    mutating func accountErased(_ account: AccountNumber, reasonNumber: Int64) -> Decision {
        guard chain.erasure == nil else { return .nothing(.noEffect) }
        if chain.version == 0 { record(.identified(chain.identity)) }
        for var override in chain.overrides.values.sorted(by: { $0.id < $1.id }) where override.isLive(at: now) {
            // Another process made it, perhaps by a clock that is ahead.
            override.ending = Override.Ending(endedAt: max(now, override.since), reasonNumber: reasonNumber)
            record(.staffOverride(override))
        }
        record(.accountErased(Erasure(account: account, requestedAt: now, reasonNumber: reasonNumber)))
        return finish(.staffAction, rule: .accountErased, otherwise: .noEffect)
    }

    /// Lets go of everything that an account has in this chain, so that somebody else can claim it.
    ///
    /// Its dispute is closed, its deliveries that nobody has credited are cancelled, and what it could use ends. Other
    /// accounts' disputes stay: nobody is given a purchase because another one left.
    mutating func claimReleased(of account: AccountNumber, reasonNumber: Int64) -> Decision {
        guard chain.claims[account] != nil else { return .nothing(.noEffect) }
        for var dispute in chain.cases.values.sorted(by: { $0.id < $1.id })
        where dispute.account == account && dispute.status == .open {
            dispute.status = .resolved
            dispute.resolution = ClaimCase.Resolution(
                outcome: .refused, reasonNumber: reasonNumber, resolvedAt: max(now, dispute.openedAt))
            record(.claimCase(dispute))
        }
        for var grant in chain.grants.values.sorted(by: { $0.id < $1.id })
        where grant.account == account && grant.status == .open {
            grant.status = .cancelled
            record(.grant(grant))
        }
        record(.claimReleased(account))
        resolveEverything()
        return finish(.staffAction, rule: .claimReleased, otherwise: .noEffect)
    }

    /// Whether the purchase's newest word on its appAccountToken was erased, and Apple has not been heard since.
    ///
    /// Whose the purchase is can't be told from such a word, so nobody gets the purchase by it.
    var isTokenErased: Bool {
        guard policy.accountTokenRule != .ignore, let newest = newestCounted else { return false }
        return chain.erasable.erased.contains(newest.id)
    }

    /// The chain's newest authoritative evidence that counts.
    var newestCounted: Evidence? { counted.values.compactMap(\.last).max(by: Evidence.precedes) }
}
