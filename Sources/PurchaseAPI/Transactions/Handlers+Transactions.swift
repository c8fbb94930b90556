import HTTPTypes
import Hummingbird
import PurchaseCore
import PurchaseService

extension Handlers {
    /// `POST /v1/transactions`.
    func postTransaction(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        let caller = try context.authenticatedCaller()
        let parameters = ParameterReader(request, context)
        let object = try await readJSONObject(of: request, maximumBytes: configuration.maximumBodyBytes)
        try parameters.check()
        let submission = try TransactionSubmission.read(object, mayStateToken: caller.roles.contains(.app))
        try requireAccess(of: caller, to: submission.account)
        let outcome = try await useCases.submit(
            submission, by: caller, requestID: context.requestID, place: context.recordingPlace)
        return try SubmissionAnswer(configuration: configuration).response(to: outcome)
    }

    /// `GET /v1/transactions/{transactionId}`.
    func getTransaction(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        let caller = try context.authenticatedCaller()
        var parameters = ParameterReader(request, context)
        let id = parameters.transactionID()
        let claimToken = parameters.claimToken()
        try parameters.check()
        let view = try await useCases.transaction(id, for: caller, claimToken: claimToken)
        return response(to: view)
    }

    /// `POST /v1/transactions/{transactionId}/recheck`.
    func recheckTransaction(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        let caller = try context.authenticatedCaller()
        var parameters = ParameterReader(request, context)
        let id = parameters.transactionID()
        let object = try await readJSONObject(of: request, maximumBytes: configuration.maximumBodyBytes)
        let (why, faults) = WhyRequest.read(object)
        try parameters.check(with: faults)
        let view = try await useCases.recheck(id, why: why, by: caller, requestID: context.requestID)
        return response(to: view)
    }

    private func response(to view: TransactionView) -> Response {
        var writer = JSONWriter()
        writer.transaction(view, bundleID: configuration.bundleID)
        return .json(writer)
    }
}
