import AppStoreSimulator
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@Suite("The export of paid records, end to end")
struct ExportTests {
    @Test("a sale and its refund are two rows; totals, position and coverage are in the header")
    func saleAndRefund() async throws {
        try await TestStack.with { stack in
            let id = try await stack.posted("coins", .consumable) { $0.quantity = 3 }
            try stack.simulator.refund(id, SimulatedRefund(kind: .prorated, percentage: 33_333))
            #expect(try await stack.api.recheck(id).state == "refunded")
            let answer = try await stack.export()
            let csv = try CSVText(parsing: answer.body)
            #expect(csv.names == PaidRecordsFormat.columns)
            #expect(
                csv.cells(
                    "rowId", "kind", "environment", "bundleId", "productId", "type", "transactionId",
                    "originalTransactionId", "webOrderLineItemId", "quantity", "amountMilliunits", "currency", "amount",
                    "storefront", "offerType", "refundPercentage")
                    == [
                        [
                            "production.purchased.\(id).sale.1.0", "sale", "Production", "com.example.app", "coins",
                            "Consumable", id, id, "", "3", "4990", "USD", "4.99", "USA", "", "",
                        ],
                        [
                            // 4990 × 33.333 % = 1663.3167 milliunits, rounded to 1663; shown as 1.66.
                            "production.purchased.\(id).refund.1.0", "refund", "Production", "com.example.app", "coins",
                            "Consumable", id, id, "", "3", "-1663", "USD", "-1.66", "USA", "", "33333",
                        ],
                    ])
            #expect(answer.header("Vouch-Row-Count") == "2" && answer.header("Vouch-Unpriced-Row-Count") == "0")
            #expect(answer.header("Vouch-Totals") == "USD;rows=2;gross=4990;refunded=1663;net=3327")
            #expect(answer.header("Vouch-Coverage-Through") == "none")
            #expect(answer.header("Content-Type") == "text/csv; charset=utf-8; header=present")
            let newest = try await stack.count("SELECT max(position) FROM events")
            #expect(answer.header("Vouch-As-Of") == String(newest))
        }
    }

    @Test("NDJSON says the same, each line fits the contract, and a byte order mark is CSV's alone")
    func formats() async throws {
        try await TestStack.with { stack in
            _ = try await stack.posted()
            _ = try await stack.posted("=1+1", .consumable) {
                $0.price = nil
                $0.currency = nil
            }
            let csv = try CSVText(parsing: try await stack.export().body)
            let answer = try await stack.export("&format=ndjson")
            #expect(answer.header("Content-Type") == "application/x-ndjson")
            let lines = answer.text.split(separator: "\n")
            #expect(lines.count == 2 && answer.text.hasSuffix("\n"))
            for (line, cells) in zip(lines, csv.rows) {
                let value = try TestSupport.JSONValue(parsing: Array(line.utf8))
                #expect(EdgeClient.spec.violations(of: value, schemaNamed: "PaidRecord").isEmpty)
                for (name, cell) in zip(csv.names, cells) {
                    switch value[name] {
                    case .string(let text)?: #expect(cell == text || cell == "'" + text, "\(name)")
                    case .integer(let number)?: #expect(cell == String(number), "\(name)")
                    case .null?: #expect(cell.isEmpty, "\(name)")
                    default: Issue.record("\(name) is missing")
                    }
                }
            }
            let marked = try await stack.export("&bom=true")
            #expect(Array(marked.body.prefix(3)) == [0xEF, 0xBB, 0xBF])
            #expect(Array(marked.body.dropFirst(3)) == (try await stack.export().body))
            let both = try await stack.api.get(
                "/v1/exports/paid-records?\(stack.period("&format=ndjson&bom=true"))", as: .finance)
            #expect(both.status == 400 && both.pointers == ["/query/bom"])
        }
    }

    @Test("a position brings the same bytes again, also after a later refund; one that is to come is 409")
    func positions() async throws {
        try await TestStack.with { stack in
            let id = try await stack.posted()
            let first = try await stack.export()
            let asOf = try #require(first.header("Vouch-As-Of"))
            try stack.simulator.refund(id)
            _ = try await stack.api.recheck(id)
            #expect(try await stack.exportedRows().map { $0[0] } == ["sale", "refund"])
            let again = try await stack.export("&asOf=\(asOf)")
            #expect(again.body == first.body && again.header("Vouch-Totals") == first.header("Vouch-Totals"))
            let early = try await stack.api.get(
                "/v1/exports/paid-records?\(stack.period("&asOf=999999999"))", as: .finance)
            #expect(early.status == 409 && early.code == "as-of-not-settled")
        }
    }

    @Test("coverage is what was known at the position, not what came later")
    func coverage() async throws {
        try await TestStack.with { stack in
            _ = await stack.sweeper().sweep(.production)
            stack.clock.advance(.minutes(20))
            _ = await stack.sweeper().sweep(.production)
            _ = try await stack.posted()
            let now = try await stack.export()
            let known = try #require(await stack.coverage())
            #expect(now.header("Vouch-Coverage-From") == known.completeFrom.map { RFC3339.text($0) })
            #expect(now.header("Vouch-Coverage-Through") == known.completeThrough.map { RFC3339.text($0) })
            // What the next sweep finds was signed after this; the older position did not have it.
            let unposted = try stack.bought()
            stack.clock.advance(.minutes(30))
            _ = await stack.sweeper().sweep(.production)
            #expect(try await stack.stateAndReason(unposted) == "paid/confirmed")
            let asOf = try #require(now.header("Vouch-As-Of"))
            let then = try #require(try await stack.export("&asOf=\(asOf)").header("Vouch-Coverage-Through"))
            let later = try #require(try await stack.export().header("Vouch-Coverage-Through"))
            #expect(then < later)
        }
    }

    @Test("Sandbox is exported only when it is asked for; a family's copy and a free trial's price are 0 or nothing")
    func whatIsMoney() async throws {
        try await TestStack.with(["VOUCH_SANDBOX_ACCOUNTS": "all"]) { stack in
            _ = try await stack.posted("pro", .nonConsumable) { $0.environment = .sandbox }
            let paid = try await stack.posted("plus", .autoRenewable) { $0.price = 0 }
            let shared = try stack.simulator.shareWithFamily(paid).transactionID
            #expect(try await stack.api.post("bob", shared).status == 200)
            #expect(try await stack.exportedRows() == [["sale", "0.00", "USD"]])
            let sandbox = try await stack.export("&environment=Sandbox")
            #expect(try CSVText(parsing: sandbox.body).cells("environment", "amount") == [["Sandbox", "4.99"]])
        }
    }

    @Test("parameters that are missing, malformed, unknown or contradictory are each pointed to")
    func faults() async throws {
        try await TestStack.with { stack in
            for (query, pointers) in [
                ("", ["/query/from", "/query/to"]), ("from=2026-11-01", ["/query/to"]),
                ("from=yesterday&to=2026-11-31", ["/query/from", "/query/to"]),
                ("from=2026-11-02&to=2026-11-02", ["/query/to"]), ("from=2026-11-03&to=2026-11-02", ["/query/to"]),
                ("from=2026-11-01&to=2026-12-01&tz=Mars/Olympus", ["/query/tz"]),
                ("from=2026-11-01&to=2026-12-01&tz=%2B02", ["/query/tz"]),
                ("from=2026-11-01&to=2026-12-01&asOf=-1", ["/query/asOf"]),
                ("from=2026-11-01&to=2026-12-01&asOf=99999999999999999999", ["/query/asOf"]),
                ("from=2026-11-01&to=2026-12-01&environment=Xcode", ["/query/environment"]),
                ("from=2026-11-01&to=2026-12-01&format=xlsx&bom=1", ["/query/format", "/query/bom"]),
                ("from=2026-11-01&to=2026-12-01&accountId=ada", ["/query/accountId"]),
            ] {
                let answer = try await stack.api.get("/v1/exports/paid-records?" + query, as: .finance)
                #expect(answer.status == 400 && answer.pointers == pointers, "\(query): \(answer.pointers)")
            }
        }
    }
}
