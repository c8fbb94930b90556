import AppStoreSimulator
import Logging
import Postgres
import PurchaseCore
import TestSupport
import Testing

@testable import PurchaseService

@Suite("Sweeps of Apple's notification history")
struct SweepTests {
    @Test("a refund whose notification never arrived is found, and what is complete moves on")
    func heals() async throws {
        try await TestStack.with { stack in
            let sweeper = stack.sweeper()
            #expect(await sweeper.sweep(.production) == .finished(HistoryCounts()))
            let id = try stack.buy()[0]
            _ = try await stack.api.post("ada", id)
            try stack.simulator.refund(id, SimulatedRefund(kind: .full))
            stack.clock.advance(.minutes(6))
            let before = stack.clock.now
            #expect(await sweeper.sweep(.production) == .finished(HistoryCounts(seen: 2, new: 2)))
            let read = try await stack.api.get("/v1/transactions/\(id)")
            #expect(read.stateAndReason == "refunded/refund_full" && !read.flag("entitled"))

            let coverage = try #require(try await stack.coverage())
            let through = try #require(coverage.completeThrough)
            #expect(through >= before - .minutes(5) && through <= stack.clock.now - .minutes(5))
            #expect(coverage.fault == nil && coverage.sweptAt != nil)
            // The next one looks at the newest minutes again, and changes nothing.
            stack.clock.advance(.minutes(6))
            #expect(await sweeper.sweep(.production) == .finished(HistoryCounts(seen: 2, known: 2)))
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("a purchase that nobody posted is known after a sweep, and belongs to nobody yet")
    func unclaimed() async throws {
        try await TestStack.with { stack in
            let id = try stack.buy()[0]
            #expect(await stack.sweeper().sweep(.production) == .finished(HistoryCounts(seen: 1, new: 1)))
            let read = try await stack.api.get("/v1/transactions/\(id)", as: .support)
            #expect(read.state == "paid" && read.json?["accountId"] == .null)
        }
    }

    @Test("a sweep that is cut off in the middle is begun anew by another process, and nothing is counted twice")
    func cutOff() async throws {
        try await TestStack.with { stack in
            try stack.buy(45)
            let history = InterceptedHistory(stack.service.dependencies.history) { call in
                guard call.number == 2 else { return nil }
                withUnsafeCurrentTask { $0?.cancel() }
                return .unavailable(.cancelled)
            }
            let cut = await withTaskGroup(of: NotificationSweeper.Outcome.self) { group in
                group.addTask { await stack.sweeper(stack.walk(history)).sweep(.production) }
                return await group.next()
            }
            #expect(cut == .stopped(HistoryCounts(seen: 20, new: 20)))
            let next = stack.sweeper(process: "another")
            #expect(await next.sweep(.production) == .notDue, "the lease of the one that died still runs")
            stack.clock.advance(.minutes(3))
            #expect(await next.sweep(.production) == .finished(HistoryCounts(seen: 45, new: 25, known: 20)))
            #expect(try await stack.count("SELECT count(*) FROM notifications") == 45)
            #expect(try await stack.count("SELECT count(*) FROM movements WHERE kind = 'sale'") == 45)
            try await stack.expectReplayEqualsStore()
        }
    }

    @Test("tokens that expire before the last page: the slice starts again, shorter, and nothing is missing")
    func expiredTokens() async throws {
        try await TestStack.with { stack in
            _ = await stack.sweeper().sweep(.production)
            // Three hours with 30 notifications each: a walk over a day is cut off, one over an hour or two is not.
            for _ in 0..<3 {
                try stack.buy(30)
                stack.clock.advance(.hours(1))
            }
            let history = InterceptedHistory(stack.service.dependencies.history) { call in
                if call.paginationToken != nil, call.slice.length > .minutes(100) {
                    stack.simulator.expirePaginationTokens()
                }
                return nil
            }
            let outcome = await stack.sweeper(stack.walk(history)).sweep(.production)
            guard case .finished(let counts) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(counts.new == 90)
            #expect(history.calls.contains { $0.slice.length > .minutes(100) && $0.paginationToken != nil })
            #expect(try await stack.count("SELECT count(*) FROM notifications") == 90)
            #expect(try await stack.coverage()?.fault == nil)
        }
    }

    @Test("tokens that always expire end the sweep after a bounded number of calls, and say so")
    func tokensNeverLast() async throws {
        try await TestStack.with { stack in
            let history = InterceptedHistory(stack.service.dependencies.history) { _ in .tokenExpired }
            let sweeper = stack.sweeper(stack.walk(history))
            #expect(await sweeper.sweep(.production) == .failed(.tokensExpireTooSoon, HistoryCounts()))
            #expect(history.calls.count <= 10)
            let fault = try await stack.coverage()?.fault
            #expect(fault == "tokens_expire_too_soon")
        }
    }

    @Test("a long pause that Apple asks for ends the sweep until then; a short one is waited for")
    func throttled() async throws {
        try await TestStack.with { stack in
            try stack.buy()
            let clock = stack.clock
            let retryAt = clock.now + .minutes(20)
            let long = InterceptedHistory(stack.service.dependencies.history) { call in
                call.number == 1 ? .throttled(retryAt: retryAt) : nil
            }
            let sweeper = stack.sweeper(stack.walk(long))
            #expect(await sweeper.sweep(.production) == .failed(.throttled(retryAt: retryAt), HistoryCounts()))
            #expect(try await stack.coverage()?.fault == "throttled")
            clock.advance(.minutes(19))
            #expect(await sweeper.sweep(.production) == .notDue)
            clock.advance(.minutes(1) + .seconds(1))
            #expect(await sweeper.sweep(.production) == .finished(HistoryCounts(seen: 1, new: 1)))
            #expect(try await stack.coverage()?.fault == nil)

            let short = InterceptedHistory(stack.service.dependencies.history) { call in
                call.number == 1 ? .throttled(retryAt: clock.now + .seconds(20)) : nil
            }
            clock.advance(.minutes(6))
            try stack.buy()
            #expect(
                await stack.sweeper(stack.walk(short)).sweep(.production) == .finished(HistoryCounts(seen: 1, new: 1))
            )
        }
    }

    @Test("an outage moves nothing, is tried again after growing waits, and leaves no gap")
    func outage() async throws {
        try await TestStack.with { stack in
            let sweeper = stack.sweeper()
            _ = await sweeper.sweep(.production)
            let before = try #require(try await stack.coverage())
            stack.clock.advance(.minutes(6))
            stack.simulator.setOutage(true)
            try stack.buy(3)
            var failures = 0
            let begun = stack.clock.now
            while stack.clock.now < begun + .hours(6) {
                switch await sweeper.sweep(.production) {
                case .failed: failures += 1
                case .notDue, .finished, .stopped: break
                }
                stack.clock.advance(.seconds(30))
            }
            // At most one each 15 minutes in the end, and a few more while the waits were short.
            #expect((20...40).contains(failures), "\(failures)")
            let during = try #require(try await stack.coverage())
            #expect(during.completeThrough == before.completeThrough && during.fault != nil)
            #expect(try #require(during.lagSeconds) > 6 * 3_600)
            stack.simulator.setOutage(false)
            stack.clock.advance(.minutes(20))
            let healed = await sweeper.sweep(.production)
            #expect(healed == .finished(HistoryCounts(seen: 3, new: 3)))
            #expect(
                try await stack.coverage()?.completeFrom == before.completeFrom, "where coverage begins has not moved")
        }
    }

