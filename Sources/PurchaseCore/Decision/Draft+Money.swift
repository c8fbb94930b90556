extension Draft {
    /// Brings a purchase's movements to what its evidence amounts to; family shares are never revenue.
    ///
    /// Rows are never changed, so whatever becomes known later (a price, another refunded amount) is a further row with
    /// the difference: the sum is the same in every order of arrival.
    mutating func resolveMovements(of purchase: PurchaseSet, recorded: [Movement]) {
        guard purchase.ownership == .purchased, let first = purchase.members.first,
            let state = chain.transactions[first]?.state, let deciding = chain.decidingEvidence(of: state)
        else { return }
        let account = MoneyAccount(recorded)
        let charge = purchase.charge?.facts.charge
        sell(charge, of: purchase, told: purchase.charge ?? deciding, account)
        if deciding.facts.isRevoked {
            let part = charge.map {
                Money(milliunits: deciding.facts.refundedPart(of: $0.milliunits), currency: $0.currency)
            }
            refund(part, of: purchase, told: deciding, account)
        } else if let refunded = account.refunded {
            let place = Place(purchase: purchase.id, transaction: account.transactionID ?? first, evidence: deciding.id)
            let parts = refunded.isEmpty ? [nil] : refunded.parts.map(Money?.some)
            for (step, part) in parts.enumerated() {
                record(place, .reversal, account.generation, Int64(step), part, at: deciding.facts.signedDate)
            }
        }
    }

    /// Takes back, in the same period, the sale of a purchase that has no transaction any more, as far as it was not
    /// refunded.
    mutating func writeOff(_ purchase: PurchaseID, recorded: [Movement]) {
        let account = MoneyAccount(recorded)
        guard let sold = account.sold, let transaction = account.transactionID, let last = recorded.last else { return }
        let place = Place(
            purchase: purchase, transaction: transaction,
            evidence: countedEvidence(about: transaction).last?.id ?? last.evidence)
        correct(sold, to: account.refunded ?? Amounts(), place, account)
    }

    private mutating func sell(_ charge: Money?, of purchase: PurchaseSet, told: Evidence, _ account: MoneyAccount) {
        let place = Place(
            purchase: purchase.id, transaction: account.transactionID ?? told.facts.transactionID, evidence: told.id)
        if let sold = account.sold {
            correct(sold, to: Amounts(charge), place, account)
        } else {
            record(place, .sale, 1, 0, charge, at: purchase.chargedAt ?? told.facts.chargedAt)
        }
    }

    /// Further `sale` rows at the time of the sale, numbered by step, with what is missing.
    private mutating func correct(_ sold: Amounts, to target: Amounts, _ place: Place, _ account: MoneyAccount) {
        for (offset, difference) in sold.differences(to: target).enumerated() {
            let step = account.saleRows + Int64(offset)
            record(place, .sale, 1, step, difference, at: account.soldAt ?? now)
        }
    }

    private mutating func refund(_ part: Money?, of purchase: PurchaseSet, told: Evidence, _ account: MoneyAccount) {
        let place = Place(
            purchase: purchase.id, transaction: account.transactionID ?? told.facts.transactionID, evidence: told.id)
        let at = told.facts.revocationDate ?? told.facts.signedDate
        guard let refunded = account.refunded else {
            return record(place, .refund, account.generation, 0, part?.negated, at: at)
        }
        for (offset, difference) in refunded.differences(to: Amounts(part)).enumerated() {
            let step = account.refundStep + 1 + Int64(offset)
            record(place, .refundAdjustment, account.generation, step, difference.negated, at: at)
        }
    }

    /// What the rows of one decision about a purchase have in common.
    private struct Place {
        let purchase: PurchaseID
        let transaction: TransactionID
        let evidence: EvidenceID
    }

    private mutating func record(
        _ place: Place, _ kind: Movement.Kind, _ generation: Int64, _ step: Int64, _ money: Money?, at: Instant
    ) {
        record(
            .movement(
                Movement(
                    rowID: "\(place.purchase).\(kind.rawValue).\(generation).\(step)", kind: kind,
                    purchaseID: place.purchase, generation: generation, step: step, transactionID: place.transaction,
                    occurredAt: at, amountMilliunits: money?.milliunits, currency: money?.currency,
                    evidence: place.evidence)))
    }
}

/// Sums of money by currency; what nobody knows is not in them.
struct Amounts: Equatable {
    private var byCurrency: [String: Int64] = [:]

    /// Nothing, or one known amount.
    init(_ money: Money? = nil) {
        if let money { add(money) }
    }

    var isEmpty: Bool { byCurrency.isEmpty }

    /// The amounts, sorted by currency; a zero only where there is nothing else.
    var parts: [Money] {
        let all = byCurrency.sorted { $0.key < $1.key }.map { Money(milliunits: $0.value, currency: $0.key) }
        let some = all.filter { $0.milliunits != 0 }
        return some.isEmpty ? Array(all.prefix(1)) : some
    }

    mutating func add(_ money: Money) {
        byCurrency[money.currency, default: 0] += money.milliunits
    }

    /// What has to be added to arrive at other sums, sorted by currency, without zeros.
    func differences(to target: Amounts) -> [Money] {
        guard byCurrency != target.byCurrency else { return [] }
        return Set(byCurrency.keys).union(target.byCurrency.keys).sorted().compactMap { currency in
            let difference = target.byCurrency[currency, default: 0] - byCurrency[currency, default: 0]
            return difference == 0 ? nil : Money(milliunits: difference, currency: currency)
        }
    }
}

extension Money {
    /// The same amount the other way; charges are never negative, so this cannot overflow.
    fileprivate var negated: Money { Money(milliunits: -milliunits, currency: currency) }
}

/// A purchase's movements, added up.
struct MoneyAccount {
    /// `nil` before the sale.
    private(set) var sold: Amounts?
    /// When it was sold.
    private(set) var soldAt: Instant?
    /// How many sale rows there are: the first, and its corrections.
    private(set) var saleRows: Int64 = 0
    /// The transaction that all rows name.
    private(set) var transactionID: TransactionID?
    /// Positive; `nil` while not refunded.
    private(set) var refunded: Amounts?
    /// Steps of the refund that stands.
    private(set) var refundStep: Int64 = 0
    /// 1, and one more after each reversal.
    private(set) var generation: Int64 = 1

    /// Adds up one purchase's movements, in the order in which they were recorded.
    init(_ movements: [Movement]) {
        for movement in movements {
            let money = movement.amountMilliunits.flatMap { amount in
                movement.currency.map { Money(milliunits: amount, currency: $0) }
            }
            switch movement.kind {
            case .sale:
                sold = sold ?? Amounts()
                soldAt = soldAt ?? movement.occurredAt
                transactionID = transactionID ?? movement.transactionID
                saleRows += 1
                if let money { sold?.add(money) }
            case .refund, .refundAdjustment:
                refunded = refunded ?? Amounts()
                refundStep = movement.step
                if let money { refunded?.add(money.negated) }
            case .reversal:
                (refunded, refundStep, generation) = (nil, 0, movement.generation + 1)
            }
        }
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
        return whole * percentage + (rest * percentage + 50_000) / 100_000
    }
}
