import HTTPTypes
import Hummingbird
import PurchaseService

/// Finds out who calls, from `Authorization: Bearer <key or user's token>`; 401 when that can't be told.
///
/// A key that can't be looked up because the database is away is not a bad key, and a token is not a bad token because
/// the provider's keys can't be had: those answers are 503.
struct AuthenticationMiddleware<Cases: UseCases>: RouterMiddleware {
    /// Longer than any key, or any identity provider's token, that is meant seriously.
    private static var keyBytesMax: Int { 8_192 }

    let useCases: Cases
    let configuration: APIConfiguration

    @concurrent func handle(
        _ request: Request, context: VouchRequestContext,
        next: @concurrent (Request, VouchRequestContext) async throws -> Response
    ) async throws -> Response {
        guard let header = request.headers[.authorization] else { throw Problem.unauthenticated(credentialSent: false) }
        guard let key = Self.key(in: header), var caller = try await useCases.authenticate(key: key) else {
            throw Problem.unauthenticated(credentialSent: true)
        }
        caller.network = configuration.callerNetwork(
            context.channel.remoteAddress?.ipAddress, request.headers[values: .forwardedFor])
        var context = context
        context.caller = caller
        return try await next(request, context)
    }

    /// The text after `Bearer`, whose case doesn't matter (RFC 9110 §11.1); `nil` when it isn't one token68.
    private static func key(in header: String) -> String? {
        let parts = header.split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        let key = String(parts[1])
        return Syntax.isToken(key, maximumBytes: keyBytesMax, also: "-._~+/=") ? key : nil
    }
}

/// Lets a caller through that has one of the operation's roles; others are answered 403.
struct RoleMiddleware: RouterMiddleware {
    let roles: Set<Role>

    @concurrent func handle(
        _ request: Request, context: VouchRequestContext,
        next: @concurrent (Request, VouchRequestContext) async throws -> Response
    ) async throws -> Response {
        guard try !context.authenticatedCaller().roles.isDisjoint(with: roles) else { throw Problem.forbidden }
        return try await next(request, context)
    }
}
