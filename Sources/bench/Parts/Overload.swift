import Foundation
import Histogram
import NIOCore

/// The lanes of an overload: what is too much, and what must live through it.
private struct OverloadLanes: Sendable {
    let posts: ObservedLoad
    let reads: ObservedLoad
    let notifications: ObservedLoad
}

extension Workshop {
    /// Stages in multiples of the capacity, each with its length in windows.
    private static let overloadStages: [(name: String, factor: Double, windows: Double)] = [
        ("0.5 × before", 0.5, 1), ("2 ×", 2, 3), ("10 ×", 10, 3), ("0.5 × after", 0.5, 2),
    ]
    /// Where the load falls: this stage begins then.
    private static let stageAfter = 3
    /// Connections of the posts: more than the service admits, so that refusals always find a free one.
    private static let postConnections = 2_048
    /// Entitlement reads and notifications a second, all the time.
    private static let (readsPerSecond, notificationsPerSecond) = (50.0, 10.0)
    /// A stage's window, in seconds at most: a server closes connections that nobody used for a minute.
    private static let stageSecondsMax = 5.0
    /// Posts number from here, far from those that found the capacity.
    private static let firstPost = 1_000_000_000
    /// Purchases that notifications tell of.
    private static let firstNotified = 1_500_000_000

    /// Posts at twice and at ten times what can be taken, beside reads and notifications, and at half of it again.
    func measureOverload() async throws {
        try await Installation.with(self, name: "overload") { stack in
            var capacity = 20.0
            if settings.isSmoke {
                let key = keys.app
                let plan = LoadPlan(port: stack.service.port, connections: 4) { Self.post($0, key: key) }
                _ = try await load(plan, watching: stack.watched(self))
            } else {
                capacity = try await validate(stack, concurrency: 64, load: 0).result.throughput
            }
            let window = settings.isSmoke ? 0.5 : min(settings.windowSeconds, Self.stageSecondsMax)
            let schedules = Self.overloadStages.map { stage in
                (name: stage.name, factor: stage.factor, seconds: stage.windows * window)
            }
            func lane(_ rate: (Double) -> Double) -> ObservedLoad {
                ObservedLoad(
                    LoadSchedule(
                        stages: schedules.map { .init(name: $0.name, rate: rate($0.factor), seconds: $0.seconds) }))
            }
            let lanes = OverloadLanes(
                posts: lane { $0 * capacity }, reads: lane { _ in settings.isSmoke ? 10 : Self.readsPerSecond },
                notifications: lane { _ in settings.isSmoke ? 4 : Self.notificationsPerSecond })
            let usage = try await overload(stack, lanes)
            try checkNothingLost(lanes, stack)
            try describe(lanes, capacity: capacity, usage: usage)
            let peak = Double(ProcessUsage.peakBytes(of: stack.service.id) ?? 0) / 1e6
            var memory = Measurement(.overload, "overload: the service's memory, most", peak, "MB")
            memory.reference = .init(name: "the bound of full load", value: 150)
            memory.atMost = settings.isSmoke ? nil : 1
            try report.add(memory)
        }
    }

