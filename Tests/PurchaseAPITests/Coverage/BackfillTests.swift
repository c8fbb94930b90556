import AppStoreSimulator
import Postgres
import PurchaseCore
import Testing

@testable import PurchaseService

@Suite("Backfills of Apple's notification history")
struct BackfillTests {
    private func span(_ stack: TestStack, days: Int64) -> HistorySlice {
        HistorySlice(from: stack.clock.now - .days(days), to: stack.clock.now)
    }

    @Test("what happened before Vouch was there is taken in, newest first, and coverage reaches back to it")
    func past() async throws {
        try await TestStack.with { stack in
            let id = try stack.buy()[0]
            stack.clock.advance(.days(3))
            try stack.simulator.refund(id, SimulatedRefund(kind: .full))
            stack.clock.advance(.days(1))
            _ = await stack.sweeper().sweep(.production)
            let span = span(stack, days: 6)
            let history = InterceptedHistory(stack.service.dependencies.history) { _ in nil }
            let summary = await stack.backfill(stack.walk(history)).run(span, in: .production, again: false)
            #expect(summary.end == .finished && summary.daysDone >= 6 && summary.daysSkipped == 0)
            #expect(summary.counts == HistoryCounts(seen: 2, new: 2))
            let beginnings = history.calls.map(\.slice.from)
            #expect(beginnings == beginnings.sorted(by: >))
            #expect(try await stack.api.get("/v1/transactions/\(id)", as: .support).state == "refunded")
            #expect(try await stack.coverage()?.completeFrom == span.from)
        }
    }

    @Test("one that gave up goes on with the day it was at; again repeats everything")
    func resumes() async throws {
        try await TestStack.with { stack in
            try stack.buy(2)
            stack.clock.advance(.days(4))
            try stack.buy(3)
            stack.clock.advance(.hours(1))
            let span = span(stack, days: 5)
            let base = stack.service.dependencies.history
            let broken = InterceptedHistory(base) { call in
                call.slice.from < span.from + .days(2) ? .refusedRequest(status: 403, errorCode: nil) : nil
            }
            let first = await stack.backfill(stack.walk(broken)).run(span, in: .production, again: false)
            #expect(first.end == .failed(.refusedRequest(status: 403, errorCode: nil)))
            #expect(first.daysDone >= 3 && first.counts == HistoryCounts(seen: 3, new: 3))

            let progress = Box<[NotificationBackfill.Progress]>([])
            let second = await stack.backfill().run(span, in: .production, again: false) { step in
                progress.update { $0.append(step) }
            }
            #expect(second.end == .finished)
            // The newest day is never wholly done while it lasts.
            #expect(second.daysSkipped == first.daysDone - 1)
            #expect(second.counts.new == 2)
            #expect(progress.value.filter(\.isSkipped).count == second.daysSkipped)
            #expect(progress.value.last.map { $0.done == $0.total } == true)

            let again = await stack.backfill().run(span, in: .production, again: true)
            #expect(again.daysSkipped == 0 && again.counts == HistoryCounts(seen: 5, known: 5))
        }
    }

    @Test("a cancelled one ends at once and says so; the days that it finished stay done")
    func cancelled() async throws {
        try await TestStack.with { stack in
            stack.clock.advance(.days(5))
            let span = span(stack, days: 4)
            let history = InterceptedHistory(stack.service.dependencies.history) { call in
                guard call.number == 3 else { return nil }
                withUnsafeCurrentTask { $0?.cancel() }
                return .unavailable(.cancelled)
            }
            let cut = await withTaskGroup(of: NotificationBackfill.Summary?.self) { group in
                group.addTask {
                    await stack.backfill(stack.walk(history)).run(span, in: .production, again: false)
                }
                return await group.next() ?? nil
            }
            #expect(cut?.end == .cancelled && cut?.daysDone == 2)
            let finished = try await stack.count("SELECT count(*) FROM backfill_slices")
            #expect(finished == 2)
        }
    }

    @Test("it asks no faster than a fifth of the configured rate", arguments: StoreEnvironment.allCases)
    func pace(environment: StoreEnvironment) async throws {
        try await TestStack.with(["VOUCH_APP_STORE_REQUESTS_PER_SECOND": "50"]) { stack in
            let waits = Box<[Duration]>([])
            var configuration = stack.coverageConfiguration
            configuration.sleep = { duration in waits.update { $0.append(duration) } }
            let history = InterceptedHistory(stack.service.dependencies.history) { _ in .page([], next: nil) }
            let summary = await stack.backfill(stack.walk(history), configuration)
                .run(span(stack, days: 3), in: environment, again: false)
            #expect(summary.end == .finished && waits.value.count == history.calls.count)
            // 50 a second in Production, a tenth of that in Sandbox.
            let least = Duration.milliseconds(environment == .production ? 100 : 1_000)
            #expect(waits.value.allSatisfy { $0 >= least })
        }
    }

