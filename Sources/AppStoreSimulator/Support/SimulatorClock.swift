import FoundationEssentials

/// Where the simulator reads the time: the system's clock, or one that a test moves.
package struct SimulatorClock: Sendable {
    private let read: @Sendable () -> Int64

    /// A clock that answers what `read` returns: milliseconds since 1970 UTC.
    package init(milliseconds read: @escaping @Sendable () -> Int64) {
        self.read = read
    }

    /// Milliseconds since 1970 UTC, the unit of every instant on Apple's wire.
    package var nowMilliseconds: Int64 { read() }

    /// The system's clock.
    package static let system = SimulatorClock { Int64(Date().timeIntervalSince1970 * 1000) }
}

extension Date {
    /// An instant from Apple's unit, milliseconds since 1970 UTC.
    init(milliseconds: Int64) {
        self.init(timeIntervalSince1970: Double(milliseconds) / 1000)
    }
}

/// Lengths of time in milliseconds, for certificate validity and subscription periods.
enum Milliseconds {
    static let second: Int64 = 1000
    static let minute: Int64 = 60 * second
    static let hour: Int64 = 60 * minute
    static let day: Int64 = 24 * hour
}
