import NIOCore

/// One connection of a load: one request out, one answer back.
final class LoadConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let run: LoadRun
    private var context: ChannelHandlerContext?
    private var received = ByteBuffer()
    private var pending: (number: Int, dueAt: NIODeadline)?

    init(_ run: LoadRun) { self.run = run }

    /// Sends a request; the one before has been answered.
    func send(_ request: ByteBuffer, number: Int, dueAt: NIODeadline) {
        pending = (number, dueAt)
        context?.writeAndFlush(wrapOutboundOut(request), promise: nil)
    }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        run.connectionMade(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var part = unwrapInboundIn(data)
        // Nearly every answer comes in one piece.
        if received.readableBytes == 0 { received = part } else { received.writeBuffer(&part) }
        do {
            guard let answer = try HTTPAnswer.parse(received.readableBytesView), let pending else { return }
            let bytes = received
            received.clear()
            self.pending = nil
            run.answered(self, number: pending.number, dueAt: pending.dueAt, answer) { String(buffer: bytes) }
        } catch {
            run.connectionFailed(error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        run.connectionFailed(BenchFailure("the server closed a connection"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        run.connectionFailed(error)
        context.close(promise: nil)
    }
}
