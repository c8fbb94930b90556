/// How long to wait before the next attempt to connect: doubles from `pauseMin` to `pauseMax`, with jitter.
struct ReconnectBackoff: Equatable {
    private let pauseMin: Duration
    private let pauseMax: Duration
    private var failures = 0

    init(pauseMin: Duration, pauseMax: Duration) {
        self.pauseMin = pauseMin
        self.pauseMax = pauseMax
    }

    /// A connect failed: the pause to make, of which `random` (0 ..< 1) takes away up to a half.
    ///
    /// The jitter spreads the connections of many replicas after a restart of the server.
    mutating func connectFailed(random: Double) -> Duration {
        let pause = min(pauseMax, pauseMin * (1 << min(failures, 16)))
        failures += 1
        return pause * (1 - random / 2)
    }

    mutating func connected() { failures = 0 }
}
