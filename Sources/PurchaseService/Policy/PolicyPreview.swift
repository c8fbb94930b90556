package import PurchaseCore

/// What a policy that is not in force yet would change: the real decisions over the stored chains, of which nothing is
/// written.
///
/// Looks at the chains that a ``PolicyWorker`` would decide again, a page at a time, so its memory doesn't grow with
/// their number. Others go on deciding meanwhile: the figures are those of the moment at which each chain was read.
package struct PolicyPreview: Sendable {
    /// Where chains come from.
    package protocol Source: Sendable {
        /// See ``PolicyPort/chainsToDecideAgain(_:after:limit:)``.
        func chainsToDecideAgain(
            _ difference: PolicyDifference, after id: ChainID?, limit: Int
        ) async throws(LedgerError) -> [ChainID]
        /// Several chains by their numbers, in order; one that is not there is left out.
        func chains(numbered ids: [ChainID]) async throws(LedgerError) -> [Chain]
    }

    /// Chains in memory at a time.
    static let page = 100

    private let source: any Source
    private let policy: Policy
    private let accountToken: @Sendable (AccountID) -> AppAccountToken?
    private let skipsSandbox: Bool

    /// Takes the policy to try; `accountToken` gives the token that an account has by rule, as
    /// ``ServiceCryptography/accountToken`` does.
    ///
    /// With `skipsSandbox`, sandbox purchases are left out: for who does not know which accounts they entitle.
    package init(
        source: any Source, policy: Policy, skipsSandbox: Bool,
        accountToken: @escaping @Sendable (AccountID) -> AppAccountToken?
    ) {
        self.source = source
        self.policy = policy
        self.skipsSandbox = skipsSandbox
        self.accountToken = accountToken
    }

    /// Goes through the chains that the difference is about; tells of its progress after each page.
    package func run(
        _ difference: PolicyDifference, examplesMax: Int, now: @Sendable () -> Instant,
        progress: (PolicyEffect) -> Void = { _ in }
    ) async throws(LedgerError) -> PolicyEffect {
        var effect = PolicyEffect(examplesMax: examplesMax)
        var after: ChainID?
        while !Task.isCancelled {
            let ids = try await source.chainsToDecideAgain(difference, after: after, limit: Self.page)
            guard let last = ids.last else { break }
            after = last
            for chain in try await source.chains(numbered: ids) { add(chain, to: &effect, now: now()) }
            progress(effect)
        }
        return effect
    }

    private func add(_ stored: Chain, to effect: inout PolicyEffect, now: Instant) {
        guard stored.absorbedBy == nil, !skipsSandbox || stored.environment != .sandbox else { return }
        var chain = stored
        chain.erasable.completeTokens(accountToken)
        effect.add(decide(chain, .policyChanged, policy: policy, now: now), to: chain, now: now)
    }
}

extension ErasableFacts {
    /// Adds the tokens that accounts have by rule to those that the app's server stated.
    mutating func completeTokens(_ accountToken: (AccountID) -> AppAccountToken?) {
        for (number, account) in accounts where account.token == nil {
            accounts[number]?.token = account.id.flatMap(accountToken)
        }
    }
}
