import Foundation
import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import TestSupport
import Testing

@testable import bench

/// Every statement that a request or a worker runs, over a ledger that is large enough for a wrong plan to show.
@Suite("How the ledger is read and written")
struct PlanTests {
    /// Tables that grow with the purchases: nothing but what is listed may read one of them from end to end.
    private static let growing = Set(FillPattern.tables.map(\.name)).union(["accounts"])
    private static let end: Int64 = 1_793_491_200_000
    private static let now = Instant(millisecondsSince1970: end)

    /// What a chain is read by, wherever it is decided upon or shown.
    private static let loading: Set<String> = [
        "chains_pkey", "transactions_chain", "evidence_chain", "evidence_bodies_pkey", "renewals_newest", "claims_pkey",
        "grants_chain", "entitlements_chain", "movements_chain", "checks_pkey",
    ]

    /// An operation, what it is called in Sources/PurchaseStore, and the indexes that it must use.
    private struct Case: Sendable {
        var functions: [String]
        var indexes: Set<String>
        var run: @Sendable (LedgerStore, PaidRecordsStore) async throws -> Void
    }

    /// Things of the filled ledger to ask about.
    private struct Subject: Sendable {
        let account: AccountNumber
        let accountID: AccountID
        let chain: ChainID
        let transaction: TransactionID
        let grant: GrantID
        let evidence: EvidenceID
        let newest: Int64
        let newestChange: Int64
        let uuid: String
        let token: AppAccountToken
    }

    /// Primary keys whose columns another index begins with: either finds a row as fast.
    private static func standIns(for used: Set<String>) -> Set<String> {
        var keys: Set<String> = []
        if used.contains("transactions_transaction_id_state_key") { keys.insert("transactions_pkey") }
        if used.contains("evidence_sha256_source_authoritative_revoked_key") { keys.insert("evidence_pkey") }
        return keys
    }

