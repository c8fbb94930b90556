/// Decides what an input changes; every change of a chain goes through here.
///
/// Pure: no clock, no IO, no randomness, no logging.
///
/// The shape is the same for every input: take it in, derive what the chain should now be from the *set* of its
/// evidence and claims, and record the differences. Nothing depends on the order in which things arrived.
///
/// - Parameters:
///   - chain: the chain as the ledger has it, or an empty one for an id seen for the first time. Its erasable facts must
///     hold the account that claims, and the app account token of the evidence that comes in.
///   - input: the fact that came in.
///   - policy: settings and catalogue.
///   - now: our clock.
/// - Returns: one event and the chain after it, or a new plan for asking Apple, or nothing.
package func decide(_ chain: Chain, _ input: Input, policy: Policy, now: Instant) -> Decision {
    guard chain.absorbedBy == nil else { return .nothing(.absorbed) }
    var draft = Draft(chain: chain, policy: policy, now: now)
    if case .account(let account) = chain.identity { return draft.accountInput(input, of: account) }
    switch input {
    case .claimed(_, _, _, isAutomatic: true) where !chain.claims.isEmpty:
        return .nothing(.noEffect)
    case .claimed(let id, let account, let claimedAt, _):
        return draft.claimed(id, by: account, at: claimedAt)
    case .evidenceVerified(let evidence, let renewal, let provisional):
        return draft.evidenceVerified(evidence, renewal: renewal, absorbing: provisional)
    case .mentioned(let id):
        return draft.mentioned(id)
    case .appStoreUnanswered(let id, let answer):
        return draft.appStoreUnanswered(id, answer)
    case .statusesUnanswered(let id, let answer):
        return draft.statusesUnanswered(id, answer)
    case .deadlineReached(let id), .holdElapsed(let id):
        return draft.checkDue(id, input: input.kind)
    case .staffActed(.recheck(let id), let reasonNumber):
        return draft.recheckRequested(id, reasonNumber: reasonNumber)
    case .staffActed(.resolveCase(let id, let outcome), let reasonNumber):
        return draft.caseResolved(id, outcome, reasonNumber: reasonNumber)
    case .staffActed(.releaseClaim(let account), let reasonNumber):
        return draft.claimReleased(of: account, reasonNumber: reasonNumber)
    case .staffActed(.override, _), .staffActed(.endOverride, _), .staffActed(.eraseAccount, _):
        return .nothing(.noEffect)
    case .grantAcknowledged(let id):
        return draft.grantAcknowledged(id)
    case .policyChanged:
        return draft.policyChanged()
    }
}

/// The decision while it is being made: the chain before, the chain so far, and the entries that lead from one to the other.
struct Draft {
    let before: Chain
    let policy: Policy
    let now: Instant
    var chain: Chain
    var entries: [LedgerEntry] = []
    var alarms: [Alarm] = []
    var absorbed: Chain?
    /// The authoritative evidence that counts, by transaction, in law 2's order; kept by ``recount()``.
    var counted: [TransactionID: [Evidence]] = [:]
    /// The app that a settled transaction was settled for; kept by ``recount()``.
    var settledFor: [TransactionID: BundleID] = [:]
    /// The chain's purchases as last resolved.
    var purchases: [PurchaseSet] = []

    init(chain: Chain, policy: Policy, now: Instant) {
        self.before = chain
        self.policy = policy
        self.now = now
        self.chain = chain
        recount()
    }

    /// Adds an entry and makes its change.
    mutating func record(_ entry: LedgerEntry) {
        entries.append(entry)
        chain.apply(entry)
    }

    /// Ends the decision: one event if anything changed, else perhaps a new plan for asking Apple.
    mutating func finish(
        _ input: Input.Kind, evidence: Evidence? = nil, rule: Rule, otherwise: Decision.Unchanged
    ) -> Decision {
        planSweeps()
        planStatuses()
        guard !entries.isEmpty else {
            return chain.checks == before.checks ? .nothing(otherwise) : .reschedule(chain)
        }
        var after = chain
        after.version = before.version + 1
        return .record(
            Decision.Recorded(
                input: input, evidence: evidence, rule: rule, entries: entries, policyVersion: policy.version,
                chain: after, absorbed: absorbed, alarms: alarms))
    }

    // MARK: Inputs

