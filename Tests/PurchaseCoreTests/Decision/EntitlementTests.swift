import PurchaseCore
import Testing

@Suite("What paid entitles to")
struct EntitlementTests {
    func history(_ sample: Sample, policy: Policy = .standard) -> History {
        var history = History(policy: policy)
        history.claim(alice)
        history.see(sample)
        return history
    }

    @Test("a non-consumable lasts until refunded")
    func nonConsumable() {
        let rights = Array(history(Sample(signed: 2)).chain.entitlements.values)
        #expect(rights.map(\.until) == [nil])
        #expect(rights.map(\.since) == [.minute(0)])
        #expect(rights.map(\.rule) == [.paid])
        #expect(rights[0].isActive(at: Instant(millisecondsSince1970: .max)))
    }

    @Test("a non-renewing subscription lasts its product's duration from the original purchase")
    func nonRenewing() {
        let history = history(Sample("season", signed: 2).with { $0.purchaseDate = .minute(99) })
        // 2026-01-01 and three months: 2026-04-01, 90 days.
        let end = start + .days(90)
        #expect(history.chain.entitlements.values.map(\.until) == [end])
        #expect(history.chain.entitlements.values.first?.isActive(at: end) == false)
        #expect(history.chain.entitlements.values.first?.isActive(at: end - Span(milliseconds: 1)) == true)
    }

    @Test("a non-renewing subscription without a duration lasts until refunded")
    func noDuration() {
        let history = history(
            Sample("season", signed: 2), policy: .standard.with(product: "season") { $0.duration = nil })
        #expect(history.chain.entitlements.values.map(\.until) == [nil])
    }

    @Test("an auto-renewable without an expiresDate entitles to nothing")
    func noExpiresDate() {
        #expect(history(Sample("monthly", signed: 2).with { $0.expiresDate = nil }).keys.isEmpty)
    }

    @Test("a product may entitle to several keys")
    func severalKeys() {
        let policy = Policy.standard.with(product: "unlock") { $0.entitlements = ["b", "a", "b"] }
        #expect(history(Sample(signed: 2), policy: policy).keys == ["a", "b"])
    }

    @Test("a sandbox purchase entitles listed accounts alone; the state is paid all the same")
    func sandbox() {
        let sample = Sample("coins", signed: 2).with { $0.environment = .sandbox }
        for (accounts, entitled) in [
            (SandboxAccounts.listed([]), false), (.listed([AccountID("account-2")]), false),
            (.listed([AccountID("account-1")]), true), (.all, true),
        ] {
            let policy = Policy.standard.with { $0.sandboxAccounts = accounts }
            let consumable = history(sample, policy: policy)
            #expect(consumable.short() == "paid/confirmed")
            #expect(consumable.deliveries.isEmpty == !entitled)
            let unlock = history(Sample(signed: 2).with { $0.environment = .sandbox }, policy: policy)
            #expect(unlock.keys.isEmpty == !entitled)
            #expect(unlock.chain.entitlements.values.allSatisfy { $0.environment == .sandbox })
            #expect(
                unlock.chain.entitlementBlock(of: TransactionID("1001"), policy: policy)
                    == (entitled ? nil : .sandboxAccountNotListed))
        }
    }

    @Test("an account that is listed later is entitled from stored evidence")
    func listedLater() {
        var history = history(Sample(signed: 2).with { $0.environment = .sandbox })
        history.change(.standard.with { $0.sandboxAccounts = .listed([AccountID("account-1")]) })
        #expect(history.keys == ["pro"])
        history.change(.standard)
        #expect(history.keys.isEmpty)
        #expect(history.short() == "paid/confirmed")
    }

    @Test("an erased account is on no list")
    func erased() {
        var history = history(
            Sample(signed: 2).with { $0.environment = .sandbox },
            policy: .standard.with { $0.sandboxAccounts = .listed([AccountID("account-1")]) })
        history.chain.erasable.accounts[alice] = ErasableFacts.Account(id: nil, token: nil)
        history.take(.policyChanged)
        #expect(history.keys.isEmpty)
    }

    @Test("family members are entitled unless the product forbids it; the transaction is paid either way")
    func familySharing() {
        let shared = Sample(signed: 2).with { $0.inAppOwnershipType = .familyShared }
        #expect(history(shared).keys == ["pro"])
        let policy = Policy.standard.with(product: "unlock") { $0.familySharing = false }
        let forbidden = history(shared, policy: policy)
        #expect(forbidden.keys.isEmpty)
        #expect(forbidden.short() == "paid/confirmed")
        #expect(forbidden.chain.entitlementBlock(of: TransactionID("1001"), policy: policy) == .ownershipNotAllowed)
        #expect(history(Sample(signed: 2), policy: policy).keys == ["pro"], "the buyer is")
    }

    @Test("a lenient catalogue entitles an unlisted product to its own id, a strict one to nothing")
    func catalogue() {
        let unlisted = Sample("extra", signed: 2)
        #expect(history(unlisted).keys == ["extra"])
        let strict = Policy.standard.with { $0.catalogue.unknownProducts = .strict }
        var history = history(unlisted, policy: strict)
        #expect(history.keys.isEmpty)
        #expect(history.short() == "paid/confirmed")
        #expect(history.money == ["sale 4990"], "the money is real")
        #expect(history.chain.entitlementBlock(of: TransactionID("1001"), policy: strict) == .productUnknown)
        history.change(.standard)
        #expect(history.keys == ["extra"])
    }

    @Test("nothing blocks a transaction that is not settled or not owned")
    func noBlock() {
        var history = History()
        #expect(history.chain.entitlementBlock(of: TransactionID("1001"), policy: .standard) == nil)
        history.claim(alice)
        #expect(history.chain.entitlementBlock(of: TransactionID("1001"), policy: .standard) == nil)
    }

    @Test("the entitlement's row stays with the transaction that had it when siblings come and go")
    func speaker() {
        var history = history(Sample(id: "1002", signed: 2))
        #expect(history.chain.entitlements.keys.map(\.transactionID) == [TransactionID("1002")])
        history.see(Sample(id: "1001", signed: 3))
        #expect(history.chain.entitlements.keys.map(\.transactionID) == [TransactionID("1002")])
    }

    @Test("inputs about what a chain does not have change nothing")
    func unknown() {
        var history = history(Sample(signed: 2))
        for input in [
            Input.appStoreUnanswered(TransactionID("9"), .unavailable), .deadlineReached(TransactionID("9")),
            .holdElapsed(TransactionID("9")), .staffActed(.recheck(TransactionID("9")), reasonNumber: 1),
        ] {
            history.take(input)
            #expect(history.decision == .nothing(.unknownTransaction))
        }
        history.take(.grantAcknowledged(GrantID("9")))
        #expect(history.decision == .nothing(.noEffect))
    }
}
