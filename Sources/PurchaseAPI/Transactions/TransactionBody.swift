import PurchaseCore
import PurchaseService

extension JSONWriter {
    /// A transaction as the contract shows it.
    ///
    /// - Parameters:
    ///   - view: What the caller may see.
    ///   - bundleID: The deployment's app, shown until evidence names one.
    ///   - claimToken: In the answer to a post alone.
    mutating func transaction(_ view: TransactionView, bundleID: BundleID, claimToken: String? = nil) {
        object { writer in
            writer.apple(view, bundleID)
            writer.standing(view)
            if let claimToken { writer.member("claimToken", claimToken) }
        }
    }

    /// What Apple's evidence says, under Apple's names and in Apple's units; the state in its place among them.
    private mutating func apple(_ view: TransactionView, _ bundleID: BundleID) {
        let facts = view.facts
        member("transactionId", view.transaction.id)
        member("originalTransactionId", facts?.originalTransactionID)
        member("webOrderLineItemId", facts?.webOrderLineItemID)
        member("environment", (view.environment ?? facts?.environment)?.rawValue)
        member("bundleId", facts?.bundleID ?? bundleID)
        member("productId", facts?.productID)
        member("type", facts?.type?.appleValue)
        member("state", view.transaction.state.name.rawValue)
        member("reason", view.transaction.state.reasonCode)
        member("refusal", view.transaction.refusal?.rawValue)
        member("accountId", view.accountID)
        member("inAppOwnershipType", facts?.inAppOwnershipType?.appleValue)
        member("quantity", facts?.quantity)
        member("price", facts?.charge)
        member("purchaseDate", facts?.purchaseDate)
        member("expiresDate", facts?.expiresDate)
        member("revocationDate", facts?.revocationDate)
        member("revocationReason", facts?.revocationReason)
        member("revocationType", facts?.revocationType)
        member("revocationPercentage", facts?.revocationPercentage)
    }

    /// What follows from it for the account, and where the ledger stands.
    private mutating func standing(_ view: TransactionView) {
        member("entitled", view.isEntitled)
        member("entitlementReason", view.entitlementReason.rawValue)
        member("claim", view.claim) { writer, claim in
            writer.member("status", claim.status.rawValue)
            writer.member("refusal", claim.refusal?.rawValue)
            writer.member("caseId", claim.caseID)
            writer.member("claimedAt", claim.claimedAt)
        }
        member("finish", view.mayFinish)
        member("evidence", view.deciding) { writer, evidence in
            writer.member("source", evidence.id.source.rawValue)
            writer.member("signedDate", evidence.facts.signedDate)
            writer.member("sha256", evidence.id.sha256)
        }
        member("nextCheckAt", view.nextCheckAt)
        member("version", view.version)
        member("createdAt", view.transaction.createdAt)
        member("updatedAt", view.transaction.updatedAt)
    }
}
