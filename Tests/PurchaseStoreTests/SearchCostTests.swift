import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@testable import PurchaseStore

/// What a page of a search looks at, counted by PostgreSQL, over the ledger of ``SearchStatementTests``.
@Suite("What a search costs")
struct SearchCostTests {
    private static let limit = 20

    /// A search, and which of the numbered transactions it matches.
    private struct Question: Sendable, CustomStringConvertible {
        var search = TransactionSearch()
        var description = ""
        var matches: @Sendable (Int) -> Bool = { _ in true }

        func and(
            _ name: String, _ change: (inout TransactionSearch) -> Void, _ also: @escaping @Sendable (Int) -> Bool
        ) -> Question {
            var question = self
            change(&question.search)
            question.description += " " + name
            question.matches = { [matches] in matches($0) && also($0) }
            return question
        }
    }

    /// Every combination of the parts that may match much of a ledger.
    private static let questions: [Question] = {
        @Sendable func state(_ number: Int) -> String {
            number % 100 == 0 ? "pending" : number % 101 == 0 ? "refunded" : "paid"
        }
        var all = [Question()]
        all += all.map {
            $0.and("to", { $0.to = SearchStatementTests.instant(15_000) }, { $0 < 15_000 })
        }
        all += all.flatMap { question in
            [PurchaseState.Name.paid, .pending, .refunded].map { name in
                question.and(name.rawValue, { $0.state = name }, { state($0) == name.rawValue })
            }
        }
        all += all.flatMap { question in
            [
                question.and(
                    "confirmed", { $0.reason = "confirmed" }, { state($0) == "paid" && $0 % 1001 != 0 }),
                question.and("refund_full", { $0.reason = "refund_full" }, { state($0) == "refunded" }),
            ]
        }
        all += all.flatMap { question in
            [
                question.and("common", { $0.productID = ProductID("common") }, { $0 % 2 == 0 && $0 % 1000 != 0 }),
                question.and("rare", { $0.productID = ProductID("rare") }, { $0 % 1000 == 0 }),
            ]
        }
        all += all.flatMap { question in
            [
                question.and("Production", { $0.environment = .production }, { $0 % 500 != 0 }),
                question.and("Sandbox", { $0.environment = .sandbox }, { $0 % 500 == 0 }),
            ]
        }
        return all
    }()

    /// Parts by which an index finds few rows, with the first of all questions and with many others.
    private static let narrow: [Question] = [0, 5, 40, 100, 200].flatMap { index -> [Question] in
        [
            questions[index].and("account", { $0.account = AccountID("account-7") }, { $0 % 2_000 == 7 }),
            questions[index].and(
                "original", { $0.originalTransactionID = OriginalTransactionID("4711") }, { $0 == 4711 }),
            questions[index].and("order", { $0.orderID = OrderID("M42") }, { $0 == 42 }),
        ]
    }

    @Test(
        "a page looks at no more than lies between the newest and its end, whatever is combined, with either kind of plan"
    )
    func lookedAt() async throws {
        #expect(Self.questions.count == 216)
        try await SearchStatementTests.with { ledger in
            for question in Self.questions + Self.narrow {
                let hits = (1...SearchStatementTests.count).reversed().filter(question.matches).prefix(Self.limit + 1)
                var end = hits.count > Self.limit ? hits.last ?? 1 : 1
                if question.search.to != nil { end += SearchStatementTests.count - 15_000 }
                // The row that ends the page is only looked at.
                let rowsMax = min(SearchStatementTests.count - end, TransactionSearch.scannedMax) + 2
                for isPlanKept in [false, true] {
                    let cost = try await Self.cost(of: question.search, isPlanKept: isPlanKept, in: ledger)
                    #expect(cost.rows <= rowsMax, "\(question), kept plan: \(isPlanKept): \(cost.plan)")
                    // A row, its place in the index, and what the parts by chain look up for it.
                    #expect(cost.buffers <= cost.rows * 6 + 30, "\(question), kept plan: \(isPlanKept): \(cost.plan)")
                }
            }
        }
    }

