import AppStoreJWS
import Logging
import PurchaseCore

/// Asks Apple about one transaction, verifies the answer, decides and commits.
struct TransactionChecker: Sendable {
    let dependencies: ServiceDependencies
    let configuration: ServiceConfiguration
    let decider: Decider

    init(dependencies: ServiceDependencies, configuration: ServiceConfiguration) {
        self.dependencies = dependencies
        self.configuration = configuration
        self.decider = Decider(dependencies: dependencies, configuration: configuration)
    }

    /// One question, with everything that follows; the chain afterwards, or `nil` for an id that is not recorded.
    ///
    /// `first` is the store that the caller believes the id to be of.
    func check(
        _ id: TransactionID, first: StoreEnvironment?, lane: RequestLane
    ) async throws(LedgerError) -> Chain? {
        guard let chain = try await dependencies.ledger.chain(holding: id) else { return nil }
        let answer = await ask(about: id, chain: chain, first: first, lane: lane)
        switch answer {
        case .evidence(let evidence, let body):
            do {
                return try await record(evidence, cause: Decider.Cause(body: body), known: chain)
            } catch  where error.code == .refused {
                // Signed by Apple and beyond what the ledger can hold: asked again later, and somebody should look.
                dependencies.logger.error("evidence can't be stored", metadata: [LogKey.error.rawValue: "\(error)"])
                return try await record(.answerRefused, about: id, known: chain)
            }
        case .none(let answer):
            return try await record(answer, about: id, known: chain)
        }
    }

    private func record(
        _ answer: AppStoreNonAnswer, about id: TransactionID, known chain: Chain
    ) async throws(LedgerError) -> Chain {
        if let alarm = answer.alarm {
            dependencies.metrics.alarmRaised(alarm.rawValue)
            dependencies.logger.error(
                "alarm",
                metadata: [LogKey.alarm.rawValue: "\(alarm.rawValue)", LogKey.transactions.rawValue: "\(id)"])
        }
        let result = try await decider.run(
            known: chain, cause: Decider.Cause(),
            load: { () async throws(LedgerError) in try await load(id) },
            input: { _ in .appStoreUnanswered(id, answer) })
        return result.chain
    }

    /// Records evidence about a transaction, taking in the provisional chain that its id was posted under.
    func record(
        _ evidence: Evidence, cause: Decider.Cause, known: Chain?, lease: (Chain) -> CheckLease? = { _ in nil }
    ) async throws(LedgerError) -> Chain {
        try await decide(evidence, cause: cause, known: known, lease: lease).chain
    }

    /// Does what ``record(_:cause:known:lease:)`` does, and tells the decision too.
    func decide(
        _ evidence: Evidence, cause: Decider.Cause, known: Chain?, lease: (Chain) -> CheckLease? = { _ in nil }
    ) async throws(LedgerError) -> (chain: Chain, decision: Decision) {
        let facts = evidence.facts
        let id = facts.transactionID
        let identity = Chain.Identity.original(facts.environment, facts.originalTransactionID)
        // What is known is of use only when it is the chain that the evidence belongs to already.
        let usable = known.flatMap { $0.environment == nil ? nil : $0 }
        let result = try await decider.run(
            known: usable, cause: cause,
            load: { () async throws(LedgerError) in
                let holding = try await dependencies.ledger.chain(holding: id)
                if let holding, holding.environment != nil { return holding }
                return try await dependencies.ledger.chain(identifiedBy: identity) ?? holding
                    ?? Chain(identity: identity)
            },
            input: { chain async throws(LedgerError) in
                var provisional: Chain?
                if chain.transactions[id] == nil {
                    provisional = try await dependencies.ledger.chain(identifiedBy: .provisional(id))
                }
                return .evidenceVerified(evidence, absorbing: provisional?.id == chain.id ? nil : provisional)
            }, lease: lease)
        // A repeat of known evidence changes nothing in the ledger; the right to ask must end all the same.
        if case .nothing = result.decision, let check = result.chain.checks[id], let chain = result.chain.id {
            _ = try await dependencies.ledger.saveChecks(
                [id: check], of: chain, at: result.chain.version, holder: dependencies.processName)
        }
        return result
    }

    private func load(_ id: TransactionID) async throws(LedgerError) -> Chain {
        guard let chain = try await dependencies.ledger.chain(holding: id) else {
            throw LedgerError(.unreadable, "a recorded transaction is gone")
        }
        return chain
    }

    // MARK: Asking

    private enum Answer {
        case evidence(Evidence, EvidenceBody)
        case none(AppStoreNonAnswer)
    }

    /// The store that evidence named; else the caller's first or Production, then the other allowed one.
    private func stores(for chain: Chain, first: StoreEnvironment?) -> [StoreEnvironment] {
        let allowed = dependencies.policy.allowedEnvironments.sorted()
        if let known = chain.environment { return [known] }
        guard let first, allowed.contains(first) else { return allowed }
        return [first] + allowed.filter { $0 != first }
    }

