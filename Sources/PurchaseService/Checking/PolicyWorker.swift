import Logging
import PurchaseCore
import ServiceLifecycle

/// Decides again, from stored evidence, what a change of settings or catalogue can have changed.
///
/// How far everything follows a policy is remembered only once all of it was gone through, so that a crash, a fault of
/// one chain, or another process that started first leaves nothing out.
package struct PolicyWorker: Sendable {
    /// Chains read at a time.
    static let page = 200
    /// Ledger positions looked through at a time.
    static let positions: Int64 = 10_000

    let dependencies: ServiceDependencies
    let configuration: ServiceConfiguration
    let decider: Decider

    /// What came of one walk.
    struct Outcome: Sendable {
        /// Chains that changed.
        var events = 0
        /// Chains that could not be decided.
        var faults = 0
        /// Whether everything was gone through, without a fault, under one policy.
        var isComplete = false
    }

    /// Walks at the start and whenever the policy in force is another one, until shut down.
    ///
    /// Each time twice: other processes notice a change of the catalogue a little later, and what they decided meanwhile
    /// under the policy before is decided again. A walk that did not come to its end is repeated after ever longer waits.
    package func work() async {
        await cancelWhenGracefulShutdown {
            var done: PolicyVersion?
            var pause = configuration.policySettles
            while !Task.isCancelled {
                let version = dependencies.policy.version
                if version != done {
                    _ = await attempt()
                    try? await Task.sleep(for: pause)
                    if await attempt(), version == dependencies.policy.version {
                        (done, pause) = (version, configuration.policySettles)
                    } else {
                        pause = min(pause * 2, configuration.policyRetryMax)
                    }
                }
                try? await Task.sleep(for: configuration.pollEvery)
            }
        }
    }

    /// One walk, unless everything follows the policy in force already; how many events came of it.
    package func run() async throws(LedgerError) -> Int { try await walk().events }

    private func attempt() async -> Bool {
        do {
            return try await walk().isComplete
        } catch {
            // Every new input of a chain decides under the policy in force anyway.
            dependencies.logger.error(
                "deciding again failed", metadata: [LogKey.error.rawValue: "\(error)"])
            return false
        }
    }

    private func walk() async throws(LedgerError) -> Outcome {
        let ledger = dependencies.ledger
        let version = dependencies.policy.version
        // What is recorded from here on is looked at by the next walk.
        let newest = try await ledger.newestEvent()
        let decided = try await ledger.decidedPolicy()
        var outcome = Outcome()
        if decided?.version != version {
            _ = try await ledger.reviveNotifications(
                in: dependencies.policy.allowedEnvironments, now: dependencies.clock.now())
            var difference = PolicyDifference.everything
            if let decided { difference = try await ledger.policyDifference(from: decided.version, to: version) }
            try await walk(difference, version, &outcome)
        }
        // Without a policy before, the walk went through everything.
        // What was decided under the policy before is in the difference already.
        if let decided {
            try await walk(after: decided.position, through: newest, [version, decided.version], &outcome)
        }
        guard outcome.faults == 0, isInForce(version) else { return outcome }
        try await ledger.setDecidedPolicy(DecidedPolicy(version: version, position: newest))
        outcome.isComplete = true
        if decided?.version != version || outcome.events > 0 {
            dependencies.logger.notice(
                "decided again under a changed policy", metadata: [LogKey.events.rawValue: "\(outcome.events)"])
        }
        return outcome
    }

    /// The chains whose outcome the difference of two policies may change.
    private func walk(
        _ difference: PolicyDifference, _ version: PolicyVersion, _ outcome: inout Outcome
    ) async throws(LedgerError) {
        var after: ChainID?
        while isInForce(version) {
            let ids = try await dependencies.ledger.chainsToDecideAgain(difference, after: after, limit: Self.page)
            guard let last = ids.last else { return }
            after = last
            for id in ids { await decideAgain(id, &outcome) }
        }
    }

    /// The chains that another process decided under another policy since then.
    private func walk(
        after start: Int64, through end: Int64, _ versions: [PolicyVersion], _ outcome: inout Outcome
    ) async throws(LedgerError) {
        var position = start
        while position < end, let version = versions.first, isInForce(version) {
            let next = min(position + Self.positions, end)
            let ids = try await dependencies.ledger.chainsDecidedOtherwise(
                than: versions, after: position, through: next)
            for id in ids { await decideAgain(id, &outcome) }
            position = next
        }
    }

    private func isInForce(_ version: PolicyVersion) -> Bool {
        !Task.isCancelled && dependencies.policy.version == version
    }

    private func decideAgain(_ id: ChainID, _ outcome: inout Outcome) async {
        do {
            outcome.events += try await decideAgain(id)
        } catch {
            outcome.faults += 1
            dependencies.logger.error(
                "a chain can't be decided again",
                metadata: [LogKey.chain.rawValue: "\(id.rawValue)", LogKey.error.rawValue: "\(error)"])
        }
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