    @Test("what one index answers alone costs the page, however many match")
    func page() async throws {
        try await SearchStatementTests.with { ledger in
            for search in Self.questions.map(\.search)
            where [search.state != nil, search.reason != nil, search.productID != nil, search.environment != nil]
                .count(where: \.self) <= 1
            {
                // Nearly all: those few that are not are looked at in vain.
                for isPlanKept in [false, true] {
                    let cost = try await Self.cost(of: search, isPlanKept: isPlanKept, in: ledger)
                    #expect(cost.rows <= Self.limit + 4, "\(search): \(cost.plan)")
                }
            }
        }
    }

    @Test("chains are read by their keys, and planned once for a connection however many are asked for")
    func chains() async throws {
        try await SearchStatementTests.with { ledger in
            let count: SQL = """
                SELECT coalesce(sum(generic_plans), 0)::bigint AS kept, coalesce(sum(custom_plans), 0)::bigint AS made
                FROM pg_prepared_statements WHERE statement LIKE '%AS k(chain)%' AND statement NOT LIKE '%kept%'
                """
            try await ledger.client.withTransaction { transaction in
                for number in 1...20 {
                    let ids = (0..<number).map { Int64(number * 100 + $0) }
                    let rows = try await transaction.query(LedgerStore.chainsStatement(ids))
                    #expect(rows.count == number)
                }
                let row = try #require(try await transaction.query(count).first)
                // PostgreSQL tries five plans for the values before it compares.
                #expect(try row.decode("made", as: Int64.self) == 5)
                #expect(try row.decode("kept", as: Int64.self) == 15)
            }
        }
    }

    // MARK: Counting

    private struct Cost {
        /// Rows of transactions that were taken from the table, also those that a filter then left out.
        var rows: Int
        /// Pages of 8 KiB.
        var buffers: Int
        var plan: String
    }

    /// Runs the first page of a search as a new statement is run, or as one that a connection has a plan for already.
    private static func cost(
        of search: TransactionSearch, isPlanKept: Bool, in ledger: LedgerFixture
    ) async throws -> Cost {
        let account = search.account == nil ? nil : AccountNumber(8)
        let statement = SearchStatement(search, account: account, after: nil, limit: limit).sql
        let rows = try await ledger.client.withTransaction { transaction in
            let mode = isPlanKept ? "force_generic_plan" : "force_custom_plan"
            try await transaction.query("SELECT set_config('plan_cache_mode', \(mode), true)")
            try await transaction.query(SQL(text: "PREPARE page AS \(statement.text)", values: []))
            let values = try statement.values.map(literal).joined(separator: ", ")
            let rows = try await transaction.query(
                SQL(text: "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, COSTS OFF) EXECUTE page(\(values))", values: []))
            try await transaction.query("DEALLOCATE page")
            return rows
        }
        let lines = try rows.map { try $0.decode(0, as: String.self) }
        var cost = Cost(rows: 0, buffers: 0, plan: lines.joined(separator: "\n"))
        for (line, next) in zip(lines, lines.dropFirst()) {
            if line.contains(" on transactions t "), let match = line.firstMatch(of: #/rows=(\d+) loops=(\d+)/#) {
                cost.rows += (Int(match.output.1) ?? 0) * (Int(match.output.2) ?? 0)
            }
            // What the outer query leaves out came from the scan, and is counted there.
            if !line.contains("Filter: (scanned."), let match = next.firstMatch(of: #/Rows Removed by .*: (\d+)/#) {
                cost.rows += Int(match.output.1) ?? 0
            }
            if line.hasPrefix("Limit"), next.contains("Buffers:") {
                cost.buffers = next.matches(of: #/(?:hit|read)=(\d+)/#).reduce(0) { $0 + (Int($1.output.1) ?? 0) }
            }
        }
        try #require(cost.plan.contains(" on transactions t ") && cost.buffers > 0, "\(cost.plan)")
        return cost
    }

    private static func literal(_ value: PostgresValue) throws -> String {
        switch value {
        case .null: return "NULL"
        case .int8(let number): return "\(number)"
        case .text(let text): return "'\(text)'"
        case .textArray(let texts): return "'{\(texts.compactMap(\.self).joined(separator: ","))}'"
        case .timestamptz(let at):
            return "instant(\(at.millisecondsSinceUnixEpoch))"
        default:
            Issue.record("a value of another type: \(value)")
            return "NULL"
        }
    }
}
