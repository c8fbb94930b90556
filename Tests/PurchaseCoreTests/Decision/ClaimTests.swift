import PurchaseCore
import Testing

@Suite("Claims")
struct ClaimTests {
    /// Claims in order, then Apple's clean answer, which may carry a token.
    func history(
        _ rule: AccountTokenRule = .matchWhenPresent, claims: [(AccountNumber, AppAccountToken?)],
        purchase: AppAccountToken? = nil, sample: Sample = Sample(signed: 20)
    ) -> History {
        var history = History(policy: .standard.with { $0.accountTokenRule = rule })
        for (account, own) in claims {
            history.chain.erasable.accounts[account] = ErasableFacts.Account(
                id: AccountID("account-\(account.rawValue)"), token: own)
            history.claim(account)
            history.wait(.seconds(1))
        }
        history.see(sample, token: purchase)
        return history
    }

    @Test("the earliest waiting claim holds; the others are conflicts with one case each")
    func earliest() {
        let history = history(claims: [(bob, nil), (alice, nil), (carol, nil)])
        #expect(history.claimStatus(bob) == .held)
        #expect(history.claimStatus(alice) == .conflict)
        #expect(history.claimStatus(carol) == .conflict)
        #expect(history.chain.cases.count == 2)
        #expect(history.chain.claims[alice]?.caseID == CaseID("case-production-1001-1"))
        #expect(history.chain.entitlements.values.map(\.account) == [bob])
    }

    @Test("of claims at one instant the lower account number holds, so that every replica agrees")
    func sameInstant() {
        var history = History()
        history.claim(bob)
        history.claim(alice)
        history.see(Sample(signed: 2))
        #expect(history.chain.owner == alice)
    }

    @Test("a second claim while none holds waits; once one holds it is a conflict with one open case")
    func second() {
        var history = History()
        history.claim(alice)
        history.claim(bob)
        #expect(history.claimStatus(bob) == .waiting)
        #expect(history.rules.last == .claimRecorded)
        history.see(Sample(signed: 2))
        history.claim(carol)
        #expect(history.claimStatus(carol) == .conflict)
        #expect(history.rules.last == .claimConflict)
        history.claim(carol)
        #expect(history.decision == .nothing(.duplicateClaim))
        #expect(history.chain.cases.values.filter { $0.account == carol }.count == 1)
        #expect(history.chain.owner == alice, "no client can bind a purchase to another account")
    }

    @Test("a claim decides only once ownership is known", arguments: [false, true])
    func unknownOwnership(refunded: Bool) {
        var unknown = Sample(signed: 2).with { $0.inAppOwnershipType = nil }
        if refunded { unknown = unknown.refunded(at: 1) }
        var history = history(claims: [(alice, nil), (bob, nil)], sample: unknown)
        #expect(history.claimStatus(alice) == .waiting && history.claimStatus(bob) == .waiting)
        #expect(history.chain.cases.isEmpty)
        history.see(Sample(signed: 30))
        #expect(history.claimStatus(alice) == .held && history.claimStatus(bob) == .conflict)
    }

    @Test("a refund settles whose it was, too")
    func refunded() {
        let history = history(claims: [(alice, nil)], sample: Sample(signed: 2).refunded(at: 1))
        #expect(history.claimStatus(alice) == .held)
    }

    @Test("the hold of a settlement keeps claims waiting")
    func hold() {
        var history = History(policy: .standard.with(product: "unlock") { $0.settlementHold = .hours(2) })
        history.claim(alice)
        history.see(Sample(signed: 2))
        #expect(history.claimStatus(alice) == .waiting)
    }

