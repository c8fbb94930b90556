extension Draft {
    /// A check that is due at once, or was due before.
    func plannedNow(_ id: TransactionID) -> Check {
        var check = chain.checks[id] ?? Check()
        // What a sweep tried in vain is no reason to be slow when somebody asks.
        if check.isSweep { check.attempts = 0 }
        check.plan(min(check.nextCheckAt ?? now, now))
        return check
    }

    // MARK: Sweeps of paid transactions

    /// Plans a sweep where a paid transaction is not asked about anyway, and drops it where it is paid no longer.
    ///
    /// For the end of every decision: whatever planned, answered or ended a question, the next sweep follows from it.
    mutating func planSweeps() {
        for (id, transaction) in chain.transactions {
            let isPaid = transaction.state.name == .paid && transaction.refusal == nil
            if isPaid, chain.checks[id]?.nextCheckAt == nil {
                chain.checks[id, default: Check()].planSweep(nextSweep(of: transaction))
            } else if !isPaid, chain.checks[id]?.isSweep == true {
                chain.checks[id]?.plan(nil)
            }
        }
    }

    /// Counted from the charge, not from a restore: that is what is refunded.
    private func nextSweep(of transaction: Transaction) -> Instant {
        let chargedAt = countedEvidence(about: transaction.id).map(\.facts.chargedAt).min()
        return RecheckSchedule.nextSweep(
            of: transaction.id, chargedAt: chargedAt ?? transaction.createdAt, after: now)
    }

    /// A fruitless sweep is repeated after ever longer waits, and still as a sweep, until its attempts are used up or the
    /// next one has come; a question that came before its time was somebody else's.
    private func sweptInVain(_ check: Check, _ transaction: Transaction, _ answer: AppStoreNonAnswer) -> Check {
        var check = check
        guard let dueAt = check.nextCheckAt, dueAt <= now else { return check }
        check.attempts += 1
        let next = nextSweep(of: transaction)
        let repeated = retry(check, transaction.id, answer, isPatient: true)
        if check.attempts < RecheckSchedule.sweepAttemptsMax, repeated < next {
            check.nextCheckAt = repeated
        } else {
            check.planSweep(next)
        }
        return check
    }

    // MARK: After an answer without evidence

    /// Apple gave nothing usable: count, and plan the next attempt.
    func unanswered(_ id: TransactionID, _ answer: AppStoreNonAnswer) -> Check {
        var check = chain.checks[id] ?? Check()
        check.lastAskedAt = now
        guard let transaction = chain.transactions[id] else { return check }
        if check.isSweep { return sweptInVain(check, transaction, answer) }
        check.attempts += 1
        countNotFound(id, answer, &check)
        guard transaction.refusal == nil else {
            check.plan(nil)
            return check
        }
        if transaction.state.isSettled {
            // A 404 is an answer, and about a transaction that Apple vouched for it says nothing more.
            // Unless an answer is to be confirmed that turned it around: then it is no confirmation.
            let isDoubted = check.contradictedAt == nil && check.attempts > 1
            if case .notFound = answer, !isDoubted || check.attempts > RecheckSchedule.confirmationAttemptsMax {
                // The last question must not be lost to a 404 while one clean answer waits for a second.
                let waitsForSecond = purchaseSets().contains {
                    $0.members.contains(id) && $0.deciding.uncountedReversal
                }
                return advanced(check, mayExtend: waitsForSecond)
            }
            guard check.nextCheckAt != nil else { return check }
        }
        let next = retry(check, id, answer, isPatient: transaction.state == .pending(.ownershipUnconfirmed))
        // A moment that was planned for a reason of its own is not moved forward.
        check.plan(max(next, check.nextCheckAt ?? next))
        return check
    }

    /// The next attempt after a fruitless one: after a wait that grows with their number, and not before Apple allows.
    private func retry(_ check: Check, _ id: TransactionID, _ answer: AppStoreNonAnswer, isPatient: Bool) -> Instant {
        let next = now + policy.recheck.wait(afterAttempts: check.attempts, transaction: id, isPatient: isPatient)
        guard case .throttled(let retryAt?) = answer else { return next }
        return max(next, min(retryAt, now + RecheckSchedule.throttledMax))
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
            chain.checks[id]?.plan(nil)
            return
        }
        let purchase = purchases.first { $0.members.contains(id) }
        switch transaction.state {
        case .received, .pending:
            chain.checks[id] = unsettled(check, transaction, purchase, after: evidence)
        case .paid, .refunded:
            guard let purchase else { return }
            planSettled(purchase, after: evidence, isNew: isNew)
            if before.transactions[id]?.state.isSettled != true { planOvertaken() }
            guard rule == .refundSeen || rule == .refundReversed else { return }
            for sibling in siblings(of: id) { chain.checks[sibling] = plannedNow(sibling) }
        }
    }

    /// A period of a subscription has become known: Apple is asked about those that it may have superseded, once.
    ///
    /// Their access, and the money that was paid back for their rest, are in no notification.
    private mutating func planOvertaken() {
        for period in subscription(of: purchases).overtaken {
            chain.checks[period.transactionID] = plannedNow(period.transactionID)
        }
    }

    /// The end of a hold; after Apple's own answer a longer wait each time; else soon.
    ///
    /// Apple may leave the ownership out for good, and each answer is kept: then the waits grow beyond the usual bound.
    private func unsettled(
        _ check: Check, _ transaction: Transaction, _ purchase: PurchaseSet?, after evidence: Evidence
    ) -> Check {
        var check = check
        if let end = purchase.flatMap(holdEnd), transaction.state == .pending(.settlementHold), end > now {
            check.plan(end)
        } else if evidence.id.source == .appStore {
            check.attempts += 1
            let wait = policy.recheck.wait(
                afterAttempts: check.attempts, transaction: transaction.id,
                isPatient: transaction.state == .pending(.ownershipUnconfirmed))
            check.plan(now + wait)
        } else if transaction.state == .pending(.settlementHold) {
            check.plan(now)
        } else {
            check.plan(check.nextCheckAt ?? now)
        }
        return check
    }

    /// Law 2: where evidence contradicts, also when a clean answer above the refund does not count yet, Apple is asked again.
    private mutating func planSettled(_ purchase: PurchaseSet, after evidence: Evidence, isNew: Bool) {
        let id = evidence.facts.transactionID
        let deciding = purchase.deciding
        let isAnswer = evidence.id.source == .appStore
        var check = chain.checks[id] ?? Check()
        let isOverturned = isAnswer && isNew && overturns(id)
        if isAnswer, !isOverturned { check.attempts = 0 }
        let contradicts = deciding.evidence.facts.isRevoked != evidence.facts.isRevoked
        let isOpen = purchase.members.contains { chain.checks[$0]?.contradictedAt != nil }
        if !evidence.id.source.isAuthoritative {
            // The device's word from before the deciding evidence is old, not contrary.
            if isNew, contradicts, Evidence.precedes(deciding.evidence, evidence) { check.plan(now) }
        } else if !deciding.evidence.facts.isRevoked, deciding.evidence.id == evidence.id {
            for member in purchase.members where chain.checks[member]?.contradictedAt != nil {
                chain.checks[member] = chain.checks[member]?.contradictionClosed
            }
            check = check.contradictionClosed
        } else if check.contradictedAt != nil {
            // Only an answer uses up a question; a notification in between does not.
            if isAnswer { check = advanced(check, mayExtend: isNew && deciding.uncountedReversal) }
        } else if isNew, !isOpen,
            deciding.uncountedReversal || contradicts && isAnswer || isOverturned && deniesReversal(purchase)
        {
            alarms.append(.contradiction)
            check.contradictedAt = now
            check.contradictionChecks = 0
            check.plan(now + RecheckSchedule.contradiction[0])
        } else if isOverturned {
            // Apple's hosts give stale answers: a second one tells. Should they go on to differ, the waits grow.
            check.attempts += 1
            let wait = policy.recheck.wait(afterAttempts: check.attempts, transaction: id)
            check.plan(now + max(RecheckSchedule.contradiction[0], wait))
        } else if isAnswer {
            check.plan(nil)
        } else if isNew, doubts(evidence, deciding.evidence), check.nextCheckAt == nil || check.isSweep {
            check.plan(now + RecheckSchedule.contradiction[0])
            check.attempts = 1
        }
        chain.checks[id] = check
    }

    /// Whether Apple's own older word, come late, shows that the answer which decides may have been a stale one: it says
    /// something else about a time that the answer claims to know.
    private func doubts(_ late: Evidence, _ answer: Evidence) -> Bool {
        guard answer.id.source == .appStore, late.id != answer.id, Evidence.precedes(late, answer),
            let revocationDate = answer.facts.revocationDate
        else { return false }
        if late.facts.isRevoked {
            return late.facts.revocationType != answer.facts.revocationType
                || late.facts.revocationPercentage != answer.facts.revocationPercentage
        }
        return late.facts.signedDate > revocationDate
    }

    /// Whether the refund that decides stands against Apple's earlier word that the refund was undone: a second refund, or
    /// a stale answer from before the reversal.
    private func deniesReversal(_ purchase: PurchaseSet) -> Bool {
        guard purchase.deciding.evidence.facts.isRevoked else { return false }
        return purchase.members.contains { id in
            countedEvidence(about: id).contains { !$0.facts.isRevoked && $0.notificationType == "REFUND_REVERSED" }
        }
    }

    /// Whether this decision turns around what was settled before: the state, or the money.
    private func overturns(_ id: TransactionID) -> Bool {
        guard let earlier = before.transactions[id]?.state, earlier.isSettled else { return false }
        return earlier.name != chain.transactions[id]?.state.name
            || entries.contains { if case .movement = $0 { true } else { false } }
    }

    /// Moves an open contradiction on after an answer: to the next moment of the schedule, past its end for the second
    /// of two clean answers when an outage took the time, else closed.
    private func advanced(_ check: Check, mayExtend: Bool) -> Check {
        var check = check
        guard let since = check.contradictedAt else {
            check.plan(nil)
            return check
        }
        let schedule = RecheckSchedule.contradiction
        while check.contradictionChecks < schedule.count,
            since + schedule[Int(max(check.contradictionChecks, 0))] <= now
        {
            check.contradictionChecks = max(check.contradictionChecks, 0) + 1
        }
        if check.contradictionChecks < schedule.count {
            check.plan(since + schedule[Int(max(check.contradictionChecks, 0))])
        } else if mayExtend, check.contradictionChecks < schedule.count + RecheckSchedule.contradictionExtensionsMax {
            check.contradictionChecks += 1
            check.plan(now + RecheckSchedule.contradictionExtension)
        } else {
            return check.contradictionClosed
        }
        return check
    }
}

extension Check {
    /// Plans the next question, which somebody waits for or a doubt asks for; or none.
    mutating func plan(_ moment: Instant?) {
        nextCheckAt = moment
        isSweep = false
    }

    /// Plans a question that may wait until nobody else needs the budget.
    mutating func planSweep(_ moment: Instant) {
        nextCheckAt = moment
        isSweep = true
        attempts = 0
    }

    /// Without an open contradiction, and nothing planned.
    var contradictionClosed: Check {
        var check = self
        check.contradictedAt = nil
        check.contradictionChecks = 0
        check.plan(nil)
        return check
    }
}
