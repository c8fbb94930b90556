import AppStoreSimulator
import HTTPTypes
import Postgres
import PurchaseCore
import PurchaseStore
import TestSupport
import Testing

@testable import PurchaseService
@testable import vouch

@Suite("A catalogue in the database, and a running service")
struct CatalogueStackTests {
    private static let pro = "products:\n  pro: {kind: non_consumable, entitlements: [premium]}\n"

    private static func buy(
        _ product: String, _ type: SimulatedProductType, in stack: TestStack, by account: String,
        quantity: Int64 = 1
    ) async throws -> String {
        var purchase = SimulatedPurchase(productID: product, type: type)
        purchase.quantity = quantity
        let id = try stack.simulator.purchase(purchase).transactionID
        #expect(try await stack.api.post(account, id).status == 200)
        return id
    }

    private static func keys(_ stack: TestStack, of account: String = "ada") async throws -> [String] {
        try await stack.api.get("/v1/accounts/\(account)/entitlements").activeKeys
    }

    @Test("a strict catalogue without a product takes its entitlement away, and lenient gives it back")
    func strictAndLenient() async throws {
        try await TestStack.with(["VOUCH_CATALOGUE": "strict"]) { stack in
            try await stack.importCatalogue(Self.pro)
            _ = await stack.catalogueWatch.tick()
            let id = try await Self.buy("pro", .nonConsumable, in: stack, by: "ada")
            #expect(try await Self.keys(stack) == ["premium"])
            #expect(try await stack.service.policyWorker.run() == 0)

            let shown = try await stack.importCatalogue("products: {}")
            #expect(shown.outcome == .imported(2))
            let right = PolicyEffect.Right(productID: ProductID("pro"), key: "premium")
            #expect(shown.effect.rights[right]?.lost.count == 1)
            #expect(shown.lines.contains { $0.contains("lose premium by pro: \(id)") })
            #expect(try await stack.takeUpCatalogue() == 1)
            #expect(try await Self.keys(stack) == [])
            let read = try await stack.api.get("/v1/transactions/\(id)")
            #expect(read.state == "paid" && read.json?["entitlementReason"]?.text == "product_unknown")

            #expect(try await stack.decideAgain { $0.entitling.catalogue.unknownProducts = .lenient } == 1)
            #expect(try await Self.keys(stack) == ["pro"])
            #expect(try await stack.count("SELECT count(*) FROM movements") == 1, "money is never touched")
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("a running server notices an import without a restart, and tells of what it took away in the change feed")
    func notices() async throws {
        try await TestStack.with { stack in
            _ = try await Self.buy("pro", .nonConsumable, in: stack, by: "ada")
            #expect(try await Self.keys(stack) == ["pro"])
            let before = try await stack.store.newestChange()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await stack.catalogueWatch.run(every: .milliseconds(20)) }
                group.addTask {
                    var configuration = stack.service.configuration
                    configuration.policySettles = .milliseconds(20)
                    configuration.pollEvery = .milliseconds(20)
                    await PolicyWorker(
                        dependencies: stack.service.dependencies, configuration: configuration,
                        decider: stack.service.decider
                    ).work()
                }
                try await stack.importCatalogue(Self.pro)
                let answer = try await stack.api.get("/v1/changes?after=\(before)&wait=30")
                #expect(answer.json?["changes"]?.items?.isEmpty == false, "within the long poll")
                group.cancelAll()
            }
            #expect(try await Self.keys(stack) == ["premium"])
        }
    }

    @Test("every replica takes a catalogue up by itself; what one decided under the old one meanwhile is decided again")
    func replicas() async throws {
        try await TestStack.with { stack in
            _ = try await Self.buy("pro", .nonConsumable, in: stack, by: "ada")
            let slow = try await VouchStack.build(
                settings: stack.settings, logger: TestDatabase.silent, now: { [clock = stack.clock] in clock.now })
            try await stack.importCatalogue(Self.pro)
            #expect(try await stack.takeUpCatalogue() == 1)
            #expect(try await Self.keys(stack) == ["premium"])

            // The other process has not looked yet, and sells under the catalogue before.
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "pro", type: .nonConsumable)
            ).transactionID
            let answer = try await stack.api.post("grace", id)
            #expect(answer.status == 200)
            let chain = try #require(try await stack.store.chain(holding: TransactionID(id)))
            #expect(try await PolicyWorker.decide(chain, in: slow.service))
            #expect(try await Self.keys(stack, of: "grace") == ["pro"])
            #expect(await slow.catalogueWatch.tick())
            #expect(await !slow.catalogueWatch.tick(), "once")
            #expect(try await stack.service.policyWorker.run() == 1)
            #expect(try await Self.keys(stack, of: "grace") == ["premium"])
            #expect(try await slow.service.policyWorker.run() == 0)
            await slow.close()
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("a walk that was cut off leaves nothing behind, also when the policy before comes back")
    func cutOff() async throws {
        try await TestStack.with { stack in
            for account in ["ada", "grace"] {
                _ = try await Self.buy("pro", .nonConsumable, in: stack, by: account)
            }
            #expect(try await stack.service.policyWorker.run() == 0)
            // One of two chains is decided under another policy, and then that process is gone.
            var settings = stack.settings
            settings.entitling.catalogue.unknownProducts = .strict
            let short = try await VouchStack.build(
                settings: settings, logger: TestDatabase.silent, now: { [clock = stack.clock] in clock.now })
            let first = try #require(try await stack.store.chains(after: nil, limit: 1).first)
            let chain = try #require(try await stack.store.chain(numbered: first))
            #expect(try await PolicyWorker.decide(chain, in: short.service))
            await short.close()
            #expect(try await stack.rights().count == 1)
            #expect(try await stack.service.policyWorker.run() == 1)
            #expect(try await stack.rights().count == 2)
            #expect(try await stack.service.policyWorker.run() == 0)
        }
    }

