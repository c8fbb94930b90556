import Histogram

/// What came of a load.
struct LoadResult: Sendable {
    /// Latencies in nanoseconds, up to a minute, three significant digits.
    ///
    /// Under an open loop from the moment at which the request was due: a server that stalls answers late all that was
    /// due meanwhile, whether or not the generator could send it (no coordinated omission).
    var latency = Histogram<UInt64>(highestTrackableValue: 60_000_000_000)
    /// Requests answered as expected inside the window.
    var completed = 0
    /// How long the window was.
    var seconds = 0.0
    /// Requests sent altogether.
    var sent = 0
    /// Answers of another status, by status.
    var unexpected: [Int: Int] = [:]
    /// The first of them, for the report.
    var firstUnexpected = ""

    /// Requests a second.
    var throughput: Double { seconds > 0 ? Double(completed) / seconds : 0 }

    /// Adds what came of another load, which ran before or after this one.
    mutating func add(_ other: LoadResult) {
        latency.add(other.latency)
        completed += other.completed
        seconds += other.seconds
        sent += other.sent
        unexpected.merge(other.unexpected, uniquingKeysWith: +)
        if firstUnexpected.isEmpty { firstUnexpected = other.firstUnexpected }
    }

    /// Throws when an answer was not the expected one: figures about something else are worth nothing.
    func checked() throws -> LoadResult {
        guard unexpected.isEmpty else {
            let counts = unexpected.sorted { $0.key < $1.key }.map { "\($0.value) times \($0.key)" }
            throw BenchFailure("unexpected answers: \(counts.joined(separator: ", ")); the first: \(firstUnexpected)")
        }
        guard completed > 0 else { throw BenchFailure("nothing was answered inside the window") }
        return self
    }
}
