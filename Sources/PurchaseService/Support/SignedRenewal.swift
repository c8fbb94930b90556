import AppStoreJWS
import PurchaseCore

/// Renewal info whose signature is verified, on its way into a decision.
struct SignedRenewal: Sendable {
    /// What it says.
    let info: RenewalInfo
    /// Its signed text.
    let body: EvidenceBody
    /// When the certificate that signed it ends.
    let leafNotAfter: Instant

    /// Takes a verified payload; `nil` where it names another store, or a date that can't be stored.
    ///
    /// One that names no store is of the store that it came from: Apple signs the transaction beside it for one.
    init?(
        _ verified: Verified<JWSRenewalInfoDecodedPayload>, from store: StoreEnvironment, as source: EvidenceSource,
        seenAt: Instant
    ) {
        let claims = verified.claims
        guard claims.claimedEnvironment.map({ $0 == store.rawValue }) ?? true,
            let facts = RenewalFacts(claims, in: store)
        else { return nil }
        info = RenewalInfo(id: EvidenceID(sha256: verified.sha256Text, source: source), facts: facts, seenAt: seenAt)
        body = EvidenceBody(
            jws: verified.jws, appAccountToken: claims.appAccountToken, appTransactionID: claims.appTransactionID)
        leafNotAfter = verified.leafNotAfter
    }
}

extension RenewalFacts {
    /// What decisions use of a verified payload; `nil` where its date of signing can't be stored.
    fileprivate init?(_ payload: JWSRenewalInfoDecodedPayload, in store: StoreEnvironment) {
        guard let signed = TransactionFacts.storable(payload.signedDate) else { return nil }
        self.init(
            originalTransactionID: payload.originalTransactionID, environment: store, signedDate: signed)
        productID = TransactionFacts.storable(payload.productID)
        autoRenewProductID = TransactionFacts.storable(payload.autoRenewProductID)
        autoRenewStatus = payload.autoRenewStatus
        expirationIntent = payload.expirationIntent
        isInBillingRetryPeriod = payload.isInBillingRetryPeriod ?? false
        gracePeriodExpiresDate = TransactionFacts.storable(payload.gracePeriodExpiresDate)
        priceIncreaseStatus = payload.priceIncreaseStatus
        renewalDate = TransactionFacts.storable(payload.renewalDate)
    }
}
