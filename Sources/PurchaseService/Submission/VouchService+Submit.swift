import AppStoreJWS
import Logging
import PurchaseCore

extension VouchService {
    /// What a posted transaction turned out to be about.
    private struct Subject {
        var id: TransactionID
        /// The store to ask first.
        var environment: StoreEnvironment?
        /// The device's verified word, if there is one.
        var evidence: (item: Evidence, body: EvidenceBody)?
        /// Whether Apple's signature vouches for the id: no guess.
        var isSigned = false
    }

    private enum Reading {
        case subject(Subject)
        case refused(SubmissionRefusal, detail: String)
    }

    /// See ``UseCases/submit(_:by:requestID:place:)``.
    ///
    /// Nothing is stored before the submission itself is known to be sound; then the claim and the id become durable
    /// before Apple is asked, so whatever is answered is not forgotten.
    package func submit(
        _ submission: Submission, by caller: Caller, requestID: String, place: RecordingPlace? = nil
    ) async throws(ServiceError) -> SubmissionOutcome {
        if let own = caller.ownAccount, own != submission.account { throw .notFound }
        let subject: Subject
        switch try await read(submission, by: caller, requestID: requestID) {
        case .subject(let sound): subject = sound
        case .refused(let refusal, let detail): return .refused(refusal, detail: detail)
        }
        let posters = posters(of: submission, by: caller)
        // In a task of its own, which gives its stack back before Apple is waited for: a decision takes some 90 KB.
        async let recording = record(
            subject, of: posters, in: place, submission: submission, caller: caller, requestID: requestID)
        let (account, recorded, leads) = try await recording.get()
        let after = try await settle(subject, recorded, caller: caller, requestID: requestID, leads: leads)
        await release(subject.id, of: posters, chain: after)
        let token = dependencies.cryptography.claimToken(subject.id, account)
        return .recorded(view(of: subject.id, in: after, claimant: account), claimToken: token)
    }

    // MARK: Reading the submission

    private func read(
        _ submission: Submission, by caller: Caller, requestID: String
    ) async throws(ServiceError) -> Reading {
        let jws: String
        switch submission.subject {
        case .transactionID(let id):
            return .subject(Subject(id: id, environment: submission.environment, evidence: nil))
        case .signedTransaction(let text):
            jws = text
        }
        let now = dependencies.clock.now()
        func refuse(
            _ refusal: SubmissionRefusal, step: String, code: String, detail: String, about id: TransactionID?
        ) async throws(ServiceError) -> Reading {
            dependencies.metrics.submissionRefused(refusal)
            try await withLedger { () async throws(LedgerError) in
                try await ledger.keep(
                    RefusedSubmission(
                        refusedAt: now, source: .device, refusal: refusal.rawValue, step: step, code: code,
                        detail: detail, sha256: dependencies.cryptography.sha256(Array(jws.utf8)), transactionID: id,
                        account: try await ledger.findAccount(submission.account), actor: caller.name,
                        requestID: requestID))
            }
            return .refused(refusal, detail: detail)
        }
        switch await dependencies.verifier.verifyTransaction(jws, now: now) {
        case .invalid(let failure):
            return try await refuse(
                SubmissionRefusal(failure.refusal), step: failure.step.rawValue, code: failure.code.rawValue,
                detail: failure.detail, about: nil)
        case .undetermined(_, let unconfirmed):
            // Worth a question to Apple, and no evidence.
            let store = unconfirmed.claims.storeEnvironment ?? submission.environment
            return .subject(
                Subject(id: unconfirmed.claims.transactionID, environment: store, evidence: nil, isSigned: true))
        case .verified(let verified):
            let id = verified.claims.transactionID
            guard let facts = TransactionFacts(verified.claims) else {
                return try await refuse(
                    .malformedEvidence, step: "claims", code: "environment_or_original_missing",
                    detail: "the signed transaction names no App Store environment or no original transaction",
                    about: nil)
            }
            if let stated = submission.environment, stated != facts.environment {
                return try await refuse(
                    .transactionMismatch, step: "claims", code: "environment_contradicted",
                    detail:
                        "the request says \(stated.rawValue) and the signed transaction \(facts.environment.rawValue)",
                    about: id)
            }
            if try await contradictsToken(verified.claims.appAccountToken, of: submission) {
                return try await refuse(
                    .accountTokenMismatch, step: "claims", code: "account_token_mismatch",
                    detail: "the signed transaction carries another account's appAccountToken", about: id)
            }
            // An expired leaf may be in wrong hands by now: its word only asks for a check.
            guard verified.leafNotAfter >= now else {
                return .subject(Subject(id: id, environment: facts.environment, evidence: nil, isSigned: true))
            }
            let item = Evidence(
                id: EvidenceID(sha256: verified.sha256Text, source: .device), facts: facts, seenAt: now)
            return .subject(
                Subject(
                    id: id, environment: facts.environment, evidence: (item, EvidenceBody(verified)), isSigned: true))
        }
    }

