import Foundation
import NIOCore
import NIOHTTP1

extension Workshop {
    /// A ledger with years of purchases in it, and the service over it.
    private struct History {
        let plan: FillPlan
        let stack: Installation
        let keys: (app: String, support: String)

        /// As in the row's name.
        var name: String { "\(plan.transactions) transactions" }
    }

    /// Makes the bytes of the request of a number.
    private typealias Request = @Sendable (Int) -> ByteBuffer

    /// How much slower anything may be in the largest ledger than in the smallest.
    private static let slowdownMax = 1.2
    /// Tables and indexes with fewer bytes a transaction are not listed.
    private static let shownBytes = 10.0
    /// Searches reach over so many days: enough that each page is full in the smallest ledger too, since a hit costs
    /// more than finding it.
    private static let searchedDays = 365
    /// How often each ledger is asked each question.
    ///
    /// The ledgers take turns, so that what else the machine does falls on all of them, and the order is turned around
    /// each time, so that a steady drift does too.
    private static let turns = 4
    /// Requests of a turn draw other numbers than those of the turn before, whose answers are warm.
    private static let numbersOfTurn = 10_000_000

    /// The same questions over ledgers of several sizes, each filled as years of purchases would.
    func measureYears() async throws {
        let policy = try await policyInForce()
        let sizes = settings.isSmoke ? [200, 300] : settings.history.sorted()
        try await withLedgers(sizes[...]) { ledgers in
            for (database, _) in ledgers { try database.psql(Self.decided(policy)) }
            try await withServices(ledgers[...]) { histories in
                for history in histories { try reportBytes(history) }
                try await measure(histories)
            }
        }
    }

    // MARK: The ledgers

    private typealias Ledger = (database: ScratchDatabase, plan: FillPlan)

    /// Lends filled databases, all at once.
    private func withLedgers(
        _ sizes: ArraySlice<Int>, before: [Ledger] = [], _ body: ([Ledger]) async throws -> Void
    ) async throws {
        guard let size = sizes.first else { return try await body(before) }
        try await withLedger(size) { try await withLedgers(sizes.dropFirst(), before: before + [$0], body) }
    }

    /// Lends a service over each database, all at once.
    private func withServices(
        _ ledgers: ArraySlice<Ledger>, before: [History] = [], _ body: ([History]) async throws -> Void
    ) async throws {
        guard let (database, plan) = ledgers.first else { return try await body(before) }
        try await Installation.with(self, over: database) { stack in
            let keys = (app: try key("app", in: database), support: try key("support", in: database))
            let history = History(plan: plan, stack: stack, keys: keys)
            try await withServices(ledgers.dropFirst(), before: before + [history], body)
        }
    }

    /// Lends a filled database: the one that `bench fill` made before, where its size is asked for, else a new one.
    private func withLedger(_ transactions: Int, _ body: (Ledger) async throws -> Void) async throws {
        if let name = settings.filledDatabase {
            let database = ScratchDatabase(named: name, on: settings.server)
            let plan = try JSONDecoder().decode(
                FillPlan.self, from: Data(try database.psql("SELECT plan FROM bench.fill").utf8))
            if plan.transactions == transactions {
                _ = try Command.run(settings.vouch, ["migrate"], environment: ["VOUCH_DATABASE_URL": database.uri])
                return try await body((database, plan))
            }
        }
        try await withDatabase("years_\(transactions)") { database in
            let today = Int64(Date().timeIntervalSince1970 / 86_400) * 86_400_000
            let plan = FillPlan(transactions: transactions, seed: settings.seed, end: today)
            let fill = YearsFill(database: database, plan: plan, isChecked: settings.isSmoke)
            try await fill.run { report.say("years: \($0)") }
            try await body((database, plan))
        }
    }

