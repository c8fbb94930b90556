import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@testable import PurchaseStore

/// Searches over 20,000 transactions as a shop has them: nearly all paid, a few refunded, pending and of the sandbox.
@Suite("Searches in the ledger")
struct SearchStatementTests {
    /// Number n was bought n minutes after the start.
    ///
    /// Every 100th is pending, every 101st refunded, every 500th of the
    /// sandbox, every 2nd of the product `common`, every 1000th of the product `rare`. Account k has those whose number
    /// leaves k when divided by 2,000.
    static let count = 20_000

    static func with(_ body: (LedgerFixture) async throws -> Void) async throws {
        try await LedgerFixture.with { ledger in
            try await ledger.database.withOwnerClient { client in
                _ = try await client.query(fill)
                for table: SQL in ["ANALYZE transactions", "ANALYZE chains", "ANALYZE claims", "ANALYZE accounts"] {
                    _ = try await client.query(table)
                }
            }
            try await body(ledger)
        }
    }

    /// Foreign keys are off while the rows come in: what they refer to is of no interest here.
    private static let fill: SQL = """
        DO $fill$ BEGIN
            SET LOCAL session_replication_role = replica;
            INSERT INTO accounts (account_number, account_id) OVERRIDING SYSTEM VALUE
                SELECT n + 1, 'account-' || n FROM generate_series(0, 1999) n;
            INSERT INTO chains (chain_id, version, environment, original_transaction_id) OVERRIDING SYSTEM VALUE
                SELECT n, 1, CASE WHEN n % 500 = 0 THEN 'Sandbox' ELSE 'Production' END, n::text
                FROM generate_series(1, 20000) n;
            INSERT INTO transactions (transaction_id, chain_id, chain_version, state, reason, purchase_id, deciding_sha256,
                deciding_source, deciding_authoritative, deciding_revoked, in_app_ownership_type, revocation_date,
                environment, original_transaction_id, product_id, type, purchase_date, created_at, updated_at)
                SELECT n::text, n, 1, s.state, s.reason, s.state || n, CASE WHEN s.settled THEN '\\x00'::bytea END,
                    CASE WHEN s.settled THEN 'app_store' END, CASE WHEN s.settled THEN true END,
                    CASE WHEN s.settled THEN s.state = 'refunded' END, 'PURCHASED',
                    CASE WHEN s.state = 'refunded' THEN now() END,
                    CASE WHEN n % 500 = 0 THEN 'Sandbox' ELSE 'Production' END, n::text,
                    CASE WHEN n % 1000 = 0 THEN 'rare' WHEN n % 2 = 0 THEN 'common' ELSE 'other' END, 'Consumable',
                    CASE WHEN s.settled THEN '2026-01-01 00:00:00+00'::timestamptz + n * interval '1 minute' END,
                    '2026-01-01 00:00:00+00'::timestamptz + n * interval '1 minute', now()
                FROM generate_series(1, 20000) n, LATERAL (SELECT
                    CASE WHEN n % 100 = 0 THEN 'pending' WHEN n % 101 = 0 THEN 'refunded' ELSE 'paid' END AS state,
                    CASE WHEN n % 100 = 0 THEN 'not_found_yet' WHEN n % 101 = 0 THEN 'refund_full'
                        WHEN n % 1001 = 0 THEN 'refund_reversed' ELSE 'confirmed' END AS reason,
                    n % 100 <> 0 AS settled) AS s;
            INSERT INTO claims (chain_id, account_number, chain_version, status, transaction_id, claimed_at)
                SELECT n, n % 2000 + 1, 1, 'held', n::text, now() FROM generate_series(1, 20000) n;
            INSERT INTO orders SELECT 'M' || n, now() FROM generate_series(1, 1000) n;
            INSERT INTO order_transactions SELECT 'M' || n, n::text FROM generate_series(1, 1000) n;
        END $fill$
        """

    private static func search(_ change: (inout TransactionSearch) -> Void) -> TransactionSearch {
        var search = TransactionSearch()
        change(&search)
        return search
    }

    /// What leads, and the indexes that the plan must name.
    private static let kinds: [(name: String, search: TransactionSearch, indexes: [String])] = [
        ("everything", search { _ in }, ["transactions_newest"]),
        ("a span", search { ($0.from, $0.to) = (instant(500), instant(600)) }, ["transactions_newest"]),
        ("a state", search { $0.state = .pending }, ["transactions_state"]),
        (
            "a state and a product", search { ($0.state, $0.productID) = (.refunded, ProductID("common")) },
            ["transactions_state"]
        ),
        ("a reason", search { $0.reason = "refund_reversed" }, ["transactions_reason"]),
        ("a product", search { $0.productID = ProductID("rare") }, ["transactions_product"]),
        (
            "a product, paid", search { ($0.state, $0.productID) = (.paid, ProductID("rare")) },
            ["transactions_product"]
        ),
        ("the sandbox", search { $0.environment = .sandbox }, ["transactions_sandbox"]),
        ("an account", search { $0.account = AccountID("account-7") }, ["claims_account", "transactions_chain"]),
        (
            "an original transaction", search { $0.originalTransactionID = OriginalTransactionID("4711") },
            ["chains_environment_original_transaction_id_key", "transactions_chain"]
        ),
        ("an order", search { $0.orderID = OrderID("M42") }, ["order_transactions_pkey"]),
    ]

