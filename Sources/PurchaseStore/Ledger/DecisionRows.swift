import PurchaseCore
import PurchaseService

/// The rows that one decision writes, in the form in which they travel as JSON to the statement.
///
/// Names are the statement's column names. Instants are milliseconds since 1970; digests are hexadecimal.
struct DecisionRows {
    struct TransactionRow: Encodable {
        var id: String
        var state: String
        var reason: String
        var refusal: String?
        var purchase: String?
        var sha256: String?
        var source: String?
        var revoked: Bool?
        var ownership: String?
        var revocation_date: Int64?
        var environment: String?
        var original: String?
        var product: String?
        var type: String?
        var purchase_date: Int64?
        var created_at: Int64
        var updated_at: Int64
    }

    struct PurchaseRow: Encodable, Hashable {
        var id: String
        var environment: String
        var ownership: String
    }

    struct ClaimRow: Encodable {
        var account: Int64
        var status: String
        var refusal: String?
        var comparison: String?
        var case_id: String?
        var transaction: String
        var claimed_at: Int64
    }

    struct CaseRow: Encodable {
        var id: String
        var account: Int64
        var status: String
        var opened_at: Int64
        var outcome: String?
        var reason_number: Int64?
        var resolved_at: Int64?
        var taken_from: Int64?
    }

    struct OverrideRow: Encodable {
        var id: String
        var account: Int64
        var key: String
        var environment: String
        var effect: String
        var since: Int64
        var until: Int64?
        var reason_number: Int64
        var ended_at: Int64?
        var end_reason_number: Int64?
    }

    struct GrantRow: Encodable {
        var id: String
        var kind: String
        var status: String
        var account: Int64
        var purchase: String
        var transaction: String
        var product: String
        var amount: Int64
        var environment: String
        var created_at: Int64
    }

    struct EntitlementRow: Encodable {
        var transaction: String
        var key: String
        var account: Int64
        var product: String
        var environment: String
        var original: String
        var state: String
        var rule: String
        var since: Int64
        var until: Int64?
        var `extension`: String?
        var paid_until: Int64?
    }

    struct EndedRow: Encodable {
        var transaction: String
        var key: String
    }

    struct MovementRow: Encodable {
        var id: String
        var purchase: String
        var kind: String
        var generation: Int64
        var step: Int64
        var transaction: String
        var occurred_at: Int64
        var amount: Int64?
        var currency: String?
        var sha256: String
        var source: String
        var revoked: Bool
    }

    struct CheckRow: Encodable {
        var transaction: String
        var due_at: Int64?
        var asked_at: Int64?
        var progress: Check
        var sweep: Bool
        var holder: String?
        var lease_until: Int64?
    }

    var transactions: [TransactionRow] = []
    var purchases: [PurchaseRow] = []
    var claims: [ClaimRow] = []
    var cases: [CaseRow] = []
    var overrides: [OverrideRow] = []
    var grants: [GrantRow] = []
    var entitlements: [EntitlementRow] = []
    var ended: [EndedRow] = []
    var movements: [MovementRow] = []
    var checks: [CheckRow] = []
    var changes: [ChangeRow] = []

