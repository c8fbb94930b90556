import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import TestSupport
import Testing

@Suite("How accounts get their numbers")
struct RegistrationTests {
    private static let (first, second) = (
        AppAccountToken(validating: "6f9619ff-8b86-d011-b42d-00c04fc964ff"),
        AppAccountToken(validating: "00000000-0000-4000-8000-000000000001")
    )

    @Test("however many register the same accounts at once, over two processes, each has one number")
    func together() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        try await LedgerFixture.with { ledger in
            try await ledger.database.withServiceClient { client in
                let stores = [ledger.store, LedgerStore(client: client)]
                var numbers = SplitMix(seed: seed)
                let names = (0..<400).map { _ in AccountID("a-\(Int.random(in: 0..<40, using: &numbers))") }
                let given = try await withThrowingTaskGroup(of: (AccountID, AccountNumber).self) { group in
                    for (index, name) in names.enumerated() {
                        group.addTask {
                            (name, try await stores[index % 2].register(name, statedToken: nil, ruleToken: nil).number)
                        }
                    }
                    return try await group.reduce(into: [AccountID: Set<AccountNumber>]()) {
                        $0[$1.0, default: []].insert($1.1)
                    }
                }
                #expect(given.values.allSatisfy { $0.count == 1 }, "seed \(seed)")
                #expect(Set(given.values.flatMap { $0 }).count == Set(names).count, "seed \(seed)")
                let rows = try await client.query("SELECT count(*) FROM accounts")
                #expect(try rows.first?.decode(0, as: Int64.self) == Int64(Set(names).count), "seed \(seed)")
            }
        }
    }

    @Test("a token replaces another one and is never replaced by none; the one by rule is kept beside it")
    func tokens() async throws {
        try await LedgerFixture.with { ledger in
            let store = ledger.store
            let ada = AccountID("ada")
            let new = try await store.register(ada, statedToken: Self.first, ruleToken: nil)
            #expect(new.statedToken == Self.first && new.ruleToken == nil && !new.isBeingErased)
            let same = try await store.register(ada, statedToken: nil, ruleToken: nil)
            #expect(same == new)
            let other = try await store.register(ada, statedToken: Self.second, ruleToken: Self.first)
            #expect(other.number == new.number)
            #expect(other.statedToken == Self.second && other.ruleToken == Self.first)
            #expect(try await store.standing(of: TransactionID("1"), for: ada).account == other)
        }
    }

    @Test("what is known already is not written again, so that kept chains stay current")
    func unchanged() async throws {
        try await LedgerFixture.with { ledger in
            func version() async throws -> String? {
                try await ledger.client.query("SELECT xmin::text FROM accounts").first?.decode(0)
            }
            let ada = AccountID("ada")
            _ = try await ledger.store.register(ada, statedToken: Self.first, ruleToken: Self.second)
            let before = try await version()
            for stated in [nil, Self.first] {
                _ = try await ledger.store.register(ada, statedToken: stated, ruleToken: Self.second)
                _ = try await ledger.store.register(ada, statedToken: stated, ruleToken: nil)
            }
            #expect(try await version() == before)
            _ = try await ledger.store.register(ada, statedToken: Self.second, ruleToken: nil)
            #expect(try await version() != before)
        }
    }

    @Test("an account that is being erased is refused and left as it is; others that come with it are not")
    func erasing() async throws {
        try await LedgerFixture.with { ledger in
            let ada = try await ledger.account("ada")
            try await ledger.database.withOwnerClient { owner in
                _ = try await owner.query("ALTER TABLE erasures DISABLE TRIGGER ALL")
                _ = try await owner.query(
                    """
                    INSERT INTO erasures (account_number, chain_id, chain_version, requested_at, reason_number)
                    VALUES (\(ada.rawValue), 1, 1, now(), 1)
                    """)
            }
            let keys: [[PostgresValue]] = ["ada", "bob", "ada"].map { name in
                [.text(name), (Self.first?.rawValue).postgresValue, (nil as String?).postgresValue]
            }
            let rows = try await ledger.client.query(LedgerStore.accountRegistration.statement(for: keys))
            let erased: [Bool?] = try rows.map { try $0.decode(4) }
            let places: [Int64] = try rows.map { try $0.decode(0) }
            let found = Dictionary(uniqueKeysWithValues: zip(places, erased))
            #expect(found == [1: true, 2: nil, 3: true])
            let tokens = try await ledger.client.query("SELECT account_id FROM accounts WHERE stated_token IS NOT NULL")
            #expect(try tokens.map { try $0.decode(0, as: String.self) } == ["bob"])
            await #expect {
                _ = try await ledger.store.register(AccountID("ada"), statedToken: nil, ruleToken: nil)
            } throws: {
                ($0 as? LedgerError)?.code == .beingErased
            }
        }
    }
}
