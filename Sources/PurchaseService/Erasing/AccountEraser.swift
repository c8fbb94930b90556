import Logging
import PurchaseCore

/// Takes an account's claims away, chain by chain, and its name at last.
///
/// Each chain is one decision, committed with everything that goes with it; what is left to do is read from the claims
/// that are there. So a crash at any moment loses nothing, and any number of these may work on one account.
struct AccountEraser: Sendable {
    /// Chains looked up at a time.
    static let page = 100
    /// Signed texts of each kind that one commit deletes: some ten milliseconds under the ledger's lock.
    static let textsMax = 200

    let dependencies: ServiceDependencies
    let decider: Decider

    /// Goes on with an erasing until it is finished, or the deadline has come; when it was finished, or `nil`.
    ///
    /// A chain that can't be changed keeps none of the others: the rest is done first, and then its error is thrown.
    func run(
        _ recorded: RecordedErasure, until deadline: ContinuousClock.Instant, requestID: String?
    ) async throws(LedgerError) -> Instant? {
        let account = recorded.erasure.account
        var last: ChainID?
        var failure: LedgerError?
        while true {
            let chains = try await dependencies.ledger.chains(claimedBy: account, after: last, limit: Self.page)
            guard let newest = chains.last else { break }
            for chain in chains {
                guard ContinuousClock.now < deadline, !Task.isCancelled else { return nil }
                do {
                    try await release(chain, recorded, requestID: requestID)
                } catch {
                    failure = error
                }
            }
            last = newest
        }
        if let failure { throw failure }
        if let known = try await dependencies.ledger.tokens(of: account) {
            var tokens = known.tokens
            if let rule = dependencies.cryptography.accountToken(known.id) { tokens.insert(rule) }
            guard try await eraseTexts(carrying: tokens, of: account, until: deadline) else { return nil }
        }
        let finished = try await dependencies.ledger.finishErasure(of: account, at: dependencies.clock.now())
        if finished != nil { dependencies.logger.info("an account is erased") }
        return finished
    }

    /// Deletes the signed texts with these tokens that no claim led to; whether that was all of them.
    ///
    /// They come from notifications, restores and Apple's answers about purchases that the account never claimed, or does
    /// not claim any more.
    func eraseTexts(
        carrying tokens: Set<AppAccountToken>, of account: AccountNumber?, until deadline: ContinuousClock.Instant
    ) async throws(LedgerError) -> Bool {
        guard !tokens.isEmpty else { return true }
        while ContinuousClock.now < deadline, !Task.isCancelled {
            let count = try await dependencies.ledger.eraseTexts(
                carrying: tokens, of: account, limit: Self.textsMax)
            if count == 0 { return true }
            dependencies.logger.info("signed texts with the token of an account that is erased are deleted")
        }
        return false
    }

    private func release(_ id: ChainID, _ recorded: RecordedErasure, requestID: String?) async throws(LedgerError) {
        let ledger = dependencies.ledger
        let erasure = recorded.erasure
        _ = try await decider.run(
            known: nil, cause: Decider.Cause(actor: recorded.who, requestID: requestID),
            load: { () async throws(LedgerError) in
                var number = id
                // Taken in by another chain meanwhile: the claim is there now.
                for _ in 0..<8 {
                    guard let chain = try await ledger.chain(numbered: number) else { break }
                    guard let other = chain.absorbedBy else { return chain }
                    number = other
                }
                throw LedgerError(.unreadable, "a chain that an account claims is gone")
            },
            input: { _ in .staffActed(.releaseClaim(erasure.account), reasonNumber: erasure.reasonNumber) })
    }
}
