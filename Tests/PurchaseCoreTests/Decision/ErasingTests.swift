import PurchaseCore
import Testing

@Suite("Erasing an account")
struct ErasingTests {
    private static let (ada, bob, cleo) = (AccountNumber(1), AccountNumber(2), AccountNumber(3))
    private static let token = AppAccountToken(validating: "6f1c1e0a-1111-4222-8333-444455556666")

    private static func release(_ account: AccountNumber, _ history: inout History) {
        history.take(.staffActed(.releaseClaim(account), reasonNumber: 9))
    }

    @Test("letting go ends what the account could use and what nobody credited, and touches neither state nor money")
    func release() {
        for (product, keys) in [("pro", ["pro"]), ("coins", [])] {
            var history = History()
            history.claim(Self.ada)
            history.see(Sample(product, signed: 2))
            #expect(history.keys == keys)
            let (state, money) = (history.short(), history.money)
            Self.release(Self.ada, &history)
            #expect(history.rules.last == .claimReleased)
            #expect(history.chain.claims.isEmpty && history.keys.isEmpty)
            #expect(history.chain.grants.values.allSatisfy { $0.status == .cancelled })
            #expect(history.short() == state && history.money == money)
            Self.release(Self.ada, &history)
            #expect(history.decision == .nothing(.noEffect), "again changes nothing")
        }
    }

    @Test("what was credited stays, so the next holder is not given it a second time; what was not is made anew")
    func deliveries() {
        for isCredited in [true, false] {
            var history = History()
            history.claim(Self.ada)
            history.see(Sample("coins", signed: 2))
            if isCredited { history.acknowledgeAll() }
            Self.release(Self.ada, &history)
            history.claim(Self.bob)
            #expect(history.claimStatus(Self.bob) == .held)
            #expect(
                history.deliveries
                    == (isCredited
                        ? ["grant 100 acknowledged"] : ["grant 100 cancelled", "reinstatement 100 open"]))
        }
    }

    @Test("its own dispute is closed; another account's stays open, and that one is given nothing by it")
    func disputes() {
        var history = History()
        history.claim(Self.ada)
        history.see(Sample("pro", signed: 2))
        history.claim(Self.bob)
        history.claim(Self.cleo)
        Self.release(Self.bob, &history)
        let closed = history.chain.cases.values.first { $0.account == Self.bob }
        #expect(closed?.resolution?.outcome == .refused && closed?.resolution?.reasonNumber == 9)
        #expect(history.chain.owner == Self.ada)
        Self.release(Self.ada, &history)
        #expect(history.chain.owner == nil && history.claimStatus(Self.cleo) == .conflict)
        #expect(history.chain.cases.values.first { $0.account == Self.cleo }?.status == .open)
        history.resolve(Self.cleo, .transferred)
        #expect(history.chain.owner == Self.cleo && history.keys == ["pro"])
    }

    @Test("a claim after the token was erased waits for Apple's word, and then it decides", arguments: [true, false])
    func tokenErased(isMatch: Bool) throws {
        var history = History()
        history.chain.erasable.accounts[Self.ada] = ErasableFacts.Account(id: AccountID("ada"), token: Self.token)
        history.claim(Self.ada)
        history.see(Sample("pro", signed: 2), token: Self.token)
        Self.release(Self.ada, &history)
        history.chain.erasable = ErasableFacts()
        history.chain.erasable.erased = Set(history.chain.evidence.keys)
        let own = isMatch ? Self.token : AppAccountToken(validating: "6f1c1e0a-1111-4222-8333-444455550000")
        history.chain.erasable.accounts[Self.bob] = ErasableFacts.Account(id: AccountID("bob"), token: own)
        history.claim(Self.bob)
        #expect(history.claimStatus(Self.bob) == .waiting)
        #expect(history.chain.claims[Self.bob]?.tokenComparison == .notComparable)
        #expect(try #require(history.nextCheck()) <= history.now, "Apple is asked at once")
        history.see(Sample("pro", signed: 3), token: Self.token)
        #expect(history.claimStatus(Self.bob) == (isMatch ? .held : .refused))
    }

    @Test("an erased account's overrides end, and nothing more is decided for it")
    func account() {
        var history = History(.account(Self.ada))
        let terms = Override.Terms(key: "pro", effect: .grant, environment: .production, until: nil)
        history.take(.staffActed(.override(terms), reasonNumber: 1))
        history.take(.staffActed(.eraseAccount, reasonNumber: 2))
        #expect(history.rules.last == .accountErased)
        #expect(history.chain.overrides.values.first?.ending?.reasonNumber == 2)
        #expect(
            history.chain.erasure == Erasure(account: Self.ada, requestedAt: history.now, reasonNumber: 2))
        for action in [StaffAction.eraseAccount, .override(terms), .releaseClaim(Self.ada)] {
            history.take(.staffActed(action, reasonNumber: 3))
            #expect(history.decision == .nothing(.noEffect))
        }
        var empty = History(.account(Self.bob))
        empty.take(.staffActed(.eraseAccount, reasonNumber: 2))
        #expect(empty.rules == [.accountErased], "also where nothing was ever decided for it")
    }
}
