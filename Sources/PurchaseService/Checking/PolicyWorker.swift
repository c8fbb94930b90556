import Logging
import PurchaseCore

/// Decides again, from stored evidence, what a change of settings or catalogue can have changed.
///
/// Runs once at the start with a policy that the database has not seen; a crash on the way is made good by running again,
/// since deciding twice changes nothing.
package struct PolicyWorker: Sendable {
    /// Chains read at a time.
    static let page = 200

    let dependencies: ServiceDependencies
    let configuration: ServiceConfiguration
    let decider: Decider

    /// Walks through the chains that may change; how many events came of it.
    package func run() async throws(LedgerError) -> Int {
        var after: ChainID?
        var events = 0
        while !Task.isCancelled {
            let ids = try await dependencies.ledger.chainsToDecideAgain(after: after, limit: Self.page)
            guard let last = ids.last else { break }
            after = last
            for id in ids { events += try await decideAgain(id) }
        }
        if events > 0 {
            dependencies.logger.notice("decided again after a change of policy", metadata: ["events": "\(events)"])
        }
        return events
    }

    private func decideAgain(_ id: ChainID) async throws(LedgerError) -> Int {
        guard let chain = try await dependencies.ledger.chain(numbered: id), chain.absorbedBy == nil else { return 0 }
        let result = try await decider.run(
            known: chain, cause: Decider.Cause(),
            load: { () async throws(LedgerError) in try await dependencies.ledger.chain(numbered: id) ?? chain },
            input: { _ in .policyChanged })
        if case .record = result.decision { return 1 }
        return 0
    }
}
