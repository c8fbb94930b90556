extension Draft {
    /// A check that is due at once, or was due before.
    func plannedNow(_ id: TransactionID) -> Check {
        var check = chain.checks[id] ?? Check()
        check.nextCheckAt = min(check.nextCheckAt ?? now, now)
        return check
    }

    // MARK: After an answer without evidence

    /// Apple gave nothing usable: count, and plan the next attempt.
    func unanswered(_ id: TransactionID, _ answer: AppStoreNonAnswer) -> Check {
        var check = chain.checks[id] ?? Check()
        check.lastAskedAt = now
        check.attempts += 1
        countNotFound(id, answer, &check)
        guard let transaction = chain.transactions[id], transaction.refusal == nil else {
            check.nextCheckAt = nil
            return check
        }
        if transaction.state.isSettled {
            // A 404 is an answer, and about a transaction that Apple vouched for it says nothing more.
            if case .notFound = answer { return advanced(check, mayExtend: false) }
            guard check.nextCheckAt != nil else { return check }
        }
        var next = now + policy.recheck.wait(afterAttempts: check.attempts, transaction: id)
        if case .throttled(let retryAt?) = answer {
            next = max(next, min(retryAt, now + RecheckSchedule.throttledMax))
        }
        // A moment that was planned for a reason of its own is not moved forward.
        check.nextCheckAt = max(next, check.nextCheckAt ?? next)
        return check
    }

    /// Only time between two answers that were definitive in every store counts: outages don't.
    private func countNotFound(_ id: TransactionID, _ answer: AppStoreNonAnswer, _ check: inout Check) {
        guard case .notFound(let environments, let isFinal) = answer else {
            check.notFoundSince = nil
            return
        }
        for environment in environments { check.notFoundAnswers[environment, default: 0] += 1 }
        if isFinal {
            for environment in environments { check.notFoundAnswers[environment] = RecheckSchedule.notFoundAnswersMin }
            check.notFoundFor = max(check.notFoundFor, policy.recheck.notFoundDeadline)
        }
        guard environments.isSuperset(of: storesToAsk()) else {
            check.notFoundSince = nil
            return
        }
        if let since = check.notFoundSince, now > since { check.notFoundFor = check.notFoundFor + (now - since) }
        check.notFoundSince = now
    }

    /// Whether Apple has said "not found" often and long enough, in every store that the transaction could be of.
    func notFoundForGood(_ id: TransactionID) -> Bool {
        guard let check = chain.checks[id] else { return false }
        return check.notFoundFor >= policy.recheck.notFoundDeadline && wasAskedEnough(check)
    }

    /// Whether every store that the transaction could be of has answered often enough.
    func wasAskedEnough(_ check: Check) -> Bool {
        storesToAsk().allSatisfy { check.notFoundAnswers[$0, default: 0] >= RecheckSchedule.notFoundAnswersMin }
    }

    /// The one that verified evidence named, else all that are allowed.
    private func storesToAsk() -> Set<StoreEnvironment> {
        chain.environment.map { [$0] } ?? policy.allowedEnvironments
    }

    // MARK: After evidence

    /// Plans the asking that evidence calls for: unsettled transactions, contradictions, and the siblings of a refund.
    mutating func plan(after evidence: Evidence, isNew: Bool, rule: Rule) {
        let id = evidence.facts.transactionID
        guard let transaction = chain.transactions[id] else { return }
        var check = chain.checks[id] ?? Check()
        if evidence.id.source == .appStore { check.lastAskedAt = now }
        if evidence.id.source.isAuthoritative {
            check.notFoundAnswers = [:]
            check.notFoundFor = .zero
            check.notFoundSince = nil
        }
        chain.checks[id] = check
        guard transaction.refusal == nil else {
            chain.checks[id]?.nextCheckAt = nil
            return
        }
        let purchase = purchases.first { $0.members.contains(id) }
        switch transaction.state {
        case .received, .pending:
            chain.checks[id] = unsettled(check, transaction, purchase, after: evidence)
        case .paid, .refunded:
            guard let purchase else { return }
            planSettled(purchase, after: evidence, isNew: isNew)
            guard rule == .refundSeen || rule == .refundReversed else { return }
            for sibling in siblings(of: id) { chain.checks[sibling] = plannedNow(sibling) }
        }
    }

    /// The end of a hold; after Apple's own answer a longer wait each time; else soon.
    private func unsettled(
        _ check: Check, _ transaction: Transaction, _ purchase: PurchaseSet?, after evidence: Evidence
    ) -> Check {
        var check = check
        if let end = purchase.flatMap(holdEnd), transaction.state == .pending(.settlementHold), end > now {
            check.nextCheckAt = end
        } else if evidence.id.source == .appStore {
            check.attempts += 1
            check.nextCheckAt = now + policy.recheck.wait(afterAttempts: check.attempts, transaction: transaction.id)
        } else if transaction.state == .pending(.settlementHold) {
            check.nextCheckAt = now
        } else {
            check.nextCheckAt = check.nextCheckAt ?? now
        }
        return check
    }

    /// Law 2: where evidence contradicts, also when a clean answer above the refund does not count yet, Apple is asked again.
    private mutating func planSettled(_ purchase: PurchaseSet, after evidence: Evidence, isNew: Bool) {
        let id = evidence.facts.transactionID
        let deciding = purchase.deciding
        let isAnswer = evidence.id.source == .appStore
        var check = chain.checks[id] ?? Check()
        if isAnswer { check.attempts = 0 }
        let contradicts = deciding.evidence.facts.isRevoked != evidence.facts.isRevoked
        let isOpen = purchase.members.contains { chain.checks[$0]?.contradictedAt != nil }
        if !evidence.id.source.isAuthoritative {
            // The device's word from before the deciding evidence is old, not contrary.
            if isNew, contradicts, Evidence.precedes(deciding.evidence, evidence) { check.nextCheckAt = now }
        } else if !deciding.evidence.facts.isRevoked, deciding.evidence.id == evidence.id {
            for member in purchase.members where chain.checks[member]?.contradictedAt != nil {
                chain.checks[member] = chain.checks[member]?.contradictionClosed
            }
            check = check.contradictionClosed
        } else if check.contradictedAt != nil {
            // Only an answer uses up a question; a notification in between does not.
            if isAnswer { check = advanced(check, mayExtend: isNew && deciding.uncountedReversal) }
        } else if isNew, !isOpen, deciding.uncountedReversal || contradicts && isAnswer {
            alarms.append(.contradiction)
            check.contradictedAt = now
            check.contradictionChecks = 0
            check.nextCheckAt = now + RecheckSchedule.contradiction[0]
        } else if isAnswer {
            check.nextCheckAt = nil
        }
        chain.checks[id] = check
    }

    /// Moves an open contradiction on after an answer: to the next moment of the schedule, past its end for the second
    /// of two clean answers when an outage took the time, else closed.
    private func advanced(_ check: Check, mayExtend: Bool) -> Check {
        var check = check
        guard let since = check.contradictedAt else {
            check.nextCheckAt = nil
            return check
        }
        let schedule = RecheckSchedule.contradiction
        while check.contradictionChecks < schedule.count,
            since + schedule[Int(max(check.contradictionChecks, 0))] <= now
        {
            check.contradictionChecks = max(check.contradictionChecks, 0) + 1
        }
        if check.contradictionChecks < schedule.count {
            check.nextCheckAt = since + schedule[Int(max(check.contradictionChecks, 0))]
        } else if mayExtend, check.contradictionChecks < schedule.count + RecheckSchedule.contradictionExtensionsMax {
            check.contradictionChecks += 1
            check.nextCheckAt = now + RecheckSchedule.contradictionExtension
        } else {
            return check.contradictionClosed
        }
        return check
    }
}

extension Check {
    /// Without an open contradiction, and nothing planned.
    var contradictionClosed: Check {
        var check = self
        check.contradictedAt = nil
        check.contradictionChecks = 0
        check.nextCheckAt = nil
        return check
    }
}