    @Test(
        "the token rules",
        arguments: [
            // rule, account's token, purchase's token, status, comparison
            (AccountTokenRule.ignore, 1, 2, Claim.Status.held, Claim.TokenComparison?.none),
            (.matchWhenPresent, 1, 1, .held, .match), (.matchWhenPresent, 1, 2, .refused, .mismatch),
            (.matchWhenPresent, 1, nil, .held, .absent), (.matchWhenPresent, nil, 2, .held, .notComparable),
            (.matchWhenPresent, nil, nil, .held, .absent), (.require, 1, 1, .held, .match),
            (.require, 1, 2, .refused, .mismatch), (.require, 1, nil, .refused, .absent),
            (.require, nil, 2, .held, .notComparable), (.require, nil, nil, .refused, .absent),
        ] as [(AccountTokenRule, Int?, Int?, Claim.Status, Claim.TokenComparison?)])
    func rules(
        rule: AccountTokenRule, own: Int?, purchase: Int?, status: Claim.Status, comparison: Claim.TokenComparison?
    ) {
        let history = history(rule, claims: [(alice, own.flatMap(token))], purchase: purchase.flatMap(token))
        #expect(history.claimStatus(alice) == status)
        #expect(history.chain.claims[alice]?.tokenComparison == comparison)
        #expect(history.chain.claims[alice]?.refusal == (status == .refused ? .accountTokenMismatch : nil))
        #expect(history.keys == (status == .held ? ["pro"] : []))
        #expect(history.short() == "paid/confirmed", "the money is real, whoever claims it")
    }

    @Test("family shares never carry a token and are exempt from require")
    func familyExempt() {
        let history = history(
            .require, claims: [(alice, token(1))],
            sample: Sample(signed: 2).with { $0.inAppOwnershipType = .familyShared })
        #expect(history.claimStatus(alice) == .held)
        #expect(history.keys == ["pro"])
    }

    @Test("require waits for ownership before it misses a token: it may be a family share")
    func requireWaits() {
        var history = history(
            .require, claims: [(alice, token(1))], sample: Sample(signed: 2).with { $0.inAppOwnershipType = nil })
        #expect(history.claimStatus(alice) == .waiting)
        history.see(Sample(signed: 3).with { $0.inAppOwnershipType = .familyShared })
        #expect(history.claimStatus(alice) == .held)
    }

    @Test("a token match wins over an earlier claim that can't be compared")
    func matchWins() {
        let history = history(claims: [(alice, nil), (bob, token(2)), (carol, token(3))], purchase: token(2))
        #expect(history.claimStatus(alice) == .conflict)
        #expect(history.claimStatus(bob) == .held)
        #expect(history.claimStatus(carol) == .refused)
        #expect(history.chain.cases.count == 1, "a refused claim opens no case")
    }

    @Test("a token mismatch is refused before the conflict is looked at")
    func mismatchBeforeConflict() {
        var history = history(claims: [(alice, token(1))], purchase: token(1))
        history.chain.erasable.accounts[bob] = ErasableFacts.Account(id: AccountID("bob"), token: token(2))
        history.claim(bob)
        #expect(history.claimStatus(bob) == .refused)
        #expect(history.rules.last == .claimRefused)
        #expect(history.chain.cases.isEmpty)
    }

    @Test("a refused claim is looked at again when it is posted again and its token or the rule is another")
    func refusedAgain() {
        var history = history(claims: [(alice, token(1))], purchase: token(2))
        #expect(history.claimStatus(alice) == .refused)
        history.claim(alice)
        #expect(history.decision == .nothing(.duplicateClaim))
        history.chain.erasable.accounts[alice]?.token = token(2)
        history.claim(alice)
        #expect(history.claimStatus(alice) == .held)

        var ruled = self.history(claims: [(alice, token(1))], purchase: token(2))
        ruled.change(.standard.with { $0.accountTokenRule = .ignore })
        #expect(ruled.claimStatus(alice) == .refused, "nobody is given a purchase by a setting alone")
        ruled.claim(alice)
        #expect(ruled.claimStatus(alice) == .held)
    }

