/// Whether one transaction entitles its owner at an instant, and why.
package enum EntitlementVerdict: Hashable, Sendable {
    /// It entitles, by its paid state.
    case paid
    /// Its paid period is over, and Apple reports a grace period.
    case gracePeriod
    /// Its paid period is over, and whether it was renewed is not known yet.
    case renewalUnconfirmed
    /// It was refunded in part, and the product keeps access.
    case proratedKeep
    /// It is refused and not pursued.
    case refused
    /// It is not paid (yet).
    case notPaid
    /// It was refunded or revoked.
    case refunded
    /// No account holds it.
    case unclaimed
    /// Its time is over.
    case expired
    /// It was superseded by an upgrade.
    case upgraded
    /// It is paid, and a rule of the deployment keeps it from entitling.
    case blocked(EntitlementBlock)

    /// Whether it entitles.
    package var isEntitled: Bool {
        switch self {
        case .paid, .gracePeriod, .renewalUnconfirmed, .proratedKeep: true
        case .refused, .notPaid, .refunded, .unclaimed, .expired, .upgraded, .blocked: false
        }
    }
}

extension Chain {
    /// Judges one transaction of the chain; a consumable entitles while it is paid and held, its units are in the grants.
    package func entitlementVerdict(of transaction: Transaction, policy: Policy, now: Instant) -> EntitlementVerdict {
        if transaction.refusal != nil { return .refused }
        guard transaction.state.isSettled, let facts = decidingEvidence(of: transaction.state)?.facts else {
            return .notPaid
        }
        guard owner != nil else { return transaction.state.name == .refunded ? .refunded : .unclaimed }
        let siblings = transactions.values.filter { $0.purchaseID == transaction.purchaseID }.map(\.id)
        let rows = entitlements.values.filter { siblings.contains($0.id.transactionID) }
        if let row = rows.first(where: { $0.isActive(at: now) }) ?? rows.first {
            guard row.isActive(at: now) else { return .expired }
            switch row.extensionReason(at: now) {
            case .gracePeriod?: return .gracePeriod
            case .renewalUnconfirmed?: return .renewalUnconfirmed
            case nil: break
            }
            switch row.rule {
            case .paid: return .paid
            case .proratedKeep: return .proratedKeep
            }
        }
        if transaction.state.name == .refunded { return .refunded }
        if let block = entitlementBlock(of: transaction.id, policy: policy) { return .blocked(block) }
        if facts.isUpgraded { return .upgraded }
        switch facts.productID.flatMap({ policy.catalogue.rules(for: $0, type: facts.type) })?.kind {
        case .consumable?: return .paid
        case .autoRenewable?: return .expired
        case .nonConsumable?, .nonRenewing?: return .paid
        case .unknown?, nil: return .blocked(.productUnknown)
        }
    }
}
