package import Hummingbird
package import PurchaseService

/// All operations of `openapi.yaml`, nothing else, with everything that stands before them.
///
/// From the outside in: request id, access log, conversion of errors to problems; then, for operations that aren't
/// public, the bound on concurrency, authentication and roles. What throws inside never reaches a client as it is.
package func buildRouter<Cases: UseCases>(
    useCases: Cases, configuration: APIConfiguration
) -> Router<VouchRequestContext> {
    let router = Router(context: VouchRequestContext.self)
    router.addMiddleware {
        RequestIDMiddleware()
        AccessLogMiddleware()
        ProblemMiddleware(maximumBodyBytes: configuration.maximumBodyBytes)
    }
    let limiter = ConcurrencyLimiter(max: configuration.concurrentRequestsMax)
    let handlers = Handlers(useCases: useCases, configuration: configuration)
    for operation in APIOperation.allCases {
        let group = router.group()
        if !operation.isPublic {
            group.add(middleware: ConcurrencyLimitMiddleware(limiter: limiter))
            group.add(middleware: AuthenticationMiddleware(useCases: useCases))
            group.add(middleware: RoleMiddleware(roles: operation.roles))
        }
        group.on(RouterPath(operation.path), method: operation.method) { request, context in
            try await handlers.respond(to: request, context, as: operation)
        }
    }
    return router
}
