package import AsyncHTTPClient
import NIOCore
import NIOSSL

/// How the one `HTTPClient` for Apple is set up; whoever makes the client shuts it down.
package enum AppStoreHTTPClient {
    /// The slowest answers that the pool is sized for: users report 4 s and more on bad days.
    package static let slowAnswer = Duration.seconds(4)

    /// Connections per host: rate × latency (Little's law), so that slow answers don't hold up the budget's tokens.
    ///
    /// At least 8, at most 512; they are opened on demand.
    package static func poolConnections(requestsPerSecond: Int, slowAnswer: Duration = slowAnswer) -> Int {
        let inFlight = Double(max(1, requestsPerSecond)) * (slowAnswer / .seconds(1))
        return min(512, max(8, Int(inFlight.rounded(.up))))
    }

    /// HTTP/1.1, TLS 1.2 or newer, no redirects, no decompression (it would undo the bound on bodies), and no hidden
    /// retries: a refused connection is an answer, and what to do about it is decided in one place.
    package static func configuration(requestsPerSecond: Int) -> HTTPClient.Configuration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        var pool = HTTPClient.Configuration.ConnectionPool(
            idleTimeout: .seconds(30),
            concurrentHTTP1ConnectionsPerHostSoftLimit: poolConnections(requestsPerSecond: requestsPerSecond))
        pool.retryConnectionEstablishment = false
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(5), read: .seconds(30)), connectionPool: pool, proxy: nil,
            ignoreUncleanSSLShutdown: false, decompression: .disabled)
        configuration.httpVersion = .http1Only
        return configuration
    }
}
