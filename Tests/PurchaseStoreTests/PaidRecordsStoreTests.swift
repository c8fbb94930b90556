import Foundation
import Postgres
import PurchaseCore
import PurchaseService
import PurchaseStore
import TestSupport
import Testing

@Suite("Paid records: rows, sums and positions")
struct PaidRecordsStoreTests {
    private static let seeds: [UInt64] = {
        if let seed = ProcessInfo.processInfo.environment["SEED"].flatMap({ UInt64($0) }) { return [seed] }
        return [1, 2, UInt64.random(in: 1_000...999_999)]
    }()

    private static let everything = (from: PeriodBoundary("2020-01-01"), to: PeriodBoundary("2030-01-01"))

    private func query(
        _ environment: StoreEnvironment = .production, asOf: Int64? = nil
    ) throws -> PaidRecordsQuery {
        PaidRecordsQuery(
            from: try #require(Self.everything.from), to: try #require(Self.everything.to), asOf: asOf,
            environment: environment)
    }

    private func export(
        _ finance: Finance, _ query: PaidRecordsQuery, as format: PaidRecordsFormat = .csv(byteOrderMark: false)
    ) async throws -> (head: PaidRecordsHead, bytes: [UInt8]) {
        let head = try await finance.head(of: query)
        var bytes: [UInt8] = []
        try await finance.write(head, as: format, within: .seconds(60)) { bytes += $0 }
        return (head, bytes)
    }

    private func withFinance(_ body: (LedgerFixture, Finance) async throws -> Void) async throws {
        try await LedgerFixture.with { fixture in
            try await body(
                fixture, Finance(records: PaidRecordsStore(client: fixture.client), coverage: fixture.store))
        }
    }

