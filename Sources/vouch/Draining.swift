import ServiceLifecycle
import Synchronization

/// Whether the process is about to stop, for readiness: once set, never taken back.
final class Draining: Sendable {
    private let began = Atomic(false)

    /// Whether it has begun.
    var hasBegun: Bool { began.load(ordering: .acquiring) }

    /// From now on the process is not ready.
    func begin() { began.store(true, ordering: .releasing) }
}

/// Says that the process is not ready, for a moment before anything else stops.
///
/// The last of the group's services, and so the first that a graceful shutdown reaches: whoever asks for readiness
/// hears of the end while requests are still taken.
struct DrainNotice: Service {
    let draining: Draining
    /// How long requests are still taken afterwards: the time that a load balancer has to send them elsewhere.
    var lasting: Duration = .seconds(1)

    func run() async throws {
        // Cancelled or asked to stop: either way it is over.
        try? await gracefulShutdown()
        draining.begin()
        try? await Task.sleep(for: lasting)
    }
}
