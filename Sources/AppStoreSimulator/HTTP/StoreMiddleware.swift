import HTTPTypes
import Hummingbird
import NIOCore

/// Takes every call under `/production` and `/sandbox`, whatever its method, and answers it as the simulated store.
struct StoreMiddleware: RouterMiddleware {
    let simulator: AppStoreSimulator

    @concurrent func handle(
        _ request: Request, context: SimulatorRequestContext,
        next: @concurrent (Request, SimulatorRequestContext) async throws -> Response
    ) async throws -> Response {
        guard let call = Self.storeCall(request) else { return try await next(request, context) }
        let answer = simulator.respond(to: call)
        if answer.delayMilliseconds > 0 {
            try await Task.sleep(for: .milliseconds(answer.delayMilliseconds))
        }
        if answer.delivery == .hangs { return try await Self.hang(request, context) }
        return try await StoreResponse.make(answer, context: context)
    }

    private static func storeCall(_ request: Request) -> StoreCall? {
        let path = request.uri.path
        for environment in SimulatedEnvironment.allCases {
            guard path.hasPrefix(environment.basePath + "/") else { continue }
            return StoreCall(
                method: request.method.rawValue, environment: environment,
                path: String(path.dropFirst(environment.basePath.count)),
                query: request.uri.queryParameters.map { (String($0.key), String($0.value)) },
                authorization: request.headers[.authorization])
        }
        return nil
    }

    /// Says nothing until the client goes away, and then closes the connection without an answer.
    private static func hang(_ request: Request, _ context: SimulatorRequestContext) async throws -> Response {
        do {
            try await request.body.consumeWithCancellationOnInboundClose { _ in
                try await Task.sleep(for: .milliseconds(SimulatedFault.delayMillisecondsMax))
            }
        } catch {
            // The client has gone: nobody is left to be answered.
        }
        try? await context.channel.close()
        return Response(status: .gatewayTimeout)
    }
}
