import PurchaseCore
import Testing

/// A chain with its ledger: takes inputs, and holds every step to the laws.
struct History {
    var chain: Chain
    var policy: Policy
    var now: Instant
    private(set) var events: [LedgerEvent] = []
    private(set) var rules: [Rule] = []
    private(set) var alarms: [Alarm] = []
    /// The last decision.
    private(set) var decision = Decision.nothing(.noEffect)

    /// A chain of one posted id, or one that a notification opened.
    init(_ identity: Chain.Identity = .provisional(TransactionID("1001")), policy: Policy = .standard) {
        self.chain = Chain(identity: identity)
        self.policy = policy
        self.now = .minute(1)
    }

    /// Takes one input in; the laws that hold after every step are checked here.
    mutating func take(_ input: Input, checkingLaws: Bool = true) {
        let before = chain
        decision = decide(before, input, policy: policy, now: now)
        chain = decision.chain(from: before)
        if case .record(let recorded) = decision {
            chain.id = chain.id ?? ChainID(1)
            events.append(
                LedgerEvent(chainID: ChainID(1), chainVersion: recorded.chain.version, entries: recorded.entries))
            rules.append(recorded.rule)
            alarms += recorded.alarms
        }
        guard checkingLaws else { return }
        checkRecord(of: input, before: before)
        checkLaws()
        checkRepeat(of: input)
    }

    // MARK: Inputs in short

    mutating func claim(_ account: AccountNumber, _ id: String = "1001", at instant: Instant? = nil) {
        if chain.erasable.accounts[account] == nil {
            chain.erasable.accounts[account] = ErasableFacts.Account(
                id: AccountID("account-\(account.rawValue)"), token: nil)
        }
        take(.claimed(TransactionID(id), by: account, at: instant ?? now))
    }

    mutating func see(
        _ sample: Sample, renewal: RenewalInfo? = nil, token: AppAccountToken? = nil, absorbing: Chain? = nil
    ) {
        if let token { chain.erasable.tokens[sample.evidence.id] = token }
        take(.evidenceVerified(sample.evidence, renewal: renewal, absorbing: absorbing))
    }

    mutating func unanswered(_ answer: AppStoreNonAnswer, _ id: String = "1001") {
        take(.appStoreUnanswered(TransactionID(id), answer))
    }

    mutating func mention(_ id: String = "1001") { take(.mentioned(TransactionID(id))) }

    mutating func change(_ policy: Policy) {
        self.policy = policy
        take(.policyChanged)
    }

    mutating func acknowledgeAll() {
        for id in chain.grants.keys.sorted() { take(.grantAcknowledged(id)) }
    }

    mutating func resolve(_ account: AccountNumber, _ outcome: ClaimCase.Outcome, reason: Int64 = 1) {
        let id = chain.cases.values.first { $0.account == account }?.id ?? CaseID("-")
        take(.staffActed(.resolveCase(id, outcome), reasonNumber: reason))
    }

    mutating func wait(_ span: Span) { now = now + span }

    // MARK: Reading

    func state(_ id: String = "1001") -> PurchaseState? { chain.transactions[TransactionID(id)]?.state }
    func refusal(_ id: String = "1001") -> TransactionRefusal? { chain.transactions[TransactionID(id)]?.refusal }
    func check(_ id: String = "1001") -> Check? { chain.checks[TransactionID(id)] }
    /// The planned question that somebody or something waits for; a sweep is none.
    func nextCheck(_ id: String = "1001") -> Instant? { check(id).flatMap { $0.isSweep ? nil : $0.nextCheckAt } }
    func nextSweep(_ id: String = "1001") -> Instant? { check(id).flatMap { $0.isSweep ? $0.nextCheckAt : nil } }
    func claimStatus(_ account: AccountNumber) -> Claim.Status? { chain.claims[account]?.status }
    /// `name/reason`, the short form of a state.
    func short(_ id: String = "1001") -> String { state(id).map { "\($0.name)/\($0.reasonCode)" } ?? "-" }
    /// Kind and amount of each movement, in order.
    var money: [String] {
        chain.movements.map { "\($0.kind.rawValue) \($0.amountMilliunits.map(String.init) ?? "null")" }
    }
    /// Kind and status of each grant, by id.
    var deliveries: [String] {
        chain.grants.values.sorted { ($0.id.rawValue.utf8.count, $0.id) < ($1.id.rawValue.utf8.count, $1.id) }
            .map { "\($0.kind.rawValue) \($0.amount) \($0.status.rawValue)" }
    }
    var keys: [String] { chain.entitlements.values.map(\.id.key).sorted() }

    // MARK: Laws

    /// Every change is one event with entries; nothing else changes the chain.
    private func checkRecord(of input: Input, before: Chain) {
        switch decision {
        case .record(let recorded):
            #expect(!recorded.entries.isEmpty)
            #expect(recorded.input == input.kind)
            #expect(recorded.policyVersion == policy.version)
            #expect(recorded.chain.version == before.version + 1)
        case .reschedule(let after):
            #expect(after.replayable == before.replayable, "only the plan may change without an event")
        case .nothing:
            break
        }
    }

    /// Law 7 and law 5, on the chain as it stands.
    func checkLaws() {
        if !events.isEmpty {
            do {
                let replayed = try Chain.replay(events, evidence: chain.evidence)
                #expect(replayed == chain.replayable, "law 7: replay gives the stored state")
            } catch {
                Issue.record("law 7: \(error)")
            }
        }
        for fault in chain.lawFaults(policy) { Issue.record("\(fault)") }
    }

