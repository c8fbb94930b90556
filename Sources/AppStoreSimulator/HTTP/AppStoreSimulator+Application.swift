package import Hummingbird
package import Logging
import NIOCore

extension AppStoreSimulator {
    /// All routes: the App Store Server API under `/production` and `/sandbox`, `/control`, `/health`.
    package func makeRouter() -> Router<SimulatorRequestContext> {
        let router = Router(context: SimulatorRequestContext.self)
        router.addMiddleware { StoreMiddleware(simulator: self) }
        router.get("health") { _, _ in "ok\n" }
        ControlRoutes(simulator: self).add(to: router.group("control"))
        return router
    }

    /// The server, not yet running.
    ///
    /// Port 0 takes a free one; `onRunning` is told the actual one.
    package func buildApplication(
        host: String = "127.0.0.1", port: Int = 0, logger: Logger? = nil,
        onRunning: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) -> some ApplicationProtocol {
        Application(
            router: makeRouter(),
            configuration: ApplicationConfiguration(address: .hostname(host, port: port), serverName: nil),
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? port) },
            logger: logger ?? Self.quietLogger)
    }

    /// Serves on a free port of the loopback interface while `body` runs, and hands it the base URL, such as
    /// `http://127.0.0.1:40001`.
    ///
    /// Throws what `body` or the server throws.
    package func withServer<Value: Sendable>(
        _ body: @escaping @Sendable (_ baseURL: String) async throws -> Value
    ) async throws -> Value {
        let (ports, running) = AsyncStream.makeStream(of: Int.self)
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            // Ending by cancellation is the normal end here, and Hummingbird logs it as an error.
            var logger = Logger(label: "app-store-simulator")
            logger.logLevel = .critical
            let application = buildApplication(logger: logger) { port in running.yield(port) }
            group.addTask {
                defer { running.finish() }
                try await application.run()
                return nil
            }
            group.addTask {
                for await port in ports { return try await body("http://127.0.0.1:\(port)") }
                throw SimulatorError.material("the simulator's server stopped before it was running")
            }
            while let value = try await group.next() {
                guard let value else { continue }
                group.cancelAll()
                return value
            }
            throw SimulatorError.material("the simulator's server stopped by itself")
        }
    }

    private static var quietLogger: Logger {
        var logger = Logger(label: "app-store-simulator")
        logger.logLevel = .warning
        return logger
    }
}
