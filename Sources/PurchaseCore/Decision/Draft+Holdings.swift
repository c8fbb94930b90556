extension Draft {
    /// The rules for a purchase's product; `nil` for an unknown product under a strict catalogue.
    func rules(for facts: TransactionFacts) -> Catalogue.Product? {
        facts.productID.flatMap { policy.catalogue.rules(for: $0, type: facts.type) }
    }

    // MARK: Money

    /// Brings a purchase's movements to what its state amounts to. Family shares are never revenue.
    mutating func resolveMovements(_ purchase: PurchaseID, members: [TransactionID], evidence: [Evidence]) {
        guard ownership(of: evidence) == .purchased, let first = members.first,
            let state = chain.transactions[first]?.state, let deciding = chain.decidingEvidence(of: state)
        else { return }
        let account = MoneyAccount(of: purchase, in: chain.movements)
        func movement(_ kind: Movement.Kind, _ generation: Int64, _ step: Int64, _ at: Instant, _ amount: Int64?) -> Movement {
            Movement(
                rowID: "\(purchase).\(kind.rawValue).\(generation).\(step)", kind: kind, purchaseID: purchase,
                generation: generation, step: step, transactionID: account.transactionID ?? first, occurredAt: at,
                amountMilliunits: amount, currency: account.isSold ? account.currency : deciding.facts.charge?.currency,
                evidence: deciding.id)
        }
        let price = account.isSold ? account.price : deciding.facts.charge?.milliunits
        if !account.isSold {
            record(.movement(movement(.sale, 1, 0, deciding.facts.chargedAt, price)))
        }
        let generation = account.generation
        if deciding.facts.isRevoked {
            let amount = price.map { deciding.facts.refundedPart(of: $0) }
            let at = deciding.facts.revocationDate ?? deciding.facts.signedDate
            if !account.isRefunded {
                record(.movement(movement(.refund, generation, 0, at, amount.map { -$0 })))
            } else if let amount, let refunded = account.refunded, amount != refunded {
                let step = account.step + 1
                record(.movement(movement(.refundAdjustment, generation, step, at, refunded - amount)))
            }
        } else if account.isRefunded, state.name == .paid {
            let at = deciding.facts.signedDate
            record(.movement(movement(.reversal, generation, 0, at, account.refunded)))
        }
    }

    // MARK: Grants

    /// Brings a consumable's deliveries to what its state amounts to: delivered while paid and owned, taken back when refunded.
    mutating func resolveGrants(_ purchase: PurchaseID, members: [TransactionID], evidence: [Evidence]) {
        // Shorter ids first: "…grant.2" comes before "…grant.10".
        let existing = chain.grants.values.filter { $0.purchaseID == purchase }.sorted {
            ($0.id.rawValue.utf8.count, $0.id) < ($1.id.rawValue.utf8.count, $1.id)
        }
        let last = existing.lastDelivery
        guard let state = members.first.flatMap({ chain.transactions[$0]?.state }),
            let facts = chain.decidingEvidence(of: state)?.facts, let product = facts.productID
        else { return }
        switch state {
        case .received, .pending:
            return
        case .refunded:
            guard var delivered = last else { return }
            if delivered.status == .open {
                delivered.status = .cancelled
                record(.grant(delivered))
            } else {
                addGrant(.reversal, existing, like: delivered, account: delivered.account)
            }
        case .paid:
            guard last == nil, let owner = chain.owner, entitlementBlock(facts, owner: owner, evidence) == nil,
                let rules = rules(for: facts), rules.kind == .consumable
            else { return }
            let (units, overflow) = facts.quantity.multipliedReportingOverflow(by: rules.units)
            let amount = existing.first?.amount ?? (overflow ? .max : max(units, 1))
            let template = Grant(
                id: GrantID(""), kind: .grant, status: .open, account: owner, purchaseID: purchase,
                transactionID: members.first ?? facts.transactionID, productID: product, amount: amount,
                environment: facts.environment, createdAt: now)
            addGrant(existing.isEmpty ? .grant : .reinstatement, existing, like: template, account: owner)
        }
    }

    private mutating func addGrant(_ kind: Grant.Kind, _ existing: [Grant], like template: Grant, account: AccountNumber) {
        let number = existing.count { $0.kind == kind } + 1
        var grant = template
        grant.id = GrantID("\(template.purchaseID).\(kind.rawValue).\(number)")
        grant.kind = kind
        grant.status = .open
        grant.account = account
        grant.createdAt = now
        record(.grant(grant))
    }

    // MARK: Entitlements

    /// Why a settled purchase entitles this owner to nothing; `nil` when it entitles.
    func entitlementBlock(_ facts: TransactionFacts, owner: AccountNumber, _ evidence: [Evidence]) -> EntitlementBlock? {
        if facts.environment == .sandbox, !policy.sandboxAccounts.includes(chain.erasable.accounts[owner]?.id) {
            return .sandboxAccountNotListed
        }
        guard let rules = rules(for: facts) else { return .productUnknown }
        if ownership(of: evidence) == .familyShared, !rules.familySharing { return .ownershipNotAllowed }
        return nil
    }

    /// Brings the chain's entitlement rows to what its purchases amount to; one transaction speaks for each purchase.
    mutating func resolveEntitlements(
        _ purchases: [(id: PurchaseID, members: [TransactionID], evidence: [Evidence])]
    ) {
        var wanted: [Entitlement.ID: Entitlement] = [:]
        for purchase in purchases {
            for entitlement in entitlements(of: purchase.members, evidence: purchase.evidence) {
                wanted[entitlement.id] = entitlement
            }
        }
        for id in chain.entitlements.keys.sorted() where wanted[id] == nil { record(.entitlementEnded(id)) }
        for (id, entitlement) in wanted.sorted(by: { $0.key < $1.key }) where chain.entitlements[id] != entitlement {
            record(.entitlement(entitlement))
        }
    }

    private func entitlements(of members: [TransactionID], evidence: [Evidence]) -> [Entitlement] {
        let speaker = members.first { id in chain.entitlements.keys.contains { $0.transactionID == id } } ?? members.first
        guard let speaker, let state = chain.transactions[speaker]?.state, let owner = chain.owner,
            let facts = chain.decidingEvidence(of: state)?.facts, let product = facts.productID,
            entitlementBlock(facts, owner: owner, evidence) == nil, let rules = rules(for: facts)
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
        switch rules.kind {
        case .consumable, .unknown: return []
        case .nonConsumable: until = nil
        case .nonRenewing: until = rules.duration.map { $0.end(from: start) }
        case .autoRenewable:
            guard !facts.isUpgraded, let expiresDate = facts.expiresDate else { return [] }
            until = expiresDate
        }
        let since = rules.kind == .autoRenewable ? facts.purchaseDate ?? start : start
        return rules.entitlements.map { key in
            Entitlement(
                id: Entitlement.ID(transactionID: speaker, key: key), account: owner, productID: product,
                environment: facts.environment, originalTransactionID: facts.originalTransactionID, state: state.name,
                rule: rule, since: since, until: until)
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

/// A purchase's movements, added up.
struct MoneyAccount {
    private(set) var isSold = false
    private(set) var price: Int64?
    private(set) var currency: String?
    private(set) var transactionID: TransactionID?
    private(set) var isRefunded = false
    private(set) var refunded: Int64?
    private(set) var generation: Int64 = 1
    private(set) var step: Int64 = 0

    init(of purchase: PurchaseID, in movements: [Movement]) {
        for movement in movements where movement.purchaseID == purchase {
            switch movement.kind {
            case .sale:
                (isSold, price, currency) = (true, movement.amountMilliunits, movement.currency)
                transactionID = movement.transactionID
            case .refund:
                (isRefunded, refunded, step) = (true, movement.amountMilliunits.map { -$0 }, 0)
            case .refundAdjustment:
                step = movement.step
                refunded = refunded.flatMap { sum in movement.amountMilliunits.map { sum - $0 } }
            case .reversal:
                (isRefunded, refunded, step) = (false, nil, 0)
                generation = movement.generation + 1
            }
        }
    }
}

extension [Grant] {
    /// The delivery that stands now: the newest grant or reinstatement that was neither cancelled nor taken back.
    var lastDelivery: Grant? {
        let deliveries = filter { $0.kind != .reversal }
        let takenBack = count { $0.kind == .reversal } + deliveries.count { $0.status == .cancelled }
        guard deliveries.count > takenBack else { return nil }
        return deliveries.last { $0.status != .cancelled && $0.kind == .reinstatement }
            ?? deliveries.last { $0.status != .cancelled }
    }
}

extension TransactionFacts {
    /// When the charge happened: originalPurchaseDate, for auto-renewables purchaseDate.
    var chargedAt: Instant {
        switch type {
        case .autoRenewable?: purchaseDate ?? signedDate
        case .consumable?, .nonConsumable?, .nonRenewing?, .unknown?, nil:
            originalPurchaseDate ?? purchaseDate ?? signedDate
        }
    }

    /// The part of a price that was refunded, in milliunits, halves rounded away from zero; all of it where Apple names no part.
    func refundedPart(of price: Int64) -> Int64 {
        guard revocationType == "REFUND_PRORATED", let percentage = revocationPercentage,
            (0...100_000).contains(percentage)
        else { return price }
        // Split, so that VND- and IDR-sized prices times 100000 stay within 64 bits.
        let (whole, rest) = price.quotientAndRemainder(dividingBy: 100_000)
        let part = rest * percentage
        return whole * percentage + (part + (part < 0 ? -50_000 : 50_000)) / 100_000
    }
}
