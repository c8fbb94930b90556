import HTTPTypes
import Hummingbird
import NIOCore

/// Takes every call under `/production` and `/sandbox`, whatever its method, and answers it as the simulated store.
struct StoreMiddleware: RouterMiddleware {
    /// No call of Apple's has a body that comes near this.
    static let bodyBytesMax = 64 << 10

    let simulator: AppStoreSimulator

    @concurrent func handle(
        _ request: Request, context: SimulatorRequestContext,
        next: @concurrent (Request, SimulatorRequestContext) async throws -> Response
    ) async throws -> Response {
        guard let environment = Self.environment(request) else { return try await next(request, context) }
        var request = request
        let call = try await Self.storeCall(&request, in: environment)
        let answer = simulator.respond(to: call)
        if answer.delayMilliseconds > 0 {
            try await Task.sleep(for: .milliseconds(answer.delayMilliseconds))
        }
        if answer.delivery == .hangs { return try await Self.hang(request, context) }
        return try await StoreResponse.make(answer, context: context)
    }

    private static func environment(_ request: Request) -> SimulatedEnvironment? {
        SimulatedEnvironment.allCases.first { request.uri.path.hasPrefix($0.basePath + "/") }
    }

    /// Reads the call, and its body if its method has one; a body beyond ``bodyBytesMax`` counts as none.
    private static func storeCall(
        _ request: inout Request, in environment: SimulatedEnvironment
    ) async throws -> StoreCall {
        var body: [UInt8] = []
        if request.method != .get {
            do {
                body = Array(try await request.collectBody(upTo: bodyBytesMax).readableBytesView)
            } catch is NIOTooManyBytesError {
                body = []
            }
        }
        return StoreCall(
            method: request.method.rawValue, environment: environment,
            path: String(request.uri.path.dropFirst(environment.basePath.count)),
            query: request.uri.queryParameters.map { (String($0.key), String($0.value)) },
            authorization: request.headers[.authorization], body: body)
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
