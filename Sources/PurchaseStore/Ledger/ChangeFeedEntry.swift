import PurchaseCore
import PurchaseService

/// One entry of the change feed: what the app's backend hears of.
struct ChangeFeedEntry {
    var kind: String
    var account: Int64?
    /// `nil` where support decided about an account.
    var transaction: String?
    var data: [String: Value]

    /// A JSON value of a change's data; instants are milliseconds since 1970.
    enum Value: Encodable {
        case text(String?)
        case number(Int64?)
        case flag(Bool)

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let value): try container.encode(value)
            case .number(let value): try container.encode(value)
            case .flag(let value): try container.encode(value)
            }
        }
    }

    static func entries(of decision: CommittableDecision) -> [ChangeFeedEntry] {
        let chain = decision.recorded.chain
        let before = decision.before
        var rows: [ChangeFeedEntry] = []
        var told: Set<TransactionID> = []
        var disputing: Set<AccountNumber> = []
        for case .claimCase(let claimCase) in decision.recorded.entries { disputing.insert(claimCase.account) }
        for entry in decision.recorded.entries {
            switch entry {
            case .transaction(let entry) where told.insert(entry.id).inserted:
                guard let transaction = chain.transactions[entry.id] else { continue }
                let old = before.transactions[entry.id]
                guard old?.state != transaction.state || old?.refusal != transaction.refusal else { continue }
                rows.append(
                    ChangeFeedEntry(
                        kind: "state", account: chain.owner?.rawValue, transaction: transaction.id.rawValue,
                        data: [
                            "state": .text(transaction.state.name.rawValue),
                            "reason": .text(transaction.state.reasonCode),
                            "refusal": .text(transaction.refusal?.rawValue),
                        ]))
            case .entitlement(let row):
                // Another account's from now on: for the one that had it, it ends.
                if let old = before.entitlements[row.id], old.account != row.account {
                    rows.append(change(of: old, endedIn: chain, at: decision.recordedAt))
                }
                rows.append(change(of: row, reason: EntitlementReason(row.rule), isGone: false))
            case .entitlementEnded(let id):
                if let row = before.entitlements[id] {
                    rows.append(change(of: row, endedIn: chain, at: decision.recordedAt))
                }
            case .grant(let grant):
                rows.append(
                    ChangeFeedEntry(
                        kind: "grant", account: grant.account.rawValue, transaction: grant.transactionID.rawValue,
                        data: [
                            "grantId": .text(grant.id.rawValue), "grantKind": .text(grant.kind.rawValue),
                            "status": .text(grant.status.rawValue), "productId": .text(grant.productID.rawValue),
                            "amount": .number(grant.amount), "environment": .text(grant.environment.rawValue),
                            "createdAt": .number(grant.createdAt.millisecondsSince1970),
                        ]))
            case .claimCase(let claimCase):
                let transaction = chain.claims[claimCase.account]?.transactionID ?? chain.transactions.keys.min()
                rows.append(ChangeFeedEntry(claimCase, about: transaction))
                // How it ended is the holder's business too, unless a case of its own tells it.
                if claimCase.status == .resolved, let owner = chain.owner, !disputing.contains(owner) {
                    var row = ChangeFeedEntry(claimCase, about: transaction)
                    row.account = owner.rawValue
                    rows.append(row)
                }
            case .staffOverride(let override): rows.append(ChangeFeedEntry(override))
            case .transaction, .identified, .absorbed, .evidence, .renewal, .claim, .movement, .checkRequested,
                .accountErased, .claimReleased:
                continue
            }
        }
        return rows
    }

    private static func change(of row: Entitlement, endedIn chain: Chain, at now: Instant) -> ChangeFeedEntry {
        let reason: EntitlementReason? =
            switch chain.transactions[row.id.transactionID]?.state {
            case nil, .received?, .pending?: .notPaid
            case .refunded?: .refunded
            case .paid(_, let deciding)?:
                // Nothing here knows the policy: what is left is its doing.
                if chain.owner != row.account {
                    .unclaimed
                } else if chain.evidence[deciding]?.facts.isUpgraded == true {
                    .upgraded
                } else {
                    row.isActive(at: now) ? nil : .expired
                }
            }
        return change(of: row, reason: reason, isGone: true)
    }

    private static func change(of row: Entitlement, reason: EntitlementReason?, isGone: Bool) -> ChangeFeedEntry {
        ChangeFeedEntry(
            kind: "entitlement", account: row.account.rawValue, transaction: row.id.transactionID.rawValue,
            data: [
                "key": .text(row.id.key), "productId": .text(row.productID.rawValue),
                "environment": .text(row.environment.rawValue),
                "originalTransactionId": .text(row.originalTransactionID.rawValue), "ended": .flag(isGone),
                "reason": .text(reason?.rawValue),
                "since": .number(row.since.millisecondsSince1970), "until": .number(row.until?.millisecondsSince1970),
                "extension": .text(row.extended?.reason.rawValue),
                "paidUntil": .number(row.extended?.from.millisecondsSince1970),
            ])
    }
}
