import NIOCore

/// Replaces the `Date` header of the next response on a connection, and then leaves the pipeline.
///
/// Works on the encoded bytes: it stands nearest to the network, where the head is one buffer.
final class DateSkewHandler: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let mark = Array("\r\ndate: ".utf8)

    private let date: [UInt8]

    /// A handler for one response; `secondsSince1970` is the time that its head will state.
    init(secondsSince1970: Int64) {
        self.date = Array(HTTPDate.text(secondsSince1970: secondsSince1970).utf8)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let buffer = unwrapOutboundIn(data)
        guard let changed = skewed(buffer) else {
            context.write(data, promise: promise)
            return
        }
        context.write(wrapOutboundOut(changed), promise: promise)
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    private func skewed(_ buffer: ByteBuffer) -> ByteBuffer? {
        let bytes = Array(buffer.readableBytesView)
        guard bytes.count > Self.mark.count, let start = Self.start(of: Self.mark, in: bytes) else { return nil }
        guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\r")) else { return nil }
        return ByteBuffer(bytes: bytes[..<start] + date + bytes[end...])
    }

    /// The index after the mark, compared without case.
    private static func start(of mark: [UInt8], in bytes: [UInt8]) -> Int? {
        for offset in 0...(bytes.count - mark.count) {
            let isMatch = mark.indices.allSatisfy { index in
                let byte = bytes[offset + index]
                return mark[index] == ((65...90).contains(byte) ? byte + 32 : byte)
            }
            if isMatch { return offset + mark.count }
        }
        return nil
    }
}
