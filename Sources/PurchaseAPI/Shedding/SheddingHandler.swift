import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Keeps refused posts of one connection from everything behind it, see ``PostShedding``.
///
/// It refuses only where nothing can get out of order or pile up: every earlier request has been answered, and the peer
/// takes its answers. Anything else goes on to the router, whose middleware refuses it as well.
final class SheddingHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let shedding: PostShedding
    /// The refused request whose body is on its way; it is answered at its end, as who sends it expects.
    private var refused: HTTPRequest?
    /// Requests that went on and have no answer yet.
    private var unanswered = 0

    init(_ shedding: PostShedding) { self.shedding = shedding }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let request):
            guard isSimple(request, context), shedding.turnsAway(request, on: context.eventLoop) else {
                unanswered += 1
                context.fireChannelRead(data)
                return
            }
            refused = request
        case .body:
            if refused == nil { context.fireChannelRead(data) }
        case .end:
            guard let request = refused else {
                context.fireChannelRead(data)
                return
            }
            refused = nil
            let (head, body) = shedding.answer(to: request)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(body)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { unanswered -= 1 }
        context.write(data, promise: promise)
    }

    /// Whether a refusal can be written right away, and the connection used again after it.
    ///
    /// A field `Connection` may ask for another end, and `Expect` for a word before the body.
    private func isSimple(_ request: HTTPRequest, _ context: ChannelHandlerContext) -> Bool {
        unanswered == 0 && context.channel.isWritable && request.headerFields[.connection] == nil
            && request.headerFields[.expect] == nil
    }
}
