import Logging
import PurchaseCore
import ServiceLifecycle

/// Brings unsettled transactions to their end, and sweeps paid ones for refunds that nobody told of: takes due checks
/// under a lease and asks Apple about each.
///
/// Sweeps have a loop, places and a lane of their own, so that however many are due, nobody else waits for them. Any
/// number of workers may run over one database. A crash loses nothing: its leases run out.
package struct RecheckWorker: Sendable {
    let dependencies: ServiceDependencies
    let configuration: ServiceConfiguration
    let pool: AskPool

    /// Works until shut down.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                for sweeps in [false, true] { group.addTask { await work(sweeps: sweeps) } }
            }
        }
    }

    private func work(sweeps: Bool) async {
        while !Task.isCancelled {
            let found = await tick(sweeps: sweeps)
            if found == 0 { try? await Task.sleep(for: configuration.pollEvery) }
        }
    }

    /// One round over due sweeps, or over all other due checks: takes, asks, and waits for the answers; how many were
    /// taken.
    package func tick(sweeps: Bool = false) async -> Int {
        let now = dependencies.clock.now()
        let lane: RequestLane = sweeps ? .sweep : .retry
        let due: [TransactionID]
        do {
            due = try await dependencies.ledger.leaseDueChecks(
                sweeps: sweeps, limit: configuration.asks(in: lane), holder: dependencies.processName,
                until: now + configuration.leaseFor, now: now)
        } catch {
            dependencies.logger.warning("due checks can't be read", metadata: [LogKey.error.rawValue: "\(error)"])
            return 0
        }
        let mine = due.filter { pool.begin($0) }
        let queued = mine.filter {
            pool.enqueue(AskPool.Job(transactionID: $0, first: nil, lane: lane, enqueuedAt: now))
        }
        await withDiscardingTaskGroup { group in
            for id in queued { group.addTask { await pool.join(id, atMost: configuration.askTimeout + .seconds(10)) } }
        }
        return due.count
    }
}
