package import PurchaseCore

extension VouchService {
    /// See ``StaffUseCases/overrides(of:before:limit:)``.
    package func overrides(
        of account: AccountID, before number: Int64?, limit: Int
    ) async throws(ServiceError) -> (overrides: [RecordedOverride], next: Int64?) {
        let overrides = try await withLedger { () async throws(LedgerError) -> [RecordedOverride] in
            guard let account = try await ledger.findAccount(account) else { return [] }
            return try await ledger.overrides(of: account, before: number, limit: limit + 1)
        }
        let page = Array(overrides.prefix(limit))
        return (page, overrides.count > limit ? page.last?.number : nil)
    }

    /// See ``StaffUseCases/override(_:_:why:by:requestID:)``.
    package func override(
        _ account: AccountID, _ terms: Override.Terms, why: String, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> (override: RecordedOverride, isNew: Bool) {
        let identity = try await withLedger { () async throws(LedgerError) in
            // Goodwill may come before the first purchase.
            Chain.Identity.account(
                try await ledger.register(account, statedToken: nil, ruleToken: nil).number)
        }
        let known = try await accountChain(identity)
        if let standing = known.override(in: terms, at: dependencies.clock.now()) {
            return (try await recorded(standing.id), false)
        }
        let result = try await withLedger { () async throws(LedgerError) in
            try await decideOn(known, .override(terms), why: why, by: caller, requestID: requestID)
        }
        if result.decision == .nothing(.limitReached) { throw .overrideLimit }
        // None, when its end came between the request and the decision.
        guard let made = result.chain.override(in: terms, at: dependencies.clock.now()) else {
            throw .unavailable(retryAfterSeconds: 1)
        }
        var isNew = false
        if case .record = result.decision { isNew = true }
        return (try await recorded(made.id), isNew)
    }

    /// See ``StaffUseCases/endOverride(_:of:why:by:requestID:)``.
    package func endOverride(
        _ id: OverrideID, of account: AccountID, why: String, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> RecordedOverride {
        let number = try await withLedger { () async throws(LedgerError) in try await ledger.findAccount(account) }
        guard let number else { throw .notFound }
        let known = try await accountChain(.account(number))
        guard let override = known.overrides[id] else { throw .notFound }
        if override.isLive(at: dependencies.clock.now()) {
            try await withLedger { () async throws(LedgerError) in
                _ = try await decideOn(known, .endOverride(id), why: why, by: caller, requestID: requestID)
            }
        }
        return try await recorded(id)
    }

    /// The chain of an account's overrides; an empty one before the first.
    func accountChain(_ identity: Chain.Identity) async throws(ServiceError) -> Chain {
        try await withLedger { () async throws(LedgerError) in
            try await ledger.chain(identifiedBy: identity) ?? Chain(identity: identity)
        }
    }

    /// Decides a person's action on an account's own chain.
    func decideOn(
        _ known: Chain, _ action: StaffAction, why: String, by caller: Caller, requestID: String
    ) async throws(LedgerError) -> (chain: Chain, decision: Decision) {
        let reason = GivenReason(number: try await ledger.nextReasonNumber(), words: why)
        return try await decider.run(
            known: known, cause: Decider.Cause(actor: caller.name, requestID: requestID, reason: reason),
            load: { () async throws(LedgerError) in
                try await ledger.chain(identifiedBy: known.identity) ?? Chain(identity: known.identity)
            },
            input: { _ in .staffActed(action, reasonNumber: reason.number) })
    }

    private func recorded(_ id: OverrideID) async throws(ServiceError) -> RecordedOverride {
        let found = try await withLedger { () async throws(LedgerError) in try await ledger.recordedOverride(id) }
        guard let found else { throw .fault("an override is in its chain, and not in the table") }
        return found
    }
}

extension Chain {
    /// The override with these terms that is in force at an instant.
    fileprivate func override(in terms: Override.Terms, at now: Instant) -> Override? {
        overrides.values.first { $0.terms == terms && $0.isLive(at: now) }
    }
}