    @Test("each uses the indexes that are made for it, and reads no growing table from end to end")
    func plans() async throws {
        try await TestDatabase.withDatabase { database in
            let plan = FillPlan(transactions: 12_000, seed: 1, end: Self.end)
            try await YearsFill(
                database: ScratchDatabase(uri: database.uri), plan: plan, withEnvelopes: true
            ).run { _ in }
            let subject = try await Self.subject(database)
            let watch = PlanWatch(database: database)
            for item in Self.reading(subject) + Self.working(subject) + Self.finance(subject) {
                let reads = try await watch.reads(of: item.run)
                let scanned = reads.scanned.intersection(Self.growing)
                #expect(scanned.isEmpty, "\(item.functions) read all of \(scanned.sorted())")
                let missing = item.indexes.subtracting(reads.indexes.union(Self.standIns(for: reads.indexes)))
                #expect(missing.isEmpty, "\(item.functions) used \(reads.indexes.sorted()), not \(missing.sorted())")
            }
            // Two commits for each purchase, with all their foreign keys.
            let scratch = ScratchDatabase(uri: database.uri)
            let commits = try await watch.reads { _, _ in
                try await LedgerLoad.with(scratch, replicas: 1) { load in
                    for number in 0..<4 { try await load.settle(number) }
                }
            }
            #expect(commits.scanned.intersection(Self.growing).isEmpty, "\(commits.scanned)")
            #expect(
                commits.indexes.isSuperset(of: [
                    "chains_pkey", "transactions_pkey", "events_chain_id_chain_version_key",
                ]))
        }
    }

    @Test("accounts that are made up for reads of entitlements are read as those of a ledger are")
    func madeUpAccounts() async throws {
        try await TestDatabase.withDatabase { database in
            try MadeUpLedger.fillAccounts(ScratchDatabase(uri: database.uri), accounts: 5_000)
            let reads = try await PlanWatch(database: database).reads { store, _ in
                for (number, count) in [(0, 1), (4_998, 1), (4_999, 0)] {
                    let account = AccountID(MadeUpLedger.account(number))
                    let rights = try await store.entitlements(ofEach: [account], at: Self.now)
                    #expect(rights[account]?.rows.count ?? 0 == count, "\(number)")
                }
            }
            #expect(reads.indexes.isSuperset(of: ["accounts_account_id_key", "entitlements_account"]))
            #expect(reads.scanned.intersection(Self.growing).isEmpty, "\(reads.scanned)")
            let invalid = try await database.withOwnerClient { client in
                try await client.query("SELECT count(*) FROM pg_index WHERE NOT indisvalid OR NOT indisready")
            }
            #expect(try invalid.first?.decode(0, as: Int64.self) == 0)
        }
    }

    @Test(
        "every function of the store is in a case of this suite, or in the list of those that are not, with the reason")
    func closed() throws {
        let none = Subject(
            account: AccountNumber(1), accountID: AccountID("a"), chain: ChainID(1), transaction: TransactionID("1"),
            grant: GrantID("g"), evidence: EvidenceID(sha256: "", source: .appStore), newest: 0, newestChange: 0,
            uuid: "",
            token: try #require(AppAccountToken(validating: "70707070-7070-4070-8070-707070707070")))
        let covered = Set((Self.reading(none) + Self.working(none) + Self.finance(none)).flatMap(\.functions))
        var declared: Set<String> = []
        for folder in ["Ledger", "Finance", "Budget"] {
            let directory = Checkout.path("Sources/PurchaseStore/\(folder)")
            for file in try FileManager.default.contentsOfDirectory(atPath: directory) {
                let text = try String(contentsOfFile: "\(directory)/\(file)", encoding: .utf8)
                for match in text.matches(of: #/package (?:static )?func ([a-zA-Z]+)/#) {
                    declared.insert(String(match.output.1))
                }
            }
        }
        let listed = covered.union(Self.elsewhere.keys)
        #expect(declared.subtracting(listed) == [], "neither checked nor listed")
        #expect(listed.subtracting(declared) == [], "not there any more")
        #expect(covered.intersection(Self.elsewhere.keys) == [], "checked, and listed as not checked")
    }

    private static func subject(_ database: TestDatabase) async throws -> Subject {
        try await database.withOwnerClient { client in
            let rows = try await client.query(
                """
                SELECT c.account_number, a.account_id, c.chain_id, t.transaction_id, g.grant_id,
                    encode(t.deciding_sha256, 'hex') AS sha256, t.deciding_source,
                    (SELECT max(position) FROM events) AS newest, (SELECT max(position) FROM changes) AS newest_change,
                    (SELECT min(notification_uuid) FROM notifications) AS uuid, a.stated_token
                FROM grants g JOIN transactions t USING (transaction_id) JOIN claims c ON c.chain_id = t.chain_id
                    JOIN accounts a ON a.account_number = c.account_number
                WHERE t.state = 'paid' ORDER BY t.chain_id OFFSET 100 LIMIT 1
                """)
            let row = try #require(rows.first)
            return Subject(
                account: AccountNumber(try row.decode("account_number")),
                accountID: AccountID(try row.decode("account_id")),
                chain: ChainID(try row.decode("chain_id")),
                transaction: TransactionID(try row.decode("transaction_id")),
                grant: GrantID(try row.decode("grant_id")),
                evidence: EvidenceID(sha256: try row.decode("sha256"), source: .appStore),
                newest: try row.decode("newest"), newestChange: try row.decode("newest_change"),
                uuid: try row.decode("uuid"),
                token: try #require(AppAccountToken(validating: try row.decode("stated_token"))))
        }
    }

    // MARK: What requests read

    private static func reading(_ s: Subject) -> [Case] {
        func search(
            _ change: @escaping @Sendable (inout TransactionSearch) -> Void
        )
            -> @Sendable (
                LedgerStore, PaidRecordsStore
            ) async throws -> Void
        {
            { store, _ in
                var search = TransactionSearch()
                change(&search)
                _ = try await store.search(search, after: nil, limit: 20)
            }
        }
        return [
            Case(functions: ["register"], indexes: ["accounts_account_id_key"]) { store, _ in
                _ = try await store.register(s.accountID, statedToken: nil, ruleToken: nil)
                _ = try await store.register(AccountID("nobody"), statedToken: nil, ruleToken: nil)
            },
            Case(functions: ["findAccount", "statedToken"], indexes: ["accounts_account_id_key"]) { store, _ in
                _ = try await store.findAccount(s.accountID)
                _ = try await store.statedToken(of: s.accountID)
            },
            Case(functions: ["chain"], indexes: loading.union(["transactions_pkey", "grants_pkey"])) { store, _ in
                _ = try await store.chain(holding: s.transaction)
                _ = try await store.chain(holding: s.grant)
                _ = try await store.chain(numbered: s.chain)
            },
            Case(
                functions: [],
                indexes: ["chains_environment_original_transaction_id_key", "chains_provisional", "chains_account"]
            ) { store, _ in
                _ = try await store.chain(
                    identifiedBy: .original(.production, OriginalTransactionID(s.transaction.rawValue)))
                _ = try await store.chain(identifiedBy: .provisional(s.transaction))
                _ = try await store.chain(identifiedBy: .account(s.account))
            },
            Case(functions: ["chains"], indexes: loading) { store, _ in
                let some: [Chain] = try await store.chains(numbered: [s.chain, ChainID(s.chain.rawValue + 1)])
                let same: [ChainID: Chain] = try await store.chains(numbered: [s.chain])
                _ = try await store.chains(after: s.chain, limit: 100)
                #expect(some.count == 2 && same.count == 1)
            },
            Case(functions: ["entitlements"], indexes: ["accounts_account_id_key", "entitlements_account"]) {
                store, _ in
                _ = try await store.entitlements(ofEach: [s.accountID], at: now)
                // Few: this ledger has 1,500 accounts, and a hundred of them are found fastest by reading all.
                _ = try await store.entitlements(ofEach: (0..<4).map { AccountID("account-\($0)") }, at: now)
            },
            Case(functions: ["openGrants"], indexes: ["grants_account"]) { store, _ in
                _ = try await store.openGrants(of: s.account, after: nil, limit: 100)
            },
            Case(functions: ["events"], indexes: ["events_chain_id_chain_version_key"]) { store, _ in
                _ = try await store.events(of: s.chain, afterVersion: 0, limit: 100)
            },
            Case(functions: ["proofs"], indexes: ["evidence_bodies_pkey"]) { store, _ in
                _ = try await store.proofs(of: [s.evidence])
            },
            Case(functions: ["changes", "newestChange"], indexes: ["changes_pkey", "accounts_pkey"]) { store, _ in
                _ = try await store.changes(after: s.newestChange - 20, limit: 10)
                _ = try await store.newestChange()
            },
            Case(
                functions: ["search"], indexes: ["claims_account", "transactions_chain"],
                run: search {
                    $0.account = s.accountID
                }),
            Case(
                functions: [], indexes: ["chains_environment_original_transaction_id_key", "transactions_chain"],
                run: search { $0.originalTransactionID = OriginalTransactionID(s.transaction.rawValue) }),
            Case(
                functions: [], indexes: ["transactions_product"],
                run: search {
                    $0.productID = ProductID("com.example.app.item.03")
                    ($0.from, $0.to) = (now - .days(90), now)
                }),
            Case(functions: [], indexes: ["transactions_newest"], run: search { _ in }),
            Case(functions: [], indexes: ["transactions_state"], run: search { $0.state = .refunded }),
            Case(functions: ["customerTraces"], indexes: ["claims_account"]) { store, _ in
                _ = try await store.customerTraces(of: s.account, limit: 10)
            },
            Case(functions: ["standing"], indexes: []) { store, _ in _ = try await store.standing() },
        ]
    }

    // MARK: What workers and writers do

    private static func working(_ s: Subject) -> [Case] {
        [
            Case(functions: ["lease", "leaseDueChecks"], indexes: ["checks_pkey", "checks_due_by_kind"]) { store, _ in
                _ = try await store.lease(
                    s.transaction, holder: "test", until: now + .minutes(1), notAskedSince: now, now: now)
                for sweeps in [false, true] {
                    _ = try await store.leaseDueChecks(
                        sweeps: sweeps, limit: 8, holder: "test", until: now + .minutes(1), now: now + .days(2))
                }
            },
            Case(functions: ["saveChecks"], indexes: ["chains_pkey", "checks_pkey"]) { store, _ in
                let chain = try #require(try await store.chain(numbered: s.chain))
                #expect(try await store.saveChecks(chain.checks, of: s.chain, at: chain.version, holder: "test"))
            },
            Case(functions: ["noteDelivery", "refuseWaiting"], indexes: ["notifications_pkey"]) {
                store, _ in
                var subject = NotificationSubject(uuid: s.uuid)
                subject.transaction = s.transaction
                subject.token = s.token
                _ = try await store.standing(of: subject)
                try await store.noteDelivery(of: s.uuid)
                try await store.refuseWaiting(s.uuid)
            },
            Case(functions: ["leaseWaitingNotifications"], indexes: ["notifications_retry"]) { store, _ in
                _ = try await store.leaseWaitingNotifications(limit: 8, until: now + .minutes(1), now: now)
            },
            Case(functions: ["account"], indexes: ["accounts_stated_token"]) { store, _ in
                _ = try await store.account(withToken: s.token)
            },
            Case(functions: ["workload"], indexes: ["checks_due_by_kind", "notifications_received"]) { store, _ in
                _ = try await store.workload(at: now)
            },
            Case(functions: ["coverage"], indexes: []) { store, _ in
                _ = try await store.coverage(of: [.production])
            },
            Case(functions: ["newestEvent", "chainsDecidedOtherwise"], indexes: ["events_pkey"]) { store, _ in
                let newest = try await store.newestEvent()
                _ = try await store.chainsDecidedOtherwise(
                    than: [PolicyVersion("other")], after: newest - 100, through: newest)
            },
            Case(functions: ["accountIDs"], indexes: ["accounts_pkey"]) { store, _ in
                _ = try await store.accountIDs(of: [s.account])
            },
            Case(functions: ["tokens"], indexes: ["accounts_pkey"]) { store, _ in
                _ = try await store.tokens(of: s.account)
            },
            Case(functions: ["erasure", "releaseErasure", "leaseErasure"], indexes: []) { store, _ in
                _ = try await store.erasure(of: s.account)
                try await store.releaseErasure(of: s.account)
                _ = try await store.leaseErasure(until: now, now: now)
            },
            Case(functions: ["overrides"], indexes: []) { store, _ in
                _ = try await store.overrides(of: s.account, before: nil, limit: 10)
            },
            Case(functions: ["cases"], indexes: []) { store, _ in
                _ = try await store.cases(.open, of: s.account, after: nil, limit: 10)
            },
        ]
    }

    // MARK: Finance

    private static func finance(_ s: Subject) -> [Case] {
        let week = PaidRecordsScope(
            from: now - .days(7), to: now, asOf: s.newest, environment: .production, timeZone: "UTC")
        return [
            Case(functions: ["read"], indexes: ["movements_occurred"]) { _, finance in
                try await finance.read(week, within: .seconds(60)) { _ in }
            },
            Case(functions: ["totals", "revenue"], indexes: ["movements_occurred"]) { _, finance in
                _ = try await finance.totals(of: week)
                _ = try await finance.revenue(of: week, by: .day, offset: 0, limit: 10)
            },
            Case(functions: ["earliestSignedDate"], indexes: ["events_pkey", "evidence_pkey"]) { _, finance in
                _ = try await finance.earliestSignedDate(after: s.newest - 10, in: .production)
            },
        ]
    }

    // MARK: What is not checked here, and why

    private static let elsewhere: [String: String] = [
        "commit": "LedgerLoad commits in the first test of this suite",
        "build": "runs nothing; what it builds is committed",
        "run": "vouch replay, which reads page by page with the functions that are checked",
        "check": "the same for one chain",
        "entitlementsStatement": "runs nothing; EntitlementPlanTests explain it",
        "staffActionsStatement": "runs nothing; StaffActionPlanTests explain it",
        "staffActions": "StaffActionPlanTests",
        "eraseTexts": "EraseTextsPlanTests",
        "finishErasure": "once for an erased account, by its number",
        "keep": "a notification or a refusal by its primary key, or an order's few rows",
        "reviveNotifications": "once when a store becomes allowed; looks at the few notifications of the other one",
        "order": "SearchStatementTests look orders up by order_transactions_pkey",
        "chainsToDecideAgain": "after a change of settings: walks all chains by transactions_chain, a page at a time",
        "remember": "policies: a row for each change of settings",
        "policyInForce": "policies", "decidedPolicy": "one row", "setDecidedPolicy": "one row",
        "policyDifference": "policies",
        "beginSweep": "coverage: a row for each store", "renewSweep": "coverage", "advanceCoverage": "coverage",
        "finishSweep": "coverage", "failSweep": "coverage",
        "finishBackfill": "backfill_slices: rows for each backfill", "finishedBackfills": "backfill_slices",
        "joinBackfills": "backfill_slices",
        "budgetLevels": "request_budgets: a few rows", "takeTokens": "request_budgets",
        "nextReasonNumber": "a sequence", "key": "keys: few, by keys_sha256_key", "secret": "secrets: few",
        "checkReadiness": "schema_migrations",
        "recordedCase": "cases: few, by cases_pkey", "recordedOverride": "overrides: few, by overrides_pkey",
        "noteUnprovenPost": "unproven_posts: rows of one hour", "forgetUnprovenPost": "unproven_posts",
        "noteSignIn": "console_sign_ins: bounded", "openSession": "console_sessions: bounded",
        "session": "console_sessions", "keepNotice": "console_sessions", "endSession": "console_sessions",
        "reasons": "by reasons_pkey; people write few",
        "configuration": "runs nothing", "settle": "the newest position and a time zone",
        "familyShares": "a report that a person asks for: sums what it reads, within a statement's time",
        "unrefundedSales": "the same",
    ]
}