    @Test("the rows of a random ledger add up to its events, in every currency and store", arguments: seeds)
    func sums(seed: UInt64) async throws {
        print("paid records: SEED=\(seed)")
        try await withFinance { fixture, finance in
            var purchases = RandomPurchases(fixture, prefix: "7", seed: seed)
            for _ in 0..<60 { try await purchases.add() }
            for environment in StoreEnvironment.allCases {
                let (head, bytes) = try await export(finance, query(environment))
                let csv = try CSVText(parsing: bytes)
                #expect(csv.names == PaidRecordsFormat.columns)
                #expect(Int64(csv.rows.count) == head.totals.rows)
                var sums: [String: Int64] = [:]
                for cell in csv.cells("currency", "amountMilliunits") where !cell[0].isEmpty {
                    sums[cell[0], default: 0] += try #require(Int64(cell[1]))
                }
                // From the events alone, not from the table that the export reads.
                let prefix = environment.rawValue.lowercased() + "."
                let independent = try await fixture.database.withOwnerClient { client in
                    try await client.query(
                        """
                        SELECT entry -> 'value' ->> 'currency' AS currency,
                            sum((entry -> 'value' ->> 'amountMilliunits')::bigint) AS net, count(*) AS rows
                        FROM events, jsonb_array_elements(entries) AS entry
                        WHERE entry ->> 'kind' = 'movement' AND entry -> 'value' ->> 'rowID' LIKE \(prefix + "%")
                        GROUP BY 1
                        """)
                }
                var expected: [String: Int64] = [:]
                var rows: Int64 = 0
                for row in independent {
                    rows += try row.decode("rows", as: Int64.self)
                    if let currency = try row.decode("currency", as: String?.self) {
                        expected[currency] = try row.decode("net")
                    }
                }
                #expect(sums == expected && rows == head.totals.rows, "SEED=\(seed)")
                #expect(
                    Dictionary(uniqueKeysWithValues: head.totals.currencies.map { ($0.currency, $0.sums.net) })
                        == expected, "SEED=\(seed)")
                #expect(head.totals.currencies.allSatisfy { $0.sums.gross - $0.sums.refunded == $0.sums.net })
                try check(csv, seed: seed)
            }
        }
    }

    /// A negative row never exists without its sale, no row twice, and in the order of the export.
    private func check(_ csv: CSVText, seed: UInt64) throws {
        let ids = csv.cells("rowId").map { $0[0] }
        #expect(Set(ids).count == ids.count)
        let purchase = { (id: String) in id.split(separator: ".").dropLast(3).joined(separator: ".") }
        let sold = Set(ids.filter { $0.hasSuffix(".sale.1.0") }.map(purchase))
        #expect(ids.allSatisfy { sold.contains(purchase($0)) }, "SEED=\(seed)")
        let times = csv.cells("occurredAt").map { $0[0] }
        #expect(times == times.sorted())
        for cells in csv.cells(
            "kind", "amountMilliunits", "amount", "currency", "refundPercentage", "quantity", "rowId")
        {
            #expect(cells[1].isEmpty == cells[3].isEmpty)
            if cells[0] == "refund", let amount = Int64(cells[1]) { #expect(amount <= 0) }
            #expect(cells[4].isEmpty || ["refund", "refund_adjustment"].contains(cells[0]))
            #expect((cells[5] == "0") == !cells[6].hasSuffix(".0"), "\(cells)")
            if cells[3] == "ABC" || cells[1].isEmpty {
                #expect(cells[2].isEmpty)
            } else {
                let exact = try #require(Decimal(string: cells[1])) / 1_000
                let shown = try #require(Decimal(string: cells[2]))
                #expect(abs(exact - shown) <= Decimal(string: "0.5") ?? 0, "\(cells)")
            }
        }
    }

    @Test("the same position gives the same bytes while others write, after corrections, and after an erasure")
    func reproducible() async throws {
        let seed = UInt64.random(in: 1...999_999)
        print("paid records, reproducible: SEED=\(seed)")
        try await withFinance { fixture, finance in
            var first = RandomPurchases(fixture, prefix: "1", seed: seed)
            for _ in 0..<20 { try await first.add() }
            let chain = try await fixture.settled("99", by: "ada")
            let before = try await export(finance, query())
            let asOf = before.head.scope.asOf
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 2...4 {
                    group.addTask {
                        var more = RandomPurchases(fixture, prefix: "\(writer)", seed: seed + UInt64(writer))
                        for _ in 0..<12 { try await more.add() }
                    }
                }
                for _ in 0..<10 {
                    let again = try await export(finance, query(asOf: asOf))
                    #expect(again.bytes == before.bytes && again.head.totals == before.head.totals, "SEED=\(seed)")
                }
                try await group.waitForAll()
            }
            // A correction of what was exported, and an account that wants to be forgotten.
            let (refund, body) = LedgerFixture.evidence("99", signedAfter: .hours(5), isRevoked: true)
            _ = try #require(try await fixture.apply(.evidenceVerified(refund, absorbing: nil), to: chain, body: body))
            try await fixture.database.withOwnerClient { client in
                _ = try await client.query(
                    "UPDATE accounts SET account_id = NULL, stated_token = NULL, rule_token = NULL")
                _ = try await client.query("DELETE FROM evidence_bodies")
                _ = try await client.query("DELETE FROM entitlements")
                _ = try await client.query("UPDATE transactions SET product_id = NULL, original_transaction_id = NULL")
            }
            let after = try await export(finance, query(asOf: asOf))
            #expect(after.bytes == before.bytes, "SEED=\(seed)")
            let newest = try await export(finance, query())
            #expect(newest.head.scope.asOf > asOf && newest.bytes.count > before.bytes.count)
        }
    }

    @Test("a position beyond the newest is not settled; 0 is before everything")
    func positions() async throws {
        try await withFinance { fixture, finance in
            #expect(try await finance.head(of: query()).scope.asOf == 0)
            try await fixture.settled("5")
            let newest = try await finance.head(of: query()).scope.asOf
            #expect(newest > 0)
            #expect(try await finance.head(of: query(asOf: newest)).totals.rows == 1)
            #expect(try await finance.head(of: query(asOf: 0)).totals.rows == 0)
            await #expect(throws: ServiceError.asOfNotSettled) { try await finance.head(of: query(asOf: newest + 1)) }
        }
    }

    @Test(
        "a day begins at its first moment in its zone, also when midnight is skipped or comes twice",
        arguments: [
            ("UTC", "2026-11-01", "2026-11-01T00:00:00Z"),
            ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z"),
            ("Europe/Berlin", "2026-03-30", "2026-03-29T22:00:00Z"),
            ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z"),
            ("Europe/Berlin", "2026-10-26", "2026-10-25T23:00:00Z"),
            ("America/Los_Angeles", "2026-11-01", "2026-11-01T07:00:00Z"),
            ("America/Los_Angeles", "2026-11-02", "2026-11-02T08:00:00Z"),
            ("Asia/Kathmandu", "2026-01-01", "2025-12-31T18:15:00Z"),
            ("Etc/GMT+2", "2026-01-01", "2026-01-01T02:00:00Z"),
            // No midnight: the clocks went from 00:00 to 01:00.
            ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"),
            // Two midnights: the clocks went from 01:00 back to 00:00.
            ("America/Havana", "2024-11-03", "2024-11-03T04:00:00Z"),
            ("America/Havana", "2024-11-04", "2024-11-04T05:00:00Z"),
            // No such day at all.
            ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"),
            ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"),
        ])
    func days(zone: String, day: String, start: String) async throws {
        try await LedgerFixture.with { fixture in
            let store = PaidRecordsStore(client: fixture.client)
            let boundary = try #require(PeriodBoundary(day))
            let settled = try await store.settle(PaidRecordsQuery(from: boundary, to: boundary, timeZone: zone))
            #expect(
                settled.period?.from == RFC3339.parse(start), "\(settled.period.map { RFC3339.text($0.from) } ?? "-")")
        }
    }

    @Test(
        "what is no IANA zone is refused, though PostgreSQL would take some of it",
        arguments: ["Mars/Olympus", "UTC+2", "localtime", "europe/berlin", "+02"])
    func zones(name: String) async throws {
        try await withFinance { _, finance in
            var asked = try query()
            asked.timeZone = name
            let error = await #expect(throws: ServiceError.self) { try await finance.head(of: asked) }
            guard case .invalid("tz", _)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }
}
