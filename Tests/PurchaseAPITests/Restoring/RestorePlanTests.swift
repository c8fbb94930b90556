import PurchaseCore
import Testing

@testable import PurchaseService

@Suite("Which history a restore reads next")
struct RestorePlanTests {
    private static func chain(_ id: String, _ store: StoreEnvironment = .production) -> Chain.Identity {
        .original(store, OriginalTransactionID(id))
    }

    private static func trace(
        _ id: String, of customer: String?, in store: StoreEnvironment? = .production, isProven: Bool = false
    ) -> CustomerTrace {
        CustomerTrace(
            identity: store.map { chain(id, $0) } ?? .provisional(TransactionID(id)),
            transactionID: TransactionID("\(id)0"), appTransactionID: customer, nextCheckAt: nil, isProven: isProven)
    }

    private static func plan(_ traces: [CustomerTrace]) -> RestorePlan {
        RestorePlan(traces: traces, stores: [.production, .sandbox])
    }

    @Test("each customer and store once, the newest purchase first")
    func order() {
        let plan = Self.plan([
            Self.trace("5", of: "a"), Self.trace("4", of: "a"), Self.trace("3", of: "b"),
            Self.trace("2", of: "a", in: .sandbox), Self.trace("1", of: nil),
        ])
        var cursor = RestoreCursor()
        var begun: [String] = []
        while let next = plan.next(after: cursor, seen: []), begun.count < 9 {
            begun.append(next.transactionID.rawValue)
            cursor.current = next.identity
            cursor.finish()
        }
        #expect(begun == ["50", "30", "20", "10"])
    }

    @Test("a chain that was in a history already begins none")
    func seen() {
        let plan = Self.plan([Self.trace("2", of: nil), Self.trace("1", of: nil)])
        let cursor = RestoreCursor(done: [Self.chain("2")])
        #expect(plan.next(after: cursor, seen: [])?.identity == Self.chain("1"))
        #expect(plan.next(after: cursor, seen: [Self.chain("1")]) == nil)
    }

    @Test("the cursor's chain goes on while the account has it")
    func current() {
        let plan = Self.plan([Self.trace("2", of: "a"), Self.trace("1", of: "a")])
        #expect(plan.next(after: RestoreCursor(current: Self.chain("1")), seen: [])?.identity == Self.chain("1"))
        #expect(plan.next(after: RestoreCursor(current: Self.chain("9")), seen: [])?.identity == Self.chain("2"))
    }

    @Test("a store that is not served any more is not asked")
    func notServed() {
        let plan = RestorePlan(traces: [Self.trace("1", of: "a", in: .sandbox)], stores: [.production])
        #expect(plan.next(after: RestoreCursor(), seen: []) == nil)
    }

    @Test("where a bare id is not enough, only what is proven begins a history, or is waited for")
    func unproven() {
        let (bare, proven) = (Self.trace("3", of: "a"), Self.trace("2", of: "b", isProven: true))
        let open = Self.trace("1", of: nil, in: nil)
        func plan(_ traces: [CustomerTrace], shown: Chain.Identity? = nil) -> RestorePlan {
            RestorePlan(traces: traces, stores: [.production], beginnings: .proven(shown: shown))
        }
        #expect(plan([bare, proven]).next(after: RestoreCursor(), seen: []) == proven)
        #expect(plan([bare]).next(after: RestoreCursor(current: bare.identity), seen: []) == nil)
        #expect(plan([bare, proven], shown: bare.identity).next(after: RestoreCursor(), seen: []) == bare)
        #expect(plan([open]).waits(for: nil) == nil)
        #expect(plan([open]).waits(for: open.transactionID) == open)
    }

    @Test("an id that nothing is known of holds up only an account without anything else, or whoever has it in hand")
    func waiting() {
        let open = Self.trace("1", of: nil, in: nil)
        #expect(Self.plan([open]).waits(for: nil) == open)
        #expect(Self.plan([open, Self.trace("2", of: "a")]).waits(for: nil) == nil)
        #expect(Self.plan([open, Self.trace("2", of: "a")]).waits(for: open.transactionID) == open)
        #expect(Self.plan([]).waits(for: nil) == nil)
    }
}
