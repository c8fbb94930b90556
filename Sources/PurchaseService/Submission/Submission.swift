package import PurchaseCore

/// A posted transaction, its fields checked for form.
package struct Submission: Hashable, Sendable {
    /// The two forms of a post; exactly one.
    package enum Subject: Hashable, Sendable {
        /// A bare id.
        case transactionID(TransactionID)
        /// A StoreKit 2 JWS, as the device holds it; not verified yet.
        case signedTransaction(String)
    }

    /// The account that says the transaction is its own.
    package var account: AccountID
    /// The transaction.
    package var subject: Subject
    /// The store that the caller believes it is of: asked first for a bare id, contradicted by a JWS of the other store.
    package var environment: StoreEnvironment?
    /// The account's app account token, as the app's own server knows it.
    package var appAccountToken: AppAccountToken?

    /// Takes every field.
    package init(
        account: AccountID, subject: Subject, environment: StoreEnvironment?, appAccountToken: AppAccountToken?
    ) {
        self.account = account
        self.subject = subject
        self.environment = environment
        self.appAccountToken = appAccountToken
    }
}

/// What a post came to.
package enum SubmissionOutcome: Sendable {
    /// The transaction is recorded. The claim in it is the caller's own; the API derives 200, 202, 409 or 422 from it.
    case recorded(TransactionView, claimToken: String)
    /// The submission itself is refused: nothing was recorded, and no transaction changed.
    case refused(SubmissionRefusal, detail: String)
}

/// Why a submission was refused.
package enum SubmissionRefusal: String, Hashable, Sendable, CaseIterable {
    /// The signature is not Apple's over this text.
    case signatureInvalid = "signature_invalid"
    /// The certificates don't lead to a trusted root, or are not Apple's for this purpose.
    case chainUntrusted = "chain_untrusted"
    /// It can't be read as a signed transaction.
    case malformedEvidence = "malformed_evidence"
    /// The request's `environment` contradicts the signed transaction.
    case transactionMismatch = "transaction_mismatch"
    /// The signed transaction carries another account's app account token.
    case accountTokenMismatch = "account_token_mismatch"
}
