import PurchaseCore
import TestSupport
import Testing

@testable import PurchaseService

@Suite("How many posts are let in")
struct RecordingLimitTests {
    private let begin = ContinuousClock.now

    private func limit() -> RecordingLimit { RecordingLimit(target: .milliseconds(100), bounds: 8...64) }

    /// As many recordings as there is room for, each done after so long; the instant at which they are done.
    private func round(
        _ limit: inout RecordingLimit, at start: ContinuousClock.Instant, taking time: Duration
    ) -> ContinuousClock.Instant {
        var entered = 0
        while limit.enter(now: begin) { entered += 1 }
        for _ in 0..<entered { limit.left(enteredAt: start, now: start + time) }
        return start + time
    }

    @Test("as many as the limit are let in, one more is not, and a place that is given back is taken again")
    func places() {
        var limit = limit()
        for _ in 0..<limit.limit {
            #expect(!limit.isFull(now: begin))
            let isIn = limit.enter(now: begin)
            #expect(isIn)
        }
        let isTooMany = !limit.enter(now: begin)
        #expect(limit.isFull(now: begin) && isTooMany)
        limit.left(enteredAt: begin, now: begin + .milliseconds(1))
        let isIn = limit.enter(now: begin)
        #expect(isIn)
    }

    @Test("a post that arrived keeps others out before it records, and takes no second place for it")
    func arrivals() throws {
        var limit = limit()
        var periods: [Int] = []
        while let period = limit.arrive(now: begin) { periods.append(period) }
        #expect(periods.count == 16 && Set(periods).count == 1)
        let isNoRecording = !limit.enter(now: begin)
        #expect(limit.isFull(now: begin) && isNoRecording)
        let records = limit.recordingBegan(arrivedIn: periods[0], now: begin)
        #expect(records && limit.isFull(now: begin) && limit.running == 1 && limit.arriving(now: begin) == 15)
        limit.arrivalEnded(in: periods[0])
        #expect(!limit.isFull(now: begin) && limit.arriving(now: begin) == 14)
        limit.left(enteredAt: begin, now: begin + .milliseconds(1))
        #expect(limit.running == 0 && limit.limit == 16)
        for _ in 0..<14 { limit.arrivalEnded(in: periods[0]) }
        #expect(limit.arriving(now: begin) == 0)
    }

    @Test("a place lapses when its post doesn't come to record, and is neither given back nor taken over then")
    func lapse() throws {
        var limit = limit()
        let first = limit.arrive(now: begin) ?? -1
        for _ in 1..<16 { _ = limit.arrive(now: begin) }
        var now = begin + .milliseconds(101)
        #expect(limit.isFull(now: now))
        limit.arrivalEnded(in: first)
        let second = limit.arrive(now: now) ?? -1
        #expect(second == first + 1 && limit.isFull(now: now), "a later period, in which those of the last count still")
        now += .milliseconds(101)
        #expect(limit.arriving(now: now) == 1)
        while limit.enter(now: now) {}
        #expect(limit.running == 15)
        let isLate = !limit.recordingBegan(arrivedIn: first, now: now)
        #expect(isLate && limit.running == 15)
        let records = limit.recordingBegan(arrivedIn: second, now: now)
        #expect(records && limit.running == 16 && limit.arriving(now: now) == 0)
        limit.arrivalEnded(in: first)
        #expect(limit.arriving(now: now) == 0)
        for _ in 0..<16 { limit.left(enteredAt: now, now: now + .milliseconds(1)) }
        now += .seconds(10)
        for _ in 0..<16 { _ = limit.arrive(now: now) }
        now += .milliseconds(201)
        #expect(limit.arriving(now: now) == 0)
        let isIn = limit.recordingBegan(arrivedIn: first, now: now)
        #expect(isIn, "there is room")
    }

    @Test("a place is given back once, by whoever drops it or by the recording that takes it over")
    func onePlace() {
        let givenBack = Box(0)
        var place: RecordingPlace? = RecordingPlace { givenBack.update { $0 += 1 } }
        place = nil
        #expect(givenBack.value == 1)
        place = RecordingPlace { givenBack.update { $0 += 1 } }
        #expect(place?.surrender() == true)
        #expect(place?.surrender() == false)
        place = nil
        #expect(givenBack.value == 1)
    }

    @Test("a slow round makes the limit a fifth smaller, once, however many were slow in it")
    func cut() {
        var limit = limit()
        #expect(limit.limit == 16)
        let next = round(&limit, at: begin, taking: .milliseconds(101))
        #expect(limit.limit == 12)
        _ = round(&limit, at: next, taking: .milliseconds(101))
        #expect(limit.limit == 10)
    }

    @Test("it never leaves its bounds, and finds back up when recordings are prompt again")
    func bounds() {
        var limit = limit()
        var now = begin
        for _ in 0..<50 { now = round(&limit, at: now, taking: .seconds(1)) }
        #expect(limit.limit == 8)
        for _ in 0..<200 { now = round(&limit, at: now, taking: .milliseconds(100)) }
        #expect(limit.limit == 64)
        #expect(limit.running == 0)
    }

    @Test("a few prompt recordings say nothing of many")
    func idle() {
        var limit = limit()
        for _ in 0..<1_000 {
            let isIn = limit.enter(now: begin)
            #expect(isIn)
            limit.left(enteredAt: begin, now: begin + .milliseconds(1))
        }
        #expect(limit.limit == 16)
    }

