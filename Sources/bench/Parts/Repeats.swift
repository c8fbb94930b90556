extension Workshop {
    /// Purchases that are posted again and again.
    private static let settledCount = 1_000

    /// Posts of settled purchases, in an order that the seed draws: none may cost a call to Apple.
    func measureRepeats() async throws {
        try await Installation.with(self, name: "repeat") { stack in
            let settled = settings.isSmoke ? Self.smokeRequests : Self.settledCount
            let concurrency = settings.isSmoke ? 4 : 64
            let (key, draws) = (keys.app, Draws(seed: settings.seed))
            let first = LoadPlan(port: stack.service.port, connections: concurrency) { Self.post($0, key: key) }
            _ = try await load(first, count: settled, watching: stack.watched(self))
            let before = try await stack.storeCounts()
            let plan = LoadPlan(port: stack.service.port, connections: concurrency) { number in
                Self.post(draws.below(settled, at: number), key: key)
            }
            let load = try await load(plan, watching: stack.watched(self))
            let calls = try await stack.storeCounts().calls - before.calls
            guard before.calls == settled, calls == 0 else {
                throw BenchFailure("\(settled) first posts cost \(before.calls) calls to Apple, the repeats \(calls)")
            }
            var measurement = Measurement(
                .repeat, "repeat of a settled one, \(concurrency) at once", load.result.throughput)
            let body = #"{"accountId":"bench-1234567","transactionId":"\#(Self.transactionID(0))"}"#
            let echo = try await echoRate(connections: concurrency, json: body)
            measurement.reference = .init(name: "JSON echo", value: echo)
            measurement.atLeast = settings.isSmoke ? nil : 0.5
            measurement.details = ["calls to Apple": Double(calls)]
            load.describe(&measurement, isTimed: !settings.isSmoke)
            try report.add(measurement)
        }
    }

    /// A hundred posts of one purchase at the same moment, a thousand purchases: a call to Apple for each, no more.
    func measureOnce() async throws {
        try await Installation.with(self, name: "once") { stack in
            let (transactions, parallel) = settings.isSmoke ? (10, 20) : (1_000, 100)
            let key = keys.app
            let plan = LoadPlan(port: stack.service.port, connections: parallel) { number in
                Self.post(number / parallel * 4, key: key)
            }
            let load = try await load(plan, count: transactions * parallel, watching: stack.watched(self))
            let counts = try await stack.storeCounts()
            let paid = try stack.database.number("SELECT count(*) FROM transactions WHERE state = 'paid'")
            guard counts.calls == transactions, counts.transactions == transactions, paid == transactions else {
                throw BenchFailure(
                    "\(transactions) transactions cost \(counts.calls) calls about \(counts.transactions), \(paid) are paid"
                )
            }
            var measurement = Measurement(
                .once, "calls to Apple, \(parallel) posts of each of \(transactions)", Double(counts.calls), "calls")
            measurement.reference = .init(name: "the transactions", value: Double(transactions))
            (measurement.atLeast, measurement.atMost) = (1, 1)
            measurement.details = ["posts /s": load.result.throughput]
            load.describe(&measurement, isTimed: !settings.isSmoke)
            try report.add(measurement)
        }
    }
}
