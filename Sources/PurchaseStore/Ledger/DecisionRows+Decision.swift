import PurchaseCore
import PurchaseService

extension DecisionRows {
    /// The rows of a decision; `LedgerError` with `refused` for one that could not be ours.
    init(_ decision: CommittableDecision) throws(LedgerError) {
        head = try Self.head(of: decision)
        try appendProofs(of: decision)
        if let notification = decision.notification { append(notification) }
        try appendProjections(of: decision)
    }

    // MARK: The decision and its proof

    private static func head(of decision: CommittableDecision) throws(LedgerError) -> HeadRow {
        let (before, recorded) = (decision.before, decision.recorded)
        let chain = recorded.chain
        var row = HeadRow(
            chain: before.id?.rawValue, version: before.id == nil ? nil : before.version,
            environment: chain.environment?.rawValue, recordedAt: decision.recordedAt, input: recorded.input.rawValue,
            rule: recorded.rule.rawValue, policy: recorded.policyVersion.rawValue, actor: decision.actor,
            request: decision.requestID, sha256: try digest(of: recorded.evidence?.id),
            source: recorded.evidence?.id.source.rawValue, entries: try LedgerJSON.text(recorded.entries))
        switch chain.identity {
        case .provisional(let id): row.provisional = id.rawValue
        case .original(_, let id): row.original = id.rawValue
        case .account(let number): row.account = number.rawValue
        }
        if let absorbed = recorded.absorbed, let id = absorbed.id {
            row.absorbed = id.rawValue
            row.absorbedVersion = absorbed.version
        }
        // What was in either chain belongs to it for as long as their versions stand.
        let new = chain.transactions.keys.filter {
            before.transactions[$0] == nil && recorded.absorbed?.transactions[$0] == nil || before.id == nil
        }
        row.newTransactions = new.isEmpty ? nil : new.sorted().map(\.rawValue).joined(separator: ",")
        let claimants = newClaimants(of: decision)
        row.newClaimants =
            claimants.isEmpty ? nil : claimants.sorted().map { String($0.rawValue) }.joined(separator: ",")
        return row
    }

    /// Accounts that may not be on their way out: who claims anew, and for whom a dispute is decided.
    ///
    /// A request that began before an erasing has the account's number in its hands. The erasing is recorded under the
    /// same lock as decisions are, so what comes after it sees it. What Apple says is decided upon all the same: a waiting
    /// claim may come to hold what nobody holds, and is let go of like the others.
    private static func newClaimants(of decision: CommittableDecision) -> Set<AccountNumber> {
        var known = Set(decision.before.claims.keys)
        if let absorbed = decision.recorded.absorbed { known.formUnion(absorbed.claims.keys) }
        var new = Set(decision.recorded.chain.claims.keys).subtracting(known)
        // What a dispute takes from its holder must not be lost with the one who gets it.
        if decision.recorded.rule == .caseResolved, let owner = decision.recorded.chain.owner,
            owner != decision.before.owner
        {
            new.insert(owner)
        }
        return new
    }

    private static func digest(of id: EvidenceID?) throws(LedgerError) -> [UInt8]? {
        guard let id else { return nil }
        return try digest(id)
    }

    private static func digest(_ id: EvidenceID) throws(LedgerError) -> [UInt8] {
        guard let bytes = Hexadecimal.bytes(id.sha256) else {
            throw LedgerError(.refused, "a digest is not hexadecimal")
        }
        return bytes
    }

    private mutating func appendProofs(of decision: CommittableDecision) throws(LedgerError) {
        if let item = decision.recorded.evidence, decision.before.evidence[item.id] == nil {
            let digest = try Self.digest(item.id)
            evidence.append(
                EvidenceRow(
                    sha256: digest, source: item.id.source.rawValue, revoked: item.facts.isRevoked,
                    transaction: item.facts.transactionID.rawValue, environment: item.facts.environment.rawValue,
                    signedDate: item.facts.signedDate, seenAt: item.seenAt, notificationType: item.notificationType,
                    facts: try LedgerJSON.text(item.facts)))
            if let row = body(decision.body, digest: digest, source: item.id.source) { evidenceBodies.append(row) }
        }
        // Renewal info is evidence of its own, and its signed text is kept in the same way.
        for case .renewal(let renewal) in decision.recorded.entries {
            let digest = try Self.digest(renewal.id)
            renewals.append(
                RenewalRow(
                    sha256: digest, source: renewal.id.source.rawValue, signedDate: renewal.facts.signedDate,
                    seenAt: renewal.seenAt, facts: try LedgerJSON.text(renewal.facts)))
            if let row = body(decision.renewalBody, digest: digest, source: renewal.id.source) {
                renewalBodies.append(row)
            }
        }
    }

    /// The signed text, cut behind its header, which is kept apart.
    private mutating func body(_ body: EvidenceBody?, digest: [UInt8], source: EvidenceSource) -> BodyRow? {
        guard let body, let parts = SplitJWS(body.jws) else { return nil }
        headers.append(HeaderRow(sha256: parts.headerSHA256, text: parts.header))
        return BodyRow(
            sha256: digest, source: source.rawValue, header: parts.headerSHA256, rest: parts.rest,
            token: body.appAccountToken?.rawValue, download: body.appTransactionID.map { String($0.prefix(64)) })
    }

    /// The rows of a notification that no decision goes with.
    init(keeping notification: NotificationRecord) {
        head = nil
        append(notification)
    }

    private mutating func append(_ notification: NotificationRecord) {
        notifications.append(NotificationRow(notification))
        guard let parts = SplitJWS(notification.jws) else { return }
        headers.append(HeaderRow(sha256: parts.headerSHA256, text: parts.header))
        notificationBodies.append(
            NotificationBodyRow(uuid: notification.uuid, header: parts.headerSHA256, rest: parts.rest))
    }

