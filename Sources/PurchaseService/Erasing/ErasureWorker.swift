import Logging
import PurchaseCore
import ServiceLifecycle

/// Goes on with erasings that a request began and did not finish: too large for one request, or cut off by a crash.
///
/// Any number of workers may run over one database; what one has taken the others find again if it dies.
package struct ErasureWorker: Sendable {
    /// How long a taken one is left to the worker that took it.
    static let leaseFor = Span.seconds(60)
    /// How long a worker goes on with one before it looks for others: shorter than the lease.
    static let roundFor = Duration.seconds(30)

    let dependencies: ServiceDependencies
    let configuration: ServiceConfiguration
    let eraser: AccountEraser

    /// Works until shut down.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let found = await tick()
                if !found { try? await Task.sleep(for: configuration.pollEvery) }
            }
        }
    }

    /// One round: takes the one that has waited longest and goes on with it; whether there was one.
    package func tick() async -> Bool {
        let now = dependencies.clock.now()
        do {
            guard let taken = try await dependencies.ledger.leaseErasure(until: now + Self.leaseFor, now: now) else {
                return false
            }
            let finished = try await eraser.run(taken, until: .now + Self.roundFor, requestID: nil)
            if finished == nil { try await dependencies.ledger.releaseErasure(of: taken.erasure.account) }
            return true
        } catch {
            // Its lease runs out, and it is tried again.
            dependencies.logger.warning(
                "an account waits to be erased", metadata: [LogKey.error.rawValue: "\(error)"])
            return false
        }
    }
}