    @Test("an outage is waited out a few times, then it gives up; a pause of Apple's is respected")
    func outage() async throws {
        try await TestStack.with { stack in
            stack.clock.advance(.days(2))
            let clock = stack.clock
            let down = InterceptedHistory(stack.service.dependencies.history) { _ in .unavailable(.timedOut) }
            let given = await stack.backfill(stack.walk(down)).run(span(stack, days: 1), in: .production, again: false)
            #expect(given.end == .failed(.unavailable(.timedOut)))
            #expect((6...60).contains(down.calls.count))

            let retryAt = clock.now + .minutes(30)
            let paused = InterceptedHistory(stack.service.dependencies.history) { _ in
                clock.now < retryAt ? .throttled(retryAt: retryAt) : nil
            }
            let patient = await stack.backfill(stack.walk(paused)).run(
                span(stack, days: 1), in: .production, again: false)
            #expect(patient.end == .finished && clock.now >= retryAt)
        }
    }

    @Test("days are cut at midnight in UTC, newest first, and leave nothing out")
    func days() {
        let midnight = Instant(millisecondsSince1970: 20_000 * 86_400_000)
        let span = HistorySlice(from: midnight - .days(2) - .hours(5), to: midnight + .hours(7))
        let days = HistoryPlan.days(of: span)
        #expect(
            days == [
                HistorySlice(from: midnight, to: midnight + .hours(7)),
                HistorySlice(from: midnight - .days(1), to: midnight),
                HistorySlice(from: midnight - .days(2), to: midnight - .days(1)),
                HistorySlice(from: midnight - .days(2) - .hours(5), to: midnight - .days(2)),
            ])
        #expect(HistoryPlan.days(of: HistorySlice(from: midnight, to: midnight)).isEmpty)
        #expect(HistoryPlan.days(of: HistorySlice(from: midnight, to: midnight + .days(1))).count == 1)
    }
}

@Suite("How a span of history is cut into slices")
struct HistoryPlanTests {
    private let end = Instant(millisecondsSince1970: 1_790_000_000_000)

    private func plan(_ span: Span) -> HistoryPlan {
        HistoryPlan(HistorySlice(from: end - span, to: end), CoverageConfiguration())
    }

    @Test("slices are a day at most, overlap a little, and end at the end", arguments: [1, 23, 24, 25, 100] as [Int64])
    func slices(hours: Int64) {
        var plan = plan(.hours(hours))
        var slices: [HistorySlice] = []
        while let slice = plan.next, slices.count < 100 {
            slices.append(slice)
            plan.finished()
        }
        #expect(slices.first?.from == end - .hours(hours) && slices.last?.to == end)
        #expect(slices.allSatisfy { $0.from < $0.to && $0.length <= .days(1) })
        #expect(zip(slices, slices.dropFirst()).allSatisfy { $0.to - .seconds(1) == $1.from })
    }

    @Test("a slice becomes half as long with each expired token, down to ten minutes, and longer again afterwards")
    func shorter() {
        var plan = plan(.days(2))
        var lengths: [Int64] = []
        while plan.shorten() { lengths.append((plan.next?.length.milliseconds ?? 0) / 1_000) }
        #expect(lengths == [43_200, 21_600, 10_800, 5_400, 2_700, 1_350, 675, 600])
        plan.finished()
        #expect(plan.next?.length == .minutes(20))
    }

    @Test("nothing is left to skip to in the last day")
    func skipping() {
        var plan = plan(.hours(30))
        #expect(plan.skip() && plan.next?.from == end - .hours(6))
        #expect(!plan.skip() && plan.next?.from == end - .hours(6))
    }

    @Test("a plan whose beginning is not before its end has no slice: a clock that was set back does no harm")
    func empty() {
        #expect(plan(.zero).next == nil)
        #expect(plan(Span(milliseconds: -1)).next == nil)
    }

    @Test("what was noted as complete by a clock that ran ahead is walked again")
    func clockRanAhead() throws {
        let configuration = CoverageConfiguration()
        let window = HistoryPlan.sweep(
            of: .production, completeThrough: end + .hours(2), now: end, configuration)
        #expect(window.plan.from == end - configuration.clockDoubt - configuration.overlap)
        #expect(!window.isBehindHorizon)
    }

    @Test("waits after failures grow by half of the time that it has been failing, within their bounds")
    func waits() {
        let configuration = CoverageConfiguration()
        let seconds = [0, 60, 100, 600, 1_800, 100_000, -5].map { span in
            HistoryPlan.wait(failingSince: end, now: end + .seconds(span), configuration).milliseconds / 1_000
        }
        #expect(seconds == [30, 30, 50, 300, 900, 900, 30])
    }
}
