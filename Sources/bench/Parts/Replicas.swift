import Foundation
import NIOCore

/// One app, several processes of `vouch serve` over one database and one App Store.
struct ReplicaSet: Sendable {
    /// The first process with what all of them share.
    let stack: Installation
    /// The others.
    let others: [ChildProcess]

    /// Starts so many processes, lends them, and stops them.
    static func with<Value>(
        _ workshop: Workshop, count: Int, settings: [String: String] = [:],
        _ body: (ReplicaSet) async throws -> Value
    ) async throws -> Value {
        try await Installation.with(workshop, name: "replicas", settings: settings) { stack in
            var others: [ChildProcess] = []
            defer { for other in others { other.stop() } }
            for _ in 1..<count {
                others.append(
                    try Installation.startService(
                        workshop, database: stack.database, store: stack.store, settings: settings))
            }
            return try await body(ReplicaSet(stack: stack, others: others))
        }
    }

    /// A load that is dealt out among the processes, a connection each in turn.
    func plan(connections: Int, _ request: @escaping @Sendable (Int) -> ByteBuffer) -> LoadPlan {
        var plan = LoadPlan(port: stack.service.port, connections: connections, request: request)
        plan.ports += others.map(\.port)
        return plan
    }

    /// Whose CPU time to tell apart; the service's processes together.
    func watched(_ workshop: Workshop) -> WatchedProcesses {
        var watched = stack.watched(workshop)
        watched.service += others.map(\.id)
        return watched
    }
}

extension Workshop {
    private static let replicaCounts = [1, 2, 4]
    /// Purchases that are posted again, and whose accounts are read.
    private static let replicaSettled = 1_000
    private static let replicaNotifications = 2_000
    /// Apple's budget where it is what is measured: low enough that every process wants more than its share.
    private static let sharedBudget = 25.0

    /// What one, two and four processes do with the same load, and what must stay exact among them.
    func measureReplicas() async throws {
        var alone: [String: Double] = [:]
        for count in Self.replicaCounts {
            try await ReplicaSet.with(self, count: count) { replicas in
                for (path, load) in try await replicaLoads(replicas) {
                    let perSecond = load.result.throughput
                    if count == 1 { alone[path] = perSecond }
                    var measurement = Measurement(
                        .replicas, "\(path), \(count) process\(count > 1 ? "es" : "")", perSecond)
                    measurement.reference = .init(name: "one process", value: alone[path] ?? perSecond)
                    load.describe(&measurement, isTimed: !settings.isSmoke)
                    try report.add(measurement)
                }
            }
        }
        try await measureLedgerProcesses()
        try await measureSweptBytes()
        try await measureOnceAmongReplicas()
        try await measureSharedBudget()
    }

