import PurchaseCore

/// Random evidence of one chain, signed on a coarse grid so that ties happen.
///
/// Every source, several transactions of one purchase, refunds of every kind, reversals, missing fields, other apps'
/// payloads, the device's word.
struct EvidenceGenerator {
    var random: SplitMix64
    var product: String
    /// What is odd about this set, so that most sets stay plausible and some are not.
    var oddities: Int
    /// Whether Apple may call one transaction bought once and shared another time.
    ///
    /// It never did; states and money bear it, while the rule `require` and holds look at the first known word by design.
    var mayChangeOwnership = true

    /// Whether Apple may name one app for a transaction and another app another time, which it never does.
    var mayChangeBundle = true

    private let isShared: Bool

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        isShared = random.oneIn(5)
        product = random.pick(["unlock", "unlock", "coins", "coins", "season", "monthly"])
        oddities = random.pick([0, 0, 1, 2])
    }

    mutating func items(_ count: Int) -> [Evidence] {
        var items: [Evidence] = []
        while items.count < count {
            let item = sample().evidence
            // The same payload may come again by another way; the very same item is the caller's to repeat.
            if !items.contains(where: { $0.id == item.id }) { items.append(item) }
        }
        return items
    }

    mutating func sample() -> Sample {
        let minutes: [Int64] = [0, 10, 10, 20, 69, 70, 80, 140, 150]
        var sample = Sample(
            product, id: random.pick(["1001", "1001", "1001", "1002", "1003"]), signed: random.pick(minutes))
        sample = sample.from(
            random.pick([.appStore, .appStore, .appStore, .notification, .notification, .history, .device]))
        switch random.next() % 8 {
        case 0, 1:
            sample = sample.refunded(at: 9, "REFUND_FULL").notified(
                random.pick(["REFUND", "REFUND", "REFUND_REVERSED"]))
        case 2:
            sample = sample.refunded(at: 9, "REFUND_PRORATED", percentage: random.pick([0, 40_000, 100_000])).notified(
                "REFUND")
        case 3: sample = sample.refunded(at: 8, random.pick([nil, "FAMILY_REVOKE"])).notified("REVOKE")
        case 4, 5: sample = sample.notified("REFUND_REVERSED")
        default: sample = sample.notified("ONE_TIME_CHARGE")
        }
        if product == "monthly", sample.facts.transactionID == TransactionID("1003") {
            sample.facts.webOrderLineItemID = WebOrderLineItemID("78")
        }
        for _ in 0..<oddities where random.oneIn(2) { makeOdd(&sample.facts) }
        if !mayChangeOwnership, sample.facts.inAppOwnershipType?.isKnown == true {
            sample.facts.inAppOwnershipType = isShared ? .familyShared : .purchased
        }
        if !mayChangeBundle { sample.facts.bundleID = Policy.standard.bundleID }
        return sample
    }

    /// Renewal info that comes with a subscription's transaction, now and then; `nil` for other products.
    mutating func renewal(beside sample: Sample) -> RenewalInfo? {
        guard product == "monthly", !random.oneIn(3) else { return nil }
        return sample.renewal {
            $0.signedDate = .minute(random.pick([0, 10, 70, 150, 43_199, 43_200, 43_300]))
            $0.autoRenewStatus = random.pick([0, 1, 1, nil])
            $0.isInBillingRetryPeriod = random.oneIn(4)
            $0.gracePeriodExpiresDate = random.oneIn(4) ? .minute(50_000) : nil
            $0.expirationIntent = random.oneIn(5) ? 1 : nil
        }
    }

    private mutating func makeOdd(_ facts: inout TransactionFacts) {
        switch random.next() % 9 {
        case 0, 1: facts.inAppOwnershipType = nil
        case 2: facts.inAppOwnershipType = .unknown("GIFTED")
        case 3: facts.inAppOwnershipType = .familyShared
        case 4: facts.price = nil
        case 5: facts.price = random.pick([0, 3_000, 9_000])
        case 6: facts.currency = "USD"
        case 7: facts.bundleID = random.pick([nil, BundleID("com.example.other")])
        default: facts.webOrderLineItemID = nil
        }
    }
}

extension Sample {
    /// The notification type, where the sample came as a notification.
    func notified(_ type: String) -> Sample { source == .notification ? from(.notification, type) : self }
}
