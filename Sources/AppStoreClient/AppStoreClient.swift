package import AsyncHTTPClient
import FoundationEssentials
package import Logging
package import Metrics
import NIOCore
import NIOHTTP1
package import PurchaseCore
package import PurchaseService
import Synchronization

/// Apple's App Store Server API, inside the request budget; every call ends in a value, none throws.
///
/// Needs no task of its own: it may be called from the moment it exists, and has nothing to stop but the injected
/// `HTTPClient`, which its owner shuts down.
package final class AppStoreClient: AppStorePort, NotificationHistoryPort, AppStoreHealthPort {
    let configuration: AppStoreClientConfiguration
    private let http: BoundedHTTP
    private let budget: RequestBudget
    private let tokens: BearerTokenSource
    private let time: ClientTime
    private let logger: Logger
    let lastCalls = LastCalls()
    private let metrics: AppStoreMetrics
    private let skew = Mutex<Duration?>(nil)

    /// Puts the client together; nothing is sent yet.
    ///
    /// The `HTTPClient` is made with ``AppStoreHTTPClient/configuration(requestsPerSecond:)``. Without the budget no
    /// request is ever made. Without a metrics factory nothing is counted.
    package init(
        configuration: AppStoreClientConfiguration, httpClient: HTTPClient, budget: any RequestBudgetPort,
        time: ClientTime, logger: Logger, metricsFactory: any MetricsFactory = NOOPMetricsHandler.instance
    ) {
        self.configuration = configuration
        http = BoundedHTTP(
            client: httpClient, time: time, bodyBytesMax: AppStoreClientConfiguration.bodyBytesMax)
        self.budget = RequestBudget(
            port: budget, terms: BudgetTerms(requestsPerSecond: configuration.requestsPerSecond), time: time,
            waitersMax: configuration.waitersMax, metricsFactory: metricsFactory)
        tokens = BearerTokenSource(
            issuerID: configuration.issuerID, keyID: configuration.keyID, bundleID: configuration.bundleID,
            key: configuration.key, now: time.wall)
        self.time = time
        self.logger = logger
        metrics = AppStoreMetrics(factory: metricsFactory)
    }

    /// Our clock minus Apple's by the newest answer (positive: ours is fast); `nil` before the first one.
    package var clockSkew: Duration? { skew.withLock { $0 } }

    /// Until when this process asks nothing of a kind after a 429; `nil` when it may ask.
    func throttledUntil(in environment: StoreEnvironment, endpointClass: EndpointClass) -> Instant? {
        budget.throttledUntil(in: environment, endpointClass: endpointClass)
    }

    /// Asks for one transaction; see ``AppStorePort``.
    package func transactionInfo(
        _ id: TransactionID, in environment: StoreEnvironment, lane: RequestLane, deadline: Duration
    ) async -> AppStoreAnswer {
        guard let endpoint = AppStoreEndpoint.transactionInfo(id) else { return .unavailable(.invalidIdentifier) }
        let reply = await call(
            endpoint, in: environment, lane: lane, deadline: deadline, decode: TransactionInfoResponse.decode)
        switch reply {
        case .answered(let body): return .signed(body.signedTransactionInfo)
        case .notFound(let errorCode): return .notFound(errorCode: errorCode)
        case .unauthorized: return .unauthorized
        case .refusedRequest(let status, let errorCode): return .refusedRequest(status: status, errorCode: errorCode)
        case .throttled(let retryAt): return .throttled(retryAt: retryAt)
        case .unavailable(let outage): return .unavailable(outage)
        case .malformed(let reason): return .malformed(reason)
        }
    }

    /// One call with its one quick repeat, each attempt with a token of the budget of its own.
    func call<Body: Sendable>(
        _ endpoint: AppStoreEndpoint, in environment: StoreEnvironment, lane: RequestLane, deadline: Duration,
        decode: ([UInt8]) throws(MalformedBody) -> Body
    ) async -> AppStoreReply<Body> {
        let reply = await exchange(endpoint, in: environment, lane: lane, deadline: deadline, decode: decode)
        metrics.called(endpoint, environment, lane, outcome: reply.code)
        lastCalls.note(endpoint, in: environment, outcome: reply.code, at: time.wall())
        return reply
    }

    private func exchange<Body: Sendable>(
        _ endpoint: AppStoreEndpoint, in environment: StoreEnvironment, lane: RequestLane, deadline: Duration,
        decode: ([UInt8]) throws(MalformedBody) -> Body
    ) async -> AppStoreReply<Body> {
        let endsAt = time.monotonic() + deadline
        var mayRepeat = true
        var replacement: BearerToken?
        while true {
            if let refusal = await refusalOfBudget(for: endpoint, in: environment, lane: lane, endsAt: endsAt) {
                return refusal.reply()
            }
            let token: BearerToken
            do {
                token = if let replacement { replacement } else { try await tokens.token() }
            } catch {
                logger.error("the bearer token for the App Store could not be signed")
                return .unavailable(.tokenNotSigned)
            }
            let request = makeRequest(endpoint, in: environment, token: token)
            let sentAt = time.monotonic()
            let result = await http.send(request, deadline: endsAt - sentAt)
            metrics.exchanged(endpoint, environment, took: time.monotonic() - sentAt)
            switch result {
            case .failure(.closedBeforeAnswer) where mayRepeat:
                mayRepeat = false
            case .failure(let fault):
                return .unavailable(fault.outage)
            case .success(let response):
                observe(response)
                let reply = read(response, of: endpoint, in: environment, decode: decode)
                guard case .unauthorized = reply else { return reply }
                guard mayRepeat, let fresh = try? await tokens.replacement(for: token) else {
                    logUnauthorized(endpoint, environment)
                    return reply
                }
                mayRepeat = false
                replacement = fresh
            }
        }
    }

    private func refusalOfBudget(
        for endpoint: AppStoreEndpoint, in environment: StoreEnvironment, lane: RequestLane, endsAt: Duration
    ) async -> BudgetRefusal? {
        let admission = await budget.admission(
            in: environment, endpointClass: endpoint.endpointClass, lane: lane, deadline: endsAt - time.monotonic())
        switch admission {
        case .granted: return nil
        case .throttled(let retryAt): return .throttled(retryAt: retryAt)
        case .exhausted: return .outage(.budgetExhausted)
        case .unavailable: return .outage(.budgetUnavailable)
        case .cancelled: return .outage(.cancelled)
        }
    }

    private enum BudgetRefusal {
        case throttled(retryAt: Instant?)
        case outage(AppStoreOutage)

        func reply<Body>() -> AppStoreReply<Body> {
            switch self {
            case .throttled(let retryAt): .throttled(retryAt: retryAt)
            case .outage(let outage): .unavailable(outage)
            }
        }
    }

    private func makeRequest(
        _ endpoint: AppStoreEndpoint, in environment: StoreEnvironment, token: BearerToken
    ) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: configuration.baseURL(of: environment).description + endpoint.target)
        request.method = endpoint.method
        request.headers = [
            "Authorization": "Bearer \(token.value)", "Accept": "application/json",
            "User-Agent": "vouch/\(configuration.version)",
        ]
        if let body = endpoint.body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        return request
    }

    private func read<Body: Sendable>(
        _ response: BoundedHTTP.Response, of endpoint: AppStoreEndpoint, in environment: StoreEnvironment,
        decode: ([UInt8]) throws(MalformedBody) -> Body
    ) -> AppStoreReply<Body> {
        let policy = AppStoreRetryPolicy(notFoundCodes: endpoint.notFoundCodes)
        let meaning = policy.classify(
            status: response.status, errorCode: ErrorPayload.code(in: response.body, status: response.status))
        var retryAt: Instant?
        if case .throttled = meaning {
            retryAt = RetryAfter.parse(response.headers.first(name: "Retry-After"), now: response.receivedAt)
        }
        budget.report(
            meaning == .throttled ? .throttled(retryAt: retryAt) : .passed, askedAt: response.sentAt, in: environment,
            endpointClass: endpoint.endpointClass)
        switch meaning {
        case .success: return Self.decoded(response.body, decode: decode)
        case .notFound(let errorCode): return .notFound(errorCode: errorCode)
        case .unauthorized: return .unauthorized
        case .refused(let status, let errorCode): return .refusedRequest(status: status, errorCode: errorCode)
        case .throttled: return .throttled(retryAt: retryAt)
        case .retryLater(let outage): return .unavailable(outage)
        }
    }

    private static func decoded<Body: Sendable>(
        _ body: BoundedHTTP.Body, decode: ([UInt8]) throws(MalformedBody) -> Body
    ) -> AppStoreReply<Body> {
        switch body {
        case .tooLarge: return .malformed("the body is larger than 1 MiB")
        case .cut: return .malformed("the body was cut")
        case .complete(let bytes) where bytes.isEmpty: return .malformed("the body is empty")
        case .complete(let bytes):
            do {
                return .answered(try decode(bytes))
            } catch {
                return .malformed(error.reason)
            }
        }
    }

    private func observe(_ response: BoundedHTTP.Response) {
        let measured = ClockSkew.measure(
            date: response.headers.first(name: "Date"), sentAt: response.sentAt, receivedAt: response.receivedAt)
        guard let measured else { return }
        skew.withLock { $0 = measured }
        metrics.measured(clockSkew: measured)
    }

    private func logUnauthorized(_ endpoint: AppStoreEndpoint, _ environment: StoreEnvironment) {
        var metadata: Logger.Metadata = [
            LogKey.endpoint.rawValue: "\(endpoint.name)", LogKey.environment.rawValue: "\(environment.rawValue)",
        ]
        if let skew = clockSkew, skew > ClockSkew.suspicious || skew < .zero - ClockSkew.suspicious {
            metadata[LogKey.clockSkewSeconds.rawValue] = "\(skew.components.seconds)"
            logger.error("the App Store refused our token, and our clock differs from Apple's", metadata: metadata)
        } else {
            logger.info("the App Store refused our token", metadata: metadata)
        }
    }
}

extension BoundedHTTP.Fault {
    /// The fault as the port names it.
    var outage: AppStoreOutage {
        switch self {
        case .timedOut: .timedOut
        case .cancelled: .cancelled
        case .closedBeforeAnswer, .connectionFailed: .connectionFailed
        }
    }
}
