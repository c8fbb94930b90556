import Hummingbird

extension ControlRoutes {
    func addRenewals(to group: RouterGroup<Context>) {
        let simulator = simulator
        on(group, "transactions/{id}/stop-sharing", .post) { request throws(SimulatorError) in
            try request.allow([])
            return .json(Self.receipt(try simulator.stopSharing(request.id, in: request.environment)))
        }
        on(group, "transactions/{id}/decline-refund", .post) { request throws(SimulatorError) in
            try request.allow([])
            try simulator.declineRefund(request.id, in: request.environment)
            return .noContent
        }
        on(group, "transactions/{id}/request-consumption", .post) { request throws(SimulatorError) in
            try request.allow(["consumptionRequestReason"])
            try simulator.requestConsumption(
                request.id, reason: try request.text("consumptionRequestReason"), in: request.environment)
            return .noContent
        }
        on(group, "subscriptions/{id}/resubscribe", .post) { request throws(SimulatorError) in
            try request.allow(["productId", "price", "offer", "transactionId"])
            let receipt = try simulator.resubscribe(
                request.id, to: try request.text("productId"), in: request.environment,
                price: try request.integer("price"), offer: try request.offer(),
                newTransactionID: try request.text("transactionId"))
            return .json(Self.receipt(receipt), status: 201)
        }
        addRenewalStates(to: group)
    }

    private func addRenewalStates(to group: RouterGroup<Context>) {
        let simulator = simulator
        on(group, "subscriptions/{id}/auto-renew", .post) { request throws(SimulatorError) in
            try request.allow(["on"])
            guard let isOn = try request.bool("on") else { throw .invalid("on is missing") }
            try simulator.setAutoRenew(isOn, of: request.id, in: request.environment)
            return .noContent
        }
        on(group, "subscriptions/{id}/renewal-preference", .post) { request throws(SimulatorError) in
            try request.allow(["productId", "periodMilliseconds", "offer"])
            guard let productID = try request.text("productId") else { throw .invalid("productId is missing") }
            try simulator.changeRenewalPreference(
                of: request.id, to: productID, periodMilliseconds: try request.integer("periodMilliseconds"),
                offer: try request.offer(), in: request.environment)
            return .noContent
        }
        on(group, "subscriptions/{id}/fail-to-renew", .post) { request throws(SimulatorError) in
            try request.allow(["gracePeriodMilliseconds"])
            try simulator.failToRenew(
                request.id, gracePeriodMilliseconds: try request.integer("gracePeriodMilliseconds"),
                in: request.environment)
            return .noContent
        }
        on(group, "subscriptions/{id}/end-grace-period", .post) { request throws(SimulatorError) in
            try request.allow([])
            try simulator.endGracePeriod(of: request.id, in: request.environment)
            return .noContent
        }
        on(group, "subscriptions/{id}/expire", .post) { request throws(SimulatorError) in
            try request.allow(["because"])
            guard let expiry = SimulatedExpiry(rawValue: try request.text("because") ?? "VOLUNTARY") else {
                let known = SimulatedExpiry.allCases.map(\.rawValue).joined(separator: ", ")
                throw .invalid("because must be one of: \(known)")
            }
            try simulator.expire(request.id, because: expiry, in: request.environment)
            return .noContent
        }
        on(group, "subscriptions/{id}/raise-price", .post) { request throws(SimulatorError) in
            try request.allow(["price", "isAccepted"])
            guard let price = try request.integer("price") else { throw .invalid("price is missing") }
            try simulator.raisePrice(
                of: request.id, to: price, isAccepted: try request.bool("isAccepted") ?? false,
                in: request.environment)
            return .noContent
        }
        on(group, "subscriptions/{id}/extend", .post) { request throws(SimulatorError) in
            try request.allow(["days"])
            guard let days = try request.integer("days") else { throw .invalid("days is missing") }
            try simulator.extendRenewal(of: request.id, days: Int(clamping: days), in: request.environment)
            return .noContent
        }
    }
}