    private func contradictsToken(
        _ token: AppAccountToken?, of submission: Submission
    ) async throws(ServiceError) -> Bool {
        guard dependencies.policy.accountTokenRule != .ignore, let token else { return false }
        var own = submission.appAccountToken
        if own == nil {
            own = try await withLedger { () async throws(LedgerError) in
                try await ledger.statedToken(of: submission.account)
            }
        }
        own = own ?? dependencies.cryptography.accountToken(submission.account)
        return own.map { $0 != token } ?? false
    }

    // MARK: Recording

    /// The claim as it was recorded, by account, and whether this post is the one that asks Apple.
    private typealias Recording = (account: AccountNumber, recorded: Recorded, leads: Bool)

    /// Records the claim if the gate lets it.
    private func record(
        _ subject: Subject, of posters: [UnprovenPoster], in place: RecordingPlace?, submission: Submission,
        caller: Caller, requestID: String
    ) async -> Result<Recording, ServiceError> {
        do throws(ServiceError) {
            return try await .success(
                recordingGate.record(in: place) {
                    (waitsForAnother: inout Bool) async throws(ServiceError) -> Recording in
                    // Behind the gate: what is refused there stores nothing.
                    try await admit(subject.id, of: posters)
                    let leads = pool.begin(subject.id)
                    waitsForAnother = !leads
                    return try await record(
                        subject, submission: submission, caller: caller, requestID: requestID, leads: leads)
                })
        } catch {
            return .failure(error)
        }
    }

    /// Records the claim; a flight that this post leads ends when it can't.
    private func record(
        _ subject: Subject, submission: Submission, caller: Caller, requestID: String, leads: Bool
    ) async throws(ServiceError) -> Recording {
        do throws(ServiceError) {
            var standing = try await withLedger { () async throws(LedgerError) in
                try await ledger.standing(of: subject.id, for: submission.account)
            }
            let account = try await registered(submission, by: caller, standing.account)
            standing.account = account
            let recorded = try await record(
                subject, standing, account: account.number, submission: submission, caller: caller,
                requestID: requestID, leads: leads)
            return (account.number, recorded, leads)
        } catch {
            if leads { pool.end(subject.id) }
            throw error
        }
    }

    /// The account that posts, as the ledger knows it; written only where it is new, or where a token of it is.
    private func registered(
        _ submission: Submission, by caller: Caller, _ known: TransactionStanding.Account?
    ) async throws(ServiceError) -> TransactionStanding.Account {
        // A publishable key could invent the account that a customer's token belongs to, and so get what Apple tells of.
        let mayBeLinked = caller.roles.contains(.app) || caller.ownAccount != nil
        let rule = mayBeLinked ? dependencies.cryptography.accountToken(submission.account) : nil
        if let known, known.isReady(stated: submission.appAccountToken, rule: rule) { return known }
        return try await withLedger { () async throws(LedgerError) in
            try await ledger.register(
                submission.account, statedToken: submission.appAccountToken, ruleToken: rule)
        }
    }

