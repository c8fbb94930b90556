import Logging
import PurchaseCore

/// Decides and commits: loads, decides, writes, and again when somebody else was faster.
///
/// Every change goes through here.
struct Decider: Sendable {
    let dependencies: ServiceDependencies
    let configuration: ServiceConfiguration

    /// Who and what led to a decision.
    struct Cause: Sendable {
        var actor: String?
        var requestID: String?
        var body: EvidenceBody?
        var renewalBody: EvidenceBody?
        var notification: NotificationRecord?
        var reason: GivenReason?
    }

    /// Runs an input against a chain until it is committed or changes nothing.
    ///
    /// Inputs are idempotent, so a commit whose outcome is unknown is settled by loading and deciding once more.
    /// `known` is the chain as last seen, to save a read; it is loaded anew with `load` when it turns out stale. `input`
    /// makes the input for the chain as loaded, and `lease` the right to ask Apple that the commit takes, given the chain
    /// after the decision.
    func run(
        known: Chain?, cause: Cause, load: () async throws(LedgerError) -> Chain,
        input: (Chain) async throws(LedgerError) -> Input, lease: (Chain) -> CheckLease? = { _ in nil }
    ) async throws(LedgerError) -> (chain: Chain, decision: Decision) {
        var candidate = known
        var doubt: LedgerError?
        for attempt in 0..<configuration.decisionAttemptsMax {
            // Many who change one chain at once: spread them, or the same one may lose every time.
            if attempt > 2 { try? await Task.sleep(for: .milliseconds(Int.random(in: 1...(4 * attempt)))) }
            var chain: Chain
            if let candidate { chain = candidate } else { chain = try await load() }
            candidate = nil
            chain.erasable.completeTokens(dependencies.cryptography.accountToken)
            let fact = try await input(chain)
            if case .evidenceVerified(let evidence, _, _) = fact, let token = cause.body?.appAccountToken {
                // Tokens of stored evidence came with the chain; that of the new item is in its body.
                chain.erasable.tokens[evidence.id] = token
            }
            let now = dependencies.clock.now()
            let decision = decide(chain, fact, policy: dependencies.policy, now: now)
            switch decision {
            case .nothing(.absorbed):
                continue
            case .nothing:
                dependencies.metrics.decided(fact.kind, decision, from: chain)
                return (chain, decision)
            case .reschedule(let after):
                guard let id = chain.id,
                    try await dependencies.ledger.saveChecks(
                        changedChecks(from: chain, to: after), of: id, at: chain.version,
                        holder: dependencies.processName)
                else { continue }
                dependencies.metrics.decided(fact.kind, decision, from: chain)
                return (after, decision)
            case .record(let recorded):
                do {
                    let committed = try await dependencies.ledger.commit(
                        CommittableDecision(
                            recorded: recorded, before: chain, actor: cause.actor, requestID: cause.requestID,
                            recordedAt: now, body: cause.body, renewalBody: cause.renewalBody,
                            notification: cause.notification, reason: cause.reason,
                            process: dependencies.processName,
                            lease: lease(recorded.chain)))
                    guard let id = committed else { continue }
                    dependencies.metrics.decided(fact.kind, decision, from: chain)
                    tell(recorded)
                    var after = recorded.chain
                    after.id = id
                    return (after, decision)
                } catch  where error.code == .outcomeUnknown {
                    doubt = error
                }
            }
        }
        throw doubt ?? LedgerError(.overloaded, "a chain changed faster than it could be decided")
    }

    private func changedChecks(from before: Chain, to after: Chain) -> [TransactionID: Check] {
        after.checks.filter { before.checks[$0.key] != $0.value }
    }

    private func tell(_ recorded: Decision.Recorded) {
        // What an answer of Apple's calls for is told with each answer, whether or not the ledger changes.
        for alarm in recorded.alarms where recorded.input != .appStoreAnswer {
            dependencies.metrics.alarmRaised(alarm.rawValue)
            dependencies.logger.error(
                "alarm",
                metadata: [
                    LogKey.alarm.rawValue: "\(alarm.rawValue)", LogKey.rule.rawValue: "\(recorded.rule.rawValue)",
                    LogKey.transactions.rawValue:
                        "\(recorded.chain.transactions.keys.sorted().prefix(3).map(\.rawValue).joined(separator: " "))",
                ])
        }
    }
}
