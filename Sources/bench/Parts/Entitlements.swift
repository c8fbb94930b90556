import AsyncHTTPClient
import NIOCore
import NIOHTTP1

extension Workshop {
    /// Reads of random accounts among many, for each number of accounts that the settings name.
    func measureEntitlements() async throws {
        var first: (accounts: Int, perSecond: Double)?
        for accounts in settings.isSmoke ? [100] : settings.accounts {
            try await Installation.with(
                self, name: "entitlements", prepare: { try MadeUpLedger.fillAccounts($0, accounts: accounts) }
            ) { stack in
                let perSecond = try await measureEntitlements(stack, accounts: accounts)
                guard let base = first else {
                    first = (accounts, perSecond)
                    return
                }
                var measurement = Measurement(.entitlements, "entitlement read, \(accounts) accounts", perSecond)
                measurement.reference = .init(name: "that with \(base.accounts) accounts", value: base.perSecond)
                measurement.atLeast = 1 / 1.2
                try report.add(measurement)
            }
        }
    }

    private func measureEntitlements(_ stack: Installation, accounts: Int) async throws -> Double {
        let concurrency = settings.isSmoke ? 4 : 64
        let (key, draws) = (keys.app, Draws(seed: settings.seed))
        var plan = LoadPlan(port: stack.service.port, connections: concurrency) { number in
            HTTPRequestBytes.get(
                "/v1/accounts/\(MadeUpLedger.account(draws.below(accounts, at: number)))/entitlements", key: key)
        }
        let load = try await load(plan, watching: stack.watched(self))
        let body = try await entitlements(stack, of: MadeUpLedger.account(1))
        guard body.contains("\"active\":true") else { throw BenchFailure("an account has no entitlement: \(body)") }
        let echo = try await echoRate(connections: concurrency, json: body)
        var measurement = Measurement(
            .entitlements, "entitlement read, \(accounts) accounts, \(concurrency) at once", load.result.throughput)
        measurement.reference = .init(name: "JSON echo of the answer", value: echo)
        measurement.atLeast = settings.isSmoke ? nil : 0.5
        load.describe(&measurement, isTimed: !settings.isSmoke)
        try report.add(measurement)
        guard !settings.isSmoke else { return load.result.throughput }
        plan.connections = 256
        plan.rate = load.result.throughput * Self.openLoopShare
        let open = try await self.load(plan, watching: stack.watched(self))
        var second = Measurement(.entitlements, "entitlement read, open loop", open.result.throughput)
        second.reference = .init(name: "what was asked for", value: plan.rate ?? 0)
        open.describe(&second, isTimed: true)
        try report.add(second)
        return load.result.throughput
    }

    private func entitlements(_ stack: Installation, of account: String) async throws -> String {
        var request = HTTPClientRequest(
            url: "http://127.0.0.1:\(stack.service.port)/v1/accounts/\(account)/entitlements")
        request.headers.add(name: "Authorization", value: "Bearer \(keys.app)")
        let answer = try await http.execute(request, timeout: .seconds(10))
        return String(buffer: try await answer.body.collect(upTo: 1 << 20))
    }
}
