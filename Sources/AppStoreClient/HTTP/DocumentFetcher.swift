package import AsyncHTTPClient
import NIOHTTP1

/// Fetches one small document by HTTP GET, bounded in time and size; redirects are not followed.
package struct DocumentFetcher: Sendable {
    private let http: BoundedHTTP
    private let deadline: Duration
    private let userAgent: String

    /// Takes the bounds: the most bytes that a document may have, and the longest that fetching it may take.
    ///
    /// The `HTTPClient` may be the one for Apple, see ``AppStoreHTTPClient``: it must not follow redirects.
    package init(httpClient: HTTPClient, version: String, time: ClientTime, bytesMax: Int, deadline: Duration) {
        http = BoundedHTTP(client: httpClient, time: time, bodyBytesMax: bytesMax)
        self.deadline = deadline
        userAgent = "vouch/\(version)"
    }

    /// The document's bytes, which the caller must not believe any more than the connection that they came by.
    /// - Throws: ``DocumentFetchError``.
    package func fetch(_ url: String, accepting types: String) async throws(DocumentFetchError) -> [UInt8] {
        var request = HTTPClientRequest(url: url)
        request.headers = ["Accept": types, "User-Agent": userAgent]
        let endsAt = http.time.monotonic() + deadline
        var result = await http.send(request, deadline: deadline)
        if case .failure(.closedBeforeAnswer) = result {
            result = await http.send(request, deadline: endsAt - http.time.monotonic())
        }
        switch result {
        case .failure: throw .unreachable
        case .success(let response):
            guard response.status == 200 else { throw .status(response.status) }
            switch response.body {
            case .complete(let bytes): return bytes
            case .cut: throw .unreachable
            case .tooLarge: throw .tooLarge
            }
        }
    }
}

/// Why a document could not be fetched.
package enum DocumentFetchError: Error, Equatable, Sendable {
    /// No connection, or no complete answer in time.
    case unreachable
    /// A status other than 200.
    case status(Int)
    /// More bytes than are read.
    case tooLarge
}