    mutating func claimed(_ id: TransactionID, by account: AccountNumber, at claimedAt: Instant) -> Decision {
        if chain.version == 0 { record(.identified(chain.identity)) }
        if var known = chain.transactions[id] {
            if known.refusal == .notFound {
                // The customer insists, so Apple is asked anew, with the counters at zero.
                known.refusal = nil
                known.updatedAt = now
                record(.transaction(known))
                chain.checks[id] = nil
                chain.checks[id] = plannedNow(id)
            }
        } else {
            record(.transaction(Transaction(id: id, recordedAt: now)))
            chain.checks[id] = plannedNow(id)
        }
        if var claim = chain.claims[account] {
            // The account's token may have become known since, or the rule be another.
            if claim.status == .refused, !refuses(compareToken(of: account)) {
                claim.status = .waiting
                claim.refusal = nil
                record(.claim(claim))
            }
        } else {
            record(.claim(Claim(account: account, transactionID: id, claimedAt: claimedAt)))
        }
        resolveEverything()
        // What Apple once said of the purchase's token is erased, so it decides when Apple says it again.
        if chain.claims[account]?.status == .waiting, isTokenErased { chain.checks[id] = plannedNow(id) }
        let rule: Rule =
            switch chain.claims[account]?.status {
            case .held: .claimHeld
            case .refused: .claimRefused
            case .conflict: .claimConflict
            case .waiting, nil: .claimRecorded
            }
        return finish(.claim, rule: rule, otherwise: .duplicateClaim)
    }

    mutating func evidenceVerified(
        _ evidence: Evidence, renewal: RenewalInfo?, absorbing provisional: Chain?
    ) -> Decision {
        let facts = evidence.facts
        if let environment = chain.environment, environment != facts.environment {
            return otherEnvironment(evidence)
        }
        if chain.evidence[evidence.id] != nil {
            purchases = purchaseSets()
            // Known already; the renewal info beside it need not be.
            let isNews = take(renewal, with: evidence)
            if isNews { resolveEverything() }
            plan(after: evidence, isNew: false, rule: .evidenceConfirms)
            return finish(
                .evidence, evidence: isNews ? evidence : nil, rule: isNews ? .renewalInfoSeen : .evidenceConfirms,
                otherwise: .duplicateEvidence)
        }
        identify(by: facts)
        if let provisional { absorb(provisional) }
        if chain.transactions[facts.transactionID] == nil {
            record(.transaction(Transaction(id: facts.transactionID, recordedAt: now)))
        }
        chain.evidence[evidence.id] = evidence
        recount()
        _ = take(renewal, with: evidence)
        let standing = entries.count
        entries.append(.evidence(evidence.id, .stale))
        resolveEverything()
        entries[standing] = .evidence(evidence.id, self.standing(of: evidence))
        let rule = judge(evidence, before: before.transactions[facts.transactionID]?.state)
        plan(after: evidence, isNew: true, rule: rule)
        return finish(.evidence, evidence: evidence, rule: rule, otherwise: .duplicateEvidence)
    }

    /// Worth a question to Apple, and nothing more.
    mutating func mentioned(_ id: TransactionID) -> Decision {
        if chain.version == 0 { record(.identified(chain.identity)) }
        if chain.transactions[id] == nil { record(.transaction(Transaction(id: id, recordedAt: now))) }
        if chain.transactions[id]?.refusal == nil { chain.checks[id] = plannedNow(id) }
        return finish(.mention, rule: .transactionMentioned, otherwise: .noEffect)
    }

    mutating func appStoreUnanswered(_ id: TransactionID, _ answer: AppStoreNonAnswer) -> Decision {
        guard var transaction = chain.transactions[id] else { return .nothing(.unknownTransaction) }
        if let alarm = answer.alarm { alarms.append(alarm) }
        chain.checks[id] = unanswered(id, answer)
        var rule = Rule.appStoreUnanswered
        if !transaction.state.isSettled, countedEvidence(about: id).isEmpty, transaction.refusal == nil {
            transaction.state = .pending(pendingReason(for: id, answer: answer))
            if notFoundForGood(id) {
                transaction.refusal = .notFound
                chain.checks[id]?.nextCheckAt = nil
                rule = .notFoundDeadline
            }
            if transaction != chain.transactions[id] {
                transaction.updatedAt = now
                record(.transaction(transaction))
            }
        }
        return finish(.appStoreAnswer, rule: rule, otherwise: .noEffect)
    }

    mutating func checkDue(_ id: TransactionID, input: Input.Kind) -> Decision {
        guard let transaction = chain.transactions[id] else { return .nothing(.unknownTransaction) }
        guard transaction.refusal == nil else { return .nothing(.noEffect) }
        // A hold that ended by a refund or a setting needs no second look.
        if input == .holdElapsed, transaction.state != .pending(.settlementHold) { return .nothing(.noEffect) }
        chain.checks[id] = plannedNow(id)
        return finish(input, rule: .recheckRequested, otherwise: .noEffect)
    }

    mutating func recheckRequested(_ id: TransactionID, reasonNumber: Int64) -> Decision {
        guard chain.transactions[id] != nil else { return .nothing(.unknownTransaction) }
        record(.checkRequested(id, reasonNumber: reasonNumber))
        chain.checks[id] = plannedNow(id)
        return finish(.staffAction, rule: .recheckRequested, otherwise: .noEffect)
    }