    static func instant(_ minutes: Int64) -> Instant {
        Instant(millisecondsSince1970: 1_767_225_600_000) + .minutes(minutes)
    }

    @Test("each kind of search walks the index that is made for it, on every page")
    func plans() async throws {
        try await Self.with { ledger in
            for (name, search, indexes) in Self.kinds {
                let account = search.account == nil ? nil : AccountNumber(8)
                for place in [nil, SearchPlace(at: Self.instant(19_000), transactionID: TransactionID("19000"))] {
                    let statement = SearchStatement(search, account: account, after: place, limit: 100)
                    let rows = try await ledger.client.query("EXPLAIN \(fragment: statement.sql)")
                    let plan = try rows.map { try $0.decode(0, as: String.self) }.joined(separator: "\n")
                    for index in indexes {
                        #expect(
                            plan.contains(" \(index) "), "\(name), \(place == nil ? "first" : "later") page: \(plan)")
                    }
                    #expect(!plan.contains("Seq Scan on transactions"), "\(name): \(plan)")
                }
            }
        }
    }

    /// All pages of a search.
    private static func all(
        _ search: TransactionSearch, limit: Int, in ledger: LedgerFixture
    ) async throws -> [[String]] {
        var pages: [[String]] = []
        var place: SearchPlace?
        repeat {
            let page = try await ledger.store.search(search, after: place, limit: limit)
            pages.append(page.hits.map(\.transactionID.rawValue))
            place = page.next
        } while place != nil && pages.count < 1_000
        return pages
    }

    @Test("any combination gives exactly what matches, newest first, each once")
    func combinations() async throws {
        try await Self.with { ledger in
            func numbers(_ matches: (Int) -> Bool) -> [String] {
                (1...Self.count).reversed().filter(matches).map(String.init)
            }
            let cases: [(TransactionSearch, [String])] = [
                (Self.search { $0.state = .pending }, numbers { $0 % 100 == 0 }),
                (Self.search { $0.reason = "refund_full" }, numbers { $0 % 101 == 0 && $0 % 100 != 0 }),
                (Self.search { $0.environment = .sandbox }, numbers { $0 % 500 == 0 }),
                (
                    Self.search { ($0.account, $0.state) = (AccountID("account-0"), .pending) },
                    numbers { $0 % 2_000 == 0 }
                ),
                (
                    Self.search {
                        ($0.productID, $0.environment, $0.state) = (ProductID("common"), .sandbox, .pending)
                    },
                    numbers { $0 % 500 == 0 && $0 % 1_000 != 0 }
                ),
                (
                    Self.search {
                        ($0.from, $0.to, $0.productID) = (Self.instant(100), Self.instant(200), ProductID("other"))
                    },
                    numbers { (100..<200).contains($0) && $0 % 2 == 1 }
                ),
                (Self.search { ($0.orderID, $0.account) = (OrderID("M42"), AccountID("account-42")) }, ["42"]),
                (
                    Self.search {
                        ($0.orderID, $0.originalTransactionID) = (OrderID("M42"), OriginalTransactionID("43"))
                    }, []
                ),
            ]
            for (search, expected) in cases {
                let pages = try await Self.all(search, limit: 7, in: ledger)
                #expect(pages.flatMap(\.self) == expected, "\(search)")
            }
        }
    }

    @Test("a page looks at a bounded number of rows: short ones follow each other to the end")
    func bounded() async throws {
        try await Self.with { ledger in
            // Nothing matches, and ten thousand rows have to be looked at to know.
            let search = Self.search {
                ($0.state, $0.environment, $0.productID) = (.paid, .sandbox, ProductID("common"))
            }
            let none = try await Self.all(search, limit: 10, in: ledger)
            #expect(none.allSatisfy(\.isEmpty) && none.count == 2, "\(none.count) pages")
            let paid = Self.search { ($0.state, $0.environment) = (.paid, .production) }
            let page = try await ledger.store.search(paid, after: nil, limit: 10)
            #expect(page.hits.count == 10 && page.next?.transactionID == page.hits.last?.transactionID)
        }
    }

    @Test("more posts than a page looks at, of which nothing is known yet, hide nothing that is behind them")
    func unknown() async throws {
        try await Self.with { ledger in
            try await ledger.database.withOwnerClient { client in
                _ = try await client.query(
                    """
                    DO $$ BEGIN
                        SET LOCAL session_replication_role = replica;
                        INSERT INTO transactions (transaction_id, chain_id, chain_version, state, reason, created_at,
                            updated_at)
                        SELECT (100000 + n)::text, 100000 + n, 1, 'pending', 'app_store_unavailable',
                            '2027-01-01 00:00:00+00'::timestamptz + n * interval '1 second', now()
                        FROM generate_series(1, 5100) n;
                    END $$
                    """)
            }
            // The newest 5,000 are bare ids: neither store nor product is known, so they are not asked for.
            let pending = Self.search { ($0.state, $0.environment) = (.pending, .production) }
            let found = try await Self.all(pending, limit: 50, in: ledger).flatMap { $0 }
            #expect(found == (1...200).map { 100 * (201 - $0) }.filter { $0 % 500 != 0 }.map(String.init))
            let common = Self.search { ($0.state, $0.productID) = (.pending, ProductID("common")) }
            #expect(try await Self.all(common, limit: 50, in: ledger).joined().count == 180)
        }
    }
}
