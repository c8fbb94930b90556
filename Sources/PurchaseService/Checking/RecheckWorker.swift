import Logging
import PurchaseCore
import ServiceLifecycle

/// Brings unsettled transactions to their end: takes due checks under a lease and asks Apple about each.
///
/// Any number of workers may run over one database. A crash loses nothing: its leases run out.
package struct RecheckWorker: Sendable {
    let dependencies: ServiceDependencies
    let configuration: ServiceConfiguration
    let pool: AskPool

    /// Works until shut down.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let found = await tick()
                if found == 0 { try? await Task.sleep(for: configuration.pollEvery) }
            }
        }
    }

    /// One round: takes what is due, asks, and waits for the answers; how many were taken.
    package func tick() async -> Int {
        let now = dependencies.clock.now()
        let due: [TransactionID]
        do {
            due = try await dependencies.ledger.leaseDueChecks(
                limit: configuration.asks(in: .retry), holder: dependencies.processName,
                until: now + configuration.leaseFor,
                now: now)
        } catch {
            dependencies.logger.warning("due checks can't be read", metadata: ["error": "\(error)"])
            return 0
        }
        let mine = due.filter { pool.begin($0) }
        let queued = mine.filter {
            pool.enqueue(AskPool.Job(transactionID: $0, first: nil, lane: .retry, enqueuedAt: now))
        }
        await withDiscardingTaskGroup { group in
            for id in queued { group.addTask { await pool.join(id, atMost: configuration.askTimeout + .seconds(10)) } }
        }
        return due.count
    }
}