    // MARK: Projections

    private mutating func appendProjections(of decision: CommittableDecision) throws(LedgerError) {
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
            case .movement(let movement): movements.append(try Self.row(movement, in: chain))
            case .identified, .absorbed, .evidence, .renewal, .checkRequested, .accountErased, .claimReleased: break
            }
        }
        for id in transactionIDs.sorted() {
            guard let transaction = chain.transactions[id] else { continue }
            transactions.append(try Self.row(transaction, in: chain))
        }
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
        try appendChecks(of: decision)
        for entry in ChangeFeedEntry.entries(of: decision) {
            changes.append(
                ChangeRow(
                    kind: entry.kind, account: entry.account, transaction: entry.transaction,
                    occurredAt: decision.recordedAt, data: try LedgerJSON.text(entry.data)))
        }
    }

    /// Checks that the decision changed, and the one that the lease is about.
    private mutating func appendChecks(of decision: CommittableDecision) throws(LedgerError) {
        let after = decision.recorded.chain.checks
        for id in after.keys.sorted() {
            guard let check = after[id], id == decision.lease?.transactionID || check != decision.before.checks[id]
            else { continue }
            checks.append(
                try CheckRow(id, check, lease: decision.lease?.transactionID == id ? decision.lease : nil))
        }
    }

    private static func row(_ transaction: Transaction, in chain: Chain) throws(LedgerError) -> TransactionRow {
        let deciding = chain.decidingEvidence(of: transaction.state)
        let own = chain.evidence.values.filter { $0.facts.transactionID == transaction.id }
        let shown =
            own.filter(\.id.source.isAuthoritative).max(by: Evidence.precedes) ?? own.max(by: Evidence.precedes)
        let settled = transaction.state.isSettled
        return TransactionRow(
            id: transaction.id.rawValue, state: transaction.state.name.rawValue, reason: transaction.state.reasonCode,
            refusal: transaction.refusal?.rawValue, purchase: transaction.purchaseID?.rawValue,
            sha256: try digest(of: transaction.state.deciding),
            source: transaction.state.deciding?.source.rawValue,
            authoritative: transaction.state.deciding?.source.isAuthoritative,
            revoked: settled ? deciding?.facts.isRevoked : nil,
            ownership: transaction.purchaseID.flatMap(ownership),
            revocationDate: settled ? deciding?.facts.revocationDate : nil,
            environment: chain.environment?.rawValue, original: shown?.facts.originalTransactionID.rawValue,
            product: shown?.facts.productID?.rawValue, type: shown?.facts.type?.appleValue,
            purchaseDate: shown?.facts.purchaseDate, createdAt: transaction.createdAt,
            updatedAt: transaction.updatedAt)
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
            comparison: claim.tokenComparison?.rawValue, caseID: claim.caseID?.rawValue,
            transaction: claim.transactionID.rawValue, claimedAt: claim.claimedAt)
    }

    private static func row(_ grant: Grant) -> GrantRow {
        GrantRow(
            id: grant.id.rawValue, kind: grant.kind.rawValue, status: grant.status.rawValue,
            account: grant.account.rawValue, purchase: grant.purchaseID.rawValue,
            transaction: grant.transactionID.rawValue, product: grant.productID.rawValue, amount: grant.amount,
            environment: grant.environment.rawValue, createdAt: grant.createdAt)
    }

    private static func row(_ entitlement: Entitlement) -> EntitlementRow {
        EntitlementRow(
            transaction: entitlement.id.transactionID.rawValue, key: entitlement.id.key,
            account: entitlement.account.rawValue, product: entitlement.productID.rawValue,
            environment: entitlement.environment.rawValue, original: entitlement.originalTransactionID.rawValue,
            state: entitlement.state.rawValue, rule: entitlement.rule.rawValue,
            since: entitlement.since, until: entitlement.until, extended: entitlement.extended?.reason.rawValue,
            paidUntil: entitlement.extended?.from)
    }

    private static func row(_ movement: Movement, in chain: Chain) throws(LedgerError) -> MovementRow {
        MovementRow(
            id: movement.rowID, purchase: movement.purchaseID.rawValue, kind: movement.kind.rawValue,
            generation: movement.generation, step: movement.step, transaction: movement.transactionID.rawValue,
            occurredAt: movement.occurredAt, amount: movement.amountMilliunits,
            currency: movement.currency, sha256: try digest(movement.evidence),
            source: movement.evidence.source.rawValue,
            revoked: chain.evidence[movement.evidence]?.facts.isRevoked ?? false)
    }
}

extension DecisionRows.CheckRow {
    /// The row of a question, with the right to ask it now if somebody takes it.
    init(_ id: TransactionID, _ check: Check, lease: CheckLease?) throws(LedgerError) {
        self.init(
            transaction: id.rawValue, dueAt: check.dueAt, askedAt: check.lastAskedAt,
            progress: try LedgerJSON.text(check), sweep: check.isSweepDueFirst, holder: lease?.holder,
            leaseUntil: lease?.until)
    }
}

extension DecisionRows.NotificationRow {
    /// The row of a notification.
    init(_ notification: NotificationRecord) {
        self.init(
            uuid: notification.uuid, environment: notification.environment?.rawValue,
            type: notification.notificationType, subtype: notification.subtype, signedDate: notification.signedDate,
            receivedAt: notification.receivedAt, origin: notification.origin.rawValue,
            outcome: notification.outcome.rawValue, transaction: notification.transactionID?.rawValue,
            respondBy: notification.respondBy, retryAt: notification.retryAt, sha256: notification.sha256,
            original: notification.originalTransactionID?.rawValue)
    }
}
