import Histogram
import NIOCore
import Synchronization

/// Every answer of a load in stages, to be looked at afterwards.
final class ObservedLoad: Sendable {
    /// What was asked for.
    let schedule: LoadSchedule
    private let kept = Mutex<[ObservedAnswer]>([])

    init(_ schedule: LoadSchedule) { self.schedule = schedule }

    /// All answers so far, in the order in which they came.
    var answers: [ObservedAnswer] { kept.withLock { $0 } }

    /// Keeps an answer.
    func add(_ answer: ObservedAnswer) { kept.withLock { $0.append(answer) } }

    /// Of one stage.
    func stage(_ index: Int) -> StageSummary { StageSummary(index, of: schedule, answers: answers) }
}

/// What came of one stage of a load.
struct StageSummary: Sendable {
    /// Requests that were due in it.
    let due: Int
    /// Those of them that were ever answered, by status.
    private(set) var statuses: [Int: Int] = [:]
    /// Those of them that were answered while it lasted, by status and second.
    private(set) var answeredPerSecond: [Int: Double] = [:]
    /// Latencies in nanoseconds of the requests that were due in it, by status.
    private(set) var latencies: [Int: Histogram<UInt64>] = [:]
    /// Refusals (503) that don't say when to come back.
    private(set) var refusedWithoutPause = 0

    init(_ index: Int, of schedule: LoadSchedule, answers: [ObservedAnswer]) {
        let stage = schedule.stages[index]
        due = stage.requests
        let end = schedule.beginning(of: index) + stage.seconds
        for answer in answers where schedule.stage(at: Self.seconds(answer.dueAfter)) == index {
            let status = answer.answer.status
            if Self.seconds(answer.answeredAfter) < end {
                answeredPerSecond[status, default: 0] += 1 / stage.seconds
            }
            statuses[status, default: 0] += 1
            latencies[status, default: Histogram(highestTrackableValue: 60_000_000_000)]
                .record(answer.latencyNanoseconds)
            if status == 503, answer.answer.retryAfterSeconds ?? 0 < 1 { refusedWithoutPause += 1 }
        }
    }

    /// The share of what was due that was answered with one of these.
    func share(of wanted: Set<Int>) -> Double {
        Double(statuses.filter { wanted.contains($0.key) }.values.reduce(0, +)) / Double(max(1, due))
    }

    /// How much of what was due was answered with one of these while the stage lasted, by second.
    func perSecond(_ wanted: Set<Int>) -> Double {
        answeredPerSecond.filter { wanted.contains($0.key) }.values.reduce(0, +)
    }

    /// Milliseconds that a share of the answers with a status took at most; `nil` without any.
    func milliseconds(_ percentile: Double, status: Int) -> Double? {
        latencies[status].map { Double($0.valueAtPercentile(percentile)) / 1e6 }
    }

    /// Seconds of an amount.
    static func seconds(_ amount: TimeAmount) -> Double { Double(amount.nanoseconds) / 1e9 }
}

/// How soon a service is its old self after a load has fallen.
enum Recovery {
    /// Seconds from the beginning of a stage to the first whole second in which everything that was due was answered with
    /// a wanted status, nine of ten within `normalNanoseconds`; `nil` when none was.
    static func seconds(
        in stage: Int, of schedule: LoadSchedule, answers: [ObservedAnswer], wanted: Set<Int>, normalNanoseconds: UInt64
    ) -> Double? {
        let begin = schedule.beginning(of: stage)
        var bySecond: [Int: [ObservedAnswer]] = [:]
        for answer in answers {
            let after = StageSummary.seconds(answer.dueAfter) - begin
            if after >= 0 { bySecond[Int(after), default: []].append(answer) }
        }
        let rate = schedule.stages[stage].rate
        for second in 0..<Int(schedule.stages[stage].seconds) {
            let due = bySecond[second] ?? []
            // What nobody answered is missing here.
            guard Double(due.count) >= rate - 1, due.allSatisfy({ wanted.contains($0.answer.status) }) else { continue }
            let quick = due.filter { $0.latencyNanoseconds <= normalNanoseconds }
            if Double(quick.count) >= 0.9 * Double(due.count) { return Double(second) }
        }
        return nil
    }
}
