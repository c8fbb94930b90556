import Logging
import PurchaseCore
import ServiceLifecycle

/// Tries waiting notifications again: those whose signature could not be trusted, or not be doubted, when they came.
///
/// Any number of workers may run over one database; what one has taken the others find again if it dies.
package struct NotificationWorker: Sendable {
    /// Taken at a time.
    static let page = 50
    /// How long a taken one is left to the worker that took it.
    static let leaseFor = Span.minutes(5)

    let dependencies: ServiceDependencies
    let configuration: ServiceConfiguration
    let intake: NotificationIntake

    /// Works until shut down.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let found = await tick()
                if found == 0 { try? await Task.sleep(for: configuration.pollEvery) }
            }
        }
    }

    /// One round: takes what is due and tries it; how many were taken.
    package func tick() async -> Int {
        let now = dependencies.clock.now()
        let due: [WaitingNotification]
        do {
            due = try await dependencies.ledger.leaseWaitingNotifications(
                limit: Self.page, until: now + Self.leaseFor, now: now)
        } catch {
            dependencies.logger.warning(
                "waiting notifications can't be read", metadata: [LogKey.error.rawValue: "\(error)"])
            return 0
        }
        for notification in due where !Task.isCancelled {
            do {
                _ = try await intake.receiveAgain(notification)
            } catch {
                // Its lease runs out, and it is tried again.
                dependencies.logger.warning("a notification still waits", metadata: [LogKey.error.rawValue: "\(error)"])
            }
        }
        return due.count
    }
}
