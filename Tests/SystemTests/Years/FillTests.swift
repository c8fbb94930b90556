import Foundation
import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import TestSupport
import Testing

@testable import bench

@Suite("Filling a ledger with years of purchases")
struct FillTests {
    /// 2026-11-01, so that the same rows come out whenever the test runs.
    private static let end: Int64 = 1_793_491_200_000
    private static let transactions = 400

    private static func fill(
        _ database: TestDatabase, seed: UInt64 = 1, perWindow: Int? = nil, isChecked: Bool = false,
        withEnvelopes: Bool = false, windowsMax: Int = .max
    ) async throws {
        let plan = FillPlan(transactions: transactions, seed: seed, end: end, perWindow: perWindow)
        let fill = YearsFill(
            database: ScratchDatabase(uri: database.uri), plan: plan, withEnvelopes: withEnvelopes, isChecked: isChecked
        )
        try await fill.run(windowsMax: windowsMax) { _ in }
    }

    private static func rows(_ database: TestDatabase, _ statement: String) async throws -> [String] {
        let client = try await database.withOwnerClient { client in
            try await client.query(SQL(text: statement, values: [])).map { try $0.decode(0, as: String.self) }
        }
        return client
    }

    /// Everything that was written but the positions, which depend on how it was cut.
    private static func everything(_ database: TestDatabase) async throws -> [String] {
        var all: [String] = []
        for (table, key) in FillPattern.tables {
            let order = table == "events" || table == "changes" ? "recorded" : key
            let row = "(to_jsonb(t) - 'position' - 'sequence' - 'created_at')::text"
            let text =
                order == "recorded"
                ? "SELECT \(row) FROM \(table) t ORDER BY 1" : "SELECT \(row) FROM \(table) t ORDER BY \(order), 1"
            all += try await rows(database, text)
        }
        return all
    }

    @Test("all that was filled, with every constraint on, is what its events say, and answers are what its rows say")
    func replay() async throws {
        try await TestDatabase.withDatabase { database in
            try await Self.fill(database, isChecked: true, withEnvelopes: true)
            try await database.withServiceClient { client in
                let store = LedgerStore(client: client)
                var differences: [ReplayCheck.Difference] = []
                let progress = try await ReplayCheck(store: store).run(
                    found: { differences.append($0) }, progress: { _ in })
                #expect(differences.isEmpty, "\(differences.first.map { "\($0)" } ?? "")")
                let chains = try await Self.rows(database, "SELECT count(*)::text FROM chains").first
                #expect(String(progress.chains) == chains)
                #expect(progress.events > Int64(Self.transactions))
                try await Self.compareEntitlements(database, store)
                try await Self.compareSearches(database, store)
            }
            let bodies = "SELECT count(*)::text FROM notifications JOIN notification_bodies USING (notification_uuid)"
            let notifications = "SELECT count(*)::text FROM notifications"
            #expect(try await Self.rows(database, bodies) == Self.rows(database, notifications))
            try await Self.compareExport(database)
        }
    }

    private static func compareEntitlements(_ database: TestDatabase, _ store: LedgerStore) async throws {
        let now = Instant(millisecondsSince1970: end)
        let ids = try await rows(database, "SELECT account_id FROM accounts ORDER BY account_number")
        var found: Set<String> = []
        for start in stride(from: 0, to: ids.count, by: 100) {
            let some = ids[start..<min(start + 100, ids.count)].map { AccountID($0) }
            for (account, rights) in try await store.entitlements(ofEach: some, at: now) {
                for right in rights.rows where right.isActive(at: now) {
                    found.insert("\(account.rawValue) \(right.id.key) \(right.environment.rawValue)")
                }
            }
        }
        let expected = try await rows(
            database,
            """
            SELECT DISTINCT account_id || ' ' || key || ' ' || environment FROM entitlements JOIN accounts
                USING (account_number) WHERE until IS NULL OR until > to_timestamp(\(end / 1000))
            """)
        #expect(found == Set(expected) && found.count > 10, "\(found.count)")
    }

    private static func compareSearches(_ database: TestDatabase, _ store: LedgerStore) async throws {
        for number in [0, 7, 23] {
            var search = TransactionSearch()
            search.account = AccountID("account-\(number)")
            let page = try await store.search(search, after: nil, limit: 100)
            let expected = try await rows(
                database,
                """
                SELECT t.transaction_id FROM transactions t JOIN claims c USING (chain_id)
                    JOIN accounts a USING (account_number)
                WHERE a.account_id = 'account-\(number)' ORDER BY coalesce(t.purchase_date, t.created_at) DESC, 1 DESC
                """)
            #expect(page.hits.map(\.transactionID.rawValue) == expected && !expected.isEmpty, "account \(number)")
        }
    }

    private static func compareExport(_ database: TestDatabase) async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "years-\(UUID().uuidString).csv")
        defer { try? FileManager.default.removeItem(at: file) }
        try await Installation.with(database: database.uri) { vouch in
            _ = try Installation.vouch(
                [
                    "export", "paid-records", "--from", "2023-01-01", "--to", "2026-11-02", "--format", "csv",
                    "--output", file.path,
                ], vouch.environment)
        }
        let exported = try String(contentsOf: file, encoding: .utf8).split(whereSeparator: \.isNewline).dropFirst()
            .compactMap { $0.split(separator: ",").first.map(String.init) }
        let expected = try await rows(
            database,
            "SELECT row_id FROM movements WHERE starts_with(row_id, 'production.') ORDER BY occurred_at, sequence")
        let missing = Set(expected).symmetricDifference(exported)
        #expect(missing.isEmpty, "\(exported.count) of \(expected.count) rows, \(missing.prefix(3))")
        #expect(exported == expected && expected.contains { $0.contains(".refund.") })
    }

    @Test("the same seed gives the same rows, also in pieces and after an interruption; another seed gives others")
    func deterministic() async throws {
        try await TestDatabase.withDatabase { one in
            try await TestDatabase.withDatabase { other in
                try await Self.fill(one)
                try await Self.fill(other, perWindow: 50, windowsMax: 3)
                let few = try await Self.rows(other, "SELECT count(*)::text FROM transactions").first.flatMap {
                    Int($0)
                }
                #expect((1..<Self.transactions / 2).contains(few ?? 0))
                try await Self.fill(other, perWindow: 50)
                #expect(try await Self.everything(one) == Self.everything(other))
                await #expect(throws: BenchFailure.self) { try await Self.fill(other, seed: 2) }
                let backwards = """
                    SELECT 'late' FROM (SELECT recorded_at < lag(recorded_at) OVER (ORDER BY position) AS late FROM events) e
                    WHERE late
                    """
                #expect(try await Self.rows(other, backwards).isEmpty)
            }
            try await TestDatabase.withDatabase { third in
                try await Self.fill(third, seed: 2)
                #expect(try await Self.everything(one) != Self.everything(third))
            }
        }
    }
}