    /// Law 4: the same input again changes nothing, except that a person and a fruitless answer count each time.
    private func checkRepeat(of input: Input) {
        switch input {
        case .appStoreUnanswered, .statusesUnanswered, .staffActed: return
        case .claimed, .evidenceVerified, .mentioned, .deadlineReached, .holdElapsed, .grantAcknowledged,
            .policyChanged:
            break
        }
        let again = decide(chain, input, policy: policy, now: now)
        if case .record(let recorded) = again {
            Issue.record("a repeat of \(input.kind) recorded \(recorded.rule): \(recorded.entries)")
        }
    }
}

extension Chain {
    /// What breaks law 5 or the money rules in a chain; empty for every chain that may exist.
    func lawFaults(_ policy: Policy) -> [String] {
        stateFaults() + entitlementFaults() + moneyFaults() + claimFaults() + grantFaults() + checkFaults()
    }

    /// What is paid is always to be asked about again, sooner or later; nothing else is swept.
    private func checkFaults() -> [String] {
        transactions.values.flatMap { transaction -> [String] in
            let check = checks[transaction.id]
            let isPaid = transaction.state.name == .paid && transaction.refusal == nil
            var faults: [String] = []
            if isPaid, check?.nextCheckAt == nil { faults.append("checks: \(transaction.id) is paid and forgotten") }
            if check?.isSweep == true, !isPaid || check?.nextCheckAt == nil || check?.contradictedAt != nil {
                faults.append("checks: \(transaction.id) is swept while \(transaction.state.name)")
            }
            return faults
        }
    }

    private func stateFaults() -> [String] {
        transactions.values.flatMap { transaction -> [String] in
            let deciding = decidingEvidence(of: transaction.state)
            let name = "law 5: \(transaction.id) \(transaction.state.name)"
            switch transaction.state {
            case .received, .pending: return []
            case .paid:
                var faults: [String] = []
                if deciding?.id.source.isAuthoritative != true {
                    faults.append("\(name) without authoritative evidence")
                }
                if deciding?.facts.isRevoked != false { faults.append("\(name) with a revocationDate") }
                if !knowsOwnership(transaction) { faults.append("\(name) with unknown ownership") }
                if transaction.refusal != nil { faults.append("\(name) and refused") }
                return faults
            case .refunded:
                return deciding?.facts.isRevoked == true && deciding?.id.source.isAuthoritative == true
                    ? [] : ["\(name) without an authoritative revocationDate"]
            }
        }
    }

    private func knowsOwnership(_ transaction: Transaction) -> Bool {
        evidence.values.contains {
            $0.facts.transactionID == transaction.id && $0.id.source.isAuthoritative
                && $0.facts.inAppOwnershipType?.isKnown == true
        }
    }

    private func entitlementFaults() -> [String] {
        entitlements.values.compactMap { entitlement in
            guard let state = transactions[entitlement.id.transactionID]?.state else {
                return "law 5: entitlement without a transaction"
            }
            if state.name != entitlement.state { return "law 5: entitlement with another state than its transaction" }
            if claims[entitlement.account]?.status != .held { return "law 5: entitlement of a stranger" }
            switch entitlement.rule {
            case .paid: return state.name == .paid ? nil : "law 5: entitled while \(state.name)"
            case .proratedKeep:
                guard case .refunded(.prorated, _) = state else { return "law 5: prorated rule while \(state.name)" }
                return nil
            }
        }
    }

    private func moneyFaults() -> [String] {
        var faults: [String] = []
        for (purchase, rows) in Dictionary(grouping: movements, by: \.purchaseID) {
            if rows.first?.kind != .sale { faults.append("money: \(purchase) begins with \(rows[0].kind)") }
            if !purchase.rawValue.contains(".purchased.") { faults.append("money: revenue of \(purchase)") }
            // By currency: sums of different ones mean nothing.
            for (currency, rows) in Dictionary(grouping: rows, by: \.currency) {
                let sold = rows.filter { $0.kind == .sale }.compactMap(\.amountMilliunits).reduce(0, +)
                let net = rows.compactMap(\.amountMilliunits).reduce(0, +)
                if net < 0 || net > sold {
                    faults.append("money: \(purchase) nets to \(net) of \(sold) \(currency ?? "null")")
                }
            }
        }
        let places = movements.map { "\($0.purchaseID) \($0.kind) \($0.generation) \($0.step)" }
        if Set(places).count != places.count { faults.append("money: two rows in one place") }
        return faults
    }

    private func claimFaults() -> [String] {
        var faults: [String] = []
        if claims.values.count(where: { $0.status == .held }) > 1 { faults.append("claims: two holders") }
        for claim in claims.values {
            if (claim.status == .refused) != (claim.refusal != nil) {
                faults.append("claims: refusal of \(claim.status)")
            }
            if (claim.status == .conflict) != (claim.caseID != nil) { faults.append("claims: case of \(claim.status)") }
            if let id = claim.caseID, cases[id]?.account != claim.account { faults.append("claims: no such case") }
        }
        for dispute in cases.values {
            let outcome = dispute.resolution?.outcome
            let status = claims[dispute.account]?.status
            if (dispute.status == .resolved) != (outcome != nil) {
                faults.append("cases: \(dispute.status) without end")
            }
            if (outcome == .transferred) != (status == .held) {
                faults.append("cases: claim \(status?.rawValue ?? "-") after \(outcome?.rawValue ?? "no word")")
            }
        }
        return faults
    }

    private func grantFaults() -> [String] {
        Dictionary(grouping: grants.values, by: \.purchaseID).flatMap { purchase, grants -> [String] in
            var faults: [String] = []
            if grants.count(where: { $0.kind == .grant }) > 1 { faults.append("grants: \(purchase) delivered twice") }
            let balance = Outcome.balance(grants)
            let amount = grants.first?.amount ?? 0
            if balance != 0 && balance != amount {
                faults.append("grants: \(purchase) balance \(balance) of \(amount)")
            }
            return faults
        }
    }
}