    private func ask(
        about id: TransactionID, chain: Chain, first: StoreEnvironment?, lane: RequestLane
    ) async -> Answer {
        var notFoundIn: Set<StoreEnvironment> = []
        var isFinal = true
        for store in stores(for: chain, first: first) {
            let answer = await dependencies.appStore.transactionInfo(
                id, in: store, lane: lane, deadline: configuration.askTimeout)
            dependencies.logger.debug(
                "app store answered",
                metadata: [
                    LogKey.transaction.rawValue: "\(id)", LogKey.environment.rawValue: "\(store.rawValue)",
                    LogKey.outcome.rawValue: "\(answer.code)", LogKey.lane.rawValue: "\(lane.rawValue)",
                ])
            switch answer {
            case .signed(let jws):
                return await verify(jws, about: id, from: store)
            case .notFound(let errorCode):
                notFoundIn.insert(store)
                isFinal = isFinal && errorCode < 4_040_000
            case .unauthorized:
                // Before the first release Production answers 401 to everything; that is its "not found".
                guard store == .production, configuration.appUnreleased else { return .none(.unauthorized) }
                notFoundIn.insert(store)
                isFinal = false
            case .refusedRequest:
                return .none(.requestRefused)
            case .throttled(let retryAt):
                return .none(.throttled(retryAt: retryAt))
            case .unavailable(.budgetExhausted):
                return .none(.throttled(retryAt: nil))
            case .unavailable:
                return .none(.unavailable)
            case .malformed(let detail):
                await keep(
                    Refused(refusal: "malformed_evidence", step: "answer", code: "malformed_answer", detail: detail),
                    about: id, jws: "")
                return .none(.answerRefused)
            }
        }
        return .none(.notFound(in: notFoundIn, isFinal: isFinal))
    }

    private func verify(_ jws: String, about id: TransactionID, from store: StoreEnvironment) async -> Answer {
        let now = dependencies.clock.now()
        switch await dependencies.verifier.verifyTransaction(jws, now: now) {
        case .invalid(let failure):
            await keep(
                Refused(
                    refusal: failure.refusal.rawValue, step: failure.step.rawValue, code: failure.code.rawValue,
                    detail: failure.detail), about: id, jws: jws)
            return .none(.answerRefused)
        case .undetermined(let doubt, _):
            dependencies.logger.warning(
                "verification undetermined",
                metadata: [LogKey.transaction.rawValue: "\(id)", LogKey.doubt.rawValue: "\(doubt.code.rawValue)"])
            return .none(.verificationUndetermined)
        case .verified(let verified):
            let refused: Refused?
            let facts = TransactionFacts(verified.claims)
            if verified.claims.transactionID != id {
                refused = Refused(
                    refusal: "transaction_mismatch", step: "claims", code: "other_transaction",
                    detail: "the answer is about another transaction than the one asked for")
            } else if facts?.environment != store {
                refused = Refused(
                    refusal: "transaction_mismatch", step: "claims", code: "other_environment",
                    detail: "the answer names another environment than the host that gave it, or none")
            } else {
                refused = nil
            }
            guard refused == nil, let facts else {
                if let refused { await keep(refused, about: id, jws: jws) }
                return .none(.answerRefused)
            }
            let evidence = Evidence(
                id: EvidenceID(sha256: verified.sha256Text, source: .appStore), facts: facts, seenAt: now)
            return .evidence(evidence, EvidenceBody(verified))
        }
    }

    private struct Refused {
        var refusal: String
        var step: String
        var code: String
        var detail: String
    }

    /// Keeps the trace of a refused answer; failing to must not hide the refusal itself.
    private func keep(_ refused: Refused, about id: TransactionID, jws: String) async {
        dependencies.logger.error(
            "app store answer refused",
            metadata: [
                LogKey.transaction.rawValue: "\(id)", LogKey.step.rawValue: "\(refused.step)",
                LogKey.code.rawValue: "\(refused.code)",
            ])
        do {
            try await dependencies.ledger.keep(
                RefusedSubmission(
                    refusedAt: dependencies.clock.now(), source: .appStore, refusal: refused.refusal,
                    step: refused.step, code: refused.code, detail: refused.detail,
                    sha256: dependencies.cryptography.sha256(Array(jws.utf8)), transactionID: id, account: nil,
                    actor: nil, requestID: nil))
        } catch {
            dependencies.logger.error("refusal not kept", metadata: [LogKey.error.rawValue: "\(error)"])
        }
    }
}

extension Verified {
    /// The digest as ``PurchaseCore/EvidenceID`` names it.
    var sha256Text: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in sha256 { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}

extension EvidenceBody {
    /// The erasable part of a verified transaction.
    init(_ verified: Verified<JWSTransactionDecodedPayload>) {
        self.init(
            jws: verified.jws, appAccountToken: verified.claims.appAccountToken,
            appTransactionID: verified.claims.appTransactionID)
    }
}
