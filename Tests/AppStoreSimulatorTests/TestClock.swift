import AppStoreSimulator
import Synchronization

/// A clock that stands still until a test moves it.
final class TestClock: Sendable {
    private let time: Mutex<Int64>

    init(_ milliseconds: Int64 = 1_800_000_000_000) {
        time = Mutex(milliseconds)
    }

    var now: Int64 { time.withLock { $0 } }

    func advance(by milliseconds: Int64) {
        time.withLock { $0 += milliseconds }
    }

    var simulatorClock: SimulatorClock { SimulatorClock { self.now } }
}
