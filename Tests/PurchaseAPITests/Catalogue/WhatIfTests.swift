import AppStoreSimulator
import Foundation
import HTTPTypes
import Postgres
import PurchaseCore
import PurchaseStore
import TestSupport
import Testing

@testable import PurchaseService
@testable import vouch

@Suite("What a catalogue would change, and what it then changes")
struct WhatIfTests {
    static let seeds: [UInt64] = {
        if let seed = ProcessInfo.processInfo.environment["SEED"].flatMap({ UInt64($0) }) { return [seed] }
        return [1, 2, 3, UInt64.random(in: 1_000...999_999)]
    }()

    @Test("the figures are what then happens, and nothing is left over for the next input", arguments: seeds)
    func figures(seed: UInt64) async throws {
        print("what-if: SEED=\(seed)")
        let settings = [
            "VOUCH_APP_STORE_REQUESTS_PER_SECOND": "100000", "VOUCH_SANDBOX_ACCOUNTS": "all",
            "VOUCH_CATALOGUE": seed.isMultiple(of: 2) ? "strict" : "lenient",
        ]
        try await TestStack.with(settings, seed: seed) { stack in
            var shop = Shop(seed: seed)
            try await stack.importCatalogue(shop.catalogue())
            _ = await stack.catalogueWatch.tick()
            for _ in 0..<40 { try await shop.sell(in: stack) }
            #expect(try await stack.service.policyWorker.run() == 0, "new purchases follow the catalogue, SEED=\(seed)")
            for round in 1...3 { try await change(to: shop.catalogue(), in: stack, "SEED=\(seed), round \(round)") }
            try await stack.expectReplayEqualsStore()
        }
    }

