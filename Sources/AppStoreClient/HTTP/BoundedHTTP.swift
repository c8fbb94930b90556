import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1
import PurchaseCore

/// One HTTP exchange with a deadline and a bound on the body; every fault is a value.
struct BoundedHTTP: Sendable {
    /// How the answer's body ended.
    enum Body: Sendable, Equatable {
        case complete([UInt8])
        case tooLarge
        case cut
    }

    /// An answer that has at least a head.
    struct Response: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: Body
        let sentAt: Instant
        let receivedAt: Instant
    }

    /// Why there is no answer.
    enum Fault: Error, Sendable, Equatable {
        case timedOut
        case cancelled
        /// The connection ended before any byte of the answer: as a kept connection does when the server closes it
        /// just as it is used again. A second connection is worth a try.
        case closedBeforeAnswer
        case connectionFailed
    }

    let client: HTTPClient
    let time: ClientTime
    let bodyBytesMax: Int

    /// Sends a request and reads its whole answer within `deadline`; ends promptly on cancellation.
    func send(_ request: HTTPClientRequest, deadline: Duration) async -> Result<Response, Fault> {
        let backstop = NIODeadline.now() + .nanoseconds(max(0, min(deadline, .seconds(86_400)).clampedNanoseconds))
        let result = await withDeadline(deadline, time: time) {
            await exchange(request, backstop: backstop)
        }
        return result ?? .failure(.timedOut)
    }

    private func exchange(_ request: HTTPClientRequest, backstop: NIODeadline) async -> Result<Response, Fault> {
        let sentAt = time.wall()
        let response: HTTPClientResponse
        do {
            response = try await client.execute(request, deadline: backstop)
        } catch {
            return .failure(Self.fault(of: error))
        }
        // Taken at the head: a slow body says nothing about the clock.
        let receivedAt = time.wall()
        let body: Body
        do {
            body = .complete(Array(buffer: try await response.body.collect(upTo: bodyBytesMax)))
        } catch is NIOTooManyBytesError {
            body = .tooLarge
        } catch {
            switch Self.fault(of: error) {
            case .timedOut: return .failure(.timedOut)
            case .cancelled: return .failure(.cancelled)
            case .closedBeforeAnswer, .connectionFailed: body = .cut
            }
        }
        return .success(
            Response(
                status: Int(response.status.code), headers: response.headers, body: body, sentAt: sentAt,
                receivedAt: receivedAt))
    }

    private static func fault(of error: any Error) -> Fault {
        if Task.isCancelled || error is CancellationError { return .cancelled }
        if let error = error as? HTTPClientError {
            switch error {
            case .cancelled: return .cancelled
            case .deadlineExceeded, .readTimeout, .writeTimeout, .connectTimeout, .tlsHandshakeTimeout,
                .getConnectionFromPoolTimeout:
                return .timedOut
            case .remoteConnectionClosed: return .closedBeforeAnswer
            default: return .connectionFailed
            }
        }
        // A reset while the request is being written is the same race as a close.
        if let error = error as? IOError, error.errnoCode == ECONNRESET || error.errnoCode == EPIPE {
            return .closedBeforeAnswer
        }
        return .connectionFailed
    }
}
