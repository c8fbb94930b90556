import AppStoreJWS
import Logging
import PurchaseCore

/// Reads signed data that Apple's own host gave: the signature, then whether it is about what was asked.
///
/// What doesn't hold is Apple's fault or the network's, never a client's: it leaves a trace, and the question stays open.
struct AnswerReader: Sendable {
    let dependencies: ServiceDependencies

    /// What a question was about.
    enum Question: Sendable {
        /// One transaction.
        case transaction(TransactionID)
        /// Whatever the customer of this transaction has.
        case customer(of: TransactionID)

        /// The transaction that was named.
        var id: TransactionID {
            switch self {
            case .transaction(let id), .customer(of: let id): id
            }
        }
    }

    /// What a signed text turned out to be.
    enum Reading<Item: Sendable>: Sendable {
        /// Apple's word.
        case read(Item)
        /// It doesn't verify, or is about something else; a trace is kept.
        case refused
        /// Whether it is to be trusted can't be told now.
        case undetermined
    }

    /// A transaction as Apple signed it.
    struct SignedTransaction: Sendable {
        var evidence: Evidence
        var body: EvidenceBody
    }

    /// Verifies a transaction of an answer.
    func transaction(
        _ jws: String, from store: StoreEnvironment, as source: EvidenceSource, to question: Question
    ) async -> Reading<SignedTransaction> {
        let now = dependencies.clock.now()
        switch await dependencies.verifier.verifyTransaction(jws, now: now) {
        case .invalid(let failure):
            await keep(Refused(failure), of: source, about: question.id, jws: jws)
            return .refused
        case .undetermined(let doubt, _):
            tell(doubt, about: question.id)
            return .undetermined
        case .verified(let verified):
            let facts = TransactionFacts(verified.claims)
            if let mismatch = mismatch(of: verified.claims, facts, from: store, to: question) {
                await keep(mismatch, of: source, about: question.id, jws: jws)
                return .refused
            }
            guard let facts else { return .refused }
            let evidence = Evidence(
                id: EvidenceID(sha256: verified.sha256Text, source: source), facts: facts, seenAt: now)
            return .read(SignedTransaction(evidence: evidence, body: EvidenceBody(verified)))
        }
    }

    /// Verifies the renewal info that an answer gives beside a transaction of the same subscription.
    func renewal(
        _ jws: String, beside facts: TransactionFacts, from store: StoreEnvironment, as source: EvidenceSource,
        to question: Question
    ) async -> Reading<SignedRenewal> {
        let now = dependencies.clock.now()
        switch await dependencies.verifier.verifyRenewalInfo(jws, now: now) {
        case .invalid(let failure):
            await keep(Refused(failure), of: source, about: question.id, jws: jws)
            return .refused
        case .undetermined(let doubt, _):
            tell(doubt, about: question.id)
            return .undetermined
        case .verified(let verified):
            guard let signed = SignedRenewal(verified, from: store, as: source, seenAt: now) else {
                let mismatch = Refused.mismatch("other_environment", "the renewal info names another environment")
                await keep(mismatch, of: source, about: question.id, jws: jws)
                return .refused
            }
            guard signed.info.facts.originalTransactionID == facts.originalTransactionID else {
                let mismatch = Refused.mismatch(
                    "other_original", "transaction and renewal info are of different subscriptions")
                await keep(mismatch, of: source, about: question.id, jws: jws)
                return .refused
            }
            return .read(signed)
        }
    }

    private func mismatch(
        of claims: JWSTransactionDecodedPayload, _ facts: TransactionFacts?, from store: StoreEnvironment,
        to question: Question
    ) -> Refused? {
        if case .transaction(let id) = question, claims.transactionID != id {
            return .mismatch("other_transaction", "the answer is about another transaction than the one asked for")
        }
        guard let facts, facts.environment == store else {
            return .mismatch(
                "other_environment", "the answer names another environment than the host that gave it, or none")
        }
        // A transaction that was posted may be another app's, and then the decision says so. A customer's list is ours.
        if case .customer = question, let bundle = facts.bundleID, bundle != dependencies.policy.bundleID {
            return .mismatch("other_bundle", "the answer lists a transaction of another app")
        }
        return nil
    }

    /// Says that whether a signature is to be trusted can't be told.
    func tell(_ doubt: VerificationDoubt, about id: TransactionID) {
        dependencies.logger.warning(
            "verification undetermined",
            metadata: [LogKey.transaction.rawValue: "\(id)", LogKey.doubt.rawValue: "\(doubt.code.rawValue)"])
    }

    // MARK: Traces

    /// Why an answer is refused.
    struct Refused: Sendable {
        var refusal: String
        var step: String
        var code: String
        var detail: String

        init(refusal: String, step: String, code: String, detail: String) {
            self.refusal = refusal
            self.step = step
            self.code = code
            self.detail = detail
        }

        init(_ failure: VerificationFailure) {
            self.init(
                refusal: failure.refusal.rawValue, step: failure.step.rawValue, code: failure.code.rawValue,
                detail: failure.detail)
        }

        /// What Apple signed is about something else than what was asked.
        static func mismatch(_ code: String, _ detail: String) -> Self {
            Self(refusal: "transaction_mismatch", step: "claims", code: code, detail: detail)
        }

        /// The body isn't what Apple documents.
        static func malformed(_ detail: String) -> Self {
            Self(refusal: "malformed_evidence", step: "answer", code: "malformed_answer", detail: detail)
        }
    }

    /// Keeps the trace of a refused answer; failing to must not hide the refusal itself.
    func keep(_ refused: Refused, of source: EvidenceSource, about id: TransactionID, jws: String) async {
        dependencies.logger.error(
            "app store answer refused",
            metadata: [
                LogKey.transaction.rawValue: "\(id)", LogKey.step.rawValue: "\(refused.step)",
                LogKey.code.rawValue: "\(refused.code)",
            ])
        do {
            try await dependencies.ledger.keep(
                RefusedSubmission(
                    refusedAt: dependencies.clock.now(), source: source, refusal: refused.refusal,
                    step: refused.step, code: refused.code, detail: refused.detail,
                    sha256: dependencies.cryptography.sha256(Array(jws.utf8)), transactionID: id, account: nil,
                    actor: nil, requestID: nil))
        } catch {
            dependencies.logger.error("refusal not kept", metadata: [LogKey.error.rawValue: "\(error)"])
        }
    }

    /// Raises what an operator should hear of each time that Apple gives no usable answer.
    func raise(_ answer: AppStoreNonAnswer, about id: TransactionID) {
        guard let alarm = answer.alarm else { return }
        dependencies.metrics.alarmRaised(alarm.rawValue)
        dependencies.logger.error(
            "alarm",
            metadata: [LogKey.alarm.rawValue: "\(alarm.rawValue)", LogKey.transactions.rawValue: "\(id)"])
    }
}

extension AppStoreReply {
    /// What it means for a transaction that nothing was learnt about; `nil` for a 200 that can be read.
    ///
    /// Never final: evidence has vouched for whoever is asked about a customer.
    func nonAnswer(in store: StoreEnvironment) -> AppStoreNonAnswer? {
        switch self {
        case .answered: nil
        case .notFound: .notFound(in: [store])
        case .unauthorized: .unauthorized
        case .refusedRequest: .requestRefused
        case .throttled(let retryAt): .throttled(retryAt: retryAt)
        case .unavailable(.budgetExhausted): .throttled(retryAt: nil)
        case .unavailable: .unavailable
        case .malformed: .answerRefused
        }
    }
}
