import HTTPTypes
package import Logging
import NIOCore
import PurchaseService
import Synchronization

/// Refuses posts of transactions while the service has more of them than it can do: what all connections share.
///
/// Under a flood nearly everything that arrives is refused, so a refusal must cost next to nothing: it is decided on the
/// connection's event loop, once the request is there, and answered with bytes that were written beforehand. No task, no
/// route, no key and no body is looked at. ``SheddingMiddleware`` answers the same from inside the router, for the few requests
/// that ``SheddingHandler`` leaves alone.
///
/// Every refusal counts in the metrics as it happens. In the log they are summed up, one line a second.
package final class PostShedding: Sendable {
    /// What is written for a refusal, but for its id.
    private struct Template {
        let head: HTTPResponse
        let before: [UInt8]
        let after: [UInt8]

        init(_ problem: Problem) {
            // Longer than an id may be, and nothing that JSON would escape.
            let mark = String(repeating: "-", count: RequestIDs.bytesMax + 1)
            let (fields, body) = problem.content(requestID: mark, answersSubmission: true)
            guard let place = body.firstRange(of: Array(mark.utf8)) else {
                preconditionFailure("a problem without its request's id")
            }
            head = HTTPResponse(status: HTTPResponse.Status(code: problem.code.status), headerFields: fields)
            before = Array(body[..<place.lowerBound])
            after = Array(body[place.upperBound...])
        }
    }

    private static let path = APIOperation.postTransaction.path
    private static let exchange = Exchange(
        operation: .postTransaction, method: APIOperation.postTransaction.method,
        status: ProblemCode.overloaded.status, duration: .zero)

    private let admit: @Sendable () -> RecordingPlace?
    private let observe: @Sendable (Exchange) -> Void
    private let logger: Logger
    private let ids = RequestIDs()
    private let template = Template(.shed)
    /// Refusals that no log line tells of yet.
    private let unlogged = Atomic<Int>(0)

    /// Asks and tells what the router's middleware would.
    package init(configuration: APIConfiguration, logger: Logger) {
        admit = configuration.admitPost
        observe = configuration.observe
        self.logger = logger
    }

    /// Whether a request posts a transaction.
    func concerns(_ request: HTTPRequest) -> Bool { request.path == Self.path && request.method == .post }

    /// A place for a post that arrived; `nil` when it is refused, and the caller sends an ``answer(to:)``.
    ///
    /// A refusal's duration counts as zero: microseconds, where the histogram's first bound is milliseconds.
    func place(on eventLoop: any EventLoop) -> RecordingPlace? {
        if let place = admit() { return place }
        observe(Self.exchange)
        if unlogged.wrappingAdd(1, ordering: .relaxed).oldValue == 0 {
            eventLoop.scheduleTask(in: .seconds(1)) { self.logRefusals() }
        }
        return nil
    }

    /// The refusal of a request: 503, as ``SheddingMiddleware`` answers.
    func answer(to request: HTTPRequest) -> (head: HTTPResponse, body: ByteBuffer) {
        let id = ids.id(of: request.headerFields)
        var body = ByteBuffer()
        body.reserveCapacity(template.before.count + id.utf8.count + template.after.count)
        body.writeBytes(template.before)
        body.writeString(id)
        body.writeBytes(template.after)
        var head = template.head
        head.headerFields.append(HTTPField(name: .requestID, value: id))
        head.headerFields.append(HTTPField(name: .contentLength, value: String(body.readableBytes)))
        return (head, body)
    }

    private func logRefusals() {
        let count = unlogged.exchange(0, ordering: .relaxed)
        logger.info(
            "posts refused",
            metadata: [
                LogKey.count.rawValue: .stringConvertible(count), LogKey.route.rawValue: .string(Self.path),
                LogKey.status.rawValue: .stringConvertible(Self.exchange.status),
            ])
    }
}
