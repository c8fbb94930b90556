import AppStoreSimulator
import Hummingbird
import HummingbirdTesting
import PurchaseCore
import Testing

@Suite("The simulator's sales reports")
struct SalesReportTests {
    /// 2026-11-20T20:00:00Z, noon in California.
    private static let noon: Int64 = 1_795_204_800_000
    private static let hour: Int64 = 3_600_000

    private let clock = TestClock(noon)
    private let simulator: AppStoreSimulator

    init() throws {
        simulator = try AppStoreSimulator(clock: clock.simulatorClock)
    }

    private func day(_ text: String) throws -> CalendarDay { try #require(CalendarDay(text)) }

    /// `coins US USD 2 4.99`, one for each line about an In-App Purchase.
    private func lines(
        _ first: String = "2026-11-20", through last: String? = nil,
        _ change: (inout SalesReportDefects) -> Void = { _ in }
    ) throws -> [String] {
        var defects = SalesReportDefects()
        change(&defects)
        let bytes = try simulator.salesReport(from: try day(first), through: try day(last ?? first), defects: defects)
        let rows = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
            $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
        let names = try #require(rows.first)
        #expect(names.count == 28 && rows.allSatisfy { $0.count == 28 })
        return rows.dropFirst().compactMap { row in
            let cells = Dictionary(uniqueKeysWithValues: zip(names, row))
            guard cells["Parent Identifier"] == "SIMULATOR" else { return nil }
            return ["SKU", "Country Code", "Customer Currency", "Units", "Customer Price"].map { cells[$0] ?? "?" }
                .joined(separator: " ")
        }
    }

    private func buy(
        _ product: String = "coins", _ type: SimulatedProductType = .consumable,
        _ change: (inout SimulatedPurchase) -> Void = { _ in }
    ) throws -> String {
        var purchase = SimulatedPurchase(productID: product, type: type)
        change(&purchase)
        return try simulator.purchase(purchase).transactionID
    }

    @Test("sales of a Pacific day are summed up by product, country, currency and price; refunds are negative")
    func sums() throws {
        _ = try buy()
        _ = try buy { ($0.quantity, $0.price) = (2, 9_980) }
        let id = try buy("pro", .nonConsumable) { ($0.price, $0.currency, $0.storefront) = (300_000, "JPY", "JPN") }
        _ = try buy("pro", .autoRenewable) { $0.offer = SimulatedOffer(.introductory) }
        _ = try buy { $0.environment = .sandbox }
        try simulator.refund(id)
        #expect(
            try lines() == [
                "coins US USD 3 4.99", "pro JP JPY 1 300.00", "pro JP JPY -1 -300.00", "pro US USD 1 0.00",
            ])
        #expect(try lines("2026-11-19") == [] && lines("2026-11-21") == [])
        #expect(try lines("2026-11-01", through: "2026-11-30").count == 4)
    }

    @Test("days begin at midnight in California, in winter and in summer, also when the clocks change")
    func midnights() throws {
        for (day, start) in [
            ("2026-11-20", 1_795_161_600_000), ("2026-07-04", 1_783_148_400_000), ("2026-03-08", 1_772_956_800_000),
            ("2026-03-09", 1_773_039_600_000), ("2026-11-01", 1_793_516_400_000), ("2026-11-02", 1_793_606_400_000),
        ] as [(String, Int64)] {
            simulator.reset()
            _ = try buy { $0.purchaseDate = start }
            _ = try buy("before") { $0.purchaseDate = start - 1 }
            #expect(try lines(day) == ["coins US USD 1 4.99"], "\(day)")
        }
    }

    @Test("a restored copy and a family member's are no sales; what has no price costs 4.99")
    func copies() throws {
        let id = try buy("pro", .nonConsumable) { $0.price = nil }
        try simulator.restore(id)
        try simulator.shareWithFamily(id)
        #expect(try lines() == ["pro US USD 1 4.99"])
    }

    @Test("a refund stays on its day when it is undone; a part of a price is given back as a part")
    func refunds() throws {
        let id = try buy("pro", .nonConsumable) { $0.price = 10_000 }
        clock.advance(by: 24 * Self.hour)
        try simulator.refund(id, SimulatedRefund(kind: .prorated, percentage: 33_333))
        clock.advance(by: 24 * Self.hour)
        try simulator.reverseRefund(id)
        #expect(try lines() == ["pro US USD 1 10.00"])
        #expect(try lines("2026-11-21") == ["pro US USD -1 -3.333"])
        #expect(try lines("2026-11-22") == ["pro US USD 1 3.333"])
    }

    @Test("defects: a late refund, a sale on the next day, something left out, something too much")
    func defects() throws {
        let id = try buy()
        try simulator.refund(id)
        #expect(try lines() == ["coins US USD 1 4.99", "coins US USD -1 -4.99"])
        #expect(try lines { $0.lateRefunds = [id] } == ["coins US USD 1 4.99"])
        #expect(try lines("2026-11-21") { $0.lateRefunds = [id] } == ["coins US USD -1 -4.99"])
        #expect(try lines { $0.nextDay = [id] } == ["coins US USD -1 -4.99"])
        #expect(try lines("2026-11-21") { $0.nextDay = [id] } == ["coins US USD 1 4.99"])
        #expect(try lines { $0.without = [id] } == [])
        #expect(try lines { ($0.without, $0.extra) = ([id], ["gems"]) } == ["gems US USD 1 4.99"])
    }

    @Test("over HTTP as text or gzip; what is no day is refused")
    func http() async throws {
        _ = try buy()
        try await simulator.buildApplication().test(.router) { client in
            let path = "/control/sales-reports?day=2026-11-20"
            let plain = try await client.execute(uri: path, method: .get)
            #expect(plain.status == .ok && String(buffer: plain.body).hasPrefix("Provider\tProvider Country\tSKU\t"))
            #expect(String(buffer: plain.body).contains("\t11/20/2026\t11/20/2026\t"))
            let gzip = try await client.execute(uri: path + "&gzip=1", method: .get)
            #expect(Array(gzip.body.readableBytesView.prefix(2)) == [0x1F, 0x8B])
            let month = try await client.execute(
                uri: "/control/sales-reports?day=2026-11-01&through=2026-11-30&extra=gems", method: .get)
            #expect(String(buffer: month.body).contains("gems"))
            for query in ["", "?day=11/20/2026", "?day=2026-11-20&through=2026-11-19"] {
                let refused = try await client.execute(uri: "/control/sales-reports" + query, method: .get)
                #expect(refused.status == .badRequest, "\(query)")
            }
        }
    }
}
