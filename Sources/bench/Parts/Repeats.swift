extension Workshop {
    /// Purchases that are posted again and again: so few that a process keeps their chains, and so many that it can't.
    private var settledCounts: [Int] {
        settings.isSmoke ? [Self.smokeRequests, 2 * Self.smokeRequests] : [1_000, 20_000]
    }

    /// Posts of settled purchases, in an order that the seed draws: none may cost a call to Apple.
    func measureRepeats() async throws {
        let concurrency = settings.isSmoke ? 4 : 64
        let body = #"{"accountId":"bench-1234567","transactionId":"\#(Self.transactionID(0))"}"#
        let echo = try await echoRate(connections: concurrency, json: body)
        try await Installation.with(self, name: "repeat") { stack in
            var settled = 0
            for count in settledCounts {
                try await settle(settled..<count, stack, concurrency: concurrency)
                settled = count
                try await measureRepeats(stack, among: count, concurrency: concurrency, echo: echo)
            }
        }
    }

    /// Posts each of these for the first time.
    private func settle(_ numbers: Range<Int>, _ stack: Installation, concurrency: Int) async throws {
        let key = keys.app
        let plan = LoadPlan(port: stack.service.port, connections: concurrency) {
            Self.post(numbers.lowerBound + $0, key: key)
        }
        _ = try await load(plan, count: numbers.count, watching: stack.watched(self))
    }

    private func measureRepeats(
        _ stack: Installation, among settled: Int, concurrency: Int, echo: Double
    ) async throws {
        let (key, draws) = (keys.app, Draws(seed: settings.seed))
        let before = try await stack.storeCounts()
        let plan = LoadPlan(port: stack.service.port, connections: concurrency) { number in
            Self.post(draws.below(settled, at: number), key: key)
        }
        let load = try await load(plan, watching: stack.watched(self))
        let calls = try await stack.storeCounts().calls - before.calls
        guard before.calls == settled, calls == 0 else {
            throw BenchFailure("\(settled) first posts cost \(before.calls) calls to Apple, the repeats \(calls)")
        }
        let what =
            settled == settledCounts.first ? "repeat of a settled one" : "repeat of one of \(settled) settled ones"
        var measurement = Measurement(.repeat, "\(what), \(concurrency) at once", load.result.throughput)
        measurement.reference = .init(name: "JSON echo", value: echo)
        measurement.atLeast = settings.isSmoke ? nil : 0.5
        measurement.details = ["calls to Apple": Double(calls)]
        load.describe(&measurement, isTimed: !settings.isSmoke)
        try report.add(measurement)
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
