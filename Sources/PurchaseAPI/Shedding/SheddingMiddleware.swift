import Hummingbird
import PurchaseService

/// Answers 503 while the service has more of an operation than it can do, before the caller is known or a body read.
///
/// A post that arrived whole has its place from ``SheddingHandler``. This meets the few that the handler leaves alone,
/// and those whose bodies are large or slow: they must find room now, and take their place once their body is there. It says nothing about the caller, and stores
/// nothing.
struct SheddingMiddleware: RouterMiddleware {
    let admit: @Sendable () -> RecordingPlace?

    @concurrent func handle(
        _ request: Request, context: VouchRequestContext,
        next: @concurrent (Request, VouchRequestContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.recordingPlace = ArrivedPost.ofConnection?.take()
        guard context.recordingPlace != nil || admit() != nil else { throw Problem.shed }
        return try await next(request, context)
    }
}
