package import PurchaseCore

extension AppStoreSimulator {
    /// A Summary Sales Report of Production, from one Pacific day through another, as App Store Connect has it.
    ///
    /// One sale for each purchase of the payer, whatever copies were restored of it; a refund stays on its day when it is
    /// undone, and its undoing counts as sold again. What Apple's payload names no price or storefront for costs 4.99 USD
    /// in the United States. Throws ``SimulatorError/invalid(_:)``.
    package func salesReport(
        from first: CalendarDay, through last: CalendarDay, defects: SalesReportDefects = SalesReportDefects()
    ) throws(SimulatorError) -> [UInt8] {
        let span = PacificTime.start(of: first)..<max(PacificTime.start(of: last.next), PacificTime.start(of: first))
        guard !span.isEmpty else { throw .invalid("through must not be before day") }
        return withState { state, _ in
            var text = SalesReportText(beginDate: first.monthDayYear, endDate: last.monthDayYear)
            for transaction in state.book.transactions.values where state.book.isSold(transaction) {
                let id = transaction.key.id
                let at = transaction.chargedAt
                guard !defects.without.contains(id),
                    span.contains(defects.nextDay.contains(id) ? PacificTime.dayAfter(at) : at)
                else { continue }
                text.add(transaction.quantity, total: transaction.chargedPrice, transaction.reportKey)
            }
            for entry in state.book.moneyBack {
                guard let transaction = state.book.transactions[entry.key], state.book.isOfPayer(transaction),
                    !defects.without.contains(entry.key.id)
                else { continue }
                let isLate = defects.lateRefunds.contains(entry.key.id) && !entry.isReversal
                guard span.contains(isLate ? PacificTime.dayAfter(entry.at) : entry.at) else { continue }
                let (whole, rest) = transaction.chargedPrice.quotientAndRemainder(dividingBy: 100_000)
                let part = whole * entry.percentage + (rest * entry.percentage + 50_000) / 100_000
                text.add(
                    entry.isReversal ? transaction.quantity : -transaction.quantity, total: part, transaction.reportKey)
            }
            for product in defects.extra {
                let key = SalesReportText.Key(productID: product, type: "IA1", country: "US", currency: "USD", price: 0)
                text.add(1, total: SimulatedTransaction.usualPrice, key)
            }
            return text.bytes
        }
    }
}

extension PacificTime {
    /// The first moment of the Pacific day after the one that holds an instant.
    fileprivate static func dayAfter(_ milliseconds: Int64) -> Int64 {
        let text = RFC3339.text(Instant(millisecondsSince1970: milliseconds - 8 * Milliseconds.hour)).prefix(10)
        guard var day = CalendarDay(String(text)) else { return milliseconds }
        while start(of: day) <= milliseconds { day = day.next }
        return start(of: day)
    }
}

extension TransactionBook {
    /// Whether a transaction is the one that was charged: the purchaser's, in Production, and no restored copy.
    fileprivate func isSold(_ transaction: SimulatedTransaction) -> Bool {
        isOfPayer(transaction) && firstTransaction(ofPurchase: transaction.key) == transaction.key
    }

    fileprivate func isOfPayer(_ transaction: SimulatedTransaction) -> Bool {
        transaction.key.environment == .production && !transaction.isFamilyShared
    }
}

extension SimulatedTransaction {
    /// What a purchase costs of which the payload says nothing.
    fileprivate static let usualPrice: Int64 = 4_990

    /// When it was charged, in milliseconds since 1970 UTC.
    fileprivate var chargedAt: Int64 {
        type == .autoRenewable
            ? purchaseDate : fields["originalPurchaseDate"]?.integerValue ?? purchaseDate
    }

    fileprivate var quantity: Int64 { max(1, fields["quantity"]?.integerValue ?? 1) }

    fileprivate var chargedPrice: Int64 { max(0, fields["price"]?.integerValue ?? Self.usualPrice) }

    fileprivate var reportKey: SalesReportText.Key {
        let storefront = fields["storefront"]?.stringValue ?? "USA"
        let type =
            switch self.type {
            case .consumable, .nonConsumable: "IA1"
            case .autoRenewable: "IAY"
            case .nonRenewing: "IA9"
            }
        return SalesReportText.Key(
            productID: fields["productId"]?.stringValue ?? "", type: type,
            country: ISO3166.alpha2(of: storefront) ?? storefront, currency: fields["currency"]?.stringValue ?? "USD",
            price: 0)
    }
}
