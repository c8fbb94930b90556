/// One purchase as the evidence has it: its transactions, and everything counted that was said about any of them.
struct PurchaseSet {
    /// What was charged once.
    let id: PurchaseID
    /// Its transactions, sorted by id; never empty.
    let members: [TransactionID]
    /// Their counted evidence in law 2's order; never empty.
    let evidence: [Evidence]
    /// The members' common ownership; `nil` while unknown.
    let ownership: InAppOwnershipType?
    /// The outcome of law 2.
    let deciding: Deciding

    /// Takes a purchase's transactions and evidence; `nil` when there is no evidence.
    init?(id: PurchaseID, members: [TransactionID], evidence: [Evidence]) {
        guard let deciding = Deciding.choose(from: evidence) else { return nil }
        self.id = id
        self.members = members
        self.evidence = evidence.count > 1 ? evidence.sorted(by: Evidence.precedes) : evidence
        self.ownership = id.ownership
        self.deciding = deciding
    }

    /// The item that tells what was charged; `nil` while no item knows it.
    ///
    /// The original transaction's word goes before a restore's, whose payload is about another moment. Of the rest the
    /// oldest counts: a charge does not change after it was made, so what finance has seen first stays.
    var charge: Evidence? {
        let priced = evidence.filter { $0.facts.charge != nil }
        return priced.first { $0.facts.transactionID.rawValue == $0.facts.originalTransactionID.rawValue }
            ?? priced.first
    }

    /// When the charge happened, by the earliest account of it: the same however much more becomes known later.
    var chargedAt: Instant? { evidence.map(\.facts.chargedAt).min() }
}

extension Draft {
    /// The transactions of the chain by purchase, each purchase with its whole set of counted evidence.
    func purchaseSets() -> [PurchaseSet] {
        var members: [PurchaseID: [TransactionID]] = [:]
        var evidence: [PurchaseID: [Evidence]] = [:]
        for id in chain.transactions.keys.sorted() {
            let own = countedEvidence(about: id)
            guard let purchase = purchaseID(of: own) else { continue }
            members[purchase, default: []].append(id)
            evidence[purchase, default: []] += own
        }
        return members.keys.sorted().compactMap {
            PurchaseSet(id: $0, members: members[$0] ?? [], evidence: evidence[$0] ?? [])
        }
    }
}
