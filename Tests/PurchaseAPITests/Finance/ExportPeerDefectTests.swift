import AppStoreSimulator
import Postgres
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

/// Mistakes of other systems that would show in a file for finance.
@Suite("Peer defects: what finance would see")
struct ExportPeerDefectTests {
    @Test("the same refund with two different revocationDates is one refund")
    func twoRevocationDates() async throws {
        try await TestStack.with { stack in
            let id = try await stack.posted()
            let now = stack.clock.now.millisecondsSince1970
            try stack.simulator.refund(id, SimulatedRefund(date: now))
            #expect(try await stack.api.recheck(id).state == "refunded")
            stack.clock.advance(.hours(1))
            try stack.simulator.refund(id, SimulatedRefund(date: now - 3_600_000))
            #expect(try await stack.api.recheck(id).state == "refunded")
            #expect(try await stack.count("SELECT count(*) FROM evidence WHERE revoked") >= 2)
            #expect(try await stack.exportedRows() == [["sale", "4.99", "USD"], ["refund", "-4.99", "USD"]])
        }
    }

    @Test("refund, reversal, and then the first refund's notification again: the money is there")
    func refundRedelivered() async throws {
        try await TestStack.with { stack in
            let id = try await stack.posted()
            stack.clock.advance(.minutes(1))
            try stack.simulator.refund(id)
            let refund = try stack.newest("REFUND")
            #expect(try await stack.deliver(refund).status == 200)
            stack.clock.advance(.minutes(1))
            try stack.simulator.reverseRefund(id)
            #expect(try await stack.deliver(try stack.newest("REFUND_REVERSED")).status == 200)
            #expect(try await stack.deliver(refund).status == 200)
            let answer = try await stack.export()
            #expect(answer.header("Vouch-Totals") == "USD;rows=3;gross=4990;refunded=0;net=4990")
            #expect(
                try CSVText(parsing: answer.body).cells("kind", "amount", "quantity")
                    == [["sale", "4.99", "1"], ["refund", "-4.99", "1"], ["reversal", "4.99", "1"]])
        }
    }

    @Test("the refund of an earlier renewal is a row of its own period, with the earlier transaction")
    func earlierRenewal() async throws {
        try await TestStack.with { stack in
            let first = try await stack.posted("plus", .autoRenewable)
            stack.clock.advance(.days(31))
            let second = try stack.simulator.renew(first).transactionID
            #expect(try await stack.api.post("ada", second).status == 200)
            let refundedAfter = stack.clock.now
            stack.clock.advance(.hours(2))
            try stack.simulator.refund(first)
            #expect(try await stack.deliver(try stack.newest("REFUND")).status == 200)
            let later = try await stack.api.get(
                "/v1/exports/paid-records?from=\(RFC3339.text(refundedAfter + .hours(1)))"
                    + "&to=\(RFC3339.text(refundedAfter + .days(1)))", as: .finance)
            #expect(
                try CSVText(parsing: later.body).cells("kind", "transactionId", "originalTransactionId")
                    == [["refund", first, first]])
            #expect(try await stack.exportedRows().map { $0[0] } == ["sale", "sale", "refund"])
        }
    }

    @Test("days are those of a named zone: one purchase at 23:30 UTC is of the next day in Berlin")
    func dayBoundaries() async throws {
        try await TestStack.with { stack in
            let day = String(RFC3339.text(stack.clock.now - .days(2)).prefix(10))
            let next = String(RFC3339.text(stack.clock.now - .days(1)).prefix(10))
            let midnight = try #require(CalendarDay(next)?.startInUTC)
            _ = try await stack.posted {
                $0.purchaseDate = (midnight - .minutes(30)).millisecondsSince1970
            }
            for (zone, from, rows) in [
                ("UTC", day, 1), ("UTC", next, 0), ("Europe/Berlin", day, 0), ("Europe/Berlin", next, 1),
            ] {
                let to = RFC3339.text((CalendarDay(from)?.startInUTC ?? midnight) + .days(1)).prefix(10)
                let answer = try await stack.api.get(
                    "/v1/exports/paid-records?from=\(from)&to=\(to)&tz=\(zone)", as: .finance)
                #expect(answer.header("Vouch-Row-Count") == String(rows), "\(zone) \(from)")
            }
        }
    }

    @Test("prices of the size of dong and rupiah, and currencies with none and three decimals, survive")
    func exponents() async throws {
        try await TestStack.with { stack in
            let prices: [(Int64?, String?, [String])] = [
                (2_499_000_000, "VND", ["2499000000", "2499000"]),
                (15_900_000_000, "IDR", ["15900000000", "15900000.00"]),
                (300_000, "JPY", ["300000", "300"]), (1_250, "KWD", ["1250", "1.250"]), (nil, nil, ["", ""]),
            ]
            for (price, currency, _) in prices {
                _ = try await stack.posted("coins", .consumable) { ($0.price, $0.currency) = (price, currency) }
                stack.clock.advance(.seconds(1))
            }
            let answer = try await stack.export()
            #expect(
                try CSVText(parsing: answer.body).cells("amountMilliunits", "amount") == prices.map { $0.2 })
            #expect(answer.header("Vouch-Unpriced-Row-Count") == "1" && answer.header("Vouch-Row-Count") == "5")
        }
    }
}
