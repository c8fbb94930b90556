import PurchaseCore
import Testing

@testable import PurchaseService

@Suite("Explaining differences to Apple's reports")
struct TieOutTests {
    private static let seeds: [UInt64] = Array(1...6) + [UInt64.random(in: 1_000...999_999)]

    @Test("a report of the same world as the ledger ties out")
    func same() throws {
        for seed in Self.seeds {
            var world = SalesWorld(seed: seed)
            #expect(try world.findings().map(\.short) == [], "SEED=\(seed)")
        }
    }

    @Test(
        "of one defect exactly this is found, with its reason and its rows, in whatever world",
        arguments: SalesDefect.allCases)
    func defects(defect: SalesDefect) throws {
        for seed in Self.seeds {
            var world = SalesWorld(seed: seed)
            let expected = defect.apply(to: &world)
            let found = try world.findings()
            let isSame =
                found.count == expected.count
                && zip(found.map(\.short), expected).allSatisfy { short, wanted in
                    wanted.hasSuffix("*") ? short.hasPrefix(wanted.dropLast()) : short == wanted
                }
            #expect(isSame, "SEED=\(seed) \(defect): found \(found.map(\.short)), expected \(expected)")
        }
    }

    @Test("several defects at once are told apart, also within one cell")
    func several() throws {
        for seed in Self.seeds {
            var world = SalesWorld(seed: seed)
            // Counted on the next day, where something else is too much.
            let late = world.odd { $0.at = $0.at + .hours(11) }
            world.addToLedger(late)
            world.line(1, price: late.price, of: late, at: late.at + .hours(6))
            let extra = world.odd { ($0.id, $0.price, $0.at) = ("999", 45_670, $0.at + .days(1)) }
            world.addToReport(extra)
            #expect(
                try world.findings().map(\.short) == ["day_edge -1/-12340: 777", "unexplained 1/45670: "],
                "SEED=\(seed)")
        }
    }

    @Test("a day can lose rows to the next and get others from the one before")
    func chains() throws {
        for seed in Self.seeds {
            var world = SalesWorld(seed: seed)
            for (number, count) in [(0, 1), (1, 2), (2, 3)] as [(Int64, Int)] {
                for copy in 0..<count {
                    let purchase = world.odd {
                        $0.id = "77\(number)\(copy)"
                        $0.at = $0.at + .days(number) + .hours(11) + .minutes(Int64(copy))
                    }
                    world.addToLedger(purchase)
                    world.line(1, price: purchase.price, of: purchase, at: purchase.at + .hours(6))
                }
            }
            #expect(
                try world.findings().map(\.short)
                    == [
                        "day_edge -1/-12340: 7700", "day_edge -2/-24680: 7710 7711",
                        "day_edge -3/-37020: 7720 7721 7722",
                    ].map { $0 }, "SEED=\(seed)")
        }
    }

    @Test("regular sales near midnight don't explain away one that is missing")
    func regularSales() throws {
        for seed in Self.seeds {
            var world = SalesWorld(seed: seed)
            for number in 0..<SalesWorld.daysCount {
                let purchase = world.odd {
                    ($0.id, $0.at) = ("55\(number)", SalesWorld.start + .days(number) + .hours(23))
                }
                if number == 4 { world.addToLedger(purchase) } else { world.add(purchase) }
            }
            #expect(try world.findings().map(\.short) == ["unexplained -1/-12340: 554"], "SEED=\(seed)")
        }
    }

    @Test("a tester's purchase of the same price never explains missing money, in sales or refunds")
    func sandboxMoney() throws {
        var world = SalesWorld(seed: 2)
        _ = SalesDefect.sandboxCounted.apply(to: &world)
        world.coverage.completeThrough = SalesWorld.start
        #expect(try world.findings().map(\.short) == ["missing_notification 1/12340: 888"])

        world = SalesWorld(seed: 2)
        let purchase = world.odd()
        world.others.append(
            TieOutRow(
                transactionID: "888", origin: .sandbox, occurredAt: purchase.at,
                place: SalesPlace(productID: "coins", storefront: "USA", currency: "USD", side: .refund),
                figure: SalesFigure(units: 1, milliunits: purchase.price)))
        world.line(-1, price: purchase.price, of: purchase, at: purchase.at)
        #expect(try world.findings().map(\.short) == ["unexplained 1/12340: "])
    }

    @Test("the other side is named: a period of the reports, or one that they don't cover")
    func counterparts() throws {
        for (defect, isCovered) in [
            (SalesDefect.countedNextDay, true), (.countedOutside, false), (.refundCountedLate, true),
            (.refundCountedOutside, false),
        ] {
            var world = SalesWorld(seed: 5)
            _ = defect.apply(to: &world)
            let finding = try #require(try world.findings().first)
            switch finding.counterpart {
            case .period(let period)?:
                #expect(isCovered && period > finding.cell.period, "\(defect)")
                #expect(finding.outcome == .explained, "\(defect)")
            case .outside?:
                // Nobody has looked whether Apple counts it there.
                #expect(!isCovered && finding.outcome == .undecided, "\(defect)")
            case nil: Issue.record("\(defect)")
            }
        }
    }

    @Test("a price that came late counts under its currency, on the day of the sale")
    func latePrices() throws {
        var world = SalesWorld(seed: 3)
        let purchase = world.odd { $0.quantity = 2 }
        world.record(.sale, of: purchase, at: purchase.at, amount: nil)
        world.record(.sale, of: purchase, at: purchase.at, amount: purchase.price * 2, step: 1)
        world.addToReport(purchase)
        #expect(try world.findings().map(\.short) == [])
    }

    @Test("too far from midnight, or too late after the revocation, is no explanation")
    func bounds() throws {
        var world = SalesWorld(seed: 4)
        let purchase = world.odd { $0.at = $0.at + .hours(8) }
        world.addToLedger(purchase)
        world.line(1, price: purchase.price, of: purchase, at: purchase.at + .hours(6))
        #expect(try world.findings().map(\.reason) == [.unexplained, .unexplained])

        world = SalesWorld(seed: 4)
        let refunded = world.odd {
            ($0.at, $0.refundedAt) = (SalesWorld.start + .hours(12), SalesWorld.start + .hours(12))
        }
        world.addToLedger(refunded)
        world.line(1, price: refunded.price, of: refunded, at: refunded.at)
        world.line(-1, price: refunded.price, of: refunded, at: refunded.at + .days(8))
        #expect(try world.findings().map(\.reason) == [.unexplained, .unexplained])
    }

    @Test("every reason has an outcome, and the worst of all is the report's")
    func outcomes() {
        #expect(TieOutReason.allCases.filter { $0.outcome == .unexplained } == [.unexplained])
        #expect(TieOutReason.allCases.filter { $0.outcome == .undecided } == [.missingNotification])
    }
}

