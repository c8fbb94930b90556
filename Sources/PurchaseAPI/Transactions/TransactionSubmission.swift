import PurchaseCore
import PurchaseService

/// The body of `POST /v1/transactions`.
enum TransactionSubmission {
    private static let signedTransactionCharactersMax = 65_536
    private static let zeroToken = "00000000-0000-0000-0000-000000000000"

    /// Whether text has the size of a JWS; what it is worth is for the verifier.
    static func isSignedTransaction(_ text: String) -> Bool {
        (1...signedTransactionCharactersMax).contains(text.utf8.count)
    }

    /// Reads the object; throws a 400 that lists every fault.
    ///
    /// `mayStateToken` says whether the caller's word about an account's token counts: role `app` alone.
    static func read(_ object: JSONObject, mayStateToken: Bool) throws(Problem) -> Submission {
        var reader = PropertyReader(object)
        let account = reader.value("accountId", isRequired: true, hint: "in quotes", rule: AccountRule.text) {
            AccountID(validating: $0)
        }
        let transactionID = reader.value("transactionId", hint: "in quotes", rule: "Must be 1 to 32 digits.") {
            TransactionID(validating: $0)
        }
        let signed = reader.value("signedTransaction", rule: "Must be a JWS of 1 to 65536 characters.") {
            isSignedTransaction($0) ? $0 : nil
        }
        let environment = reader.value("environment", rule: "Must be Production or Sandbox.") {
            StoreEnvironment(rawValue: $0)
        }
        let token = readToken(&reader, isAllowed: mayStateToken)
        switch (reader.has("transactionId"), reader.has("signedTransaction")) {
        case (true, true): reader.blameBody("Send transactionId or signedTransaction, not both.")
        case (false, false): reader.blameBody("Send transactionId or signedTransaction; both are missing.")
        case (true, false), (false, true): break
        }
        reader.finish()
        try reader.faults.check()
        let subject =
            transactionID.map(Submission.Subject.transactionID)
            ?? signed.map(Submission.Subject.signedTransaction)
        guard let account, let subject else { throw .fault("a submission without faults lacks a property") }
        return Submission(account: account, subject: subject, environment: environment, appAccountToken: token)
    }

    /// The stated token; empty and all zero mean that there is none.
    private static func readToken(_ reader: inout PropertyReader, isAllowed: Bool) -> AppAccountToken? {
        guard let text = reader.string("appAccountToken") else {
            if !isAllowed, reader.has("appAccountToken") { blameCaller(&reader) }
            return nil
        }
        guard isAllowed else {
            blameCaller(&reader)
            return nil
        }
        guard !text.isEmpty, text != zeroToken else { return nil }
        let token = AppAccountToken(validating: text)
        if token == nil { reader.blame("appAccountToken", "Must be a UUID, 8-4-4-4-12 hexadecimal digits.") }
        return token
    }

    private static func blameCaller(_ reader: inout PropertyReader) {
        reader.blame("appAccountToken", "Only a key with the role app may state it; leave it out.")
    }
}
