import Hummingbird

extension ControlRoutes {
    func addSelfRunning(to group: RouterGroup<Context>) {
        let simulator = simulator
        on(group, "subscriptions/{id}/run", .post) { request throws(SimulatorError) in
            try simulator.run(request.id, try request.terms(), in: request.environment)
            return .noContent
        }
        on(group, "subscriptions/{id}/billing", .post) { request throws(SimulatorError) in
            try request.allow(["works"])
            guard let isWorking = try request.bool("works") else { throw .invalid("works is missing") }
            try simulator.setBilling(works: isWorking, of: request.id, in: request.environment)
            return .noContent
        }
        on(group, "subscriptions/{id}/sale", .post) { request throws(SimulatorError) in
            try request.allow(["on"])
            guard let isForSale = try request.bool("on") else { throw .invalid("on is missing") }
            try simulator.setForSale(isForSale, of: request.id, in: request.environment)
            return .noContent
        }
        on(group, "subscriptions/{id}/answer-price", .post) { request throws(SimulatorError) in
            try request.allow(["isAccepted"])
            guard let isAccepted = try request.bool("isAccepted") else { throw .invalid("isAccepted is missing") }
            try simulator.answerPriceIncrease(of: request.id, isAccepted: isAccepted, in: request.environment)
            return .noContent
        }
        on(group, "subscriptions/{id}/redeem", .post) { request throws(SimulatorError) in
            try request.allow(["offer", "transactionId"])
            guard let offer = try request.offer() else { throw .invalid("offer is missing") }
            let receipt = try simulator.redeem(
                offer, on: request.id, in: request.environment, newTransactionID: try request.text("transactionId"))
            return .json(Self.receipt(receipt), status: 201)
        }
        on(group, "subscriptions/{id}/truth", .get) { request throws(SimulatorError) in
            var instant: Int64?
            if let text = request.query("at") {
                guard let at = Int64(text) else { throw .invalid("at must be milliseconds since 1970 UTC") }
                instant = at
            }
            let truth = try simulator.truth(ofSubscription: request.id, at: instant, in: request.environment)
            return .json([
                "isEntitled": .bool(truth.isEntitled), "reason": .string(truth.reason.rawValue),
                "until": .integer(truth.until), "productId": .string(truth.productID),
                "transactionId": .string(truth.transactionID),
            ])
        }
    }
}
