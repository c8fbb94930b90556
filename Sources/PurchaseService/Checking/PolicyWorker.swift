import Logging
import PurchaseCore

/// Decides again, from stored evidence, what a change of settings or catalogue can have changed.
///
/// Runs at the start of a worker until it has gone through everything under the policy in force; only then is that
/// remembered, so that a crash, a fault of one chain, or another process that started first leaves nothing out.
package struct PolicyWorker: Sendable {
    /// Chains read at a time.
    static let page = 200

    let dependencies: ServiceDependencies
    let configuration: ServiceConfiguration
    let decider: Decider

    /// Walks through the chains that may change, unless that was done under this policy; how many events came of it.
    package func run() async throws(LedgerError) -> Int {
        let version = dependencies.policy.version
        guard try await dependencies.ledger.decidedPolicy() != version else { return 0 }
        _ = try await dependencies.ledger.reviveNotifications(
            in: dependencies.policy.allowedEnvironments, now: dependencies.clock.now())
        var after: ChainID?
        var events = 0
        var faults = 0
        while !Task.isCancelled {
            let ids = try await dependencies.ledger.chainsToDecideAgain(after: after, limit: Self.page)
            guard let last = ids.last else { break }
            after = last
            for id in ids {
                do {
                    events += try await decideAgain(id)
                } catch {
                    faults += 1
                    dependencies.logger.error(
                        "a chain can't be decided again",
                        metadata: [LogKey.chain.rawValue: "\(id.rawValue)", LogKey.error.rawValue: "\(error)"])
                }
            }
        }
        guard faults == 0, !Task.isCancelled else { return events }
        try await dependencies.ledger.setDecidedPolicy(version)
        dependencies.logger.notice(
            "decided again under a changed policy", metadata: [LogKey.events.rawValue: "\(events)"])
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
