package import AsyncHTTPClient
package import Metrics
import NIOCore
import NIOHTTP1

/// Asks an OCSP responder (RFC 6960, appendix A.1: HTTP POST) for one certificate's status.
///
/// The URL comes out of a certificate that isn't trusted yet, so only listed hosts are ever spoken to, over plain
/// HTTP as OCSP is (the response is signed), and what comes back is bounded and never followed elsewhere.
package struct OCSPFetcher: Sendable {
    /// The largest response that is read.
    package static let bodyBytesMax = 65_536
    /// The longest that one fetch takes.
    package static let deadline = Duration.seconds(5)

    private let allowedHosts: Set<String>
    private let http: BoundedHTTP
    private let userAgent: String
    private let metrics: AppStoreMetrics

    /// Takes the allowed hosts: `host` at port 80, or `host:port`, as the verifier reads the same list; without case.
    ///
    /// The `HTTPClient` may be the one for Apple, see ``AppStoreHTTPClient``: it must not follow redirects.
    package init(
        allowedHosts: [String], httpClient: HTTPClient, version: String, time: ClientTime,
        metricsFactory: any MetricsFactory = NOOPMetricsHandler.instance
    ) {
        self.allowedHosts = Set(allowedHosts.map { $0.lowercased() })
        http = BoundedHTTP(client: httpClient, time: time, bodyBytesMax: Self.bodyBytesMax)
        userAgent = "vouch/\(version)"
        metrics = AppStoreMetrics(factory: metricsFactory)
    }

    /// The fetch as the function that the verifier takes.
    package var function: @Sendable ([UInt8], String) async throws -> [UInt8] {
        { request, url in try await fetch(request, from: url) }
    }

    /// Posts a DER-encoded request and returns the response's bytes, unread.
    /// - Throws: ``OCSPFetchError``.
    package func fetch(_ request: [UInt8], from url: String) async throws(OCSPFetchError) -> [UInt8] {
        let from = http.time.monotonic()
        do throws(OCSPFetchError) {
            let response = try await ask(request, url)
            metrics.askedResponder(took: http.time.monotonic() - from, outcome: "answered")
            return response
        } catch {
            metrics.askedResponder(took: http.time.monotonic() - from, outcome: error.code)
            throw error
        }
    }

    private func ask(_ request: [UInt8], _ url: String) async throws(OCSPFetchError) -> [UInt8] {
        guard let target = target(of: url) else { throw .notAllowed }
        var message = HTTPClientRequest(url: target)
        message.method = .POST
        message.headers = [
            "Content-Type": "application/ocsp-request", "Accept": "application/ocsp-response", "User-Agent": userAgent,
        ]
        message.body = .bytes(ByteBuffer(bytes: request))
        let endsAt = http.time.monotonic() + Self.deadline
        var result = await http.send(message, deadline: Self.deadline)
        if case .failure(.closedBeforeAnswer) = result {
            result = await http.send(message, deadline: endsAt - http.time.monotonic())
        }
        switch result {
        case .failure(.timedOut): throw .timedOut
        case .failure(.cancelled): throw .cancelled
        case .failure(.closedBeforeAnswer), .failure(.connectionFailed): throw .connectionFailed
        case .success(let response):
            guard response.status == 200 else { throw .status(response.status) }
            switch response.body {
            case .complete(let bytes) where !bytes.isEmpty: return bytes
            case .complete, .cut: throw .cut
            case .tooLarge: throw .tooLarge
            }
        }
    }

    /// The URL to ask, put together anew from its checked parts; `nil` if it may not be asked.
    private func target(of url: String) -> String? {
        let scheme = "http://"
        guard url.utf8.count <= 1_024, url.lowercased().hasPrefix(scheme) else { return nil }
        let rest = url.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" }
        let path = rest.dropFirst(authority.count)
        guard let (host, port) = AppStoreBaseURL.split(authority),
            path.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") })
        else { return nil }
        guard allowedHosts.contains("\(host):\(port ?? 80)") || (port ?? 80) == 80 && allowedHosts.contains(host) else {
            return nil
        }
        return scheme + host + (port.map { ":\($0)" } ?? "") + (path.isEmpty ? "/" : path)
    }
}

/// Why a responder gave no usable response; all of them leave the certificate's status undetermined.
package enum OCSPFetchError: Error, Equatable, Sendable {
    /// The URL isn't plain HTTP to a listed host; nothing was sent.
    case notAllowed
    /// No complete response in time.
    case timedOut
    /// The asking task was cancelled.
    case cancelled
    /// No connection, or it was lost.
    case connectionFailed
    /// A status other than 200; redirects are not followed.
    case status(Int)
    /// An empty or cut body.
    case cut
    /// More than 64 KiB.
    case tooLarge
}
