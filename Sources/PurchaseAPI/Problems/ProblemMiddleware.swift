import HTTPTypes
import Hummingbird
import Logging

/// Turns whatever is thrown inside into a problem, and logs faults of ours, once each.
///
/// Without it Hummingbird would answer an unknown error with an empty 500, logged at debug.
struct ProblemMiddleware: RouterMiddleware {
    let maximumBodyBytes: Int

    @concurrent func handle(
        _ request: Request, context: VouchRequestContext,
        next: @concurrent (Request, VouchRequestContext) async throws -> Response
    ) async throws -> Response {
        let response: Response
        do {
            try Self.requireExactPath(request, context)
            response = try await next(request, context)
        } catch {
            let problem = Problem(error, path: request.uri.path, maximumBodyBytes: maximumBodyBytes)
            log(problem, context.logger)
            let operation = APIOperation.find(route: context.endpointPath, method: request.method)
            response = problem.response(
                requestID: context.requestID, answersSubmission: operation == .postTransaction)
        }
        // A body after a HEAD would be read as the next answer on the connection.
        return request.method == .head ? response.createHeadResponse() : response
    }

    /// The router skips empty segments; two spellings of one path are a trap for whatever guards us by path.
    private static func requireExactPath(_ request: Request, _ context: VouchRequestContext) throws {
        let path = request.uri.path
        guard path.contains("//") || (path.hasSuffix("/") && path != "/") else { return }
        context.coreContext.endpointPath.value = "NotFound"
        throw Problem.notFound
    }

    private func log(_ problem: Problem, _ logger: Logger) {
        guard let cause = problem.cause else { return }
        logger.log(
            level: problem.code == .internalError ? .error : .warning, "request failed",
            metadata: [
                LogKey.code.rawValue: .string(problem.code.rawValue),
                LogKey.cause.rawValue: .string(Syntax.printable(cause, maximumCharacters: 500)),
            ])
    }
}