    @Test("a delivery keeps its amount, and what was acknowledged stays so, whatever the catalogue becomes")
    func deliveries() async throws {
        try await TestStack.with { stack in
            try await stack.importCatalogue("products: {coins: {kind: consumable, units: 100}}")
            _ = await stack.catalogueWatch.tick()
            let credited = try await Self.buy("coins", .consumable, in: stack, by: "ada", quantity: 2)
            let grant = try #require(
                try await stack.api.get("/v1/accounts/ada/grants").grants.first)
            #expect(try await stack.api.send(.post, "/v1/grants/\(grant.id)/acknowledge").status == 200)
            _ = try await Self.buy("coins", .consumable, in: stack, by: "grace")
            let before = try await stack.deliveries()
            #expect(Set(before.values.map { $0[3] }) == ["200", "100"])

            let more = try await stack.importCatalogue("products: {coins: {kind: consumable, units: 120}}")
            #expect(more.effect.decided == 2 && more.effect.isEmpty)
            #expect(more.lines.contains("Nobody gains or loses anything."))
            #expect(try await stack.takeUpCatalogue() == 0)
            #expect(try await stack.deliveries() == before)
            let kind = try await stack.importCatalogue("products: {coins: {kind: non_consumable, entitlements: [vip]}}")
            let vip = PolicyEffect.Right(productID: ProductID("coins"), key: "vip")
            #expect(kind.effect.rights[vip]?.gained.count == 2 && kind.effect.deliveries.isEmpty)
            #expect(try await stack.takeUpCatalogue() == 2)
            #expect(try await stack.deliveries() == before)

            // What was delivered is what a refund takes back, and what its reversal delivers again.
            _ = try stack.simulator.refund(credited)
            #expect(try await stack.api.recheck(credited).state == "refunded")
            let after = try await stack.deliveries()
            #expect(after.values.contains(["coins", "grant", "acknowledged", "200"]))
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("a new purchase is decided under the catalogue in force, whose policy every event names")
    func policyVersion() async throws {
        try await TestStack.with { stack in
            _ = try await Self.buy("pro", .nonConsumable, in: stack, by: "ada")
            try await stack.importCatalogue(Self.pro)
            #expect(await stack.catalogueWatch.tick())
            _ = try await Self.buy("pro", .nonConsumable, in: stack, by: "grace")
            #expect(try await Self.keys(stack, of: "grace") == ["premium"])
            let known = try await stack.rows(
                """
                SELECT DISTINCT (document -> 'products' ? 'pro')::text
                FROM events JOIN policies USING (policy_version)
                """)
            #expect(Set(known.map { $0[0] }) == ["true", "false"])
            #expect(
                try await stack.count(
                    "SELECT count(*) FROM events e WHERE NOT EXISTS (SELECT FROM policies p WHERE p.policy_version = e.policy_version)"
                ) == 0)
        }
    }

    @Test("while the settings file carries products, the database's catalogue counts for nothing")
    func fromFile() async throws {
        let file = "products:\n  pro: {kind: non_consumable, entitlements: [filed]}\n"
        try await TestStack.with(file: file) { stack in
            let run = try await stack.importCatalogue(Self.pro)
            #expect(run.outcome == .imported(1))
            #expect(run.notices.contains { $0.contains("settings file") })
            #expect(await !stack.catalogueWatch.tick())
            _ = try await Self.buy("pro", .nonConsumable, in: stack, by: "ada")
            #expect(try await Self.keys(stack) == ["filed"])
            let failure = await #expect(throws: CommandFailure.self) {
                try await stack.importCatalogue("products: {}", file: file)
            }
            #expect(failure?.exit == .failure && failure?.sentence.contains("`products`") == true)
            #expect(try await stack.count("SELECT count(*) FROM catalogues") == 1)
        }
    }

    @Test("a stored catalogue that this version can't read: the one before stays in force, and none starts with it")
    func unreadable() async throws {
        try await TestStack.with { stack in
            try await stack.importCatalogue(Self.pro)
            #expect(await stack.catalogueWatch.tick())
            try await stack.database.withServiceClient { client in
                let number = try await CatalogueRepository(client: client).add(
                    #"{"pro": {"kind": "lottery"}}"#, importedBy: "later", after: 1)
                #expect(number == 2)
            }
            #expect(await !stack.catalogueWatch.tick())
            _ = try await Self.buy("pro", .nonConsumable, in: stack, by: "ada")
            #expect(try await Self.keys(stack) == ["premium"])
            let failure = await #expect(throws: CommandFailure.self) {
                try await VouchStack.build(
                    settings: stack.settings, logger: TestDatabase.silent, now: { [clock = stack.clock] in clock.now })
            }
            #expect(failure?.sentence.contains("catalogue 2") == true)
        }
    }
}

extension PolicyWorker {
    /// Decides one chain under the policy of a process, as any input there does; whether anything changed.
    static func decide(_ chain: Chain, in service: VouchService) async throws -> Bool {
        let result = try await service.decider.run(
            known: chain, cause: Decider.Cause(), load: { chain }, input: { _ in .policyChanged })
        if case .record = result.decision { return true }
        return false
    }
}
