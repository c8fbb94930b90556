package import Hummingbird
package import PurchaseService

/// All operations of `openapi.yaml`, nothing else, with everything that stands before them.
///
/// From the outside in: request id, access log, conversion of errors to problems; then the bounds on concurrency, and for
/// operations that aren't public authentication and roles. What throws inside never reaches a client as it is.
/// `outer` stands between the access log and the conversion of errors, also before routes that are added later.
/// `downloads` answers with exports where it is shared with others; without it the router has one of its own.
package func buildRouter<Cases: UseCases>(
    useCases: Cases, configuration: APIConfiguration, downloads: PaidRecordsDownloads? = nil,
    outer: [any MiddlewareProtocol<Request, Response, VouchRequestContext>] = []
) -> Router<VouchRequestContext> {
    let router = Router(context: VouchRequestContext.self)
    router.addMiddleware {
        RequestIDMiddleware()
        AccessLogMiddleware(observe: configuration.observe)
    }
    for middleware in outer { router.add(middleware: middleware) }
    router.add(middleware: ProblemMiddleware(maximumBodyBytes: configuration.maximumBodyBytes))
    let limiters = Dictionary(
        uniqueKeysWithValues: EdgeLane.allCases.map { lane in
            (lane, ConcurrencyLimiter(max: configuration.places[lane] ?? lane.placesDefault))
        })
    let handlers = Handlers(
        useCases: useCases, configuration: configuration,
        downloads: downloads ?? PaidRecordsDownloads(configuration))
    for operation in APIOperation.allCases {
        let group = router.group()
        if operation == .postTransaction {
            group.add(middleware: SheddingMiddleware(admit: configuration.admitPost))
        }
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
