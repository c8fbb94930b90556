import PurchaseCore

extension Chain {
    /// The keys that a viewed transaction gives the account that holds it, or would give; empty for a consumable, and for
    /// a product that nothing is known of.
    func entitlementKeys(of view: TransactionView, catalogue: Catalogue) -> Set<String> {
        let transaction = view.transaction
        let rows = entitlements.keys.filter { row in
            row.transactionID == transaction.id
                || transaction.purchaseID != nil
                    && transactions[row.transactionID]?.purchaseID == transaction.purchaseID
        }
        if !rows.isEmpty { return Set(rows.map(\.key)) }
        guard let facts = view.facts, let product = facts.productID,
            let rules = catalogue.rules(for: product, type: facts.type), rules.kind != .consumable
        else { return [] }
        return Set(rules.entitlements)
    }
}

extension TransactionView {
    /// Finds what support decided in another way than the purchase says.
    ///
    /// As in an account's list of entitlements: a withholding wins over whatever gives, and goodwill counts where the
    /// purchase gives nothing.
    ///
    /// - Parameters:
    ///   - overrides: Those of the account that the view is seen from.
    ///   - keys: What the transaction gives, or would give.
    ///   - now: The instant at which an override must be in force.
    /// - Returns: Of several the one that lasts longest; `nil` where the purchase has the last word.
    func supportDecision(among overrides: [Override], on keys: Set<String>, at now: Instant) -> Override? {
        let store = environment ?? facts?.environment
        let live = overrides.filter {
            $0.isLive(at: now) && $0.terms.environment == store && keys.contains($0.terms.key)
        }
        let withheld = live.filter { $0.terms.effect == .withhold }
        if isEntitled { return withheld.longest }
        let withheldKeys = Set(withheld.map(\.terms.key))
        return live.filter { $0.terms.effect == .grant && !withheldKeys.contains($0.terms.key) }.longest
    }

    /// Puts support's decision in the place of the purchase's own answer.
    mutating func apply(_ decision: Override) {
        switch decision.terms.effect {
        case .grant: (isEntitled, entitlementReason) = (true, .override)
        case .withhold: (isEntitled, entitlementReason) = (false, .withheld)
        }
    }
}

extension [Override] {
    /// The one that ends last, or never.
    fileprivate var longest: Override? {
        let endOfTime = Instant(millisecondsSince1970: .max)
        return self.max { ($0.terms.until ?? endOfTime) < ($1.terms.until ?? endOfTime) }
    }
}
