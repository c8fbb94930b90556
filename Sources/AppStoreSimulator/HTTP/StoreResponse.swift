import HTTPTypes
import Hummingbird
import NIOCore

/// Puts a store answer on the wire, with whatever is wrong about its delivery.
enum StoreResponse {
    private static let pieceInterval = Duration.milliseconds(100)
    private static let fillerBytes = 64 << 10

    /// The body ends before its declared length.
    private struct CutOff: Error {}

    static func make(_ answer: StoreAnswer, context: SimulatorRequestContext) async throws -> Response {
        var headers = HTTPFields()
        if let contentType = answer.contentType { headers[.contentType] = contentType }
        if let retryAfter = answer.retryAfter { headers[.retryAfter] = String(retryAfter) }
        if case .skewedDate(let seconds) = answer.delivery {
            // Hummingbird sets `Date` after every handler, so the bytes are changed on their way out.
            let channel = context.channel
            try await channel.eventLoop.submit {
                let handler = DateSkewHandler(secondsSince1970: seconds)
                try channel.pipeline.syncOperations.addHandler(handler, position: .first)
            }.get()
        }
        return Response(
            status: HTTPResponse.Status(code: answer.status), headers: headers, body: body(of: answer))
    }

    private static func body(of answer: StoreAnswer) -> ResponseBody {
        let bytes = answer.body
        switch answer.delivery {
        case .whole, .hangs, .skewedDate:
            return ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        case .slow(let rate):
            return ResponseBody(contentLength: bytes.count) { writer in
                let pieceBytes = max(1, rate / 10)
                let deadline = ContinuousClock.now + .milliseconds(SimulatedFault.delayMillisecondsMax)
                var sent = 0
                while sent < bytes.count {
                    let end = ContinuousClock.now < deadline ? min(bytes.count, sent + pieceBytes) : bytes.count
                    try await writer.write(ByteBuffer(bytes: bytes[sent..<end]))
                    sent = end
                    if sent < bytes.count { try await Task.sleep(for: pieceInterval) }
                }
                try await writer.finish(nil)
            }
        case .cut:
            return ResponseBody(contentLength: bytes.count) { writer in
                try await writer.write(ByteBuffer(bytes: bytes.prefix(bytes.count / 2)))
                throw CutOff()
            }
        case .oversized(let total):
            let tail = Array("\"}".utf8)
            let length = max(total, bytes.count + tail.count)
            return ResponseBody(contentLength: length) { writer in
                try await writer.write(ByteBuffer(bytes: bytes))
                var left = length - bytes.count - tail.count
                while left > 0 {
                    let count = min(left, fillerBytes)
                    try await writer.write(ByteBuffer(repeating: UInt8(ascii: "A"), count: count))
                    left -= count
                }
                try await writer.write(ByteBuffer(bytes: tail))
                try await writer.finish(nil)
            }
        }
    }
}
