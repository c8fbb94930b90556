extension Draft {
    /// A check that is due at once.
    func plannedNow(_ check: Check) -> Check {
        var check = check
        check.nextCheckAt = now
        return check
    }

    /// Apple's evidence came: the counters start anew.
    func answered(_ id: TransactionID) -> Check {
        var check = chain.checks[id] ?? Check()
        check.lastAskedAt = now
        check.attempts = 0
        check.notFoundAnswers = [:]
        check.notFoundFor = .zero
        check.notFoundSince = nil
        if let contradictedAt = check.contradictedAt {
            check.contradictionChecks += 1
            check.nextCheckAt = nextContradictionCheck(since: contradictedAt, done: check.contradictionChecks)
        } else {
            check.nextCheckAt = nil
        }
        return check
    }

    /// Apple gave nothing usable: count, and plan the next attempt.
    func unanswered(_ id: TransactionID, _ answer: AppStoreNonAnswer) -> Check {
        var check = chain.checks[id] ?? Check()
        check.lastAskedAt = now
        check.attempts += 1
        if case .notFound(let environments) = answer {
            for environment in environments { check.notFoundAnswers[environment, default: 0] += 1 }
            if let since = check.notFoundSince { check.notFoundFor = Span(milliseconds: check.notFoundFor.milliseconds + (now - since).milliseconds) }
            check.notFoundSince = now
        } else {
            check.notFoundSince = nil
        }
        let isSettled = chain.transactions[id]?.state.isSettled ?? false
        if chain.transactions[id]?.refusal != nil {
            check.nextCheckAt = nil
        } else if isSettled && check.contradictedAt == nil {
            check.nextCheckAt = nil
        } else {
            var next = now + policy.recheck.wait(afterAttempts: check.attempts, transaction: id)
            if case .throttled(let retryAt?) = answer, retryAt > next { next = retryAt }
            check.nextCheckAt = next
        }
        return check
    }

    /// Whether Apple has said "not found" often and long enough, in every store that the transaction could be of.
    func notFoundForGood(_ id: TransactionID) -> Bool {
        guard let check = chain.checks[id], check.notFoundFor >= policy.recheck.notFoundDeadline else { return false }
        let stores = chain.environment.map { [$0] } ?? Array(policy.allowedEnvironments)
        return stores.allSatisfy { check.notFoundAnswers[$0, default: 0] >= RecheckSchedule.notFoundAnswersMin }
    }

    /// Plans the asking that evidence calls for: unsettled transactions, contradictions, and the refunded one's siblings.
    mutating func plan(after evidence: Evidence, rule: Rule) {
        let id = evidence.facts.transactionID
        guard let transaction = chain.transactions[id] else { return }
        switch transaction.state {
        case .received, .pending:
            planUnsettled(id, transaction)
        case .paid, .refunded:
            planSettled(id, evidence)
        }
        let members = chain.transactions.values.filter { $0.purchaseID == transaction.purchaseID && $0.id != id }
        if rule == .refundSeen || rule == .refundReversed, transaction.purchaseID != nil {
            for sibling in members { chain.checks[sibling.id] = plannedNow(chain.checks[sibling.id] ?? Check()) }
        }
    }

    private mutating func planUnsettled(_ id: TransactionID, _ transaction: Transaction) {
        var check = chain.checks[id] ?? Check()
        if transaction.refusal != nil {
            check.nextCheckAt = nil
        } else if transaction.state == .pending(.settlementHold),
            let facts = countedEvidence(about: id).last?.facts, let end = holdEnd(of: facts), end > now
        {
            check.nextCheckAt = end
        } else if transaction.state == .pending(.revocationUnconfirmed) {
            check.nextCheckAt = check.nextCheckAt ?? now
        } else {
            check.attempts += 1
            check.nextCheckAt = now + policy.recheck.wait(afterAttempts: check.attempts, transaction: id)
        }
        chain.checks[id] = check
    }

    private mutating func planSettled(_ id: TransactionID, _ evidence: Evidence) {
        guard let state = chain.transactions[id]?.state, let deciding = state.deciding.flatMap({ chain.evidence[$0] })
        else { return }
        var check = chain.checks[id] ?? Check()
        if deciding.facts.isRevoked == evidence.facts.isRevoked {
            if deciding.id == evidence.id, check.contradictedAt != nil, state.name == .paid { check = Check() }
        } else if !evidence.id.source.isAuthoritative {
            check.nextCheckAt = now
        } else if check.contradictedAt == nil, evidence.id.source == .appStore || Evidence.precedes(deciding, evidence) {
            // Old notifications from before a refund are no contradiction; an answer that Apple gave just now is.
            alarms.append(.contradiction)
            check.contradictedAt = now
            check.contradictionChecks = 0
            check.nextCheckAt = nextContradictionCheck(since: now, done: 0)
        }
        chain.checks[id] = check
    }

    private func nextContradictionCheck(since start: Instant, done: Int64) -> Instant? {
        let schedule = RecheckSchedule.contradiction
        guard done >= 0, done < schedule.count else { return nil }
        let next = start + schedule[Int(done)]
        return next > now ? next : now
    }
}