    /// Runs the three lanes through all stages at the same time; CPU seconds by process in each stage.
    private func overload(_ stack: Installation, _ lanes: OverloadLanes) async throws -> [[String: Double]] {
        let (key, port, draws) = (keys.app, stack.service.port, Draws(seed: settings.seed))
        let mint = try JWSMint(keys: storeKeys)
        let signed = try (0..<lanes.notifications.schedule.stages.map(\.requests).reduce(0, +)).map { number in
            let jws = try mint.notification(
                about: Self.transactionID(Self.firstNotified + number), uuid: UUID().uuidString.lowercased())
            return HTTPRequestBytes.post("/v1/notifications/apple", json: #"{"signedPayload":"\#(jws)"}"#)
        }
        // The connections take their time; all lanes then begin at once.
        let lead = Duration.seconds(settings.isSmoke ? 1 : 3)
        let beginAt = NIODeadline.now() + TimeAmount(lead)
        let begin = ContinuousClock.now + lead
        func plan(
            _ load: ObservedLoad, connections: Int, _ request: @escaping @Sendable (Int) -> ByteBuffer
        ) -> LoadPlan {
            var plan = LoadPlan(port: port, connections: connections, request: request)
            (plan.schedule, plan.beginAt, plan.observe) = (load.schedule, beginAt, { load.add($0) })
            return plan
        }
        let posts = plan(lanes.posts, connections: settings.isSmoke ? 64 : Self.postConnections) { number in
            Self.post(Self.firstPost + number, key: key)
        }
        let reads = plan(lanes.reads, connections: settings.isSmoke ? 8 : 64) { number in
            HTTPRequestBytes.get("/v1/accounts/bench-\(draws.below(6, at: number))/entitlements", key: key)
        }
        let notifications = plan(lanes.notifications, connections: settings.isSmoke ? 8 : 64) { signed[$0] }
        async let usage = usage(of: stack.watched(self), at: lanes.posts.schedule, from: begin)
        async let ends = (
            LoadRun.perform(posts, on: generator), LoadRun.perform(reads, on: generator),
            LoadRun.perform(notifications, on: generator)
        )
        _ = try await ends
        return try await usage
    }

    private func usage(
        of processes: WatchedProcesses, at schedule: LoadSchedule, from begin: ContinuousClock.Instant
    ) async throws -> [[String: Double]] {
        var readings: [[String: Double]] = []
        for stage in 0...schedule.stages.count {
            try await Task.sleep(until: begin + .seconds(schedule.beginning(of: stage)), clock: .continuous)
            readings.append(processes.cpuSeconds())
        }
        return zip(readings.dropFirst(), readings).map { later, earlier in later.merging(earlier) { $0 - $1 } }
    }

    /// What was answered as recorded must be in the ledger, what was answered as paid must be paid, every refusal must say
    /// when to come back, and what has places of its own must have been served.
    private func checkNothingLost(_ lanes: OverloadLanes, _ stack: Installation) throws {
        let answers = lanes.posts.answers
        let odd = Set(answers.map(\.answer.status)).subtracting([200, 202, 503])
        guard odd.isEmpty else { throw BenchFailure("posts were answered \(odd.sorted())") }
        func ids(_ status: Int) -> String {
            answers.filter { $0.answer.status == status }
                .map { Self.transactionID(Self.firstPost + $0.number) + "\n" }.joined()
        }
        let missing = try stack.database.number(
            """
            CREATE TEMP TABLE paid (id text); CREATE TEMP TABLE recorded (id text);
            COPY paid FROM stdin;
            \(ids(200))\\.
            COPY recorded FROM stdin;
            \(ids(202))\\.
            SELECT (SELECT count(*) FROM paid WHERE NOT EXISTS
                    (SELECT FROM transactions WHERE transaction_id = id AND state = 'paid'))
                + (SELECT count(*) FROM recorded WHERE NOT EXISTS
                    (SELECT FROM transactions WHERE transaction_id = id));
            """)
        guard missing == 0 else { throw BenchFailure("\(missing) posts were answered and are not in the ledger") }
        for (index, stage) in lanes.posts.schedule.stages.enumerated() {
            let silent = lanes.posts.stage(index).refusedWithoutPause
            guard silent == 0 else { throw BenchFailure("\(stage.name): \(silent) refusals without Retry-After") }
        }
        guard settings.isSmoke else { return }
        for lane in [lanes.reads, lanes.notifications] {
            let statuses = lane.answers.reduce(into: [:]) { $0[$1.answer.status, default: 0] += 1 }
            let due = lane.schedule.stages.map(\.requests).reduce(0, +)
            guard statuses == [200: due] else { throw BenchFailure("of \(due) in a lane of its own: \(statuses)") }
        }
    }
}

// MARK: Reporting

extension Workshop {
    private func describe(_ lanes: OverloadLanes, capacity: Double, usage: [[String: Double]]) throws {
        for (index, stage) in lanes.posts.schedule.stages.enumerated() {
            let posts = lanes.posts.stage(index)
            var measurement = Measurement(.overload, "overload \(stage.name): recorded", posts.perSecond([200, 202]))
            let wanted = min(capacity, stage.rate)
            measurement.reference = .init(
                name: stage.rate < capacity ? "what was asked for" : "the best", value: wanted)
            measurement.atLeast = settings.isSmoke ? nil : 0.9
            measurement.latency = posts.latencies[200].map { Measurement.Latency($0) }
            var details = [
                "asked /s": stage.rate, "settled at once /s": posts.perSecond([200]),
                "202 share": posts.share(of: [202]),
                "503 share": posts.share(of: [503]),
                "unanswered": Double(posts.due) - Double(posts.statuses.values.reduce(0, +)),
            ]
            details["503 p50 ms"] = posts.milliseconds(50, status: 503)
            details["503 p99 ms"] = posts.milliseconds(99, status: 503)
            for (name, lane) in [("reads", lanes.reads), ("notifications", lanes.notifications)] {
                let summary = lane.stage(index)
                details["\(name) served"] = summary.share(of: [200])
                details["\(name) p50 ms"] = summary.milliseconds(50, status: 200)
                details["\(name) p99 ms"] = summary.milliseconds(99, status: 200)
            }
            for (process, seconds) in usage[index] { details["\(process), cores"] = seconds / stage.seconds }
            measurement.details = details
            try report.add(measurement)
        }
        try describeRecovery(lanes)
    }

    private func describeRecovery(_ lanes: OverloadLanes) throws {
        guard !settings.isSmoke else { return }
        let before = lanes.posts.stage(0)
        guard let normal = before.latencies[200]?.valueAtPercentile(90) else {
            throw BenchFailure("nothing was settled before the overload")
        }
        let seconds = Recovery.seconds(
            in: Self.stageAfter, of: lanes.posts.schedule, answers: lanes.posts.answers, wanted: [200],
            normalNanoseconds: 2 * normal)
        // A stage that never was normal counts with its whole length.
        var measurement = Measurement(
            .overload, "overload: from the fall to the first normal second",
            seconds ?? lanes.posts.schedule.stages[Self.stageAfter].seconds, "s")
        measurement.atMost = 1
        measurement.details = ["normal p90 ms": Double(normal) / 1e6, "was normal again": seconds == nil ? 0 : 1]
        try report.add(measurement)
    }
}