    init(_ decision: CommittableDecision) {
        let chain = decision.recorded.chain
        // An entry may be followed by a later one about the same row: the last after-image is what is stored.
        var transactionIDs: Set<TransactionID> = []
        var accounts: Set<AccountNumber> = []
        var caseIDs: Set<CaseID> = []
        var overrideIDs: Set<OverrideID> = []
        var grantIDs: Set<GrantID> = []
        var entitlementIDs: Set<Entitlement.ID> = []
        for entry in decision.recorded.entries {
            switch entry {
            case .transaction(let transaction): transactionIDs.insert(transaction.id)
            case .claim(let claim): accounts.insert(claim.account)
            case .claimCase(let claimCase): caseIDs.insert(claimCase.id)
            case .staffOverride(let override): overrideIDs.insert(override.id)
            case .grant(let grant): grantIDs.insert(grant.id)
            case .entitlement(let entitlement): entitlementIDs.insert(entitlement.id)
            case .entitlementEnded(let id): entitlementIDs.insert(id)
            case .movement(let movement): movements.append(Self.row(movement, in: chain))
            case .identified, .absorbed, .evidence, .renewal, .checkRequested, .accountErased, .claimReleased: break
            }
        }
        transactions = transactionIDs.sorted().compactMap { chain.transactions[$0] }.map { Self.row($0, in: chain) }
        purchases = Set(transactions.compactMap(Self.purchase)).sorted { $0.id < $1.id }
        claims = accounts.sorted().compactMap { chain.claims[$0] }.map(Self.row)
        cases = caseIDs.sorted().compactMap { chain.cases[$0] }.map(Self.row)
        overrides = overrideIDs.sorted().compactMap { chain.overrides[$0] }.map(Self.row)
        grants = grantIDs.sorted().compactMap { chain.grants[$0] }.map(Self.row)
        for id in entitlementIDs.sorted() {
            if let entitlement = chain.entitlements[id] {
                entitlements.append(Self.row(entitlement))
            } else if decision.before.entitlements[id] != nil {
                ended.append(EndedRow(transaction: id.transactionID.rawValue, key: id.key))
            }
        }
        checks = Self.checks(of: decision)
        changes = ChangeRow.rows(of: decision)
    }

    /// Checks that the decision changed, and the one that the lease is about.
    private static func checks(of decision: CommittableDecision) -> [CheckRow] {
        let after = decision.recorded.chain.checks
        return after.keys.sorted().compactMap { id in
            guard let check = after[id], id == decision.lease?.transactionID || check != decision.before.checks[id]
            else { return nil }
            return CheckRow(id, check, lease: decision.lease?.transactionID == id ? decision.lease : nil)
        }
    }

    private static func row(_ transaction: Transaction, in chain: Chain) -> TransactionRow {
        let deciding = chain.decidingEvidence(of: transaction.state)
        let own = chain.evidence.values.filter { $0.facts.transactionID == transaction.id }
        let shown =
            own.filter(\.id.source.isAuthoritative).max(by: Evidence.precedes) ?? own.max(by: Evidence.precedes)
        let settled = transaction.state.isSettled
        return TransactionRow(
            id: transaction.id.rawValue, state: transaction.state.name.rawValue, reason: transaction.state.reasonCode,
            refusal: transaction.refusal?.rawValue, purchase: transaction.purchaseID?.rawValue,
            sha256: transaction.state.deciding?.sha256, source: transaction.state.deciding?.source.rawValue,
            revoked: settled ? deciding?.facts.isRevoked : nil,
            ownership: transaction.purchaseID.flatMap(ownership),
            revocation_date: settled
                ? deciding?.facts.revocationDate?.millisecondsSince1970 : nil,
            environment: chain.environment?.rawValue, original: shown?.facts.originalTransactionID.rawValue,
            product: shown?.facts.productID?.rawValue, type: shown?.facts.type?.appleValue,
            purchase_date: shown?.facts.purchaseDate?.millisecondsSince1970,
            created_at: transaction.createdAt.millisecondsSince1970,
            updated_at: transaction.updatedAt.millisecondsSince1970)
    }

    /// Apple's spelling of the ownership that a purchase's id carries; `nil` for an unknown one.
    private static func ownership(of purchase: PurchaseID) -> String? {
        switch purchase.rawValue.split(separator: ".", maxSplits: 2).dropFirst().first {
        case "purchased": "PURCHASED"
        case "family_shared": "FAMILY_SHARED"
        default: nil
        }
    }

    private static func purchase(of transaction: TransactionRow) -> PurchaseRow? {
        guard let id = transaction.purchase, let environment = transaction.environment else { return nil }
        let parts = id.split(separator: ".", maxSplits: 2)
        guard parts.count == 3 else { return nil }
        return PurchaseRow(id: id, environment: environment, ownership: String(parts[1]))
    }

    private static func row(_ claim: Claim) -> ClaimRow {
        ClaimRow(
            account: claim.account.rawValue, status: claim.status.rawValue, refusal: claim.refusal?.rawValue,
            comparison: claim.tokenComparison?.rawValue, case_id: claim.caseID?.rawValue,
            transaction: claim.transactionID.rawValue, claimed_at: claim.claimedAt.millisecondsSince1970)
    }

