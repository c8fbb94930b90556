package import Hummingbird
package import PurchaseAPI
package import PurchaseService

/// The pages under `/console`, ready to be served: templates compiled, assets hashed.
package struct ConsoleSite: Sendable {
    private let configuration: ConsoleConfiguration
    private let renderer: PageRenderer

    /// Compiles every template.
    ///
    /// - Throws: ``ConsoleTemplateFault`` for a template that is broken or missing.
    package init(configuration: ConsoleConfiguration) throws(ConsoleTemplateFault) {
        self.configuration = configuration
        self.renderer = PageRenderer(templates: try ConsoleTemplates.embedded(), assets: .embedded)
    }

    /// Stands around everything, and changes what is answered under `/console` alone: headers, pages instead of problems.
    ///
    /// To be given to `buildRouter(useCases:configuration:outer:)`.
    package var edge: any MiddlewareProtocol<Request, Response, VouchRequestContext> {
        ConsoleEdge(renderer: renderer)
    }

    /// Adds every route of ``ConsoleRoute``.
    package func addRoutes<Cases: UseCases & ConsoleUseCases>(
        to router: Router<VouchRequestContext>, useCases: Cases
    ) {
        let pages = ConsolePages(
            useCases: useCases, configuration: configuration, renderer: renderer,
            limiter: ConcurrencyLimiter(max: configuration.concurrentRequestsMax),
            strangers: ConcurrencyLimiter(max: configuration.concurrentStrangersMax))
        for route in ConsoleRoute.allCases {
            router.on(RouterPath(route.path), method: route.method) { request, context in
                await pages.respond(to: request, context, as: route)
            }
        }
    }
}
