import HTTPTypes
import Hummingbird
import PurchaseCore
import PurchaseService

extension Handlers {
    /// `POST /v1/accounts/{accountId}/restore`; without a body it begins with what is known of the account.
    func restorePurchases(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        let caller = try context.authenticatedCaller()
        var parameters = ParameterReader(request, context)
        let account = parameters.accountID()
        let object = try await readJSONObjectIfAny(of: request, maximumBytes: configuration.maximumBodyBytes)
        let (restore, faults) = RestoreBody.read(object, isTrusted: caller.roles.contains(.app))
        try parameters.check(with: faults)
        try requireAccess(of: caller, to: account)
        let outcome = try await useCases.restore(restore, for: account, by: caller, requestID: context.requestID)
        switch outcome {
        case .notTaken(let submission):
            // A refusal or a dispute; the same problems as in answer to the post.
            _ = try SubmissionAnswer(configuration: configuration).response(to: submission)
            throw Problem.fault("a restore was stopped by a post that nothing is wrong with")
        case .restored(let restoration):
            return response(to: restoration, of: account)
        }
    }

    private func response(to restoration: Restoration, of account: AccountID) -> Response {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("accountId", account)
            writer.member("complete", restoration.isComplete)
            writer.member("histories", restoration.histories)
            writer.member("found", restoration.found)
            writer.member("recorded", restoration.recorded)
            writer.member("claimed", restoration.claimed)
            writer.member("others", restoration.others)
            writer.member("unclaimed", restoration.unclaimed)
            writer.member("unverified", restoration.unverified)
            writer.member("transactions", restoration.transactions) { writer, view in
                writer.transaction(view, bundleID: configuration.bundleID)
            }
            writer.member("nextCursor", restoration.next.map(PageCursor.text))
        }
        guard let retryAt = restoration.retryAt else { return .json(writer) }
        let pause = Problem.pauseSeconds(until: retryAt, now: configuration.now())
        return .json(writer, status: .accepted, headers: [.retryAfter: String(pause)])
    }
}

/// The body of `POST /v1/accounts/{accountId}/restore`.
enum RestoreBody {
    /// Reads the object, and every fault of it.
    ///
    /// `isTrusted` says whether the caller's bare word counts, for an id and for consumables: role `app` alone. One id
    /// gives a whole history, and Apple lists consumables that were delivered long ago.
    static func read(_ object: JSONObject, isTrusted: Bool) -> (request: RestoreRequest, faults: Faults) {
        var reader = PropertyReader(object)
        let id = reader.value("transactionId", hint: "in quotes", rule: "Must be 1 to 32 digits.") {
            TransactionID(validating: $0)
        }
        let signed = reader.value("signedTransaction", rule: "Must be a JWS of 1 to 65536 characters.") {
            TransactionSubmission.isSignedTransaction($0) ? $0 : nil
        }
        let cursor = reader.value("cursor", rule: "Must be the nextCursor of an earlier answer.", PageCursor.restore)
        let consumables = reader.flag("claimConsumables")
        if !isTrusted {
            for name in ["transactionId", "claimConsumables"] where reader.has(name) {
                reader.blame(name, "Only a key with the role app may send it; leave it out.")
            }
        }
        if reader.has("transactionId"), reader.has("signedTransaction") || reader.has("cursor") {
            reader.blameBody("Send transactionId alone; only signedTransaction and cursor go together.")
        }
        reader.finish()
        var request = RestoreRequest(beginning: .account, claimsConsumables: consumables ?? false)
        if let id { request.beginning = .transaction(.transactionID(id)) }
        if let signed { request.beginning = .transaction(.signedTransaction(signed)) }
        if let cursor {
            request.beginning = .cursor(cursor)
            request.shown = signed
        }
        return (request, reader.faults)
    }
}
