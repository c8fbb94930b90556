import AppStoreJWS
import Logging
package import PurchaseCore

extension VouchService {
    /// See ``SupportUseCases/order(_:for:requestID:)``.
    package func order(
        _ id: OrderID, for caller: Caller, requestID: String
    ) async throws(ServiceError) -> OrderView {
        let stored = try await withLedger { () async throws(LedgerError) in try await ledger.order(id) }
        if let stored { return try await view(of: stored, for: caller) }
        // Apple has order ids in Production alone.
        guard dependencies.policy.allowedEnvironments.contains(.production) else { throw .orderNotFound }
        let answer = await dependencies.orders.lookUpOrder(id, deadline: configuration.answerWithin)
        dependencies.logger.debug(
            "order looked up", metadata: [LogKey.outcome.rawValue: "\(answer.code)"])
        let signed = try await signedTransactions(in: answer)
        guard !signed.isEmpty else { throw .orderNotFound }
        let proofs = try await verify(signed)
        let order = StoredOrder(
            id: id, lookedUpAt: dependencies.clock.now(),
            transactions: Set(proofs.map(\.evidence.facts.transactionID)).sorted())
        try await withLedger { () async throws(LedgerError) in
            for proof in proofs { try await record(proof, for: caller, requestID: requestID) }
            try await ledger.keep(order)
        }
        return try await view(of: order, for: caller)
    }

    private func view(of order: StoredOrder, for caller: Caller) async throws(ServiceError) -> OrderView {
        var transactions: [TransactionView] = []
        for id in order.transactions {
            transactions.append(try await transaction(id, for: caller, claimToken: nil))
        }
        return OrderView(id: order.id, lookedUpAt: order.lookedUpAt, transactions: transactions)
    }

    // MARK: Apple's answer

    /// The most transactions of one order; an answer with more is none of Apple's.
    private static let orderTransactionsMax = 100
    /// When a caller may ask again, where Apple names no moment.
    private static let retryAfterSeconds = 5

    /// The JWS of an answer; empty when Apple knows no such order.
    private func signedTransactions(in answer: OrderLookupAnswer) async throws(ServiceError) -> [String] {
        switch answer {
        case .signed(let signed) where signed.count <= Self.orderTransactionsMax: return signed
        case .signed:
            await refuse("malformed_answer", "an order of more than \(Self.orderTransactionsMax) transactions")
        case .unknown: return []
        case .unauthorized:
            // Before the first release Production answers 401 to everything; that is its "not found".
            if configuration.appUnreleased { return [] }
            raise(.unauthorized)
        case .refusedRequest: raise(.requestRefused)
        case .throttled(let retryAt?):
            let seconds = (retryAt - dependencies.clock.now()).milliseconds / 1_000 + 1
            throw .appStoreUnavailable(retryAfterSeconds: Int(max(seconds, 1)))
        case .throttled(retryAt: nil), .unavailable: break
        case .malformed(let detail): await refuse("malformed_answer", detail)
        }
        throw .appStoreUnavailable(retryAfterSeconds: Self.retryAfterSeconds)
    }

    private struct Proof {
        var evidence: Evidence
        var body: EvidenceBody
    }

    /// Verifies all of an order before anything of it is recorded: half an order would be remembered as the whole.
    private func verify(_ signed: [String]) async throws(ServiceError) -> [Proof] {
        var proofs: [Proof] = []
        for jws in signed {
            let now = dependencies.clock.now()
            switch await dependencies.verifier.verifyTransaction(jws, now: now) {
            case .verified(let verified):
                guard let facts = TransactionFacts(verified.claims), facts.environment == .production else {
                    await refuse("other_environment", "a signed transaction of an order is not Production's", jws)
                    throw .appStoreUnavailable(retryAfterSeconds: Self.retryAfterSeconds)
                }
                let id = EvidenceID(sha256: verified.sha256Text, source: .appStore)
                proofs.append(
                    Proof(evidence: Evidence(id: id, facts: facts, seenAt: now), body: EvidenceBody(verified)))
            case .invalid(let failure):
                await refuse(failure.code.rawValue, failure.detail, jws, step: failure.step.rawValue)
                throw .appStoreUnavailable(retryAfterSeconds: Self.retryAfterSeconds)
            case .undetermined(let doubt, _):
                dependencies.logger.warning(
                    "verification undetermined", metadata: [LogKey.doubt.rawValue: "\(doubt.code.rawValue)"])
                throw .appStoreUnavailable(retryAfterSeconds: Self.retryAfterSeconds)
            }
        }
        return proofs
    }

    /// Decides upon one transaction as upon Apple's answer to a question for it, linking it to the account that its
    /// appAccountToken names, as a notification would.
    private func record(_ proof: Proof, for caller: Caller, requestID: String) async throws(LedgerError) {
        let intake = notificationIntake
        let standing = try await ledger.standing(of: intake.subject(of: proof.evidence, proof.body))
        let cause = Decider.Cause(actor: caller.name, requestID: requestID, body: proof.body)
        _ = try await intake.decide(upon: proof.evidence, cause: cause, standing)
    }

    // MARK: What operators hear

    private func raise(_ alarm: Alarm) {
        dependencies.metrics.alarmRaised(alarm.rawValue)
        dependencies.logger.error("alarm", metadata: [LogKey.alarm.rawValue: "\(alarm.rawValue)"])
    }

    /// Keeps the trace of an answer that Apple cannot have given; failing to must not hide the refusal itself.
    private func refuse(_ code: String, _ detail: String, _ jws: String = "", step: String = "answer") async {
        raise(.answerRefused)
        do {
            try await ledger.keep(
                RefusedSubmission(
                    refusedAt: dependencies.clock.now(), source: .appStore, refusal: "malformed_evidence", step: step,
                    code: code, detail: detail, sha256: dependencies.cryptography.sha256(Array(jws.utf8)),
                    transactionID: nil, account: nil, actor: nil, requestID: nil))
        } catch {
            dependencies.logger.error("refusal not kept", metadata: [LogKey.error.rawValue: "\(error)"])
        }
    }
}
