import HTTPTypes
import Hummingbird
import Logging
import PurchaseCore
import PurchaseService

/// Gives every exchange a name, in the answer, in problems and in the logs.
///
/// A caller's own is taken over when it is short and harmless, so that two systems' logs can be joined; anything else
/// would let a caller write into our logs.
struct RequestIDMiddleware: RouterMiddleware {
    @concurrent func handle(
        _ request: Request, context: VouchRequestContext,
        next: @concurrent (Request, VouchRequestContext) async throws -> Response
    ) async throws -> Response {
        let id = request.headers[.requestID].flatMap(Self.accepted) ?? Self.fresh()
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

    private static func accepted(_ text: String) -> String? {
        Syntax.isToken(text, maximumBytes: 64, also: "._-") ? text : nil
    }

    /// 128 random bits, in hexadecimal; each draw is a call of the system.
    private static func fresh() -> String {
        var generator = SystemRandomNumberGenerator()
        let words: [UInt64] = [generator.next(), generator.next()]
        return Hexadecimal.text(words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } })
    }
}
