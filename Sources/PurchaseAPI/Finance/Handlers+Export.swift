import Hummingbird
import PurchaseCore
import PurchaseService

extension Handlers {
    /// `GET /v1/exports/paid-records`: the rows, streamed; what they add up to goes ahead of them in header fields.
    func exportPaidRecords(_ request: Request, _ context: VouchRequestContext) async throws -> Response {
        var parameters = ParameterReader(
            request, context, query: PaidRecordsRequest.periodParameters + PaidRecordsRequest.formatParameters)
        let query = PaidRecordsRequest.query(&parameters)
        let format = PaidRecordsRequest.format(&parameters)
        try parameters.check()
        guard let query else { throw Problem.fault("a query without faults has a period") }
        let actor = try context.authenticatedCaller().name
        return try await downloads.answer(query, as: format, for: actor, context, from: useCases)
    }
}
