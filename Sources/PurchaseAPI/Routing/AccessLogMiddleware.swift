import HTTPTypes
import Hummingbird
import Logging

/// One log line and one observation per exchange: method, route pattern, status, duration; what a client sent is in
/// neither.
struct AccessLogMiddleware: RouterMiddleware {
    let observe: @Sendable (Exchange) -> Void

    @concurrent func handle(
        _ request: Request, context: VouchRequestContext,
        next: @concurrent (Request, VouchRequestContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        let response = try await next(request, context)
        let duration = ContinuousClock.now - start
        let operation = APIOperation.find(route: context.endpointPath, method: request.method)
        observe(
            Exchange(
                operation: operation, isConsole: context.endpointPath?.hasPrefix("/console") ?? false,
                method: request.method, status: Int(response.status.code), duration: duration))
        context.logger.log(
            level: operation?.isPublic == true && response.status.code < 400 ? .debug : .info, "request",
            metadata: [
                LogKey.method.rawValue: .string(Syntax.printable(request.method.rawValue)),
                LogKey.route.rawValue: .string(context.endpointPath ?? "NotFound"),
                LogKey.status.rawValue: .stringConvertible(response.status.code),
                LogKey.durationMilliseconds.rawValue: .string(Self.milliseconds(duration)),
            ])
        return response
    }

    /// Milliseconds with three decimals.
    private static func milliseconds(_ duration: Duration) -> String {
        let microseconds = duration.components.seconds * 1_000_000 + duration.components.attoseconds / 1_000_000_000_000
        let fraction = String(microseconds % 1_000)
        return "\(microseconds / 1_000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
    }
}
