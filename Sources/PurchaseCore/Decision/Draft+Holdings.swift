extension Draft {
    /// The rules for a purchase's product; `nil` for an unknown product under a strict catalogue.
    func rules(for facts: TransactionFacts) -> Catalogue.Product? {
        facts.productID.flatMap { policy.catalogue.rules(for: $0, type: facts.type) }
    }

    /// Why a purchase entitles this owner to nothing; `nil` when it entitles.
    private func entitlementBlock(
        of purchase: PurchaseSet, _ facts: TransactionFacts, owner: AccountNumber
    ) -> EntitlementBlock? {
        policy.entitlementBlock(facts, ownership: purchase.ownership, account: chain.erasable.accounts[owner]?.id)
    }

    // MARK: Grants

    /// Brings a consumable's deliveries to what its state amounts to: delivered while paid and owned, taken back when refunded.
    ///
    /// A prorated refund takes back too, whatever the product's rule: a purchase first seen refunded is never delivered,
    /// so keeping what came before the refund would make the balance depend on the order of arrival (law 4).
    mutating func resolveGrants(of purchase: PurchaseSet, recorded: [Grant]) {
        guard let first = purchase.members.first, let state = chain.transactions[first]?.state else { return }
        switch state {
        case .received, .pending: break
        case .refunded: takeBack(recorded)
        case .paid(_, let deciding):
            guard let facts = chain.evidence[deciding]?.facts else { return }
            deliver(purchase, facts, recorded: recorded.inOrder)
        }
    }

    private mutating func deliver(_ purchase: PurchaseSet, _ facts: TransactionFacts, recorded: [Grant]) {
        guard recorded.lastDelivery == nil, let owner = chain.owner, let first = purchase.members.first,
            entitlementBlock(of: purchase, facts, owner: owner) == nil, let product = facts.productID,
            let rules = rules(for: facts), rules.kind == .consumable
        else { return }
        // What was delivered once is delivered again, whatever the catalogue says by then.
        let amount = recorded.first?.amount ?? Self.amount(quantity: facts.quantity, units: rules.units)
        let kind: Grant.Kind = recorded.isEmpty ? .grant : .reinstatement
        record(
            .grant(
                Grant(
                    id: .numbered(kind, of: purchase.id, after: recorded), kind: kind, status: .open, account: owner,
                    purchaseID: purchase.id, transactionID: first, productID: product, amount: amount,
                    environment: facts.environment, createdAt: now)))
    }

    /// Cancels the delivery that stands, or reverses it once it was credited.
    mutating func takeBack(_ recorded: [Grant]) {
        let recorded = recorded.inOrder
        guard var grant = recorded.lastDelivery else { return }
        switch grant.status {
        case .open:
            grant.status = .cancelled
        case .acknowledged:
            grant.id = .numbered(.reversal, of: grant.purchaseID, after: recorded)
            grant.kind = .reversal
            grant.status = .open
            grant.createdAt = now
        case .cancelled:
            return
        }
        record(.grant(grant))
    }

    /// quantity × units, at least 1: Apple's numbers must neither trap nor deliver less than nothing.
    private static func amount(quantity: Int64, units: Int64) -> Int64 {
        let (amount, overflow) = max(quantity, 1).multipliedReportingOverflow(by: max(units, 1))
        return overflow ? .max : amount
    }

    // MARK: Entitlements

    /// Brings the chain's entitlement rows to what its purchases amount to; one transaction speaks for each purchase.
    mutating func resolveEntitlements() {
        let speaking = Set(chain.entitlements.keys.map(\.transactionID))
        let subscription = subscription(of: purchases)
        var wanted: [Entitlement.ID: Entitlement] = [:]
        for purchase in purchases where !subscription.isPast(purchase.id) {
            let speaker = purchase.members.first(where: speaking.contains) ?? purchase.members.first
            guard let speaker else { continue }
            for entitlement in entitlements(of: purchase, speaker: speaker, subscription) {
                wanted[entitlement.id] = entitlement
            }
        }
        for id in chain.entitlements.keys.sorted() where wanted[id] == nil { record(.entitlementEnded(id)) }
        for (id, entitlement) in wanted.sorted(by: { $0.key < $1.key }) where chain.entitlements[id] != entitlement {
            record(.entitlement(entitlement))
        }
    }

    private func entitlements(
        of purchase: PurchaseSet, speaker: TransactionID, _ subscription: Subscription
    ) -> [Entitlement] {
        guard let state = chain.transactions[speaker]?.state, let owner = chain.owner,
            let facts = chain.decidingEvidence(of: state)?.facts, let product = facts.productID,
            entitlementBlock(of: purchase, facts, owner: owner) == nil, let rules = rules(for: facts)
        else { return [] }
        let rule: Entitlement.Rule
        switch state {
        case .received, .pending: return []
        case .paid: rule = .paid
        case .refunded(let reason, _):
            guard reason == .prorated, rules.onProratedRefund == .keep else { return [] }
            rule = .proratedKeep
        }
        let start = facts.originalPurchaseDate ?? facts.purchaseDate ?? facts.signedDate
        let until: Instant?
        var extended: Entitlement.Extended?
        switch rules.kind {
        case .consumable, .unknown: return []
        case .nonConsumable: until = nil
        case .nonRenewing: until = rules.duration.map { $0.end(from: start) }
        case .autoRenewable:
            guard let access = subscription.access(during: purchase.id) else { return [] }
            (until, extended) = (access.until, access.extended)
        }
        let since = rules.kind == .autoRenewable ? facts.purchaseDate ?? start : start
        return rules.entitlements.map { key in
            Entitlement(
                id: Entitlement.ID(transactionID: speaker, key: key), account: owner, productID: product,
                environment: facts.environment, originalTransactionID: facts.originalTransactionID, state: state.name,
                rule: rule, since: since, until: until, extended: extended)
        }
    }
}

/// Why a paid purchase entitles to nothing; the money is real all the same.
package enum EntitlementBlock: String, Hashable, Sendable, CaseIterable {
    /// A sandbox purchase of an account that is not listed for it.
    case sandboxAccountNotListed = "sandbox_account_not_listed"
    /// The product does not entitle family members.
    case ownershipNotAllowed = "ownership_not_allowed"
    /// The catalogue is strict and does not list the product.
    case productUnknown = "product_unknown"
}

extension GrantID {
    /// `<purchase>.<kind>.<number>`, the number within the kind.
    static func numbered(_ kind: Grant.Kind, of purchase: PurchaseID, after recorded: [Grant]) -> GrantID {
        GrantID("\(purchase).\(kind.rawValue).\(recorded.count { $0.kind == kind } + 1)")
    }
}

extension [Grant] {
    /// By id, shorter ones first: "…grant.2" comes before "…grant.10".
    var inOrder: [Grant] {
        sorted { ($0.id.rawValue.utf8.count, $0.id) < ($1.id.rawValue.utf8.count, $1.id) }
    }

    /// The delivery that stands now: the newest grant or reinstatement that was neither cancelled nor taken back.
    var lastDelivery: Grant? {
        let deliveries = filter { $0.kind != .reversal }
        let takenBack = count { $0.kind == .reversal } + deliveries.count { $0.status == .cancelled }
        guard deliveries.count > takenBack else { return nil }
        return deliveries.last { $0.status != .cancelled && $0.kind == .reinstatement }
            ?? deliveries.last { $0.status != .cancelled }
    }
}
