import NIOCore

/// An open load in stages: so many requests a second for so long, one stage right after the other.
struct LoadSchedule: Sendable {
    /// A stretch of one rate.
    struct Stage: Sendable {
        /// What it is called in a report.
        var name: String
        /// Requests a second; above 0.
        var rate: Double
        /// How long, in seconds.
        var seconds: Double

        /// How many requests come due in it; the first at its very beginning.
        var requests: Int { Int((rate * seconds).rounded(.up)) }
    }

    /// In their order.
    var stages: [Stage]

    /// From the first stage's beginning to the last one's end.
    var duration: Duration { .nanoseconds(Int64(stages.map(\.seconds).reduce(0, +) * 1e9)) }

    /// When a stage begins, in seconds after the first.
    func beginning(of stage: Int) -> Double { stages[..<stage].map(\.seconds).reduce(0, +) }

    /// When a request is due, in seconds after the beginning; `nil` after the last one's.
    func dueAfter(_ number: Int) -> Double? {
        var (rest, begin) = (number, 0.0)
        for stage in stages {
            if rest < stage.requests { return begin + Double(rest) / stage.rate }
            rest -= stage.requests
            begin += stage.seconds
        }
        return nil
    }

    /// The stage that an instant belongs to, in seconds after the beginning; what comes later belongs to the last.
    func stage(at seconds: Double) -> Int {
        var end = 0.0
        for (index, stage) in stages.enumerated() {
            end += stage.seconds
            if seconds < end { return index }
        }
        return stages.count - 1
    }
}

/// One answer of a load, as its plan's `observe` hears of it.
struct ObservedAnswer: Sendable {
    /// The request's number.
    let number: Int
    /// When it was due, after the load's beginning.
    let dueAfter: TimeAmount
    /// When its answer was there, after the load's beginning.
    let answeredAfter: TimeAmount
    /// What was answered.
    let answer: HTTPAnswer

    /// From the moment at which it was due, whether or not a connection was free then.
    var latencyNanoseconds: UInt64 { UInt64(max(1, (answeredAfter - dueAfter).nanoseconds)) }
}

extension LoadPlan {
    /// Whether requests are due at fixed times, whatever the server does.
    var isOpen: Bool { rate != nil || schedule != nil }

    /// When a request of an open load is due; `nil` after the last.
    func dueAfter(_ number: Int) -> TimeAmount? {
        let seconds: Double?
        if let schedule { seconds = schedule.dueAfter(number) } else { seconds = rate.map { Double(number) / $0 } }
        return seconds.map { .nanoseconds(Int64($0 * 1e9)) }
    }
}
