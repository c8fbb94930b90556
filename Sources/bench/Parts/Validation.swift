import NIOCore

extension Workshop {
    /// Ids of one load never meet those of another.
    private static let idsPerLoad = 100_000_000

    /// The share of the closed loop's throughput at which the open loop asks: busy, and not over the edge.
    static let openLoopShare = 0.7

    /// Posts of unknown purchases at 1, 16 and 64 at once, each beside the sum of its parts.
    func measureValidation() async throws {
        try await Installation.with(self, name: "validation") { stack in
            var loads = 0
            var capacity = 0.0
            let concurrencies = settings.isSmoke ? [1, 4] : [1, 16, 64]
            for concurrency in concurrencies {
                let load = try await validate(stack, concurrency: concurrency, load: loads)
                loads += 1
                capacity = load.result.throughput
                var measurement = Measurement(.validation, "validation, \(concurrency) at once", capacity)
                let parts = try await validationParts(stack, concurrency: concurrency)
                measurement.reference = .init(name: "the sum of its parts alone", value: parts.allowed)
                measurement.atLeast = settings.isSmoke ? nil : 0.8
                measurement.details = parts.details
                load.describe(&measurement, isTimed: !settings.isSmoke)
                try report.add(measurement)
            }
            guard !settings.isSmoke else { return }
            let rate = capacity * Self.openLoopShare
            let load = try await validate(stack, concurrency: 256, load: loads, rate: rate)
            var measurement = Measurement(.validation, "validation, open loop", load.result.throughput)
            measurement.reference = .init(name: "what was asked for", value: rate)
            load.describe(&measurement, isTimed: true)
            try report.add(measurement)
        }
    }

    /// One load of new purchases; every post must have cost one call to Apple.
    func validate(
        _ stack: Installation, concurrency: Int, load number: Int, rate: Double? = nil
    ) async throws -> MeasuredLoad {
        let first = number * Self.idsPerLoad
        let key = keys.app
        let before = try await stack.storeCounts()
        var plan = LoadPlan(port: stack.service.port, connections: concurrency) { Self.post(first + $0, key: key) }
        plan.rate = rate
        let load = try await self.load(plan, watching: stack.watched(self))
        let after = try await stack.storeCounts()
        guard after.calls - before.calls == load.result.sent else {
            throw BenchFailure("\(load.result.sent) posts cost \(after.calls - before.calls) calls to Apple")
        }
        return load
    }

    private func validationParts(_ stack: Installation, concurrency: Int) async throws -> ReferenceParts {
        let body = #"{"accountId":"bench-1234567","transactionId":"\#(Self.transactionID(0))"}"#
        return ReferenceParts(parts: [
            ("echo", try await echoRate(connections: concurrency, json: body)),
            ("outbound call", try await outboundRate(tasks: concurrency, storePort: stack.store.port)),
            ("signature", try await signatureRate(tasks: concurrency)),
            ("commits", try await commitsRate(tasks: concurrency)),
        ])
    }
}
