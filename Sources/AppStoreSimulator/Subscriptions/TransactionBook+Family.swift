extension TransactionBook {
    /// Gives each family member who shares a subscription a period of its own, like the purchaser's new one.
    ///
    /// The keys of the members' new transactions.
    mutating func followFamily(
        to successor: TransactionKey, isUpgrade: Bool = false, now: Int64
    ) throws(SimulatorError) -> [TransactionKey] {
        let paid = try transaction(successor)
        var all: [TransactionKey] = []
        for member in members(ofChain: chain(of: successor)) {
            let former = try newest(inChainOf: member)
            var fields = former.fields
            for name in ["productId", "purchaseDate", "expiresDate", "transactionReason"] {
                fields[name] = paid.fields[name]
            }
            let followed = try continueChain(
                of: former, fields: fields, transactionID: nil, sharedFrom: paid.purchase, period: paid.period, now: now
            )
            if isUpgrade { markUpgraded(chainOf: followed, now: now) }
            all.append(followed)
        }
        return all
    }

    /// The current transaction of each family member who shares a subscription.
    func currentMembers(ofChainOf key: TransactionKey) -> [TransactionKey] {
        members(ofChain: chain(of: key)).compactMap { try? newest(inChainOf: $0) }.filter { !$0.isRevoked }.map(\.key)
    }

    /// The transactions by which family members have access now, or will have.
    func runningPeriods(ofMembers chains: [TransactionKey], _ now: Int64) -> [TransactionKey] {
        chains.flatMap { chain -> [TransactionKey] in
            let newest = try? newest(inChainOf: chain)
            return byOriginal[chain, default: []].filter {
                $0 == newest?.key || (transactions[$0]?.expiresDate ?? 0) > now
            }
        }
    }

    /// Every period of a subscription that still runs, or will, ends as superseded by a new one.
    mutating func markUpgraded(chainOf successor: TransactionKey, now: Int64) {
        for key in byOriginal[chain(of: successor), default: []] where key != successor {
            guard let former = transactions[key], (former.expiresDate ?? 0) > now else { continue }
            change(key, now: now) { $0["isUpgraded"] = true }
        }
    }
}