    /// The chain with the claim in it.
    private struct Recorded {
        var chain: Chain
        /// When the recording began, and with it the lease.
        var beganAt: Instant
        /// Whether the commit that made the transaction known took the right to ask Apple with it: nobody else can have
        /// it then, and taking it once more would be another durable write.
        var hasLease = false
    }

    /// Records the claim, deciding at first upon how the transaction stood when it was posted.
    private func record(
        _ subject: Subject, _ standing: TransactionStanding, account: AccountNumber, submission: Submission,
        caller: Caller, requestID: String, leads: Bool
    ) async throws(ServiceError) -> Recorded {
        let id = subject.id
        var wasKnown = true
        var first: TransactionStanding? = standing
        var cause = Decider.Cause(actor: caller.name, requestID: requestID)
        let claimedAt = dependencies.clock.now()
        let claimed = try await withLedger { () async throws(LedgerError) in
            try await decider.run(
                known: nil, cause: cause,
                load: { () async throws(LedgerError) in
                    let seen = first
                    first = nil
                    var chain = try await load(subject, standing: seen)
                    wasKnown = chain.transactions[id] != nil
                    guard chain.claims[account] != nil || chain.claims.count < configuration.claimsPerChainMax else {
                        throw LedgerError(.tooMany, "too many accounts claim one chain")
                    }
                    var stated = submission.appAccountToken ?? chain.erasable.accounts[account]?.token
                    // Stated with an earlier post: needed where there is evidence to compare it with, or is about to be.
                    if stated == nil, let known = seen?.account {
                        stated = known.statedToken
                    } else if stated == nil, !chain.evidence.isEmpty || leads {
                        stated = try await ledger.statedToken(of: submission.account)
                    }
                    chain.erasable.accounts[account] = ErasableFacts.Account(id: submission.account, token: stated)
                    return chain
                },
                input: { _ in .claimed(id, by: account, at: claimedAt) },
                lease: { chain in leads && asksApple(about: id, in: chain) ? newLease(on: id) : nil })
        }
        var tookLease = false
        if case .record = claimed.decision { tookLease = leads && !wasKnown }
        guard let evidence = subject.evidence, adds(evidence.item, to: claimed.chain) else {
            return Recorded(
                chain: claimed.chain, beganAt: claimedAt,
                hasLease: tookLease && asksApple(about: id, in: claimed.chain))
        }
        cause.body = evidence.body
        let checker = TransactionChecker(dependencies: dependencies, configuration: configuration)
        let chain = try await withLedger { () async throws(LedgerError) in
            try await checker.record(evidence.item, cause: cause, known: claimed.chain) { chain in
                leads && asksApple(about: id, in: chain) ? newLease(on: id) : nil
            }
        }
        return Recorded(
            chain: chain, beganAt: claimedAt, hasLease: tookLease && asksApple(about: id, in: chain))
    }

    /// Whether the device's word can change anything; an app that posts at every launch must not grow its chain for ever.
    private func adds(_ evidence: Evidence, to chain: Chain) -> Bool {
        guard chain.evidence[evidence.id] == nil, let transaction = chain.transactions[evidence.facts.transactionID]
        else { return chain.evidence[evidence.id] == nil }
        if let deciding = chain.decidingEvidence(of: transaction.state) {
            return deciding.facts.isRevoked != evidence.facts.isRevoked && Evidence.precedes(deciding, evidence)
        }
        return !chain.evidence.values.contains {
            $0.facts.transactionID == transaction.id && $0.id.source == .device
                && $0.facts.isRevoked == evidence.facts.isRevoked
        }
    }

    /// The chain of the id; else the one that the device's verified word names; else a new one.
    private func load(_ subject: Subject, standing: TransactionStanding?) async throws(LedgerError) -> Chain {
        if let standing {
            if let chain = standing.chain { return chain }
        } else if let chain = try await ledger.chain(holding: subject.id) {
            return chain
        }
        guard let facts = subject.evidence?.item.facts else { return Chain(identity: .provisional(subject.id)) }
        let identity = Chain.Identity.original(facts.environment, facts.originalTransactionID)
        return try await ledger.chain(identifiedBy: identity) ?? Chain(identity: identity)
    }

    // MARK: Settling

