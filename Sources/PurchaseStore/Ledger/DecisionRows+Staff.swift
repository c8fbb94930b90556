import PurchaseCore
import PurchaseService

extension DecisionRows {
    static func row(_ dispute: ClaimCase) -> CaseRow {
        CaseRow(
            id: dispute.id.rawValue, account: dispute.account.rawValue, status: dispute.status.rawValue,
            openedAt: dispute.openedAt, outcome: dispute.resolution?.outcome.rawValue,
            reasonNumber: dispute.resolution?.reasonNumber,
            resolvedAt: dispute.resolution?.resolvedAt,
            takenFrom: dispute.resolution?.takenFrom?.rawValue)
    }

    static func row(_ override: Override) -> OverrideRow {
        OverrideRow(
            id: override.id.rawValue, account: override.account.rawValue, key: override.terms.key,
            environment: override.terms.environment.rawValue, effect: override.terms.effect.rawValue,
            since: override.since, until: override.terms.until, reasonNumber: override.reasonNumber,
            endedAt: override.ending?.endedAt, endReasonNumber: override.ending?.reasonNumber)
    }
}

extension ChangeFeedEntry {
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
