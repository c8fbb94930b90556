import AppStoreSimulator
import Logging
import Postgres
import PurchaseCore
import PurchaseStore
import Testing

@testable import PurchaseService
@testable import vouch

@Suite("What a sweep does with what goes wrong")
struct SweepTroubleTests {
    @Test("an item that doesn't verify is counted and alarmed, and the rest is taken in")
    func forged() async throws {
        try await TestStack.with { stack in
            try stack.buy(2)
            let genuine = try stack.simulator.notifications(in: .production).map(\.signedPayload)
            let forged = String(genuine[0].dropLast(4)) + "AAAA"
            let history = InterceptedHistory(stack.service.dependencies.history) { _ in
                .page([genuine[0], forged, "no JWS", genuine[1]], next: nil)
            }
            #expect(
                await stack.sweeper(stack.walk(history)).sweep(.production)
                    == .finished(HistoryCounts(seen: 4, new: 2, refused: 2)))
            #expect(try await stack.count("SELECT count(*) FROM notifications") == 2)
            #expect(try await stack.count("SELECT count(*) FROM refusals") == 2)
            let scrape = MetricsStackTests.Scrape(await stack.metrics.render())
            #expect(scrape[#"vouch_alarms_total{alarm="notification_refused"}"#] == 2)
        }
    }

    @Test("while the ledger can't be reached nothing is skipped: the slice is walked again")
    func ledgerAway() async throws {
        try await TestStack.with { stack in
            let sweeper = stack.sweeper()
            _ = await sweeper.sweep(.production)
            let before = try await stack.coverage()?.completeThrough
            stack.clock.advance(.minutes(6))
            try stack.buy(30)
            let taken = Box(0)
            let intake = stack.service.notificationIntake
            let walk = stack.walk { payload async throws(LedgerError) in
                taken.update { $0 += 1 }
                guard taken.value < 25 else { throw LedgerError(.unavailable, "gone") }
                return try await intake.receive(payload, origin: .history)
            }
            guard case .failed(.ledger(.unavailable), let counts) = await stack.sweeper(walk).sweep(.production) else {
                Issue.record("the sweep stops")
                return
            }
            #expect(counts.new < 30)
            let during = try #require(try await stack.coverage())
            #expect(during.completeThrough == before && during.fault == "ledger_unavailable")
            stack.clock.advance(.minutes(1))
            let healed = await sweeper.sweep(.production)
            #expect(healed == .finished(HistoryCounts(seen: 30, new: 30 - counts.new, known: counts.new)))
        }
    }

    @Test("what the ledger refuses for good holds coverage back, and nothing else")
    func poison() async throws {
        try await TestStack.with { stack in
            let sweeper = stack.sweeper()
            _ = await sweeper.sweep(.production)
            let before = try await stack.coverage()?.completeThrough
            stack.clock.advance(.minutes(6))
            let poison = try stack.buy(3)
            let payload = try #require(
                try stack.simulator.notifications(in: .production).first { $0.transactionID == poison[1] }
            ).signedPayload
            let intake = stack.service.notificationIntake
            let walk = stack.walk { item async throws(LedgerError) in
                guard item != payload else { throw LedgerError(.refused, "a constraint") }
                return try await intake.receive(item, origin: .history)
            }
            #expect(
                await stack.sweeper(walk).sweep(.production)
                    == .failed(.ledger(.refused), HistoryCounts(seen: 2, new: 2)))
            #expect(try await stack.coverage()?.completeThrough == before)
            #expect(try await stack.coverage()?.fault == "ledger_refused")
        }
    }

    @Test("a notification that waits holds back what is called complete")
    func waiting() async throws {
        try await TestStack.with { stack in
            let sweeper = stack.sweeper()
            _ = await sweeper.sweep(.production)
            stack.clock.advance(.minutes(6))
            let id = try stack.buy()[0]
            let sent = try #require(
                try stack.simulator.notifications(in: .production).first { $0.transactionID == id })
            var record = NotificationRecord(
                uuid: sent.notificationUUID, environment: .production, notificationType: "ONE_TIME_CHARGE",
                subtype: nil, signedDate: Instant(millisecondsSince1970: sent.createdAt), receivedAt: stack.clock.now,
                origin: .delivery, outcome: .waiting, jws: sent.signedPayload, sha256: [UInt8](repeating: 7, count: 32))
            record.retryAt = stack.clock.now + .minutes(1)
            try await stack.store.keep(record)
            stack.clock.advance(.minutes(30))
            _ = await sweeper.sweep(.production)
            let held = try #require(try await stack.coverage())
            #expect(held.completeThrough == record.signedDate && held.waiting == 1)
            #expect(await stack.service.notificationWorker.tick() == 1)
            let free = try #require(try await stack.coverage())
            #expect(try #require(free.completeThrough) > record.signedDate && free.waiting == 0)
        }
    }

    @Test(
        "Production's 401 is an alarm, but for an app without a release", arguments: [true, false])
    func unauthorized(isUnreleased: Bool) async throws {
        try await TestStack.with { stack in
            let log = RecordingLog(lines: Box([]))
            let history = InterceptedHistory(stack.service.dependencies.history) { _ in .unauthorized }
            let sweeper = stack.sweeper(
                stack.walk(history, isUnreleased: isUnreleased), logger: Logger(label: "test") { _ in log })
            #expect(
                await sweeper.sweep(.production)
                    == .failed(isUnreleased ? .unreleased : .unauthorized, HistoryCounts()))
            let fault = try await stack.coverage()?.fault
            #expect(fault == (isUnreleased ? "unreleased" : "unauthorized"))
            #expect(log.lines.value.contains { $0.contains("alarm=coverage_sweep_failed") } != isUnreleased)
            #expect(await sweeper.sweep(.sandbox) == .failed(.unauthorized, HistoryCounts()))
            #expect(history.calls.count == 2, "a 401 isn't asked for again at once")
        }
    }

    @Test("what passes in a moment is asked for again at once, a bounded number of times")
    func hiccups() async throws {
        try await TestStack.with { stack in
            try stack.buy(25)
            let history = InterceptedHistory(stack.service.dependencies.history) { call in
                switch call.number {
                case 1: .unavailable(.timedOut)
                case 3: .malformed("the body was cut")
                default: nil
                }
            }
            #expect(
                await stack.sweeper(stack.walk(history)).sweep(.production)
                    == .finished(HistoryCounts(seen: 25, new: 25)))
            #expect(history.calls.count == 4)

            let down = InterceptedHistory(stack.service.dependencies.history) { _ in .unavailable(.timedOut) }
            stack.clock.advance(.minutes(6))
            #expect(
                await stack.sweeper(stack.walk(down)).sweep(.production)
                    == .failed(.unavailable(.timedOut), HistoryCounts()))
            #expect(down.calls.count == 4)
        }
    }
}
