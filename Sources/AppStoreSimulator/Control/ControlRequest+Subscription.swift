extension ControlRequest {
    /// The body's `offer`; `nil`: none.
    func offer() throws(SimulatorError) -> SimulatedOffer? {
        switch body["offer"] {
        case nil, .null: return nil
        case .object(let members):
            try members.allow([
                "offerType", "offerDiscountType", "offerIdentifier", "price", "periodMilliseconds", "periodsCount",
            ])
            guard let kind = SimulatedOffer.Kind(rawValue: try members.integer("offerType") ?? 0) else {
                throw .invalid("offerType must be 1 (introductory), 2 (promotional), 3 (offer code) or 4 (win-back)")
            }
            let name = try members.text("offerDiscountType") ?? SimulatedOffer.Discount.freeTrial.rawValue
            guard let discount = SimulatedOffer.Discount(rawValue: name) else {
                let known = SimulatedOffer.Discount.allCases.map(\.rawValue).joined(separator: ", ")
                throw .invalid("offerDiscountType must be one of: \(known)")
            }
            return SimulatedOffer(
                kind, discount, identifier: try members.text("offerIdentifier"),
                price: try members.integer("price") ?? 0,
                periodMilliseconds: try members.integer("periodMilliseconds"),
                periodsCount: Int(clamping: try members.integer("periodsCount") ?? 1))
        default: throw .invalid("offer must be an object")
        }
    }

    /// The upgrade that the body describes.
    func upgrade() throws(SimulatorError) -> SimulatedUpgrade {
        guard let productID = try text("productId") else { throw .invalid("productId is missing") }
        return SimulatedUpgrade(
            to: productID, price: try integer("price"), periodMilliseconds: try integer("periodMilliseconds"),
            offer: try offer(), isRefunded: try bool("isRefunded") ?? false)
    }

    /// How a subscription is to go on by itself; `nil`: not any more.
    func terms() throws(SimulatorError) -> SubscriptionTerms? {
        try allow(["on", "renewsAheadMilliseconds", "gracePeriodMilliseconds", "billingRetryMilliseconds"])
        guard let isOn = try bool("on") else { throw .invalid("on is missing") }
        guard isOn else { return nil }
        var terms = SubscriptionTerms(gracePeriodMilliseconds: try integer("gracePeriodMilliseconds"))
        terms.renewsAheadMilliseconds = try integer("renewsAheadMilliseconds") ?? terms.renewsAheadMilliseconds
        terms.billingRetryMilliseconds = try integer("billingRetryMilliseconds") ?? terms.billingRetryMilliseconds
        return terms
    }
}
