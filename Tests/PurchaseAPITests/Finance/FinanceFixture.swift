import AppStoreSimulator
import HTTPTypes
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

extension TestStack {
    /// A period around now, as the query of a request.
    func period(_ more: String = "") -> String {
        let days = [clock.now - .days(400), clock.now + .days(400)].map { RFC3339.text($0).prefix(10) }
        return "from=\(days[0])&to=\(days[1])\(more)"
    }

    /// The export of everything around now.
    func export(_ more: String = "", at location: SourceLocation = #_sourceLocation) async throws -> EdgeAnswer {
        let answer = try await api.get("/v1/exports/paid-records?" + period(more), as: .finance, at: location)
        #expect(answer.status == 200, sourceLocation: location)
        return answer
    }

    /// Kind and amount of every exported row, in the order of the export.
    func exportedRows(_ more: String = "") async throws -> [[String]] {
        try CSVText(parsing: try await export(more).body).cells("kind", "amount", "currency")
    }

    /// A purchase that was posted; its transactionId.
    func posted(
        _ productID: String = "pro", _ type: SimulatedProductType = .nonConsumable,
        _ change: (inout SimulatedPurchase) -> Void = { _ in }
    ) async throws -> String {
        let id = try bought(productID, type, change)
        #expect(try await api.post("ada", id).status == 200)
        return id
    }

    /// Purchases of two products in two currencies over some days, with a refund, a reversal, and a price unknown.
    func sellThreeDays() async throws {
        for day in 0..<3 {
            let euro = try await posted("gold", .consumable) { ($0.currency, $0.storefront) = ("EUR", "DEU") }
            _ = try await posted("silver", .consumable) {
                ($0.price, $0.currency, $0.storefront) = (300_000, "JPY", "JPN")
            }
            if day > 0 {
                clock.advance(.minutes(1))
                try simulator.refund(euro, SimulatedRefund(kind: .prorated, percentage: 50_000))
                #expect(try await deliver(try newest("REFUND")).status == 200)
            }
            if day == 2 {
                clock.advance(.minutes(1))
                try simulator.reverseRefund(euro)
                #expect(try await deliver(try newest("REFUND_REVERSED")).status == 200)
            }
            clock.advance(.days(1))
        }
        _ = try await posted("gold", .consumable) { ($0.price, $0.currency) = (nil, nil) }
    }
}

extension EdgeAnswer {
    /// A header field by its name.
    func header(_ name: String) -> String? {
        headers.first { $0.name.canonicalName == name.lowercased() }?.value
    }
}
