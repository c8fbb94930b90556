import PurchaseCore

/// Why a transaction is in its state and entitles, or doesn't: a pure function of the chain, its newest events, and what
/// support decided for the account.
package struct Explanation: Sendable {
    /// One event of the timeline, as its rule's sentence.
    package struct FiredRule: Sendable {
        /// The chain's version after it.
        package let chainVersion: Int64
        /// The name of the key that acted; `nil` for the service itself.
        package let actor: String?
        /// The sentence, with the moment of recording.
        package let sentence: Phrase
    }

    /// The transaction as the account that is looked at sees it; whether it entitles, and why, is with support's decision.
    package let view: TransactionView
    /// What state, refusal, entitlement and claim mean, for support.
    package let summary: [Phrase]
    /// What is known, the oldest first; bounded.
    package let facts: [Phrase]
    /// The rules that fired, the oldest first; of the newest events alone.
    package let rules: [FiredRule]
    /// What it waits for, each with the moment of the next attempt where one is planned.
    package let waitsFor: [Phrase]
    /// What would bring another answer, the likeliest first.
    package let wouldChange: [Phrase]
    /// One sentence that may be sent to the customer as it is.
    package let customer: Phrase

    /// Explains a transaction.
    ///
    /// - Parameters:
    ///   - view: The transaction, seen from the account that `claimant` names; from its holder's for `nil`. The decision
    ///     is applied to it.
    ///   - chain: Its chain.
    ///   - events: The chain's newest events, oldest first.
    ///   - claimant: The account that is looked at.
    ///   - decision: What support decided for that account in another way than the purchase says; `nil` for nothing.
    init(
        of view: TransactionView, in chain: Chain, events: [RecordedEvent], claimant: AccountNumber?,
        decision: Override?
    ) {
        let situation = Situation(view, in: chain, claimant: claimant, decision: decision)
        self.view = view
        summary = situation.summary
        facts = FactSentence.all(about: view.transaction, in: chain)
        rules = events.compactMap { event in
            // A rule that a newer version wrote has no sentence here; `…/events` shows it.
            guard let rule = Rule(rawValue: event.rule) else { return nil }
            return FiredRule(
                chainVersion: event.chainVersion, actor: event.actor, sentence: rule.phrase(at: event.recordedAt))
        }
        waitsFor = WaitingSentence.all(situation, transaction: view.transaction.id, in: chain)
        wouldChange = ChangeSentence.all(situation)
        customer = situation.customerSentence
    }
}

extension Situation {
    /// A sentence each for state and reason, refusal, entitlement and claim; those that there are.
    package var summary: [Phrase] {
        var sentences = [StandingSentence(standing).phrase()]
        if let refusal { sentences.append(refusal.phrase()) }
        sentences.append(entitlement.phrase())
        if let claim { sentences.append(claim.phrase()) }
        return sentences
    }
}
