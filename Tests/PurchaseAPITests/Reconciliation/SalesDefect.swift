import PurchaseCore

@testable import PurchaseService

/// One thing that is not the same in the ledger and in Apple's report, and what must be found of it.
enum SalesDefect: String, CaseIterable {
    case countedNextDay, countedDayBefore, countedOutside, refundCountedLate, refundCountedOutside
    case freeTrialNotCounted, quantityCountedOnce, wholePriceRefunded, reversalNotCounted
    case priceUnknown, storefrontUnknown, familyCounted, sandboxCounted, sandboxCountedFree
    case lostSale, lostRefund, missingLine, extraLine, extraRefund, otherPrice, otherCurrency

    /// Puts the defect into a world; what is found then, as ``TieOutFinding/short``.
    func apply(to world: inout SalesWorld) -> [String] {
        switch self {
        case .countedNextDay, .countedDayBefore, .countedOutside, .refundCountedLate, .refundCountedOutside:
            applyTime(to: &world)
        case .freeTrialNotCounted, .quantityCountedOnce, .wholePriceRefunded, .reversalNotCounted:
            applyCounting(to: &world)
        case .priceUnknown, .storefrontUnknown, .familyCounted, .sandboxCounted, .sandboxCountedFree:
            applyFacts(to: &world)
        case .lostSale, .lostRefund, .missingLine, .extraLine, .extraRefund, .otherPrice, .otherCurrency:
            applyLoss(to: &world)
        }
    }

    private func applyTime(to world: inout SalesWorld) -> [String] {
        let noon = world.odd().at
        var purchase = world.odd()
        switch self {
        case .countedNextDay:
            purchase.at = noon + .hours(11)
            world.addToLedger(purchase)
            world.line(1, price: purchase.price, of: purchase, at: noon + .days(1))
            return ["day_edge -1/-12340: 777"]
        case .countedDayBefore:
            purchase.at = noon - .hours(11)
            world.addToLedger(purchase)
            world.line(1, price: purchase.price, of: purchase, at: noon - .days(1))
            return ["day_edge -1/-12340: 777"]
        case .countedOutside:
            // Late on the last day, which Apple counts on a day that no report covers.
            purchase.at = SalesWorld.start + .days(SalesWorld.daysCount) - .minutes(5)
            world.addToLedger(purchase)
            return ["day_edge -1/-12340: 777"]
        case .refundCountedLate:
            purchase.refundedAt = noon
            world.addToLedger(purchase)
            world.line(1, price: purchase.price, of: purchase, at: purchase.at)
            world.line(-1, price: purchase.price, of: purchase, at: noon + .days(4))
            return ["late_refund -1/-12340: 777"]
        default:
            // Given back before the first day, and counted on it.
            (purchase.at, purchase.refundedAt) = (SalesWorld.start - .days(20), SalesWorld.start - .days(2))
            world.addToLedger(purchase)
            world.line(-1, price: purchase.price, of: purchase, at: SalesWorld.start + .hours(12))
            return ["late_refund 1/12340: 777"]
        }
    }

    private func applyCounting(to world: inout SalesWorld) -> [String] {
        var purchase = world.odd()
        switch self {
        case .freeTrialNotCounted:
            purchase.price = 0
            world.addToLedger(purchase)
            return ["zero_price -1/0: 777"]
        case .quantityCountedOnce:
            purchase.quantity = 5
            world.addToLedger(purchase)
            world.line(1, price: purchase.price * 5, of: purchase, at: purchase.at)
            return ["quantity -4/0: 777"]
        case .wholePriceRefunded:
            (purchase.refundedAt, purchase.percentage) = (purchase.at, 33_333)
            world.addToLedger(purchase)
            world.line(1, price: purchase.price, of: purchase, at: purchase.at)
            world.line(-1, price: purchase.price, of: purchase, at: purchase.at)
            return ["refund_in_part 0/8227: 777"]
        default:
            purchase.refundedAt = purchase.at
            world.add(purchase)
            world.record(.reversal, of: purchase, at: purchase.at + .hours(1), amount: purchase.price)
            return ["refund_reversed -1/-12340: 777"]
        }
    }

    private func applyFacts(to world: inout SalesWorld) -> [String] {
        let purchase = world.odd()
        var row = TieOutRow(
            transactionID: "888", origin: .sandbox, occurredAt: purchase.at,
            place: SalesPlace(productID: "coins", storefront: "USA", currency: "USD", side: .sale),
            figure: SalesFigure(units: 1, milliunits: purchase.price))
        switch self {
        case .priceUnknown:
            world.addToReport(purchase)
            world.addToLedger(purchase) { ($0.amountMilliunits, $0.currency) = (nil, nil) }
            return ["price_unknown 1/12340: 777"]
        case .storefrontUnknown:
            world.addToReport(purchase)
            world.addToLedger(purchase) { $0.storefront = nil }
            return ["storefront_unknown 1/12340: 777"]
        case .familyCounted:
            (row.origin, row.place.currency, row.figure.milliunits) = (.familyShare, nil, 0)
            world.others.append(row)
            world.line(1, price: 0, of: purchase, at: purchase.at)
            return ["family_share 1/0: 888"]
        case .sandboxCounted:
            world.others.append(row)
            world.line(1, price: purchase.price, of: purchase, at: purchase.at)
            return ["unexplained 1/12340: 888"]
        default:
            world.others.append(row)
            world.line(1, price: 0, of: purchase, at: purchase.at)
            return ["sandbox 1/0: 888"]
        }
    }

    private func applyLoss(to world: inout SalesWorld) -> [String] {
        var purchase = world.odd()
        let end = SalesWorld.calendar.entries[4].to
        switch self {
        case .lostSale:
            world.coverage.completeThrough = end - .minutes(1)
            world.addToReport(purchase)
            return ["missing_notification 1/12340: "]
        case .lostRefund:
            world.coverage.completeThrough = nil
            world.addToLedger(purchase)
            purchase.refundedAt = purchase.at
            world.addToReport(purchase)
            return ["missing_notification 1/12340: "]
        case .missingLine:
            world.addToLedger(purchase)
            return ["unexplained -1/-12340: 777"]
        case .extraLine:
            world.coverage.completeThrough = end
            world.addToReport(purchase)
            return ["unexplained 1/12340: "]
        case .extraRefund:
            world.line(-1, price: purchase.price, of: purchase, at: purchase.at)
            return ["unexplained 1/12340: "]
        case .otherPrice:
            world.addToLedger(purchase)
            world.line(1, price: purchase.price + 10, of: purchase, at: purchase.at)
            return ["unexplained 0/10: *"]
        default:
            world.addToLedger(purchase)
            purchase.currency = "CHF"
            world.addToReport(purchase)
            return ["unexplained 1/12340: ", "unexplained -1/-12340: 777"]
        }
    }
}
