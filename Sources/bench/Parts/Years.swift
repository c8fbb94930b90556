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

    /// What is compared with the smallest ledger of the run.
    private struct Figures {
        var values: [String: Double] = [:]
    }

    /// How much slower anything may be in the largest ledger than in the smallest.
    private static let slowdownMax = 1.2
    /// Tables and indexes with fewer bytes a transaction are not listed.
    private static let shownBytes = 10.0
    /// Searches reach over so many days: enough that each page is full in the smallest ledger too, since a hit costs
    /// more than finding it.
    private static let searchedDays = 365

    /// The same questions over ledgers of several sizes, each filled as years of purchases would.
    func measureYears() async throws {
        let policy = try await policyInForce()
        var smallest: Figures?
        for transactions in settings.isSmoke ? [300] : settings.history.sorted() {
            let figures = try await withHistory(transactions) { database, plan in
                try database.psql(Self.decided(policy))
                return try await Installation.with(self, over: database) { stack in
                    let keys = (app: try key("app", in: database), support: try key("support", in: database))
                    let history = History(plan: plan, stack: stack, keys: keys)
                    try reportBytes(database, history)
                    return try await measure(history, besides: smallest)
                }
            }
            smallest = smallest ?? figures
        }
    }

    // MARK: The ledger

    /// Lends a filled database: the one that `bench fill` made before, where its size is asked for, else a new one.
    private func withHistory<Value>(
        _ transactions: Int, _ body: (ScratchDatabase, FillPlan) async throws -> Value
    ) async throws -> Value {
        if let name = settings.filledDatabase {
            let database = ScratchDatabase(named: name, on: settings.server)
            let plan = try JSONDecoder().decode(
                FillPlan.self, from: Data(try database.psql("SELECT plan FROM bench.fill").utf8))
            if plan.transactions == transactions {
                _ = try Command.run(settings.vouch, ["migrate"], environment: ["VOUCH_DATABASE_URL": database.uri])
                return try await body(database, plan)
            }
        }
        return try await withDatabase("years") { database in
            let today = Int64(Date().timeIntervalSince1970 / 86_400) * 86_400_000
            let plan = FillPlan(transactions: transactions, seed: settings.seed, end: today)
            let fill = YearsFill(database: database, plan: plan, isChecked: settings.isSmoke)
            try await fill.run { report.say("years: \($0)") }
            return try await body(database, plan)
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

    private func measure(_ history: History, besides smallest: Figures?) async throws -> Figures {
        var figures = Figures()
        for (name, status, request) in requests(history) {
            var plan = LoadPlan(
                port: history.stack.service.port, connections: settings.isSmoke ? 4 : 64, expectedStatus: status,
                request: request)
            if name == Self.repeats {
                // Their purchases have to be settled before.
                plan.connections = 16
                let first = LoadPlan(port: history.stack.service.port, connections: 16) {
                    Self.post($0, key: history.keys.app)
                }
                _ = try await load(first, count: Self.repeatedCount, watching: history.stack.watched(self))
                plan.connections = settings.isSmoke ? 4 : 64
            }
            let load = try await load(plan, watching: history.stack.watched(self))
            figures.values[name] = load.result.throughput
            var measurement = Measurement(.years, "\(name), \(history.name)", load.result.throughput)
            compare(&measurement, smallest?.values[name])
            load.describe(&measurement, isTimed: !settings.isSmoke)
            try report.add(measurement)
        }
        let perSecond = try exportRate(history)
        figures.values["export"] = perSecond
        var measurement = Measurement(.years, "export, \(history.name)", perSecond, "rows/s")
        compare(&measurement, smallest?.values["export"])
        try report.add(measurement)
        return figures
    }

    private func compare(_ measurement: inout Measurement, _ smallest: Double?) {
        guard let smallest else { return }
        measurement.reference = .init(name: "that of the smallest ledger", value: smallest)
        measurement.atLeast = 1 / Self.slowdownMax
    }

    private static let repeats = "repeat of a settled one"
    private static let repeatedCount = 200

    /// What is asked, each about something drawn from the whole ledger; repeats are of a few purchases posted just before.
    private func requests(
        _ history: History
    ) -> [(name: String, status: Int, request: @Sendable (Int) -> ByteBuffer)] {
        let (draws, plan) = (Draws(seed: settings.seed), history.plan)
        let (app, support) = (history.keys.app, history.keys.support)
        let (chains, accounts) = (plan.chains, plan.knownAccounts)
        let days = Int((plan.end - plan.begin) / 86_400_000)
        let newest = (try? history.stack.database.number("SELECT max(position) FROM changes")) ?? 0
        func search(_ query: @escaping @Sendable (Int) -> String) -> @Sendable (Int) -> ByteBuffer {
            { HTTPRequestBytes.get("/v1/transactions?limit=20&" + query($0), key: support) }
        }
        return [
            (Self.repeats, 200, { Self.post(draws.below(Self.repeatedCount, at: $0), key: app) }),
            ("cold validation", 200, { Self.post(Self.firstCold + $0, key: app) }),
            (
                "entitlement read", 200,
                { HTTPRequestBytes.get("/v1/accounts/account-\(draws.below(accounts, at: $0))/entitlements", key: app) }
            ),
            (
                "transaction", 200,
                { number in
                    let id = FillPlan.firstTransaction(ofChain: 1 + draws.below(chains, at: number))
                    return HTTPRequestBytes.get("/v1/transactions/\(id)", key: support)
                }
            ),
            ("search by account", 200, search { "accountId=account-\(draws.below(accounts, at: $0))" }),
            (
                "search by original transaction", 200,
                search { number in
                    "originalTransactionId=\(FillPlan.firstTransaction(ofChain: 1 + draws.below(chains, at: number)))"
                }
            ),
            (
                "search by product and time", 200,
                search { number in
                    let day = Int64(draws.below(days - Self.searchedDays, at: number)) * 86_400_000 + plan.begin
                    return "productId=com.example.app.item.\(FillPlan.variant(draws.below(20, at: number + 1)))"
                        + "&from=\(Self.text(day))&to=\(Self.text(day + Int64(Self.searchedDays) * 86_400_000))"
                }
            ),
            (
                "change feed, 100 from a recent position", 200,
                {
                    HTTPRequestBytes.get(
                        "/v1/changes?limit=100&after=\(max(0, newest - 200 - draws.below(10_000, at: $0)))", key: app)
                }
            ),
        ]
    }

    /// Ids of this load, run after run over the same database.
    private static let firstCold = Int(Date().timeIntervalSince1970) % 1_000_000 * 1_000_000_000

    private static func text(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000).formatted(.iso8601)
    }

    // MARK: Export and size

    /// The newest rows of each ledger, so many and the rest of that day's.
    private func exportRate(_ history: History) throws -> Double {
        let rows = settings.isSmoke ? 100 : (settings.history.min() ?? 1) / 2
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
    private func reportBytes(_ database: ScratchDatabase, _ history: History) throws {
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
