import Logging
import PurchaseCore

/// A question for the status of one subscription: Get All Subscription Statuses, by its newest known transaction.
struct StatusesQuestion: Sendable {
    let id: TransactionID
    let store: StoreEnvironment
    let original: OriginalTransactionID

    /// The question, where it is the one that is due for a transaction of a chain.
    ///
    /// It comes before a sweep that is due as well, and stands in for it: access may hang on it, and nobody waits for the
    /// other.
    init?(about id: TransactionID, in chain: Chain, at now: Instant) {
        guard let check = chain.checks[id], case .original(let store, let original) = chain.identity else { return nil }
        let isBeforeSweep = check.isSweep && check.statusesAt.map { $0 <= now } ?? false
        guard isBeforeSweep || check.asksStatuses(at: now) else { return nil }
        self.id = id
        self.store = store
        self.original = original
    }
}

extension TransactionChecker {
    /// A subscription of an answer, as Apple signed it.
    private struct Pair {
        var transaction: AnswerReader.SignedTransaction
        /// Absent where the answer leaves it out.
        var renewal: SignedRenewal?
    }

    /// What an answer came to.
    private struct Findings {
        /// What is about the subscription that was asked for.
        var own: [Pair] = []
        /// The customer's other subscriptions: evidence of their own chains.
        var others: [Pair] = []
        /// What to say of the question when there is nothing of its own.
        var otherwise: AppStoreNonAnswer
    }

    /// Asks for the statuses of a customer's subscriptions, and decides upon each that verifies; the asked chain
    /// afterwards.
    ///
    /// The others come first, so that the question stays open until everything in the answer is committed.
    func checkStatuses(
        _ question: StatusesQuestion, of chain: Chain, lane: RequestLane
    ) async throws(LedgerError) -> Chain {
        let reply = await dependencies.appStore.subscriptionStatuses(
            of: question.id, in: question.store, lane: lane, deadline: configuration.askTimeout)
        dependencies.logger.debug(
            "app store answered",
            metadata: [
                LogKey.transaction.rawValue: "\(question.id)",
                LogKey.environment.rawValue: "\(question.store.rawValue)",
                LogKey.outcome.rawValue: "\(reply.code)", LogKey.lane.rawValue: "\(lane.rawValue)",
            ])
        guard case .answered(let statuses) = reply else {
            if case .malformed(let detail) = reply {
                await reader.keep(.malformed(detail), of: .appStore, about: question.id, jws: "")
            }
            return try await record(reply.nonAnswer(in: question.store) ?? .unavailable, to: question, known: chain)
        }
        let findings = await read(statuses, question)
        for pair in findings.others where try await apply(pair, known: nil) == nil {
            reader.raise(.answerRefused, about: question.id)
        }
        var after = chain
        for pair in findings.own { after = try await apply(pair, known: after) ?? after }
        // Whatever the answer said of it, a question that is still due would be asked again at once.
        guard StatusesQuestion(about: question.id, in: after, at: dependencies.clock.now()) != nil else { return after }
        return try await record(findings.otherwise, to: question, known: after)
    }

    // MARK: Reading

    private func read(_ statuses: SubscriptionStatuses, _ question: StatusesQuestion) async -> Findings {
        var findings = Findings(otherwise: .notFound(in: [question.store]))
        for item in statuses.groups.flatMap(\.lastTransactions) {
            let isOwn = item.originalTransactionID.map { $0 == question.original } ?? true
            switch await read(item, question) {
            case .read(let pair) where pair.transaction.evidence.facts.originalTransactionID == question.original:
                findings.own.append(pair)
                // Should it not do, for want of renewal info for example: this is what is wrong with the answer.
                findings.otherwise = .answerRefused
            case .read(let pair): findings.others.append(pair)
            case .refused where isOwn: findings.otherwise = .answerRefused
            case .refused: reader.raise(.answerRefused, about: question.id)
            case .undetermined where isOwn: findings.otherwise = .verificationUndetermined
            case .undetermined: break
            }
        }
        return findings
    }

    private func read(
        _ item: SubscriptionStatuses.LastTransaction, _ question: StatusesQuestion
    ) async -> AnswerReader.Reading<Pair> {
        guard let jws = item.signedTransactionInfo else {
            await reader.keep(
                .malformed("a subscription has no signedTransactionInfo"), of: .appStore, about: question.id, jws: "")
            return .refused
        }
        let about = AnswerReader.Question.customer(of: question.id)
        let transaction: AnswerReader.SignedTransaction
        switch await reader.transaction(jws, from: question.store, as: .appStore, to: about) {
        case .refused: return .refused
        case .undetermined: return .undetermined
        case .read(let signed): transaction = signed
        }
        let facts = transaction.evidence.facts
        if let claimed = item.originalTransactionID, claimed != facts.originalTransactionID {
            await reader.keep(
                .mismatch("other_original", "a subscription is listed under another's originalTransactionId"),
                of: .appStore, about: question.id, jws: jws)
            return .refused
        }
        guard let renewal = item.signedRenewalInfo else { return .read(Pair(transaction: transaction)) }
        switch await reader.renewal(renewal, beside: facts, from: question.store, as: .appStore, to: about) {
        case .refused: return .refused
        case .undetermined: return .undetermined
        case .read(let signed): return .read(Pair(transaction: transaction, renewal: signed))
        }
    }

    // MARK: Deciding

    /// Decides upon one subscription; `nil` when the ledger can't hold it.
    private func apply(_ pair: Pair, known: Chain?) async throws(LedgerError) -> Chain? {
        let cause = Decider.Cause(body: pair.transaction.body, renewalBody: pair.renewal?.body)
        do {
            return try await decide(
                pair.transaction.evidence, renewal: pair.renewal?.info, cause: cause, known: known
            ).chain
        } catch  where error.code == .refused {
            dependencies.logger.error("evidence can't be stored", metadata: [LogKey.error.rawValue: "\(error)"])
            return nil
        }
    }

    private func record(
        _ answer: AppStoreNonAnswer, to question: StatusesQuestion, known chain: Chain
    ) async throws(LedgerError) -> Chain {
        reader.raise(answer, about: question.id)
        return try await decider.run(
            known: chain, cause: Decider.Cause(),
            load: { () async throws(LedgerError) in try await load(question.id) },
            input: { _ in .statusesUnanswered(question.id, answer) }
        ).chain
    }
}