    /// Cold posts, repeats, reads and notifications, in this order; bytes are told where one process is alone.
    private func replicaLoads(_ replicas: ReplicaSet) async throws -> [(path: String, load: MeasuredLoad)] {
        let connections = settings.isSmoke ? 4 : 64
        let settled = settings.isSmoke ? Self.smokeRequests : Self.replicaSettled
        let (key, draws, watched) = (keys.app, Draws(seed: settings.seed), replicas.watched(self))
        let isAlone = replicas.others.isEmpty
        let empty = try databaseBytes(replicas.stack.database)
        let first = replicas.plan(connections: connections) { Self.post($0, key: key) }
        _ = try await load(first, count: settled, watching: watched)
        let filled = try databaseBytes(replicas.stack.database)
        if isAlone { try reportBytes(from: empty, to: filled, each: settled, "purchase") }
        let cold = replicas.plan(connections: connections) { Self.post(100_000_000 + $0, key: key) }
        let repeats = replicas.plan(connections: connections) { number in
            Self.post(draws.below(settled, at: number), key: key)
        }
        let reads = replicas.plan(connections: connections) { number in
            HTTPRequestBytes.get("/v1/accounts/bench-\(draws.below(settled / 4, at: number))/entitlements", key: key)
        }
        var loads = [("post of an unknown purchase", try await load(cold, watching: watched))]
        let calls = try await replicas.stack.storeCounts()
        loads.append(("repeat", try await load(repeats, watching: watched)))
        loads.append(("entitlement read", try await load(reads, watching: watched)))
        let mint = try JWSMint(keys: storeKeys)
        let count = settings.isSmoke ? Self.smokeRequests : Self.replicaNotifications
        let signed = try (0..<count).map { number in
            let jws = try mint.notification(
                about: Self.transactionID(500_000_000 + number), uuid: UUID().uuidString.lowercased())
            return HTTPRequestBytes.post("/v1/notifications/apple", json: #"{"signedPayload":"\#(jws)"}"#)
        }
        let before = try databaseBytes(replicas.stack.database)
        let notified = replicas.plan(connections: connections) { signed[$0] }
        loads.append(("notification", try await load(notified, count: count, watching: watched)))
        let after = try databaseBytes(replicas.stack.database)
        if isAlone { try reportBytes(from: before, to: after, each: count, "notified purchase") }
        let now = try await replicas.stack.storeCounts()
        guard now.calls == calls.calls, now.calls == now.transactions else {
            throw BenchFailure(
                "\(now.calls) calls about \(now.transactions) transactions, \(now.calls - calls.calls) of them for repeats"
            )
        }
        return loads
    }

    /// Bytes of the database's files, and of the log written so far.
    func databaseBytes(_ database: ScratchDatabase) throws -> (files: Int, log: Int) {
        try database.psql("CHECKPOINT;")
        return (
            try database.number("SELECT pg_database_size(current_database())"),
            try database.number("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")
        )
    }

    func reportBytes(
        from before: (files: Int, log: Int), to after: (files: Int, log: Int), each count: Int, _ name: String
    ) throws {
        for (what, bytes) in [("database", after.files - before.files), ("log", after.log - before.log)] {
            try report.add(
                Measurement(.replicas, "bytes of the \(what) for each \(name)", Double(bytes) / Double(count), "B"))
        }
    }

    /// Decisions straight into one ledger by so many processes, each with its own connection for commits.
    private func measureLedgerProcesses() async throws {
        var alone = 0.0
        for processes in Self.replicaCounts {
            let perSecond = try await withDatabase("ledgers") { database in
                let rate = try LedgerProcess.rate(self, database: database, processes: processes, tasks: 64)
                guard settings.isSmoke else { return 2 * rate }
                let decisions = try database.number("SELECT count(*) FROM events")
                guard decisions == 2 * Self.smokeRequests else {
                    throw BenchFailure("\(decisions) decisions are durable")
                }
                return 2 * rate
            }
            if processes == 1 { alone = perSecond }
            var measurement = Measurement(
                .replicas, "decisions, \(processes) process\(processes > 1 ? "es" : ""), 64 tasks", perSecond)
            measurement.reference = .init(name: "one process", value: alone)
            try report.add(measurement)
        }
    }

    /// A hundred posts of one transaction at the same moment, a quarter at each of four processes.
    private func measureOnceAmongReplicas() async throws {
        let (transactions, parallel) = settings.isSmoke ? (10, 20) : (300, 100)
        try await ReplicaSet.with(self, count: 4) { replicas in
            let key = keys.app
            let plan = replicas.plan(connections: parallel) { Self.post($0 / parallel * 4, key: key) }
            let load = try await load(plan, count: transactions * parallel, watching: replicas.watched(self))
            let counts = try await replicas.stack.storeCounts()
            let paid = try replicas.stack.database.number("SELECT count(*) FROM transactions WHERE state = 'paid'")
            guard counts.calls == transactions, counts.transactions == transactions, paid == transactions else {
                throw BenchFailure("\(transactions) transactions cost \(counts.calls) calls, \(paid) are paid")
            }
            var measurement = Measurement(
                .replicas, "calls to Apple, \(parallel) posts of each of \(transactions), 4 processes",
                Double(counts.calls), "calls")
            measurement.reference = .init(name: "the transactions", value: Double(transactions))
            (measurement.atLeast, measurement.atMost) = (1, 1)
            load.describe(&measurement, isTimed: !settings.isSmoke)
            try report.add(measurement)
        }
    }

    /// Calls that four processes make a second when each of them could use all of the budget.
    private func measureSharedBudget() async throws {
        let budget = [
            "VOUCH_APP_STORE_REQUESTS_PER_SECOND": String(Int(Self.sharedBudget)), "VOUCH_ANSWER_WITHIN": "PT1S",
        ]
        try await ReplicaSet.with(self, count: 4, settings: budget) { replicas in
            let key = keys.app
            let seconds = settings.isSmoke ? 1.0 : max(4, settings.windowSeconds)
            let load = ObservedLoad(
                LoadSchedule(stages: [.init(name: "all", rate: 4 * Self.sharedBudget, seconds: seconds)]))
            var plan = replicas.plan(connections: 256) { Self.post($0, key: key) }
            (plan.schedule, plan.observe) = (load.schedule, { load.add($0) })
            let begin = ContinuousClock.now
            _ = try await LoadRun.perform(plan, on: generator)
            let counts = try await replicas.stack.storeCounts()
            let elapsed = (ContinuousClock.now - begin) / .seconds(1)
            let statuses = Set(load.answers.map(\.answer.status))
            guard statuses.isSubset(of: [200, 202]), counts.calls == counts.transactions,
                Double(counts.calls) <= Self.sharedBudget * (elapsed + 1)
            else {
                throw BenchFailure(
                    "\(counts.calls) calls about \(counts.transactions) in \(elapsed) s, answered \(statuses)")
            }
            var measurement = Measurement(
                .replicas, "calls to Apple under a shared budget, 4 processes", Double(counts.calls) / elapsed)
            measurement.reference = .init(name: "the budget", value: Self.sharedBudget)
            measurement.atMost = 1 + 1 / elapsed
            measurement.details = ["posts asked /s": 4 * Self.sharedBudget]
            try report.add(measurement)
        }
    }
}
