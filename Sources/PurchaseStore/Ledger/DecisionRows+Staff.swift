import PurchaseCore
import PurchaseService

extension DecisionRows {
    static func row(_ dispute: ClaimCase) -> CaseRow {
        CaseRow(
            id: dispute.id.rawValue, account: dispute.account.rawValue, status: dispute.status.rawValue,
            opened_at: dispute.openedAt.millisecondsSince1970, outcome: dispute.resolution?.outcome.rawValue,
            reason_number: dispute.resolution?.reasonNumber,
            resolved_at: dispute.resolution?.resolvedAt.millisecondsSince1970,
            taken_from: dispute.resolution?.takenFrom?.rawValue)
    }

    static func row(_ override: Override) -> OverrideRow {
        OverrideRow(
            id: override.id.rawValue, account: override.account.rawValue, key: override.terms.key,
            environment: override.terms.environment.rawValue, effect: override.terms.effect.rawValue,
            since: override.since.millisecondsSince1970, until: override.terms.until?.millisecondsSince1970,
            reason_number: override.reasonNumber, ended_at: override.ending?.endedAt.millisecondsSince1970,
            end_reason_number: override.ending?.reasonNumber)
    }
}

extension ChangeRow {
    /// A dispute, told to the account that claims against the holder.
    init(_ dispute: ClaimCase, about transaction: TransactionID?) {
        self.init(
            kind: "case", account: dispute.account.rawValue, transaction: transaction?.rawValue ?? "",
            data: [
                "caseId": .text(dispute.id.rawValue), "status": .text(dispute.status.rawValue),
                "outcome": .text(dispute.resolution?.outcome.rawValue),
            ])
    }

    /// An override, made or ended.
    init(_ override: Override) {
        let reason: EntitlementReason =
            switch override.terms.effect {
            case .grant: .override
            case .withhold: .withheld
            }
        let isGone = override.ending != nil
        self.init(
            kind: "entitlement", account: override.account.rawValue, transaction: nil,
            data: [
                "key": .text(override.terms.key), "environment": .text(override.terms.environment.rawValue),
                "ended": .flag(isGone), "reason": .text(isGone ? nil : reason.rawValue),
                "since": .number(override.since.millisecondsSince1970),
                "until": .number(override.terms.until?.millisecondsSince1970),
                "overrideId": .text(override.id.rawValue), "effect": .text(override.terms.effect.rawValue),
            ])
    }
}
