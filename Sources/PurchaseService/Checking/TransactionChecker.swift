import AppStoreJWS
import Logging
import PurchaseCore

/// Asks Apple about one transaction, verifies the answer, decides and commits.
struct TransactionChecker: Sendable {
    let dependencies: ServiceDependencies
    let configuration: ServiceConfiguration
    let decider: Decider
    let reader: AnswerReader
    /// Hears how busy the ledger is with answers, if anybody lets posts in by it.
    let gate: RecordingGate?

    init(dependencies: ServiceDependencies, configuration: ServiceConfiguration, gate: RecordingGate? = nil) {
        self.gate = gate
        self.dependencies = dependencies
        self.configuration = configuration
        self.decider = Decider(dependencies: dependencies, configuration: configuration)
        self.reader = AnswerReader(dependencies: dependencies)
    }

    /// One question, with everything that follows; the chain afterwards, or `nil` for an id that is not recorded.
    ///
    /// `first` is the store that the caller believes the id to be of; `known` the chain as the caller committed it while it
    /// took the right to ask, which saves reading it. The workers ask for the status of a subscription where that question
    /// is due; whoever waits for an answer wants to know of the transaction itself.
    func check(
        _ id: TransactionID, first: StoreEnvironment?, lane: RequestLane, known: Chain? = nil
    ) async throws(LedgerError) -> Chain? {
        var stored = known
        if stored == nil { stored = try await dependencies.ledger.chain(holding: id) }
        guard let chain = stored else { return nil }
        let isWorker = lane == .retry || lane == .sweep
        if isWorker, let question = StatusesQuestion(about: id, in: chain, at: dependencies.clock.now()) {
            return try await checkStatuses(question, of: chain, lane: lane)
        }
        let askedAt = ContinuousClock.now
        let answer = await ask(about: id, chain: chain, first: first, lane: lane)
        // Questions that nobody waits for must not make the gate turn posts away.
        guard let gate, lane == .interactive else { return try await settle(answer, about: id, known: chain) }
        gate.answered(askedAt: askedAt)
        // From here on it is the ledger that is waited for.
        return try await gate.settle { () async throws(LedgerError) in
            try await settle(answer, about: id, known: chain)
        }
    }

    private func settle(
        _ answer: Answer, about id: TransactionID, known chain: Chain
    ) async throws(LedgerError) -> Chain {
        switch answer {
        case .evidence(let evidence, let body):
            do {
                return try await record(
                    evidence, cause: Decider.Cause(body: body), known: canCompare(body, with: chain) ? chain : nil)
            } catch  where error.code == .refused {
                // Signed by Apple and beyond what the ledger can hold: asked again later, and somebody should look.
                dependencies.logger.error("evidence can't be stored", metadata: [LogKey.error.rawValue: "\(error)"])
                return try await record(.answerRefused, about: id, known: chain)
            }
        case .none(let answer):
            return try await record(answer, about: id, known: chain)
        }
    }

    /// Whether every claimant's token is known where the evidence carries one; if not, one may have been stated while Apple
    /// was asked, which the chain's version doesn't tell.
    private func canCompare(_ body: EvidenceBody, with chain: Chain) -> Bool {
        guard body.appAccountToken != nil else { return true }
        var facts = chain.erasable
        facts.completeTokens(dependencies.cryptography.accountToken)
        return chain.claims.keys.allSatisfy { facts.accounts[$0]?.token != nil }
    }

    private func record(
        _ answer: AppStoreNonAnswer, about id: TransactionID, known chain: Chain
    ) async throws(LedgerError) -> Chain {
        reader.raise(answer, about: id)
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

    /// The chain that holds a transaction, and the one of its original transaction, as somebody has just seen them.
    typealias FoundChains = (holding: Chain?, identified: Chain?)

    /// Does what ``record(_:cause:known:lease:)`` does, and tells the decision too.
    ///
    /// `found` saves the first look at the ledger; what has changed since makes the commit miss, and is looked at anew.
    func decide(
        _ evidence: Evidence, renewal: RenewalInfo? = nil, cause: Decider.Cause, known: Chain?,
        found: FoundChains? = nil, lease: (Chain) -> CheckLease? = { _ in nil }
    ) async throws(LedgerError) -> (chain: Chain, decision: Decision) {
        let facts = evidence.facts
        let id = facts.transactionID
        // What is known is of use when it is the chain that the evidence belongs to already, or will: the id of a first
        // purchase is the original one, and hardly ever has a chain of that name been made meanwhile. Then the commit
        // misses, and both are read.
        let usable = known.flatMap { chain in
            let willBeIt = chain.transactions[id] != nil && facts.originalTransactionID.rawValue == id.rawValue
            return chain.environment != nil || willBeIt ? chain : nil
        }
        var provisional: Chain?
        var seen = found
        let result = try await decider.run(
            known: usable, cause: cause,
            load: { () async throws(LedgerError) in
                let found: FoundChains
                if let seen {
                    found = seen
                } else {
                    found = try await dependencies.ledger.chains(
                        holding: id, original: facts.originalTransactionID, in: facts.environment)
                }
                seen = nil
                if let holding = found.holding, holding.environment != nil {
                    provisional = nil
                    return holding
                }
                // The one that the id was posted under joins the one it belongs to, or becomes it.
                provisional = found.identified == nil ? nil : found.holding
                return found.identified ?? found.holding
                    ?? Chain(identity: .original(facts.environment, facts.originalTransactionID))
            },
            input: { chain async throws(LedgerError) in
                if usable?.id == chain.id, usable?.version == chain.version, chain.transactions[id] == nil {
                    provisional = try await dependencies.ledger.chain(identifiedBy: .provisional(id))
                }
                return .evidenceVerified(
                    evidence, renewal: renewal, absorbing: provisional?.id == chain.id ? nil : provisional)
            }, lease: lease)
        // A repeat of known evidence changes nothing in the ledger; the right to ask must end all the same.
        if case .nothing = result.decision, let check = result.chain.checks[id], let chain = result.chain.id {
            _ = try await dependencies.ledger.saveChecks(
                [id: check], of: chain, at: result.chain.version, holder: dependencies.processName)
        }
        return result
    }

    /// The chain that holds a recorded transaction.
    func load(_ id: TransactionID) async throws(LedgerError) -> Chain {
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
                await reader.keep(.malformed(detail), of: .appStore, about: id, jws: "")
                return .none(.answerRefused)
            }
        }
        return .none(.notFound(in: notFoundIn, isFinal: isFinal))
    }

    private func verify(_ jws: String, about id: TransactionID, from store: StoreEnvironment) async -> Answer {
        switch await reader.transaction(jws, from: store, as: .appStore, to: .transaction(id)) {
        case .read(let signed): .evidence(signed.evidence, signed.body)
        case .refused: .none(.answerRefused)
        case .undetermined: .none(.verificationUndetermined)
        }
    }
}

extension Verified {
    /// The digest as ``PurchaseCore/EvidenceID`` names it.
    var sha256Text: String { Hexadecimal.text(sha256) }
}

extension EvidenceBody {
    /// The erasable part of a verified transaction.
    init(_ verified: Verified<JWSTransactionDecodedPayload>) {
        self.init(
            jws: verified.jws, appAccountToken: verified.claims.appAccountToken,
            appTransactionID: verified.claims.appTransactionID)
    }
}
