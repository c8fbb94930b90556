import AppStoreSimulator
import PurchaseCore
import TestSupport

extension SubscriptionWorld {
    /// Tries an act; what doesn't fit the life any more comes to nothing.
    mutating func perform(_ act: SubscriptionAct, on index: Int) async throws {
        let life = lives[index]
        guard !life.isOver, !isOut else { return }
        do {
            let bought = try carryOut(act, life)
            tell(index, "\(act)")
            if let bought { try await post(bought, index) }
            if act == .share, let member = try? stack.simulator.shareWithFamily(current(life)) {
                let name = "\(life.account)-member-\(lives.count)"
                tell(index, "shares with \(name)")
                try await add(
                    SubscriptionLife(account: name, id: member.transactionID, story: life.story, isMember: true))
            }
        } catch is SimulatorError {
            return
        }
    }

    /// The transaction that the app would post after it; `nil`: nothing was bought.
    private mutating func carryOut(_ act: SubscriptionAct, _ life: SubscriptionLife) throws -> String? {
        let (simulator, day) = (stack.simulator, SubscriptionLife.day)
        switch act {
        case .cancel: try simulator.setAutoRenew(false, of: life.id)
        case .takeBackCancellation:
            // It is over for good once it has expired: then one subscribes again.
            guard try simulator.truth(ofSubscription: life.id).isEntitled else { return nil }
            try simulator.setAutoRenew(true, of: life.id)
        case .breakBilling: try simulator.setBilling(works: false, of: life.id)
        case .repairBilling: try simulator.setBilling(works: true, of: life.id)
        case .upgrade, .upgradeWithRefund, .upgradeToWeeks:
            guard try simulator.truth(ofSubscription: life.id).isEntitled else { return nil }
            let change = SimulatedUpgrade(
                to: act == .upgradeToWeeks ? "weeks" : "platinum", price: 9_990,
                periodMilliseconds: act == .upgradeToWeeks ? 7 * day : nil, isRefunded: act == .upgradeWithRefund)
            return try simulator.upgrade(life.id, change).transactionID
        case .chooseNext: try simulator.changeRenewalPreference(of: life.id, to: "silver")
        case .extend:
            guard try simulator.truth(ofSubscription: life.id).reason == .paid else { return nil }
            try simulator.extendRenewal(of: life.id, days: Int.random(in: 1...20, using: &generator))
        case .raisePrice: try simulator.raisePrice(of: life.id, to: 7_990)
        case .acceptPrice: try simulator.answerPriceIncrease(of: life.id, isAccepted: true)
        case .refusePrice: try simulator.answerPriceIncrease(of: life.id, isAccepted: false)
        case .withdrawProduct: try simulator.setForSale(false, of: life.id)
        case .refundEarlier:
            // The first period; it is the current one as long as there is no other.
            guard try current(life) != life.id else { return nil }
            try simulator.refund(life.id)
        case .refundCurrent: try simulator.refund(current(life))
        case .reverseRefund: try simulator.reverseRefund(current(life))
        case .resubscribe: return try simulator.resubscribe(life.id).transactionID
        case .winBack:
            let offer = SimulatedOffer(.winBack, .payUpFront, identifier: "back", price: 1_990)
            return try simulator.resubscribe(life.id, offer: offer).transactionID
        case .redeemOffer:
            let offer = SimulatedOffer(.offerCode, identifier: "code", periodMilliseconds: 7 * day)
            return try simulator.redeem(offer, on: life.id).transactionID
        case .share: break
        case .stopSharing: try simulator.stopSharing(life.id)
        }
        return nil
    }

    /// The transaction that entitles, or did last.
    private func current(_ life: SubscriptionLife) throws -> String {
        try stack.simulator.truth(ofSubscription: life.id).transactionID
    }

    /// Adds a line to a life's story.
    mutating func tell(_ index: Int, _ text: String) {
        lives[index].story.append("\(date(now)) \(text)")
    }

    /// Days since the beginning, with the time of day.
    func date(_ instant: Int64) -> String {
        let (days, rest) = (instant - start).quotientAndRemainder(dividingBy: SubscriptionLife.day)
        return rest == 0 ? "\(days)" : "\(days)+\(rest)ms"
    }
}
