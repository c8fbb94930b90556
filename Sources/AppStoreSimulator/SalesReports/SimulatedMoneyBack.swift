/// A refund, or the end of one, as Apple's accounts keep it: it stays on its day whatever happens later.
struct SimulatedMoneyBack: Sendable {
    /// The purchase's first transaction.
    let key: TransactionKey
    /// Milliseconds since 1970 UTC: the revocationDate, or when the refund was undone.
    let at: Int64
    /// Thousandths of a percent that were given back.
    let percentage: Int64
    /// Whether the refund was undone.
    let isReversal: Bool
}

extension TransactionBook {
    /// Notes that money was given back for a purchase; a refund that only changes takes the place of the former one.
    mutating func noteRefund(_ key: TransactionKey, percentage: Int64, at date: Int64, isChange: Bool) {
        let key = firstTransaction(ofPurchase: key)
        if isChange, let index = moneyBack.lastIndex(where: { $0.key == key }) { removeMoneyBack(at: index) }
        appendMoneyBack(SimulatedMoneyBack(key: key, at: date, percentage: percentage, isReversal: false))
    }

    /// Notes that a refund was undone.
    mutating func noteReversal(_ key: TransactionKey, now: Int64) {
        let key = firstTransaction(ofPurchase: key)
        guard let refund = moneyBack.last(where: { $0.key == key && !$0.isReversal }) else { return }
        appendMoneyBack(SimulatedMoneyBack(key: key, at: now, percentage: refund.percentage, isReversal: true))
    }
}