    private func change(to catalogue: String, in stack: TestStack, _ place: Comment) async throws {
        let (rights, deliveries) = (try await stack.rights(), try await stack.deliveries())
        let paid = try await stack.count("SELECT count(*) FROM transactions WHERE state = 'paid'")
        let events = try await stack.count("SELECT count(*) FROM events")
        let money = try await stack.rows("SELECT row_id, amount_milliunits::text FROM movements ORDER BY row_id")

        let shown = try await stack.importCatalogue(catalogue)
        let changed = try await stack.takeUpCatalogue()
        #expect(Int64(changed) == shown.effect.changed, place)
        #expect(try await stack.count("SELECT count(*) FROM events") == events + Int64(changed), place)
        #expect(
            try await stack.count("SELECT count(*) FROM transactions WHERE state = 'paid'") == paid + shown.effect.paid,
            place)
        #expect(
            Figures(shown.effect)
                == Figures(rights, try await stack.rights(), deliveries, try await stack.deliveries()), place)
        let moneyAfter = Set(
            try await stack.rows("SELECT row_id, amount_milliunits::text FROM movements ORDER BY row_id"))
        #expect(moneyAfter.isSuperset(of: money), "no movement goes, \(place)")

        // Whatever comes next to any chain, no access follows from the catalogue that is not there already.
        let rest = try await PolicyPreview(
            source: stack.store, policy: stack.service.dependencies.policy, skipsSandbox: false,
            accountToken: { AccountNamespace.ruleToken(of: $0, namespace: nil) }
        ).run(.everything, examplesMax: 0, now: { [clock = stack.clock] in clock.now })
        #expect(rest.changed == 0 && rest.decided >= 40, place)
    }

    @Test("a dry run, and one that is not confirmed, write nothing; the same catalogue again is nothing to change")
    func writesNothing() async throws {
        try await TestStack.with { stack in
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "pro", type: .nonConsumable)
            ).transactionID
            _ = try await stack.api.post("ada", id)
            let catalogue = "products: {pro: {kind: non_consumable, entitlements: [b, a]}}"
            let dry = try await stack.importCatalogue(catalogue, dryRun: true, showsAccounts: true)
            #expect(dry.outcome == .shown && dry.effect.changed == 1)
            #expect(dry.lines.contains { $0.contains("\(id) (ada)") })
            let failure = await #expect(throws: CommandFailure.self) {
                try await stack.importCatalogue(catalogue, isConfirmed: false)
            }
            #expect(failure?.exit == .failure)
            #expect(try await stack.count("SELECT count(*) FROM catalogues") == 0)
            #expect(await !stack.catalogueWatch.tick())

            let done = try await stack.importCatalogue(catalogue)
            #expect(done.outcome == .imported(1) && !done.lines.contains { $0.contains("ada") })
            let again = try await stack.importCatalogue(
                "products: {pro: {kind: non_consumable, entitlements: [a, b], familySharing: true}}")
            #expect(again.outcome == .unchanged(1) && again.lines.isEmpty)
        }
    }

    @Test("Sandbox purchases are left out where their accounts are not known, and looked at where they are")
    func sandbox() async throws {
        try await TestStack.with(["VOUCH_SANDBOX_ACCOUNTS": "tester"]) { stack in
            let id = try stack.simulator.purchase(
                SimulatedPurchase(productID: "pro", type: .nonConsumable, environment: .sandbox)
            ).transactionID
            _ = try await stack.api.post("tester", id)
            let catalogue = "products: {pro: {kind: non_consumable, entitlements: [premium]}}"
            let without = try await stack.importCatalogue(catalogue, dryRun: true)
            #expect(without.effect.isEmpty && without.notices.contains { $0.contains("VOUCH_SANDBOX_ACCOUNTS") })
            let with = try await stack.importCatalogue(
                catalogue, dryRun: true, environment: ["VOUCH_SANDBOX_ACCOUNTS": "tester"])
            #expect(with.effect.changed == 1 && with.notices.isEmpty)
        }
    }

    @Test("two imports at once: one is stored, the other is told")
    func twoAtOnce() async throws {
        try await TestStack.with { stack in
            let outcomes = try await withThrowingTaskGroup(of: CatalogueImport.Outcome?.self) { group in
                for number in 0..<6 {
                    group.addTask {
                        do {
                            return try await stack.importCatalogue(
                                "products: {p\(number): {kind: non_consumable}}"
                            ).outcome
                        } catch let failure as CommandFailure {
                            #expect(failure.sentence.contains("somebody else"))
                            return nil
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            // However they met, each number was given out once, without a gap.
            let stored = try await stack.rows("SELECT catalogue_number::text FROM catalogues ORDER BY catalogue_number")
            let numbers = outcomes.compactMap { if case .imported(let number)? = $0 { number } else { nil } }
            #expect(stored.compactMap { $0[0].flatMap { Int64($0) } } == numbers.sorted())
            #expect(numbers.sorted() == Array(1...Int64(numbers.count)))
            try await stack.database.withServiceClient { client in
                let repository = CatalogueRepository(client: client)
                let newest = Int64(numbers.count)
                for predecessor in [newest - 1, newest + 1] {
                    let number = try await repository.add("{}", importedBy: "late", after: predecessor)
                    #expect(number == nil)
                }
                let stands = try await repository.newest()
                #expect(stands?.number == newest)
            }
        }
    }
}

/// Who gains and who loses, in numbers: as it was shown, or as it came.
private struct Figures: Equatable {
    var gained: [[String]: Int64] = [:]
    var lost: [[String]: Int64] = [:]
    var longer: [[String]: Int64] = [:]
    var shorter: [[String]: Int64] = [:]
    var units: [String: Int64] = [:]

    init(_ effect: PolicyEffect) {
        for (right, rights) in effect.rights {
            let name = [right.productID.rawValue, right.key]
            if rights.gained.count > 0 { gained[name] = rights.gained.count }
            if rights.lost.count > 0 { lost[name] = rights.lost.count }
            if rights.lengthened.count > 0 { longer[name] = rights.lengthened.count }
            if rights.shortened.count > 0 { shorter[name] = rights.shortened.count }
        }
        for (product, deliveries) in effect.deliveries where deliveries.units > 0 {
            units[product.rawValue] = deliveries.units
        }
    }

    init(
        _ before: [[String]: [String?]], _ after: [[String]: [String?]], _ given: [String: [String?]],
        _ now: [String: [String?]]
    ) {
        for (id, row) in after where before[id] == nil { gained[[row[0] ?? "", id[1]], default: 0] += 1 }
        for (id, row) in before where after[id] == nil { lost[[row[0] ?? "", id[1]], default: 0] += 1 }
        for (id, row) in after {
            guard let was = before[id], was[1] != row[1] else { continue }
            let end = { (text: String?) in text.flatMap { Int64($0) } ?? .max }
            if end(was[1]) < end(row[1]) {
                longer[[row[0] ?? "", id[1]], default: 0] += 1
            } else {
                shorter[[row[0] ?? "", id[1]], default: 0] += 1
            }
        }
        for (id, row) in now where given[id] == nil { units[row[0] ?? "", default: 0] += Int64(row[3] ?? "") ?? 0 }
    }
}

/// Sells everything there is to sell, refunds some of it, and thinks of new catalogues.
private struct Shop {
    var generator: EdgeGenerator
    private var sold = 0

    init(seed: UInt64) { generator = EdgeGenerator(seed: seed) }

    /// A catalogue that lists most products, now and then as another kind than Apple's.
    mutating func catalogue() -> String {
        var lines: [String] = []
        for (product, type) in Life.products where !generator.oneIn(4) {
            let kinds = ["consumable", "non_consumable", "non_renewing", "auto_renewable"]
            let own = ["consumable", "non_consumable", "non_renewing", "auto_renewable"][Self.index(of: type)]
            let kind = generator.oneIn(6) ? kinds.randomElement(using: &generator) ?? own : own
            var fields = ["kind: \(kind)"]
            if kind == "consumable" {
                fields.append("units: \(Int.random(in: 1...500, using: &generator))")
            } else {
                let keys = ["premium", "extra", "vip"].filter { _ in Bool.random(using: &generator) }
                fields.append("entitlements: [\(keys.joined(separator: ", "))]")
            }
            if kind == "non_renewing", !generator.oneIn(3) {
                fields.append("duration: \(["P3D", "P30D", "P2M"].randomElement(using: &generator) ?? "P3D")")
            }
            if generator.oneIn(3) { fields.append("familySharing: false") }
            if generator.oneIn(4) { fields.append("settlementHold: P30D") }
            if generator.oneIn(2) { fields.append("onProratedRefund: keep") }
            lines.append("  \(product): {\(fields.joined(separator: ", "))}")
        }
        return lines.isEmpty ? "products: {}" : "products:\n" + lines.joined(separator: "\n") + "\n"
    }

    private static func index(of type: SimulatedProductType) -> Int {
        switch type {
        case .consumable: 0
        case .nonConsumable: 1
        case .nonRenewing: 2
        case .autoRenewable: 3
        }
    }

    /// One purchase at a time in the past, posted; some are shared, some refunded in full or in part.
    mutating func sell(in stack: TestStack) async throws {
        sold += 1
        let (product, type) = Life.products.randomElement(using: &generator) ?? ("pro", .nonConsumable)
        var purchase = SimulatedPurchase(
            productID: product, type: type, environment: generator.oneIn(5) ? .sandbox : .production)
        if type == .consumable { purchase.quantity = Int64.random(in: 1...3, using: &generator) }
        // Half an hour past the hour, so that no duration of whole days ends while the test runs.
        let age = Span.hours(Int64.random(in: 0...400, using: &generator)) + .minutes(30)
        purchase.purchaseDate = (stack.clock.now - age).millisecondsSince1970
        let receipt = try stack.simulator.purchase(purchase)
        let account = "customer-\(Int.random(in: 1...12, using: &generator))"
        if generator.oneIn(5) {
            let refund = SimulatedRefund(kind: Bool.random(using: &generator) ? .prorated : .full)
            _ = try stack.simulator.refund(
                receipt.transactionID, refund, in: purchase.environment)
        }
        _ = try await stack.api.post(account, receipt.transactionID)
        if type != .consumable, type != .nonRenewing, generator.oneIn(4) {
            let copy = try stack.simulator.shareWithFamily(receipt.transactionID, in: purchase.environment)
            _ = try await stack.api.post("\(account)-family", copy.transactionID)
        }
        if generator.oneIn(6) {
            for grant in try await stack.api.get("/v1/accounts/\(account)/grants").grants {
                _ = try await stack.api.send(.post, "/v1/grants/\(grant.id)/acknowledge")
            }
        }
    }
}
