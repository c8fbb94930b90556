import HTTPTypes
import Hummingbird
import NIOCore
import PurchaseAPI

/// Puts the console's headers on every answer under `/console`, also on those of addresses that no page has.
///
/// Standing outside of the conversion of errors to problems, it also sees to it that none of them gets out as JSON.
struct ConsoleEdge: RouterMiddleware {
    let renderer: PageRenderer

    @concurrent func handle(
        _ request: Request, context: VouchRequestContext,
        next: @concurrent (Request, VouchRequestContext) async throws -> Response
    ) async throws -> Response {
        let path = request.uri.path
        guard ConsoleRoute.owns(path: path) else { return try await next(request, context) }
        var response = try await next(request, context)
        if response.headers[.contentType]?.hasPrefix("application/problem+json") == true {
            response = page(for: request, status: response.status, requestID: context.requestID)
        }
        for (name, value) in Self.headers { response.headers[name] = value }
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        return request.method == .head ? response.createHeadResponse() : response
    }

    /// The page in the place of a problem: there was no route, or not with this method.
    private func page(for request: Request, status: HTTPResponse.Status, requestID: String) -> Response {
        let methods = ConsoleRoute.methods(ofPath: request.uri.path)
        var error: ConsoleError = status.code == 404 ? .noSuchPage : .fault("a problem of status \(status.code)")
        if status.code == 404, !methods.isEmpty { error = .methodNotAllowed(methods) }
        return renderer.failure(error, session: nil, requestID: requestID)
    }

    /// No script, no style but our own file, no frame, no form to elsewhere; and no address of ours told to others.
    ///
    /// `same-origin`, not `no-referrer`, with which browsers send `Origin: null` with every form: ``RequestOrigin`` would
    /// no longer see that a proxy hides the host.
    private static let headers: [(HTTPField.Name, String)] = [
        (
            .contentSecurityPolicy,
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; "
                + "base-uri 'none'"
        ),
        (.xContentTypeOptions, "nosniff"),
        (.named("Referrer-Policy"), "same-origin"),
        (.named("Cross-Origin-Opener-Policy"), "same-origin"),
        (.named("Cross-Origin-Resource-Policy"), "same-origin"),
        (.named("X-Frame-Options"), "DENY"),
        (.named("X-Robots-Tag"), "noindex, nofollow"),
        (
            .named("Permissions-Policy"),
            "camera=(), geolocation=(), microphone=(), payment=(), usb=(), interest-cohort=()"
        ),
    ]
}

extension HTTPField.Name {
    /// A name that is one.
    static func named(_ text: StaticString) -> HTTPField.Name {
        guard let name = HTTPField.Name("\(text)") else { preconditionFailure("\(text) is not a field name") }
        return name
    }
}