    @Test("renewals and restores inherit the owner")
    func inherits() {
        var history = History()
        history.claim(alice)
        history.see(Sample("monthly", signed: 2))
        history.see(
            Sample("monthly", id: "1002", signed: 50_000).with {
                $0.webOrderLineItemID = WebOrderLineItemID("78")
                $0.purchaseDate = .minute(43_200)
                $0.expiresDate = .minute(86_400)
            })
        #expect(Set(history.chain.entitlements.values.map(\.account)) == [alice])
        #expect(history.chain.entitlements.count == 2)
        history.claim(bob, "1002")
        #expect(history.claimStatus(bob) == .conflict)
    }
}

@Suite("Chains that turn out to be one")
struct AbsorptionTests {
    /// A chain that a notification opened, and a restore that was posted before anybody knew where it belongs.
    func chains() -> (known: History, posted: History) {
        var known = History(.original(.production, OriginalTransactionID("1001")))
        known.see(Sample(signed: 2).from(.notification, "ONE_TIME_CHARGE"))
        var posted = History(.provisional(TransactionID("1002")))
        posted.claim(alice, "1002")
        posted.unanswered(.unavailable, "1002")
        return (known, posted)
    }

    @Test("the evidence that names the original takes transactions and claims over")
    func absorbs() {
        var (known, posted) = chains()
        known.now = .minute(5)
        known.see(Sample(id: "1002", signed: 5), absorbing: posted.chain)
        #expect(known.short("1002") == "paid/confirmed")
        #expect(known.claimStatus(alice) == .held)
        #expect(known.chain.transactions[TransactionID("1002")]?.createdAt == .minute(1))
        #expect(known.keys == ["pro"])
        #expect(known.money == ["sale 4990"], "one purchase, one sale")
        guard case .record(let recorded) = known.decision else {
            Issue.record("nothing recorded")
            return
        }
        #expect(recorded.absorbed == posted.chain)
    }

    @Test("the chain that was taken in is empty, replays, and takes no more inputs")
    func absorbed() throws {
        let (_, posted) = chains()
        let event = LedgerEvent(chainID: ChainID(1), chainVersion: 3, entries: [.absorbed(by: ChainID(9))])
        let replayed = try Chain.replay(posted.events + [event], evidence: [:])
        #expect(replayed.absorbedBy == ChainID(9))
        #expect(replayed.transactions.isEmpty && replayed.claims.isEmpty)
        let input = Input.claimed(TransactionID("1002"), by: bob, at: .minute(9))
        #expect(decide(replayed, input, policy: .standard, now: .minute(9)) == .nothing(.absorbed))
    }

    @Test("of two claims of one account the earlier counts, against a third one")
    func earlierClaim() {
        var known = History(.original(.production, OriginalTransactionID("1001")))
        known.now = .minute(3)
        known.claim(bob)
        known.now = .minute(4)
        known.claim(alice)
        var posted = History(.provisional(TransactionID("1002")))
        posted.claim(alice, "1002")
        known.see(Sample(id: "1002", signed: 5), absorbing: posted.chain)
        #expect(known.chain.owner == alice)
        #expect(known.chain.claims[alice]?.claimedAt == .minute(1))
        #expect(known.claimStatus(bob) == .conflict)
    }

    @Test("a chain with a holder keeps it: the newcomer is a conflict")
    func holderStays() {
        var (known, posted) = chains()
        known.claim(bob)
        known.see(Sample(id: "1002", signed: 5), absorbing: posted.chain)
        #expect(known.claimStatus(bob) == .held)
        #expect(known.claimStatus(alice) == .conflict)
        #expect(known.chain.cases.count == 1)
    }

    @Test("a provisional chain whose original is new becomes that chain")
    func becomes() {
        var (_, posted) = chains()
        posted.see(Sample(id: "1002", signed: 5))
        #expect(posted.chain.identity == .original(.production, OriginalTransactionID("1001")))
        #expect(posted.short("1002") == "paid/confirmed")
    }
}