    private static func row(_ grant: Grant) -> GrantRow {
        GrantRow(
            id: grant.id.rawValue, kind: grant.kind.rawValue, status: grant.status.rawValue,
            account: grant.account.rawValue, purchase: grant.purchaseID.rawValue,
            transaction: grant.transactionID.rawValue, product: grant.productID.rawValue, amount: grant.amount,
            environment: grant.environment.rawValue, created_at: grant.createdAt.millisecondsSince1970)
    }

    private static func row(_ entitlement: Entitlement) -> EntitlementRow {
        EntitlementRow(
            transaction: entitlement.id.transactionID.rawValue, key: entitlement.id.key,
            account: entitlement.account.rawValue, product: entitlement.productID.rawValue,
            environment: entitlement.environment.rawValue, original: entitlement.originalTransactionID.rawValue,
            state: entitlement.state.rawValue, rule: entitlement.rule.rawValue,
            since: entitlement.since.millisecondsSince1970, until: entitlement.until?.millisecondsSince1970,
            extension: entitlement.extended?.reason.rawValue,
            paid_until: entitlement.extended?.from.millisecondsSince1970)
    }

    private static func row(_ movement: Movement, in chain: Chain) -> MovementRow {
        MovementRow(
            id: movement.rowID, purchase: movement.purchaseID.rawValue, kind: movement.kind.rawValue,
            generation: movement.generation, step: movement.step, transaction: movement.transactionID.rawValue,
            occurred_at: movement.occurredAt.millisecondsSince1970, amount: movement.amountMilliunits,
            currency: movement.currency, sha256: movement.evidence.sha256, source: movement.evidence.source.rawValue,
            revoked: chain.evidence[movement.evidence]?.facts.isRevoked ?? false)
    }
}

extension DecisionRows.CheckRow {
    init(_ id: TransactionID, _ check: Check, lease: CheckLease?) {
        self.init(
            transaction: id.rawValue, due_at: check.dueAt?.millisecondsSince1970,
            asked_at: check.lastAskedAt?.millisecondsSince1970, progress: check, sweep: check.isSweepDueFirst,
            holder: lease?.holder,
            lease_until: lease?.until.millisecondsSince1970)
    }
}

/// One row of the change feed: what the app's backend hears of.
struct ChangeRow: Encodable {
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

    static func rows(of decision: CommittableDecision) -> [ChangeRow] {
        let chain = decision.recorded.chain
        let before = decision.before
        var rows: [ChangeRow] = []
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
                    ChangeRow(
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
                    ChangeRow(
                        kind: "grant", account: grant.account.rawValue, transaction: grant.transactionID.rawValue,
                        data: [
                            "grantId": .text(grant.id.rawValue), "grantKind": .text(grant.kind.rawValue),
                            "status": .text(grant.status.rawValue), "productId": .text(grant.productID.rawValue),
                            "amount": .number(grant.amount), "environment": .text(grant.environment.rawValue),
                            "createdAt": .number(grant.createdAt.millisecondsSince1970),
                        ]))
            case .claimCase(let claimCase):
                let transaction = chain.claims[claimCase.account]?.transactionID ?? chain.transactions.keys.min()
                rows.append(ChangeRow(claimCase, about: transaction))
                // How it ended is the holder's business too, unless a case of its own tells it.
                if claimCase.status == .resolved, let owner = chain.owner, !disputing.contains(owner) {
                    var row = ChangeRow(claimCase, about: transaction)
                    row.account = owner.rawValue
                    rows.append(row)
                }
            case .staffOverride(let override): rows.append(ChangeRow(override))
            case .transaction, .identified, .absorbed, .evidence, .renewal, .claim, .movement, .checkRequested,
                .accountErased, .claimReleased:
                continue
            }
        }
        return rows
    }

    private static func change(of row: Entitlement, endedIn chain: Chain, at now: Instant) -> ChangeRow {
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

    private static func change(of row: Entitlement, reason: EntitlementReason?, isGone: Bool) -> ChangeRow {
        ChangeRow(
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
