import HTTPTypes
import Hummingbird
import Logging
import PurchaseService

/// Gives every exchange a name (see ``RequestIDs``), in the answer, in problems and in the logs.
final class RequestIDMiddleware: RouterMiddleware {
    private let ids = RequestIDs()

    @concurrent func handle(
        _ request: Request, context: VouchRequestContext,
        next: @concurrent (Request, VouchRequestContext) async throws -> Response
    ) async throws -> Response {
        let id = ids.id(of: request.headers)
        var context = context
        context.requestID = id
        context.logger[metadataKey: "hb.request.id"] = nil
        context.logger[metadataKey: LogKey.requestID.rawValue] = .string(id)
        // Loggers that know nothing of the request find its id there.
        var response = try await CurrentRequest.$id.withValue(id) { [context] in
            try await next(request, context)
        }
        response.headers[.requestID] = id
        return response
    }
}
