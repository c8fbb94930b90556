import AsyncHTTPClient
import Crypto
import NIOCore

/// What the parts of a path cost when each is measured alone, in operations a second.
struct ReferenceParts: Sendable {
    var parts: [(name: String, perSecond: Double)]

    /// What a path of all of them one after the other can do.
    ///
    /// Each rate is measured with as many tasks as the path has, on the whole machine: its inverse is the machine's time
    /// for one operation, so the inverses add up.
    var allowed: Double { 1 / parts.map { 1 / $0.perSecond }.reduce(0, +) }

    /// For a report: every part's rate.
    var details: [String: Double] {
        Dictionary(parts.map { ("\($0.name) alone /s", $0.perSecond) }, uniquingKeysWith: { $1 })
    }
}

extension Workshop {
    /// A JSON echo by the same HTTP server and the same JSON code, with a body of the caller's.
    func echoRate(connections: Int, json: String) async throws -> Double {
        let echo = try standIn(.echo)
        defer { echo.stop() }
        let request = HTTPRequestBytes.post(EchoServer.path, json: json)
        let plan = LoadPlan(port: echo.port, connections: connections) { _ in request }
        return try await load(plan, watching: WatchedProcesses(echo: echo.id)).result.throughput
    }

    /// A call to the App Store by the same HTTP client, its answer read and thrown away.
    func outboundRate(tasks: Int, storePort: Int) async throws -> Double {
        let http = http
        return try await repeatedly(tasks: tasks) { number in
            let id = Self.transactionID(number)
            let request = HTTPClientRequest(url: "http://127.0.0.1:\(storePort)/inApps/v1/transactions/\(id)")
            let answer = try await http.execute(request, timeout: .seconds(10))
            _ = try await answer.body.collect(upTo: 1 << 20)
        }
    }

    /// One ES256 signature over as many bytes as Apple's have, checked on as many cores as there are tasks for.
    func signatureRate(tasks: Int) async throws -> Double {
        let key = P256.Signing.PrivateKey()
        let message = [UInt8](repeating: 0x41, count: 5_000)
        let signature = try key.signature(for: message)
        let publicKey = key.publicKey
        return try await repeatedly(tasks: min(tasks, System.coreCount)) { _ in
            guard publicKey.isValidSignature(signature, for: message) else { throw BenchFailure("a bad signature") }
        }
    }

    /// The two durable decisions of a purchase, straight into the ledger; purchases a second.
    func commitsRate(tasks: Int) async throws -> Double {
        try await withDatabase("commits") { database in
            try await LedgerLoad.with(database, replicas: 1) { load in
                try await repeatedly(tasks: tasks) { number in try await load.settle(number) }
            }
        }
    }

    /// ``Repeating/rate(tasks:warmUp:window:count:_:)`` with the run's settings.
    func repeatedly(
        tasks: Int, _ operation: @escaping @Sendable (Int) async throws -> Void
    ) async throws -> Double {
        try await Repeating.rate(
            tasks: tasks, warmUp: settings.warmUp, window: settings.window,
            count: settings.isSmoke ? Self.smokeRequests : nil, operation)
    }
}