    /// Whether the ledger's answer is not enough: unsettled, or settled longer ago than `freshFor`.
    func asksApple(about id: TransactionID, in chain: Chain) -> Bool {
        guard let transaction = chain.transactions[id], transaction.refusal == nil else { return false }
        let now = dependencies.clock.now()
        if let asked = chain.checks[id]?.lastAskedAt, now - asked < dependencies.policy.recheck.first { return false }
        guard transaction.state.isSettled else { return true }
        let words = chain.evidence.values.filter { $0.facts.transactionID == id && $0.id.source.isAuthoritative }
        // A word whose text was erased tells nobody whose purchase it is: Apple says it again.
        if let newest = words.max(by: Evidence.precedes), chain.erasable.erased.contains(newest.id) { return true }
        return words.map(\.seenAt).max().map { now - $0 >= configuration.freshFor } ?? true
    }

    /// Gets Apple's word where it is needed, and returns the chain as it then is, at the latest after `answerWithin`; at
    /// once, with the question under way, when too many wait.
    private func settle(
        _ subject: Subject, _ recorded: Recorded, caller: Caller, requestID: String, leads: Bool
    ) async throws(ServiceError) -> Chain {
        let (id, chain) = (subject.id, recorded.chain)
        guard asksApple(about: id, in: chain) else {
            if leads { pool.end(id) }
            return chain
        }
        let lane: RequestLane = caller.roles.contains(.app) || subject.isSigned ? .interactive : .unproven
        if leads {
            var mayAsk = recorded.hasLease
            if !mayAsk { mayAsk = try await holdsLease(on: id) }
            guard mayAsk else {
                // The flight lasts as long as the wait: whoever comes meanwhile joins it, and looks for nothing.
                defer { pool.end(id) }
                guard pool.beginWait(in: lane) else { return chain }
                defer { pool.endWait(in: lane) }
                return try await awaitOtherProcess(about: id, chain)
            }
            _ = pool.enqueue(
                AskPool.Job(
                    transactionID: id, first: subject.environment, lane: lane, enqueuedAt: recorded.beganAt,
                    requestID: requestID, chain: recorded.hasLease ? chain : nil))
        }
        guard pool.beginWait(in: lane) else { return chain }
        let told = await pool.join(id, atMost: configuration.answerWithin)
        pool.endWait(in: lane)
        // What the answer led to has this claim in it, unless it was decided before the claim was recorded.
        if let told, told.id == chain.id, told.version >= chain.version { return told }
        return try await withLedger { () async throws(LedgerError) in try await ledger.chain(holding: id) } ?? chain
    }

    /// Another process asks Apple right now: its answer will be in the ledger, and is looked for a few times a second.
    private func awaitOtherProcess(about id: TransactionID, _ chain: Chain) async throws(ServiceError) -> Chain {
        let deadline = ContinuousClock.now + configuration.answerWithin
        var latest = chain
        while asksApple(about: id, in: latest), ContinuousClock.now < deadline, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(100))
            latest =
                try await withLedger { () async throws(LedgerError) in try await ledger.chain(holding: id) } ?? latest
        }
        return latest
    }

    /// Takes the right to ask, unless another process has it or asked just now.
    ///
    /// Often it is held already, since the commit of the claim took it.
    func holdsLease(
        on id: TransactionID, evenIfAskedJustNow: Bool = false
    ) async throws(ServiceError) -> Bool {
        let now = dependencies.clock.now()
        do {
            return try await withLedger { () async throws(LedgerError) in
                try await ledger.lease(
                    id, holder: dependencies.processName, until: now + configuration.leaseFor,
                    notAskedSince: evenIfAskedJustNow ? now : now - dependencies.policy.recheck.first, now: now)
            }
        } catch {
            pool.end(id)
            throw error
        }
    }
}

extension SubmissionRefusal {
    init(_ refusal: VerificationRefusal) {
        switch refusal {
        case .signatureInvalid: self = .signatureInvalid
        case .chainUntrusted: self = .chainUntrusted
        case .malformedEvidence: self = .malformedEvidence
        }
    }
}