    private func key(_ role: String, in database: ScratchDatabase) throws -> String {
        try Command.run(
            settings.vouch, ["keys", "create", "--role", role, "--name", "bench-\(role)-\(UUID().uuidString)"],
            environment: ["VOUCH_DATABASE_URL": database.uri]
        ).output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The version of the policy that the service will have: with it, nothing is decided again when it starts.
    private func policyInForce() async throws -> String {
        try await Installation.with(self, name: "policy") { stack in
            try stack.database.psql("SELECT policy_version FROM policies")
        }
    }

    private static func decided(_ policy: String) -> String {
        """
        INSERT INTO decided_policy (policy_version, through_position)
            SELECT '\(policy)', coalesce(max(position), 0) FROM events
            ON CONFLICT (only_row) DO UPDATE SET policy_version = excluded.policy_version,
                through_position = excluded.through_position;
        """
    }

    // MARK: Requests

    private func measure(_ histories: [History]) async throws {
        for history in histories { try await settleRepeated(history) }
        let questions = histories.map { requests($0) }
        for index in questions[0].indices {
            let loads = try await inTurns(histories) { place, turn in
                let request = questions[place][index].request
                let plan = LoadPlan(
                    port: histories[place].stack.service.port, connections: settings.isSmoke ? 4 : 64
                ) { request(turn * Self.numbersOfTurn + $0) }
                return try await load(plan, watching: histories[place].stack.watched(self))
            }
            let rates = loads.map { $0.map(\.result.throughput) }
            for (place, history) in histories.enumerated() {
                var measurement = measurement(
                    questions[0][index].name, of: history, rates[place], besides: place == 0 ? nil : rates[0])
                MeasuredLoad(adding: loads[place]).describe(&measurement, isTimed: !settings.isSmoke)
                try report.add(measurement)
            }
        }
        let rates = try await inTurns(histories) { place, _ in
            try exportRate(histories[place], rows: settings.isSmoke ? 100 : (settings.history.min() ?? 1) / 2)
        }
        for (place, history) in histories.enumerated() {
            try report.add(
                measurement(
                    "export", "rows/s", of: history, rates[place], besides: place == 0 ? nil : rates[0]))
        }
    }

    /// What came of each ledger's turns, which run one after the other.
    private func inTurns<Value>(
        _ histories: [History], _ body: (_ place: Int, _ turn: Int) async throws -> Value
    ) async throws -> [[Value]] {
        var values = histories.map { _ in [Value]() }
        for turn in 0..<Self.turns {
            let places = Array(histories.indices)
            for place in turn.isMultiple(of: 2) ? places : places.reversed() {
                values[place].append(try await body(place, turn))
            }
        }
        return values
    }

    /// The mean of a ledger's turns beside that of the smallest ledger's; the ratios of single turns show how much the
    /// machine had a part in it.
    private func measurement(
        _ name: String, _ unit: String = "/s", of history: History, _ rates: [Double], besides smallest: [Double]?
    ) -> Measurement {
        func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
        var measurement = Measurement(.years, "\(name), \(history.name)", mean(rates), unit)
        guard let smallest else { return measurement }
        measurement.reference = .init(name: "that of the smallest ledger", value: mean(smallest))
        measurement.atLeast = 1 / Self.slowdownMax
        let ratios = zip(rates, smallest).map { $0 / $1 }
        measurement.details = [
            "least ratio of a turn": ratios.min() ?? 0, "greatest ratio of a turn": ratios.max() ?? 0,
        ]
        return measurement
    }

    /// Posts the purchases that are posted again later.
    private func settleRepeated(_ history: History) async throws {
        let plan = LoadPlan(port: history.stack.service.port, connections: 16) { Self.post($0, key: history.keys.app) }
        _ = try await load(plan, count: Self.repeatedCount, watching: history.stack.watched(self))
    }

    private static let repeatedCount = 200

    /// What is asked, each about something drawn from the whole ledger; repeats are of a few purchases posted just before.
    ///
    /// New purchases come last, since they make the smaller ledger grow most.
    private func requests(_ history: History) -> [(name: String, request: Request)] {
        let (draws, plan) = (Draws(seed: settings.seed), history.plan)
        let (app, support) = (history.keys.app, history.keys.support)
        let (chains, accounts) = (plan.chains, plan.knownAccounts)
        let days = Int((plan.end - plan.begin) / 86_400_000)
        let newest = (try? history.stack.database.number("SELECT max(position) FROM changes")) ?? 0
        func search(_ query: @escaping @Sendable (Int) -> String) -> Request {
            { HTTPRequestBytes.get("/v1/transactions?limit=20&" + query($0), key: support) }
        }
        return [
            ("repeat of a settled one", { Self.post(draws.below(Self.repeatedCount, at: $0), key: app) }),
            (
                "entitlement read",
                { HTTPRequestBytes.get("/v1/accounts/account-\(draws.below(accounts, at: $0))/entitlements", key: app) }
            ),
            (
                "transaction",
                { number in
                    let id = FillPlan.firstTransaction(ofChain: 1 + draws.below(chains, at: number))
                    return HTTPRequestBytes.get("/v1/transactions/\(id)", key: support)
                }
            ),
            ("search by account", search { "accountId=account-\(draws.below(accounts, at: $0))" }),
            (
                "search by original transaction",
                search { number in
                    "originalTransactionId=\(FillPlan.firstTransaction(ofChain: 1 + draws.below(chains, at: number)))"
                }
            ),
            (
                "search by product and time",
                search { number in
                    let day = Int64(draws.below(days - Self.searchedDays, at: number)) * 86_400_000 + plan.begin
                    return "productId=com.example.app.item.\(FillPlan.variant(draws.below(20, at: number + 1)))"
                        + "&from=\(Self.text(day))&to=\(Self.text(day + Int64(Self.searchedDays) * 86_400_000))"
                }
            ),
            (
                "change feed, 100 from a recent position",
                {
                    HTTPRequestBytes.get(
                        "/v1/changes?limit=100&after=\(max(0, newest - 200 - draws.below(10_000, at: $0)))", key: app)
                }
            ),
            ("cold validation", { Self.post(Self.firstCold + $0, key: app) }),
        ]
    }

    /// Ids of this load, run after run over the same database.
    private static let firstCold = Int(Date().timeIntervalSince1970) % 1_000_000 * 1_000_000_000

    private static func text(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(.iso8601)
    }

    // MARK: Export and size

    /// The newest rows of each ledger, so many and the rest of that day's.
    private func exportRate(_ history: History, rows: Int) throws -> Double {
        let from = try history.stack.database.psql(
            """
            SELECT to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') FROM movements
            WHERE occurred_at < to_timestamp(\(history.plan.end / 1000)) ORDER BY occurred_at DESC, sequence DESC
            OFFSET \(rows) LIMIT 1
            """)
        let to = Self.text(history.plan.end).prefix(10)
        let file = directory.appending(path: "years.csv")
        defer { try? FileManager.default.removeItem(at: file) }
        let outcome = try Command.run(
            settings.vouch,
            ["export", "paid-records", "--from", from, "--to", String(to), "--format", "csv", "--output", file.path],
            environment: ["VOUCH_DATABASE_URL": history.stack.database.uri])
        let lines =
            try Command.run("wc", ["-l", file.path]).output.split(separator: " ").first.flatMap { Int($0) } ?? 0
        // Without the header and the sandbox, which is no money.
        guard lines > rows * 9 / 10 else { throw BenchFailure("\(lines) rows since \(from), wanted at least \(rows)") }
        return Double(lines - 1) / outcome.seconds
    }

    /// Bytes for each transaction, in all and by table and index.
    private func reportBytes(_ history: History) throws {
        let database = history.stack.database
        let lines = try database.psql(
            """
            SELECT c.relname, pg_table_size(c.oid), pg_indexes_size(c.oid) FROM pg_class c
            WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 2 DESC;
            SELECT i.relname, pg_relation_size(i.oid), -1 FROM pg_class i
            WHERE i.relkind = 'i' AND i.relnamespace = 'public'::regnamespace ORDER BY 2 DESC;
            """)
        let transactions = Double(try database.number("SELECT count(*) FROM transactions"))
        var details: [String: Double] = [:]
        var total = 0.0
        for line in lines.split(separator: "\n") {
            let parts = line.split(separator: "|")
            guard parts.count == 3, let size = Double(parts[1]), let indexes = Double(parts[2]) else { continue }
            let isIndex = indexes < 0
            if !isIndex { total += size + indexes }
            guard size / transactions >= Self.shownBytes else { continue }
            details[(isIndex ? "index " : "") + parts[0]] = (size / transactions).rounded()
        }
        var measurement = Measurement(.years, "bytes a transaction, \(history.name)", total / transactions, "B")
        measurement.details = details
        try report.add(measurement)
    }
}