@Suite("Rows that add up")
struct RowSelectionTests {
    private func figures(_ pairs: [(Int64, Int64)]) -> [SalesFigure] {
        pairs.map { SalesFigure(units: $0.0, milliunits: $0.1) }
    }

    @Test("a sum is found where there is one, with the earliest rows, and never by a row twice")
    func sums() {
        let rows = figures([(1, 499), (1, 999), (1, 499), (2, 1_998), (0, -100)])
        let target = { SalesFigure(units: $0, milliunits: $1) }
        #expect(RowSelection.indexes(of: rows, addingUpTo: target(1, 499)) == [0])
        #expect(RowSelection.indexes(of: rows, addingUpTo: target(2, 998)) == [0, 2])
        #expect(RowSelection.indexes(of: rows, addingUpTo: target(2, 1_498)) == [0, 1])
        #expect(RowSelection.indexes(of: rows, addingUpTo: target(1, 399)) == [0, 4])
        #expect(RowSelection.indexes(of: rows, addingUpTo: target(3, 1_497)) == nil)
        #expect(RowSelection.indexes(of: rows, addingUpTo: .zero) == nil)
        #expect(RowSelection.indexes(of: [], addingUpTo: target(1, 1)) == nil)
    }

    @Test("whatever is found adds up, in any table of rows, and a search that would not end finds nothing")
    func random() {
        let seed = UInt64.random(in: 1...999_999)
        var generator = EdgeGenerator(state: seed)
        var found = 0
        for _ in 0..<300 {
            let rows = (0..<Int.random(in: 1...40, using: &generator)).map { _ in
                SalesFigure(
                    units: Int64.random(in: 0...3, using: &generator),
                    milliunits: Int64.random(in: -3...20, using: &generator) * 990)
            }
            let chosen = rows.filter { _ in Int.random(in: 0..<3, using: &generator) == 0 }
            let target = chosen.reduce(SalesFigure.zero, +)
            guard let indexes = RowSelection.indexes(of: rows, addingUpTo: target) else { continue }
            found += 1
            #expect(Set(indexes).count == indexes.count, "SEED=\(seed)")
            #expect(indexes.map { rows[$0] }.reduce(.zero, +) == target, "SEED=\(seed)")
        }
        #expect(found > 200, "SEED=\(seed): only \(found)")
        let hopeless = (0..<64).map { SalesFigure(units: 1, milliunits: 1_000 + Int64($0) * 2) }
        #expect(RowSelection.indexes(of: hopeless, addingUpTo: SalesFigure(units: 32, milliunits: 33_333)) == nil)
    }
}