    @Test("after more than Apple keeps, coverage begins anew where Apple's history begins, with an alarm")
    func behindHorizon() async throws {
        try await TestStack.with { stack in
            let log = RecordingLog(lines: Box([]))
            let sweeper = stack.sweeper(logger: Logger(label: "test") { _ in log })
            _ = await sweeper.sweep(.sandbox)
            try stack.buy(2, in: .sandbox)
            stack.clock.advance(.days(20))
            try stack.buy(3, in: .sandbox)
            stack.clock.advance(.days(20))
            let now = stack.clock.now
            let outcome = await sweeper.sweep(.sandbox)
            #expect(outcome == .finished(HistoryCounts(seen: 3, new: 3)), "the first two are beyond 30 days")
            let coverage = try #require(try await stack.coverage(of: .sandbox))
            let from = try #require(coverage.completeFrom)
            #expect(from >= now - .days(30) + .hours(1) && from < now - .days(29))
            #expect(try #require(coverage.completeThrough) >= now - .minutes(5))
            #expect(log.lines.value.contains { $0.hasPrefix("error") && $0.contains("alarm=coverage_gap") })
        }
    }

    @Test("where Apple refuses to go back that far, coverage begins anew where it doesn't")
    func refusedByApple() async throws {
        try await TestStack.with { stack in
            let sweeper = stack.sweeper()
            _ = await sweeper.sweep(.production)
            stack.clock.advance(.days(10))
            let oldest = stack.clock.now - .days(7)
            let history = InterceptedHistory(stack.service.dependencies.history) { call in
                call.slice.from < oldest ? .startTooFarInPast : nil
            }
            guard case .finished = await stack.sweeper(stack.walk(history)).sweep(.production) else {
                Issue.record("the sweep goes on where Apple lets it")
                return
            }
            let from = try #require(try await stack.coverage()?.completeFrom)
            #expect(from >= oldest && from < oldest + .days(1))
        }
    }

    @Test("of many processes one sweeps, and the others find nothing to do")
    func onlyOne() async throws {
        try await TestStack.with { stack in
            try stack.buy(5)
            let outcomes = await withTaskGroup(of: NotificationSweeper.Outcome.self) { group in
                for number in 0..<8 {
                    group.addTask { await stack.sweeper(process: "process-\(number)").sweep(.production) }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.filter { $0 == .finished(HistoryCounts(seen: 5, new: 5)) }.count == 1)
            #expect(outcomes.filter { $0 == .notDue }.count == 7)
        }
    }

    @Test("a clock that runs ahead of Apple's doesn't declare complete what Apple has yet to sign")
    func clockAhead() async throws {
        try await TestStack.with { stack in
            _ = await stack.sweeper(clockSkew: .hours(2)).sweep(.production)
            stack.clock.advance(.minutes(6))
            let now = stack.clock.now
            _ = await stack.sweeper(clockSkew: .hours(2)).sweep(.production)
            let fast = try #require(try await stack.coverage()?.completeThrough)
            #expect(fast <= now - .minutes(15))
            // What an earlier, faster clock has noted lies in the future, and is set back once the last day was walked.
            try await stack.database.withOwnerClient { client in
                _ = try await client.query("UPDATE coverage SET complete_through = now() + interval '5 hours'")
            }
            try stack.buy(3)
            stack.clock.advance(.minutes(10))
            guard case .finished(let counts) = await stack.sweeper().sweep(.production) else {
                Issue.record("the sweep runs")
                return
            }
            #expect(counts.new == 3)
            #expect(try #require(try await stack.coverage()?.completeThrough) <= stack.clock.now)
        }
    }
}
