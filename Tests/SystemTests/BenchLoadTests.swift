import NIOCore
import Testing

@testable import bench

@Suite("Loads in stages")
struct BenchLoadTests {
    private let schedule = LoadSchedule(stages: [
        .init(name: "calm", rate: 10, seconds: 2), .init(name: "flood", rate: 100, seconds: 1),
        .init(name: "after", rate: 10, seconds: 3),
    ])

    /// An answer to what was due at so many seconds.
    private func answer(_ due: Double, after milliseconds: Double = 1, _ status: Int = 200) -> ObservedAnswer {
        ObservedAnswer(
            number: 0, dueAfter: .nanoseconds(Int64(due * 1e9)),
            answeredAfter: .nanoseconds(Int64(due * 1e9 + milliseconds * 1e6)),
            answer: HTTPAnswer(status: status, length: 100, retryAfterSeconds: status == 503 ? 1 : nil))
    }

    @Test("requests are due at each stage's rate, the first of a stage at its beginning")
    func due() {
        #expect(schedule.stages.map(\.requests) == [20, 100, 30])
        #expect(schedule.dueAfter(0) == 0 && schedule.dueAfter(19) == 1.9)
        #expect(schedule.dueAfter(20) == 2 && schedule.dueAfter(21) == 2.01)
        #expect(schedule.dueAfter(120) == 3 && schedule.dueAfter(150) == nil)
        #expect([0, 1.99, 2, 2.99, 3, 99].map { schedule.stage(at: $0) } == [0, 0, 1, 1, 2, 2])
        #expect(schedule.duration == .seconds(6))
    }

    @Test(
        "an answer counts where it was due, and as useful if it also came there; what nobody answered lowers the share")
    func summary() {
        let answers = [answer(1.9, after: 500), answer(2), answer(2.5, 503), answer(2.6, after: 1, 202)]
        let (calm, flood) = (
            StageSummary(0, of: schedule, answers: answers), StageSummary(1, of: schedule, answers: answers)
        )
        #expect(calm.statuses == [200: 1] && calm.perSecond([200]) == 0)
        #expect(flood.statuses == [200: 1, 503: 1, 202: 1])
        #expect(flood.perSecond([200, 202]) == 2 && flood.share(of: [200, 202]) == 0.02)
        #expect(calm.milliseconds(50, status: 200).map { abs($0 - 500) < 1 } == true)
        #expect(flood.refusedWithoutPause == 0)
        let silent = ObservedAnswer(
            number: 0, dueAfter: .seconds(2), answeredAfter: .seconds(2), answer: HTTPAnswer(status: 503, length: 1))
        #expect(StageSummary(1, of: schedule, answers: [silent]).refusedWithoutPause == 1)
    }

    @Test("a service has recovered in the first second that is complete, wanted and prompt")
    func recovery() {
        func seconds(_ third: [ObservedAnswer]) -> Double? {
            let last = (0..<10).map { answer(5 + Double($0) / 10) }
            return Recovery.seconds(
                in: 2, of: schedule, answers: third + last, wanted: [200], normalNanoseconds: 10_000_000)
        }
        let tenths = (0..<10).map { 3 + Double($0) / 10 }
        #expect(seconds(tenths.map { answer($0) }) == 0)
        #expect(seconds(tenths.map { answer($0, after: 11) }) == 2, "too slow")
        #expect(seconds(tenths.map { answer($0, after: 1, 202) }) == 2, "not what is wanted")
        #expect(seconds(Array(tenths.map { answer($0) }.prefix(5))) == 2, "half of it was never answered")
        #expect(
            Recovery.seconds(in: 2, of: schedule, answers: [], wanted: [200], normalNanoseconds: 10_000_000) == nil)
    }

    @Test("a refusal's pause is read from its header")
    func pause() throws {
        let text = "HTTP/1.1 503 Busy\r\nretry-AFTER: 7\r\nContent-Length: 2\r\n\r\nno"
        let answer = try HTTPAnswer.parse(ByteBuffer(string: text).readableBytesView)
        #expect(answer == HTTPAnswer(status: 503, length: text.utf8.count, retryAfterSeconds: 7))
    }
}
