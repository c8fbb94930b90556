/// What support decides: who holds a disputed chain, and what an account may use whatever it bought.
extension Draft {
    // MARK: Disputes

    /// Closes a dispute, or corrects how it was closed; the same outcome again changes nothing.
    mutating func caseResolved(_ id: CaseID, _ outcome: ClaimCase.Outcome, reasonNumber: Int64) -> Decision {
        guard let dispute = chain.cases[id], chain.claims[dispute.account] != nil,
            dispute.resolution?.outcome != outcome
        else { return .nothing(.noEffect) }
        switch outcome {
        case .transferred:
            transfer(to: dispute.account, reasonNumber: reasonNumber)
        case .refused:
            if chain.owner == dispute.account, let giver = dispute.resolution?.takenFrom, chain.claims[giver] != nil {
                // The transfer was a mistake: what it took goes back.
                transfer(to: giver, reasonNumber: reasonNumber)
            } else {
                refuse(dispute.account, reasonNumber: reasonNumber)
            }
        }
        cancelOpenDeliveries()
        resolveEverything()
        return finish(.staffAction, rule: .caseResolved, otherwise: .noEffect)
    }

    /// Gives the chain to a claimant; whoever held it has lost a dispute of their own.
    private mutating func transfer(to account: AccountNumber, reasonNumber: Int64) {
        let holder = chain.owner
        if let holder, holder != account { refuse(holder, reasonNumber: reasonNumber) }
        close(
            account,
            ClaimCase.Resolution(
                outcome: .transferred, reasonNumber: reasonNumber, resolvedAt: now,
                takenFrom: holder == account ? nil : holder))
        guard var claim = chain.claims[account] else { return }
        claim.status = .held
        claim.caseID = nil
        if chain.claims[account] != claim { record(.claim(claim)) }
    }

    private mutating func refuse(_ account: AccountNumber, reasonNumber: Int64) {
        let id = close(
            account, ClaimCase.Resolution(outcome: .refused, reasonNumber: reasonNumber, resolvedAt: now))
        guard var claim = chain.claims[account] else { return }
        claim.status = .conflict
        claim.caseID = id
        if chain.claims[account] != claim { record(.claim(claim)) }
    }

    /// Closes an account's case, which a holder that loses the chain gets at this moment.
    @discardableResult
    private mutating func close(_ account: AccountNumber, _ resolution: ClaimCase.Resolution) -> CaseID {
        let id = CaseID.forDispute(in: chain.identity, account: account)
        var dispute =
            chain.cases.values.first { $0.account == account }
            ?? ClaimCase(id: id, account: account, status: .open, openedAt: now)
        dispute.status = .resolved
        dispute.resolution = resolution
        record(.claimCase(dispute))
        return dispute.id
    }

    /// Cancels what nobody has credited yet, so that it is delivered anew, under another id, to the new holder; what was
    /// credited stays where it is, and so does the taking back of it.
    ///
    /// Another id, since a backend may be about to credit the old one to the old holder: its late acknowledgement is then
    /// refused, instead of counting for the new holder, who got nothing.
    private mutating func cancelOpenDeliveries() {
        guard chain.owner != before.owner else { return }
        let open = chain.grants.values.filter { $0.status == .open && $0.kind != .reversal }
        for var grant in open.sorted(by: { $0.id < $1.id }) where grant.account != chain.owner {
            grant.status = .cancelled
            record(.grant(grant))
        }
    }

    // MARK: Overrides

    /// Decides an input about a chain that holds nothing but an account's overrides.
    mutating func accountInput(_ input: Input, of account: AccountNumber) -> Decision {
        guard case .staffActed(let action, let reasonNumber) = input else { return .nothing(.unknownTransaction) }
        switch action {
        case .override(let terms): return overrideMade(terms, account: account, reasonNumber: reasonNumber)
        case .endOverride(let id): return overrideEnded(id, reasonNumber: reasonNumber)
        case .eraseAccount: return accountErased(account, reasonNumber: reasonNumber)
        case .recheck: return .nothing(.unknownTransaction)
        case .resolveCase, .releaseClaim: return .nothing(.noEffect)
        }
    }

    private mutating func overrideMade(
        _ terms: Override.Terms, account: AccountNumber, reasonNumber: Int64
    ) -> Decision {
        guard chain.erasure == nil else { return .nothing(.noEffect) }
        let live = chain.overrides.values.filter { $0.isLive(at: now) }
        let isOver = terms.until.map { $0 <= now } ?? false
        guard !isOver, !live.contains(where: { $0.terms == terms }) else { return .nothing(.noEffect) }
        guard live.count < Override.liveMax else { return .nothing(.limitReached) }
        if chain.version == 0 { record(.identified(chain.identity)) }
        record(
            .staffOverride(
                Override(
                    id: OverrideID(account: account, number: chain.overrides.count + 1), account: account,
                    terms: terms, since: now, reasonNumber: reasonNumber)))
        return finish(.staffAction, rule: .overrideMade, otherwise: .noEffect)
    }

    private mutating func overrideEnded(_ id: OverrideID, reasonNumber: Int64) -> Decision {
        guard var override = chain.overrides[id], override.isLive(at: now) else { return .nothing(.noEffect) }
        // Another process made it, perhaps by a clock that is ahead.
        override.ending = Override.Ending(endedAt: max(now, override.since), reasonNumber: reasonNumber)
        record(.staffOverride(override))
        return finish(.staffAction, rule: .overrideEnded, otherwise: .noEffect)
    }
}