    @Test("posts of one transaction that wait for each other say nothing about the ledger")
    func oneTransaction() {
        var limit = limit()
        var now = begin
        for _ in 0..<50 {
            for number in 0..<limit.limit {
                let isIn = limit.enter(now: begin)
                #expect(isIn)
                // The first of them is prompt; the last waits for all others.
                limit.left(
                    enteredAt: now, now: now + .milliseconds(number == 0 ? 1 : 5_000), waitedForAnother: number > 0)
            }
            now += .seconds(6)
        }
        #expect(limit.limit == 16 && limit.running == 0)
    }

    @Test("what Apple answered is always let in, and keeps new posts out meanwhile")
    func settlements() {
        var limit = limit()
        for _ in 0..<20 { limit.settlementBegan() }
        #expect(limit.running == 20 && limit.settling == 20 && limit.isFull(now: begin))
        for _ in 0..<20 { limit.settlementEnded(enteredAt: begin, now: begin + .milliseconds(1)) }
        #expect(limit.running == 0 && limit.settling == 0 && !limit.isFull(now: begin))
    }

    @Test("questions that wait behind the ledger count, those that wait behind a slow Apple don't")
    func backlog() {
        var limit = limit()
        limit.answered(after: .seconds(1), now: begin)
        limit.asksChanged(running: 8, queued: 1_000)
        #expect(!limit.isFull(now: begin), "all of them are at Apple's")
        limit.settlementBegan()
        #expect(limit.isFull(now: begin), "an eighth of a thousand waits for the ledger")
        limit.asksChanged(running: 0, queued: -960)
        #expect(!limit.isFull(now: begin), "an eighth of forty, and the one")
        for _ in 0..<7 { limit.settlementBegan() }
        #expect(limit.isFull(now: begin), "all of forty")
    }

    @Test("while Apple answers promptly all questions that wait count; not once it is slow, or silent")
    func promptAnswers() {
        var limit = limit()
        limit.asksChanged(running: 8, queued: 16)
        #expect(!limit.isFull(now: begin), "nothing is known of Apple yet")
        limit.answered(after: .milliseconds(100), now: begin)
        #expect(limit.isFull(now: begin))
        limit.asksChanged(running: 0, queued: -1)
        #expect(!limit.isFull(now: begin))
        limit.asksChanged(running: 0, queued: 1)
        #expect(limit.isFull(now: begin + .milliseconds(100)))
        #expect(!limit.isFull(now: begin + .milliseconds(101)), "no answer came for so long")
        limit.answered(after: .seconds(10), now: begin)
        #expect(!limit.isFull(now: begin), "one of many took long")
        var prompt = 0
        while !limit.isFull(now: begin) {
            limit.answered(after: .milliseconds(1), now: begin)
            prompt += 1
        }
        #expect((20...200).contains(prompt), "it is forgotten after some")
    }
}

@Suite("The order of questions")
struct JobQueueTests {
    private func job(_ number: Int) -> AskPool.Job {
        AskPool.Job(
            transactionID: .init("\(number)"), first: nil, lane: .interactive,
            enqueuedAt: .init(millisecondsSince1970: Int64(number)), requestID: nil)
    }

    private func next(_ queue: JobQueue) async -> String? { await queue.next()?.transactionID.rawValue }

    @Test("questions are taken in the order of arrival; the newest first while the oldest has waited too long")
    func order() async {
        let now = Box(Instant(millisecondsSince1970: 101))
        let queue = JobQueue(bound: 10, patience: .milliseconds(100), now: { now.value })
        for number in 1...6 { #expect(queue.add(job(number)) == nil) }
        var taken: [String?] = [await next(queue)]
        now.set(Instant(millisecondsSince1970: 103))
        for _ in 1...3 { taken.append(await next(queue)) }
        now.set(Instant(millisecondsSince1970: 102))
        for _ in 1...2 { taken.append(await next(queue)) }
        #expect(taken == ["1", "6", "5", "4", "2", "3"])
    }

    @Test("a full queue lets the oldest go once it has waited too long, and refuses the newest before")
    func full() {
        let now = Box(Instant(millisecondsSince1970: 101))
        let queue = JobQueue(bound: 3, patience: .milliseconds(100), now: { now.value })
        let orderly = JobQueue(bound: 3, patience: nil, now: { now.value })
        for number in 1...3 { #expect(queue.add(job(number)) == nil && orderly.add(job(number)) == nil) }
        #expect(queue.add(job(4))?.transactionID.rawValue == "4")
        now.set(Instant(millisecondsSince1970: 102))
        #expect(queue.add(job(5))?.transactionID.rawValue == "1")
        #expect(orderly.add(job(4))?.transactionID.rawValue == "4")
    }

    @Test("whoever waits for a job gets the next one; a finished queue hands out the rest, then nothing")
    func waiting() async {
        let queue = JobQueue(bound: 3, patience: nil, now: { Instant(millisecondsSince1970: 0) })
        async let first = next(queue)
        await Task.yield()
        #expect(queue.add(job(1)) == nil)
        #expect(await first == "1")
        #expect(queue.add(job(2)) == nil)
        queue.finish()
        #expect(queue.add(job(3))?.transactionID.rawValue == "3")
        #expect(await next(queue) == "2")
        #expect(await next(queue) == nil)
    }
}
