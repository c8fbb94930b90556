import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import TestSupport
import Testing

@Suite("How a notification stands, read by a short question")
struct NotificationStandingTests {
    private static let token = "6f9619ff-8b86-d011-b42d-00c04fc964ff"

    private static func subject(
        _ uuid: String? = nil, _ id: String? = nil, original: String? = nil, token: String? = nil,
        in environment: StoreEnvironment = .production
    ) -> NotificationSubject {
        var subject = NotificationSubject(uuid: uuid)
        subject.transaction = id.map { TransactionID($0) }
        subject.original = original.map { OriginalTransactionID($0) }
        subject.environment = original == nil ? nil : environment
        subject.token = token.flatMap(AppAccountToken.init(validating:))
        return subject
    }

    @Test("nothing is known of what nobody has seen, whatever is asked")
    func unknown() async throws {
        try await LedgerFixture.with { ledger in
            try await ledger.settled("2001")
            for subject in [
                Self.subject(), Self.subject("n-1"), Self.subject("n-1", "9", original: "9", token: Self.token),
                Self.subject(nil, "9", original: "2001", in: .sandbox),
            ] {
                #expect(try await ledger.store.standing(of: subject) == NotificationStanding())
            }
        }
    }

    @Test("every outcome of a notification is read back", arguments: NotificationRecord.Outcome.allCases)
    func outcome(_ outcome: NotificationRecord.Outcome) async throws {
        try await LedgerFixture.with { ledger in
            var record = NotificationRecord(
                uuid: "n-1", environment: .production, notificationType: "TEST", subtype: nil,
                signedDate: LedgerFixture.start, receivedAt: LedgerFixture.start, origin: .delivery, outcome: outcome,
                jws: "header.payload.signature", sha256: [UInt8](repeating: 1, count: 32))
            if outcome == .waiting { record.retryAt = LedgerFixture.start }
            record.transactionID = TransactionID("2001")
            try await ledger.store.keep(record)
            #expect(try await ledger.store.standing(of: Self.subject("n-1")).outcome == outcome)
            #expect(try await ledger.store.standing(of: Self.subject("n-2")).outcome == nil)
        }
    }

    @Test("the chain of a transaction and that of its original are told apart, and are whole by their numbers")
    func chains() async throws {
        try await LedgerFixture.with { ledger in
            let original = try await ledger.settled("2001")
            let ada = try await ledger.account("ada")
            let posted = try #require(
                try await ledger.apply(
                    .claimed(TransactionID("2002"), by: ada, at: LedgerFixture.start),
                    to: Chain(identity: .provisional(TransactionID("2002")))))
            let same = try await ledger.store.standing(of: Self.subject(nil, "2001", original: "2001"))
            #expect(same.holding == original.id && same.identified == original.id)
            let two = try await ledger.store.standing(of: Self.subject(nil, "2002", original: "2001"))
            #expect(two.holding == posted.id && two.identified == original.id)
            let new = try await ledger.store.standing(of: Self.subject(nil, "2003", original: "2001"))
            #expect(new.holding == nil && new.identified == original.id)
            for chain in [original, posted] {
                let id = try #require(chain.id)
                let whole = try await ledger.store.chain(holding: try #require(chain.transactions.keys.first))
                #expect(try await ledger.store.chain(numbered: id) == whole)
            }
            #expect(try await ledger.store.chain(numbered: ChainID(9_999)) == nil)
        }
    }

    @Test("an account is known by a token that it alone has: stated, or by rule where it states no other")
    func accounts() async throws {
        try await LedgerFixture.with { ledger in
            let token = try #require(AppAccountToken(validating: Self.token))
            let other = try #require(AppAccountToken(validating: "00000000-0000-4000-8000-000000000001"))
            func known() async throws -> String? {
                try await ledger.store.standing(of: Self.subject("n-1", token: Self.token)).account?.id.rawValue
            }
            _ = try await ledger.store.register(AccountID("ada"), statedToken: nil, ruleToken: token)
            #expect(try await known() == "ada")
            // What it states counts in place of the rule.
            _ = try await ledger.store.register(AccountID("ada"), statedToken: other, ruleToken: token)
            #expect(try await known() == nil)
            let bob = try await ledger.store.register(
                AccountID("bob"), statedToken: token, ruleToken: nil
            ).number
            #expect(try await known() == "bob")
            try await ledger.database.withOwnerClient { owner in
                _ = try await owner.query(
                    "INSERT INTO accounts (account_id, stated_token) VALUES ('eve', \(Self.token))")
            }
            #expect(try await known() == nil, "two have it")
            try await ledger.database.withOwnerClient { owner in
                _ = try await owner.query("DELETE FROM accounts WHERE account_id = 'eve'")
                _ = try await owner.query("ALTER TABLE erasures DISABLE TRIGGER ALL")
                _ = try await owner.query(
                    """
                    INSERT INTO erasures (account_number, chain_id, chain_version, requested_at, reason_number)
                    VALUES (\(bob.rawValue), 1, 1, now(), 1)
                    """)
            }
            #expect(try await known() == nil, "it is being erased")
        }
    }

    @Test("what one question answers for many at once is what each of them asked for")
    func shared() async throws {
        try await LedgerFixture.with { ledger in
            for number in 1...12 { try await ledger.settled("20\(number)") }
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 1...24 {
                    group.addTask {
                        let id = "20\(number)"
                        let standing = try await ledger.store.standing(of: Self.subject("n", id, original: id))
                        let chain = try await ledger.store.chain(holding: TransactionID(id))
                        return standing.holding == chain?.id && standing.identified == chain?.id
                            && (chain != nil) == (number <= 12)
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
    }
}
