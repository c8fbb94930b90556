package import Hummingbird
package import PurchaseService

/// All operations of `openapi.yaml`, nothing else, with everything that stands before them.
///
/// From the outside in: request id, access log, conversion of errors to problems; then the bound on concurrency, and for
/// operations that aren't public authentication and roles. What throws inside never reaches a client as it is.
package func buildRouter<Cases: UseCases>(
    useCases: Cases, configuration: APIConfiguration
) -> Router<VouchRequestContext> {
    let router = Router(context: VouchRequestContext.self)
    router.addMiddleware {
        RequestIDMiddleware()
        AccessLogMiddleware(observe: configuration.observe)
        ProblemMiddleware(maximumBodyBytes: configuration.maximumBodyBytes)
    }
    let limiters = Dictionary(
        uniqueKeysWithValues: EdgeLane.allCases.map { lane in
            (lane, ConcurrencyLimiter(max: configuration.places[lane] ?? lane.placesDefault))
        })
    let handlers = Handlers(
        useCases: useCases, configuration: configuration,
        exports: ConcurrencyLimiter(max: configuration.concurrentExportsMax))
    for operation in APIOperation.allCases {
        let group = router.group()
        if let limiter = operation.lane.flatMap({ limiters[$0] }) {
            group.add(middleware: ConcurrencyLimitMiddleware(limiter: limiter))
        }
        if !operation.isPublic {
            group.add(middleware: AuthenticationMiddleware(useCases: useCases, configuration: configuration))
            group.add(middleware: RoleMiddleware(roles: operation.roles))
        }
        group.on(RouterPath(operation.path), method: operation.method) { request, context in
            try await handlers.respond(to: request, context, as: operation)
        }
    }
    return router
}
