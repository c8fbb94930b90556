import PurchaseCore

extension JSONWriter {
    /// One change of an event, for people.
    ///
    /// Accounts are left out: their numbers mean nothing outside the database, and their names may have been erased.
    mutating func change(_ entry: LedgerEntry) {
        object { writer in
            switch entry {
            case .identified(let identity): writer.identified(identity)
            case .absorbed(let chain):
                writer.member("kind", "absorbed")
                writer.member("byChain", String(chain.rawValue))
            case .transaction(let transaction): writer.state(transaction)
            case .evidence(let id, let standing):
                writer.member("kind", "evidence")
                writer.member("sha256", id.sha256)
                writer.member("source", id.source.rawValue)
                writer.member("standing", standing.rawValue)
            case .renewal(let renewal): writer.renewal(renewal)
            case .claim(let claim): writer.claim(claim)
            case .claimCase(let claimCase):
                writer.member("kind", "case")
                writer.member("caseId", claimCase.id)
                writer.member("status", claimCase.status.rawValue)
                writer.member("openedAt", claimCase.openedAt)
                writer.member("outcome", claimCase.resolution?.outcome.rawValue)
                writer.member("reasonNumber", claimCase.resolution?.reasonNumber)
            case .grant(let grant): writer.delivery(grant)
            case .entitlement(let entitlement): writer.right(entitlement)
            case .entitlementEnded(let id):
                writer.member("kind", "entitlement_ended")
                writer.member("key", id.key)
                writer.member("transactionId", id.transactionID)
            case .movement(let movement): writer.movement(movement)
            case .checkRequested(let id, let reasonNumber):
                writer.member("kind", "check_requested")
                writer.member("transactionId", id)
                writer.member("reasonNumber", reasonNumber)
            case .staffOverride(let override): writer.decision(override)
            case .accountErased(let erasure):
                writer.member("kind", "account_erased")
                writer.member("reasonNumber", erasure.reasonNumber)
            case .claimReleased: writer.member("kind", "claim_released")
            }
        }
    }

    private mutating func identified(_ identity: Chain.Identity) {
        member("kind", "identified")
        switch identity {
        case .provisional(let id):
            member("environment", String?.none)
            member("originalTransactionId", String?.none)
            member("transactionId", id)
        case .original(let environment, let id):
            member("environment", environment.rawValue)
            member("originalTransactionId", id)
            member("transactionId", String?.none)
        case .account:
            member("environment", String?.none)
            member("originalTransactionId", String?.none)
            member("transactionId", String?.none)
        }
    }

    private mutating func state(_ transaction: Transaction) {
        member("kind", "state")
        member("transactionId", transaction.id)
        member("state", transaction.state.name.rawValue)
        member("reason", transaction.state.reasonCode)
        member("refusal", transaction.refusal?.rawValue)
        member("purchaseId", transaction.purchaseID)
        member("decidingSha256", transaction.state.deciding?.sha256)
    }

    private mutating func renewal(_ renewal: RenewalInfo) {
        let facts = renewal.facts
        member("kind", "renewal")
        member("sha256", renewal.id.sha256)
        member("source", renewal.id.source.rawValue)
        member("signedDate", facts.signedDate)
        member("autoRenewStatus", facts.autoRenewStatus)
        member("autoRenewProductId", facts.autoRenewProductID)
        member("isInBillingRetryPeriod", facts.isInBillingRetryPeriod)
        member("gracePeriodExpiresDate", facts.gracePeriodExpiresDate)
        member("expirationIntent", facts.expirationIntent)
    }

    private mutating func claim(_ claim: Claim) {
        member("kind", "claim")
        member("status", claim.status.rawValue)
        member("refusal", claim.refusal?.rawValue)
        member("tokenComparison", claim.tokenComparison?.rawValue)
        member("caseId", claim.caseID)
        member("transactionId", claim.transactionID)
        member("claimedAt", claim.claimedAt)
    }

    private mutating func delivery(_ grant: Grant) {
        member("kind", "grant")
        member("id", grant.id)
        member("grantKind", grant.kind.rawValue)
        member("status", grant.status.rawValue)
        member("productId", grant.productID)
        member("amount", grant.amount)
        member("environment", grant.environment.rawValue)
        member("transactionId", grant.transactionID)
        member("purchaseId", grant.purchaseID)
        member("createdAt", grant.createdAt)
    }

    private mutating func right(_ entitlement: Entitlement) {
        member("kind", "entitlement")
        member("key", entitlement.id.key)
        member("productId", entitlement.productID)
        member("environment", entitlement.environment.rawValue)
        member("transactionId", entitlement.id.transactionID)
        member("originalTransactionId", entitlement.originalTransactionID)
        member("rule", entitlement.rule.rawValue)
        member("since", entitlement.since)
        member("until", entitlement.until)
    }

    private mutating func decision(_ override: Override) {
        member("kind", "override")
        member("overrideId", override.id)
        member("key", override.terms.key)
        member("effect", override.terms.effect.rawValue)
        member("environment", override.terms.environment.rawValue)
        member("since", override.since)
        member("until", override.terms.until)
        member("reasonNumber", override.reasonNumber)
        member("endedAt", override.ending?.endedAt)
        member("endReasonNumber", override.ending?.reasonNumber)
    }

    private mutating func movement(_ movement: Movement) {
        member("kind", "movement")
        member("rowId", movement.rowID)
        member("movementKind", movement.kind.rawValue)
        member("purchaseId", movement.purchaseID)
        member("transactionId", movement.transactionID)
        member("occurredAt", movement.occurredAt)
        member("amountMilliunits", movement.amountMilliunits)
        member("currency", movement.currency)
        member("sha256", movement.evidence.sha256)
    }
}
