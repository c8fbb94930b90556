import PurchaseCore
import PurchaseService

/// A decision with its rows made, ready to share a statement with others.
struct PreparedDecision: Sendable {
    /// What only one decision of a statement may touch.
    enum Subject: Hashable, Sendable {
        case chain(ChainID)
        case identity(Chain.Identity)
        case transaction(TransactionID)
    }

    let decision: CommittableDecision
    let rows: DecisionRows
    /// The event of the chain that is taken in, as JSON; `nil` when none is.
    let absorbedEntries: String?
    /// Everything that another decision of the same statement must not be about: all parts of a statement see the rows as
    /// they were before it, so neither would notice the other.
    let subjects: Set<Subject>

    /// Makes the rows; `LedgerError` with `refused` for a decision that could not be ours.
    init(_ decision: CommittableDecision) throws(LedgerError) {
        self.decision = decision
        rows = try DecisionRows(decision)
        let (before, recorded) = (decision.before, decision.recorded)
        var subjects: Set<Subject> = [.identity(before.identity), .identity(recorded.chain.identity)]
        if let id = before.id { subjects.insert(.chain(id)) }
        subjects.formUnion(recorded.chain.transactions.keys.map(Subject.transaction))
        if let absorbed = recorded.absorbed {
            guard let id = absorbed.id, let into = before.id else {
                throw LedgerError(.refused, "only recorded chains can be absorbed")
            }
            subjects.formUnion([.chain(id), .identity(absorbed.identity)])
            subjects.formUnion(absorbed.transactions.keys.map(Subject.transaction))
            absorbedEntries = try LedgerJSON.text([LedgerEntry.absorbed(by: into)])
        } else {
            absorbedEntries = nil
        }
        self.subjects = subjects
    }

    /// Whether it has parts that are written for one decision: taking a chain in, words of support, erasing.
    var standsAlone: Bool {
        if absorbedEntries != nil || decision.reason != nil { return true }
        return decision.recorded.entries.contains { entry in
            switch entry {
            case .accountErased, .claimReleased: true
            case .identified, .absorbed, .transaction, .evidence, .renewal, .claim, .claimCase, .grant, .entitlement,
                .entitlementEnded, .movement, .checkRequested, .staffOverride:
                false
            }
        }
    }
}
