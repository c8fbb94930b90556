import PurchaseCore
import TestSupport
import Testing

@testable import PurchaseService

@Suite("What was bought and what support decided, put together")
struct EntitlementMergeTests {
    private static let now = Sample.now

    private func bought(_ id: String = "1", key: String = "pro", until: Instant? = nil) -> Entitlement {
        var row = Sample.entitlement
        row.id = Entitlement.ID(transactionID: TransactionID(id), key: key)
        row.until = until
        return row
    }

    private func decided(
        _ effect: Override.Effect, _ number: Int = 1, key: String = "pro",
        environment: StoreEnvironment = .production, until: Instant? = nil, isEnded: Bool = false
    ) -> Override {
        Override(
            id: OverrideID("override-12-\(number)"), account: AccountNumber(12),
            terms: Override.Terms(key: key, effect: effect, environment: environment, until: until), since: Self.now,
            reasonNumber: 1, ending: isEnded ? Override.Ending(endedAt: Self.now, reasonNumber: 2) : nil)
    }

    /// `key environment reason id`, `!` where it is active.
    private func merged(_ rows: [Entitlement], _ overrides: [Override]) -> [String] {
        EntitlementView.merge(AccountRights(rows: rows, overrides: overrides), at: Self.now).map { view in
            let id = view.transactionID?.rawValue ?? view.overrideID?.rawValue ?? "-"
            return "\(view.key) \(view.environment.rawValue) \(view.reason.rawValue) \(id)\(view.isActive ? "!" : "")"
        }
    }

    @Test("without support's word it is the row that lasts longest, an ended one where there is no other")
    func boughtAlone() {
        let soon = Self.now + .hours(1)
        #expect(merged([], []) == [])
        #expect(
            merged([bought("1", until: soon), bought("2"), bought("3")], []) == ["pro Production paid 2!"])
        #expect(
            merged([bought("1", until: Self.now), bought("2", until: Self.now - .hours(1))], [])
                == ["pro Production expired 1"])
    }

    @Test("goodwill counts like a purchase: what lasts longest, and of equals the purchase")
    func goodwill() {
        let (soon, late) = (Self.now + .hours(1), Self.now + .hours(2))
        #expect(merged([], [decided(.grant)]) == ["pro Production override override-12-1!"])
        #expect(
            merged([bought(until: soon)], [decided(.grant, until: late)])
                == ["pro Production override override-12-1!"])
        #expect(merged([bought(until: late)], [decided(.grant, until: soon)]) == ["pro Production paid 1!"])
        #expect(merged([bought(until: soon)], [decided(.grant, until: soon)]) == ["pro Production paid 1!"])
        #expect(merged([bought()], [decided(.grant)]) == ["pro Production paid 1!"])
        #expect(
            merged([bought(until: Self.now)], [decided(.grant, until: soon)])
                == ["pro Production override override-12-1!"])
        #expect(
            merged([], [decided(.grant, 10), decided(.grant, 9)]) == ["pro Production override override-12-9!"])
    }

    @Test("a withholding wins over everything of its key and store, and over nothing else")
    func withheld() {
        let soon = Self.now + .hours(1)
        #expect(
            merged([bought(), bought("2", key: "plus")], [decided(.grant, 2), decided(.withhold, 3, until: soon)])
                == ["plus Production paid 2!", "pro Production withheld override-12-3"])
        #expect(
            merged([bought()], [decided(.withhold, environment: .sandbox)])
                == ["pro Production paid 1!", "pro Sandbox withheld override-12-1"])
        #expect(
            merged([], [decided(.withhold, 1, until: soon), decided(.withhold, 2)])
                == ["pro Production withheld override-12-2"])
    }

    @Test("what is over or was ended counts for nothing", arguments: Override.Effect.allCases)
    func over(effect: Override.Effect) {
        let overrides = [decided(effect, 1, until: Self.now), decided(effect, 2, isEnded: true)]
        #expect(merged([bought()], overrides) == ["pro Production paid 1!"])
        #expect(merged([], overrides) == [])
    }

    @Test("the order in which rows come does not matter", arguments: [1, 2, 3, 4, 5] as [UInt64])
    func anyOrder(seed: UInt64) {
        var generator = EdgeGenerator(seed: seed)
        let ends: [Instant?] = [nil, Self.now, Self.now + .hours(1), Self.now + .hours(2)]
        for _ in 0..<100 {
            var rows = (1...4).map { bought("\($0)", until: ends.randomElement(using: &generator) ?? nil) }
            var overrides = (1...4).map { number in
                decided(
                    Int.random(in: 0..<6, using: &generator) == 0 ? .withhold : .grant, number,
                    until: ends.randomElement(using: &generator) ?? nil)
            }
            let expected = merged(rows, overrides)
            rows.shuffle(using: &generator)
            overrides.shuffle(using: &generator)
            #expect(merged(rows, overrides) == expected, "SEED=\(seed)")
            #expect(expected.count == 1)
        }
    }
}