    mutating func grantAcknowledged(_ id: GrantID) -> Decision {
        guard var grant = chain.grants[id], grant.status == .open else { return .nothing(.noEffect) }
        grant.status = .acknowledged
        record(.grant(grant))
        return finish(.grantAcknowledged, rule: .grantAcknowledged, otherwise: .noEffect)
    }

    mutating func policyChanged() -> Decision {
        liftNotFound()
        resolveEverything()
        for (id, transaction) in chain.transactions.sorted(by: { $0.key < $1.key })
        where transaction.refusal == nil && !transaction.state.isSettled {
            if before.transactions[id]?.refusal != nil {
                chain.checks[id] = plannedNow(id)
            } else if transaction.state == .pending(.settlementHold),
                let end = purchases.first(where: { $0.members.contains(id) }).flatMap(holdEnd)
            {
                chain.checks[id, default: Check()].nextCheckAt = max(end, now)
            }
        }
        return finish(.policyChanged, rule: .policyChanged, otherwise: .noEffect)
    }

    /// Lifts a `not_found` that rests on fewer stores than are allowed now.
    private mutating func liftNotFound() {
        for (id, transaction) in chain.transactions.sorted(by: { $0.key < $1.key })
        where transaction.refusal == .notFound {
            guard let check = chain.checks[id], !wasAskedEnough(check) else { continue }
            var transaction = transaction
            transaction.refusal = nil
            transaction.updatedAt = now
            record(.transaction(transaction))
        }
    }

    // MARK: Taking evidence in

    /// Evidence of the same id signed by the other store: kept, counts for nothing, alarmed.
    private mutating func otherEnvironment(_ evidence: Evidence) -> Decision {
        guard chain.evidence[evidence.id] == nil else { return .nothing(.duplicateEvidence) }
        if chain.version == 0 { record(.identified(chain.identity)) }
        chain.evidence[evidence.id] = evidence
        entries.append(.evidence(evidence.id, .otherEnvironment))
        alarms.append(.otherEnvironment)
        return finish(.evidence, evidence: evidence, rule: .otherEnvironment, otherwise: .noEffect)
    }

    private mutating func identify(by facts: TransactionFacts) {
        let identity = Chain.Identity.original(facts.environment, facts.originalTransactionID)
        switch chain.identity {
        case .provisional: record(.identified(identity))
        case .original, .account: if chain.version == 0 { record(.identified(chain.identity)) }
        }
    }

    /// Takes in what was posted while nobody knew the original transaction.
    ///
    /// Of two claims by one account the earlier stays.
    private mutating func absorb(_ provisional: Chain) {
        absorbed = provisional
        chain.erasable.merge(provisional.erasable)
        for transaction in provisional.transactions.values.sorted(by: { $0.id < $1.id })
        where chain.transactions[transaction.id] == nil {
            record(.transaction(transaction))
            chain.checks[transaction.id] = provisional.checks[transaction.id]
        }
        for claim in provisional.claims.values.sorted(by: { $0.account < $1.account })
        where chain.claims[claim.account].map({ claim.claimedAt < $0.claimedAt && $0.status == .waiting }) ?? true {
            record(.claim(claim))
        }
    }

    private func standing(of evidence: Evidence) -> LedgerEntry.Standing {
        guard evidence.id.source.isAuthoritative else { return .device }
        guard counts(evidence) else { return .refused }
        let state = chain.transactions[evidence.facts.transactionID]?.state
        return state?.deciding == evidence.id ? .deciding : .stale
    }

    /// Names the rule by what the evidence did to its transaction.
    private func judge(_ evidence: Evidence, before: PurchaseState?) -> Rule {
        guard counts(evidence) else {
            return evidence.facts.bundleID != policy.bundleID ? .bundleMismatch : .environmentNotAllowed
        }
        guard evidence.id.source.isAuthoritative else { return .deviceEvidence }
        switch chain.transactions[evidence.facts.transactionID]?.state {
        case .paid(let reason, let deciding)?:
            if before?.name == .refunded { return .refundReversed }
            if before?.name != .paid { return reason == .refundReversed ? .refundReversed : .purchaseConfirmed }
            return deciding == evidence.id ? .evidenceConfirms : .evidenceStale
        case .refunded(_, let deciding)?:
            // A clean item can join a purchase that a sibling's refund has settled: nothing new was seen then.
            if before?.name != .refunded, evidence.facts.isRevoked { return .refundSeen }
            return deciding == evidence.id ? .evidenceConfirms : .evidenceStale
        case .pending(.settlementHold)?: return .settlementHeld
        case .pending?, .received?, nil: return .ownershipMissing
        }
    }
}
