package import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// Posts notifications over HTTP, as Apple's servers do: no redirects, no patience.
package struct HTTPNotificationSender: Sendable {
    /// An answer's body is read to this length and says nothing; what is longer is left unread.
    private static let answerBytesMax = 64 << 10

    /// ECONNREFUSED, EHOSTUNREACH and ENETUNREACH; written out, since their names belong to the C library.
    #if os(Linux)
    private static let unreachable: Set<Int32> = [111, 113, 101]
    #else
    private static let unreachable: Set<Int32> = [61, 65, 51]
    #endif

    private let client: HTTPClient
    private let timeout: Duration

    /// A sender over a client that is configured by ``configuration``; `timeout` bounds a whole attempt.
    package init(client: HTTPClient, timeout: Duration = .seconds(10)) {
        self.client = client
        self.timeout = timeout
    }

    /// How the client must be: a redirect is a result of its own, and a refused connection isn't tried again.
    package static var configuration: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.connectionPool.retryConnectionEstablishment = false
        return configuration
    }

    /// Runs `body` with a sender over a client of its own, and closes that afterwards.
    ///
    /// Throws what `body` throws, or the client when it can't be closed.
    package static func withSender<Value: Sendable>(
        timeout: Duration = .seconds(10), _ body: (@escaping NotificationSender) async throws -> Value
    ) async throws -> Value {
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let sender = HTTPNotificationSender(client: client, timeout: timeout)
        let value: Value
        do {
            value = try await body { delivery in await sender.send(delivery) }
        } catch {
            try await client.shutdown()
            throw error
        }
        try await client.shutdown()
        return value
    }

    /// Makes one attempt.
    package func send(_ delivery: NotificationDelivery) async -> SendAttemptResult {
        var request = HTTPClientRequest(url: delivery.url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.headers.add(name: "User-Agent", value: "app-store-simulator")
        request.body = .bytes(ByteBuffer(bytes: delivery.body))
        do {
            let response = try await client.execute(request, timeout: TimeAmount(timeout))
            do {
                _ = try await response.body.collect(upTo: Self.answerBytesMax)
            } catch is NIOTooManyBytesError {
                // The status was said before the body; a talkative receiver has taken it all the same.
            }
            return SendAttemptResult(status: Int(response.status.code))
        } catch let error as HTTPClientError {
            return Self.result(of: error)
        } catch {
            return Self.result(of: error)
        }
    }

    private static func result(of error: HTTPClientError) -> SendAttemptResult {
        switch error {
        case .deadlineExceeded, .readTimeout, .writeTimeout, .connectTimeout, .getConnectionFromPoolTimeout: .timedOut
        case .tlsHandshakeTimeout: .tlsIssue
        case .remoteConnectionClosed: .prematureClose
        case .redirectLimitReached, .redirectCycleDetected: .circularRedirect
        default: .other
        }
    }

    /// Judges by the module and name of the error's type: they belong to modules that are none of our business here.
    private static func result(of error: any Error) -> SendAttemptResult {
        let type = String(reflecting: Swift.type(of: error))
        if type.hasPrefix("NIOSSL.") { return .tlsIssue }
        if type.hasPrefix("NIOHTTP1.") { return .invalidResponse }
        if type.hasSuffix("NIOConnectionError") || type.contains("SocketAddressError") { return .noResponse }
        if let error = error as? IOError {
            return Self.unreachable.contains(error.errnoCode) ? .noResponse : .socketIssue
        }
        return error is ChannelError ? .socketIssue : .other
    }
}
