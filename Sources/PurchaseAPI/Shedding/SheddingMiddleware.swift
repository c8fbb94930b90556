import Hummingbird

/// Answers 503 while the service has more of an operation than it can do, before the caller is known or a body read.
///
/// Of posts it meets the few that ``SheddingHandler`` leaves alone. It says nothing about the caller, and stores nothing.
struct SheddingMiddleware: RouterMiddleware {
    let turnsAway: @Sendable () -> Bool

    @concurrent func handle(
        _ request: Request, context: VouchRequestContext,
        next: @concurrent (Request, VouchRequestContext) async throws -> Response
    ) async throws -> Response {
        guard !turnsAway() else { throw Problem.shed }
        return try await next(request, context)
    }
}
