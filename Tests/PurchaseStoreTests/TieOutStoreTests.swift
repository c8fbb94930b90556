import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import Testing

@Suite("What may explain a difference to Apple's reports, from the ledger")
struct TieOutStoreTests {
    private static let (before, after) = (LedgerFixture.start - .days(1), LedgerFixture.start + .days(1))

    private static let place = SalesPlace(productID: "product", storefront: "USA", currency: "USD", side: .sale)

    /// Settles a transaction of the United States; the ledger's newest position afterwards.
    @discardableResult
    private static func settle(
        _ fixture: LedgerFixture, _ id: String, at: Instant = LedgerFixture.start,
        ownership: InAppOwnershipType = .purchased, refundedAfter: Span? = nil,
        _ change: (inout TransactionFacts) -> Void = { _ in }
    ) async throws -> Int64 {
        var chain = Chain(identity: .provisional(TransactionID(id)))
        for (isRevoked, span) in [(false, Span.zero)] + (refundedAfter.map { [(true, $0)] } ?? []) {
            let (item, body) = LedgerFixture.evidence(
                id, signedAfter: span, isRevoked: isRevoked, ownership: ownership
            ) { facts in
                facts.storefront = "USA"
                (facts.purchaseDate, facts.originalPurchaseDate) = (at, at)
                change(&facts)
            }
            chain = try #require(
                try await fixture.apply(.evidenceVerified(item, absorbing: nil), to: chain, body: body))
        }
        return try await fixture.count("SELECT max(position) FROM events")
    }

    @Test("family members' transactions of the products and the time, as of a position, and nobody else's")
    func familyShares() async throws {
        try await LedgerFixture.with { fixture in
            let store = PaidRecordsStore(client: fixture.client)
            try await Self.settle(fixture, "1")
            let first = try await Self.settle(fixture, "2", ownership: .familyShared)
            try await Self.settle(fixture, "3", at: Self.after, ownership: .familyShared)
            try await Self.settle(fixture, "4", ownership: .familyShared) { $0.productID = ProductID("another") }
            let newest = try await Self.settle(fixture, "5", ownership: .familyShared)
            func shared(_ asOf: Int64, limit: Int = 10) async throws -> [TieOutRow] {
                try await store.familyShares(
                    of: ["product", "unknown"], from: Self.before, to: Self.after, asOf: asOf, limit: limit)
            }
            let rows = try await shared(newest)
            #expect(rows.map(\.transactionID) == ["2", "5"])
            #expect(try await shared(first).map(\.transactionID) == ["2"])
            #expect(try await shared(newest, limit: 1).map(\.transactionID) == ["2"])
            let row = try #require(rows.first)
            #expect(row.origin == .familyShare && row.occurredAt == LedgerFixture.start)
            #expect(row.place == SalesPlace(productID: "product", storefront: "USA", currency: nil, side: .sale))
            #expect(row.figure == SalesFigure(units: 1, milliunits: 0))
        }
    }

    @Test("sales that no refund has followed by a position, the newest first, of exactly this place")
    func unrefundedSales() async throws {
        try await LedgerFixture.with { fixture in
            let store = PaidRecordsStore(client: fixture.client)
            try await Self.settle(fixture, "1")
            try await Self.settle(fixture, "2", at: LedgerFixture.start + .hours(1))
            try await Self.settle(fixture, "3") { $0.currency = "EUR" }
            try await Self.settle(fixture, "4") { $0.storefront = "DEU" }
            try await Self.settle(fixture, "5") { $0.productID = ProductID("another") }
            try await Self.settle(fixture, "6", at: Self.after)
            try await Self.settle(fixture, "7", ownership: .familyShared)
            let asOf = try await Self.settle(fixture, "8")
            let newest = try await Self.settle(fixture, "9", refundedAfter: .hours(2))
            func sales(_ asOf: Int64, price: Int64? = nil, limit: Int = 10) async throws -> [String] {
                try await store.unrefundedSales(
                    at: Self.place, ofOneUnitFor: price, from: Self.before, to: Self.after, asOf: asOf, limit: limit
                ).map(\.transactionID)
            }
            #expect(try await sales(newest) == ["2", "8", "1"])
            // The refund of 9 is the newest event: before it, 9 was not refunded.
            #expect(try await sales(newest - 1) == ["2", "9", "8", "1"])
            #expect(try await sales(asOf) == ["2", "8", "1"])
            #expect(try await sales(newest, limit: 2) == ["2", "8"])
            // At a price, only single units of exactly that: neither another price nor several units for it.
            let dearer = try await Self.settle(fixture, "10") { $0.price = 7_770 }
            try await Self.settle(fixture, "11", at: LedgerFixture.start + .hours(2)) {
                ($0.price, $0.quantity) = (7_770, 2)
            }
            let last = try await Self.settle(fixture, "12", at: LedgerFixture.start + .hours(3))
            #expect(try await sales(last, price: 7_770) == ["10"])
            #expect(try await sales(dearer - 1, price: 7_770) == [])
        }
    }
}
