import NIOCore

/// A load with the CPU time that it took.
struct MeasuredLoad: Sendable {
    let result: LoadResult
    /// CPU seconds inside the window, by process.
    let cpuSeconds: [String: Double]

    init(result: LoadResult, cpuSeconds: [String: Double]) {
        self.result = result
        self.cpuSeconds = cpuSeconds
    }

    /// What several loads of the same kind come to that ran one after the other.
    init(adding loads: [MeasuredLoad]) {
        var result = LoadResult()
        for load in loads { result.add(load.result) }
        self.result = result
        cpuSeconds = loads.reduce(into: [:]) { $0.merge($1.cpuSeconds) { $0 + $1 } }
    }

    /// CPU microseconds per request, by process.
    var cpuMicroseconds: [String: Double] {
        cpuSeconds.mapValues { $0 * 1e6 / Double(max(1, result.completed)) }
    }

    /// Cores that all the processes together kept busy.
    var coresBusy: Double { cpuSeconds.values.reduce(0, +) / max(result.seconds, 1e-9) }

    /// The share of a core that the generator took: near 1, and it is the generator that was measured.
    var generatorShare: Double { (cpuSeconds["generator"] ?? 0) / max(result.seconds, 1e-9) }

    /// Adds to a measurement what the load shows.
    func describe(_ measurement: inout Measurement, isTimed: Bool) {
        measurement.latency = Measurement.Latency(result.latency)
        guard isTimed else { return }
        measurement.cpuMicroseconds = cpuMicroseconds
        measurement.coresBusy = coresBusy
        measurement.details = (measurement.details ?? [:]).merging(["generator's core": generatorShare]) { $1 }
    }
}

extension Workshop {
    /// Requests of each load in a smoke run.
    static let smokeRequests = 24

    /// Runs a load for as long as the settings say; in a smoke run a few requests.
    ///
    /// `count` replaces the window by a number of requests. Throws ``BenchFailure`` for any unexpected answer.
    func load(_ plan: LoadPlan, count: Int? = nil, watching processes: WatchedProcesses) async throws -> MeasuredLoad {
        var plan = plan
        guard count == nil, !settings.isSmoke else {
            plan.requestsMax = count ?? Self.smokeRequests
            let before = processes.cpuSeconds()
            let result = try await LoadRun.perform(plan, on: generator).checked()
            return MeasuredLoad(result: result, cpuSeconds: Self.difference(processes.cpuSeconds(), before))
        }
        plan.warmUp = settings.warmUp
        plan.window = settings.window
        let begin = ContinuousClock.now + settings.warmUp
        async let before = Self.usage(of: processes, at: begin)
        async let after = Self.usage(of: processes, at: begin + settings.window)
        let result = try await LoadRun.perform(plan, on: generator).checked()
        return MeasuredLoad(result: result, cpuSeconds: Self.difference(try await after, try await before))
    }

    private static func usage(
        of processes: WatchedProcesses, at instant: ContinuousClock.Instant
    ) async throws -> [String: Double] {
        try await Task.sleep(until: instant, clock: .continuous)
        return processes.cpuSeconds()
    }

    private static func difference(_ after: [String: Double], _ before: [String: Double]) -> [String: Double] {
        after.merging(before) { $0 - $1 }
    }

    /// A post of a transaction by its id.
    ///
    /// Every fourth comes from an account that nobody has seen before.
    static func post(_ number: Int, key: String) -> ByteBuffer {
        HTTPRequestBytes.post(
            "/v1/transactions", key: key,
            json: #"{"accountId":"bench-\#(number / 4)","transactionId":"\#(transactionID(number))"}"#)
    }

    /// An id of 16 digits, as Apple's have today.
    static func transactionID(_ number: Int) -> String { String(2_000_000_000_000_000 + number) }
}
