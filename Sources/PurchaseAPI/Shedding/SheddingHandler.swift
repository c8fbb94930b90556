import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Lets posts of one connection in or keeps them from everything behind it, see ``PostShedding``.
///
/// It decides only where nothing can get out of order or pile up: every earlier request has been answered, and the peer
/// takes its answers. Anything else goes on to the router, whose middleware decides.
///
/// A post is held back until it is there, and let in with a place before the ledger: a body that trickles must keep
/// nobody out. One that is large or slow goes on as it is, and takes its place when its body has been read.
final class SheddingHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// A post on its way in.
    private enum Post {
        /// None that this handler decides about, or it has been let in.
        case none
        /// Held back until it is there.
        case held(HTTPRequest, ByteBuffer?)
        /// To be answered at its end, as who sends it expects.
        case refused(HTTPRequest)
    }

    /// How long a post is held back.
    static let holdTimeout = TimeAmount.seconds(1)
    /// How many bytes of a post's body are held back; a signed transaction takes 6 KB.
    static let heldBytesMax = 16 << 10
    /// How long the rest of a refused post may take before it is answered and its connection closed.
    static let refusedBodyTimeout = TimeAmount.seconds(10)

    private let shedding: PostShedding
    private let arrived: ArrivedPost
    private var post = Post.none
    /// Ends the wait for the rest of a post.
    private var alarm: Scheduled<Void>?
    /// Requests that went on and have no answer yet.
    private var unanswered = 0

    /// Leaves the places of posts in `arrived`, for the task that answers them.
    init(_ shedding: PostShedding, arrived: ArrivedPost) {
        self.shedding = shedding
        self.arrived = arrived
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let request):
            guard shedding.concerns(request), isSimple(request, context) else {
                unanswered += 1
                context.fireChannelRead(data)
                return
            }
            post = .held(request, nil)
        case .body(let part):
            switch post {
            case .none: context.fireChannelRead(data)
            case .held(let request, let body): hold(request, body, part, context)
            case .refused: return
            }
        case .end:
            switch post {
            case .none: context.fireChannelRead(data)
            case .held(let request, let body):
                if let place = shedding.place(on: context.eventLoop) {
                    arrived.leave(place)
                    letIn(request, body, context)
                    context.fireChannelRead(data)
                } else {
                    answer(request, context)
                }
            case .refused(let request): answer(request, context)
            }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if case .held(let request, _) = post, alarm == nil {
            if shedding.place(on: context.eventLoop) == nil {
                refuse(request, context)
            } else {
                alarm = context.eventLoop.assumeIsolated().scheduleTask(in: Self.holdTimeout) {
                    guard case .held(let request, let body) = self.post else { return }
                    self.letInUnfinished(request, body, context)
                    context.fireChannelReadComplete()
                }
            }
        }
        context.fireChannelReadComplete()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) {
            unanswered -= 1
            // If it is still there, something answered ahead of the middleware that takes it.
            arrived.leave(nil)
        }
        context.write(data, promise: promise)
    }

    /// The connection is gone; not every handler ahead of this one passes on that it became inactive.
    func handlerRemoved(context: ChannelHandlerContext) {
        silenceAlarm()
        post = .none
    }

    private func hold(
        _ request: HTTPRequest, _ body: ByteBuffer?, _ part: ByteBuffer, _ context: ChannelHandlerContext
    ) {
        post = .none
        var (whole, part) = (body ?? ByteBuffer(), part)
        whole.writeBuffer(&part)
        if whole.readableBytes > Self.heldBytesMax {
            letInUnfinished(request, whole, context)
        } else {
            post = .held(request, whole)
        }
    }

    /// To the router without a place, if there is room now.
    private func letInUnfinished(_ request: HTTPRequest, _ body: ByteBuffer?, _ context: ChannelHandlerContext) {
        if shedding.place(on: context.eventLoop) == nil {
            refuse(request, context)
        } else {
            letIn(request, body, context)
        }
    }

    private func letIn(_ request: HTTPRequest, _ body: ByteBuffer?, _ context: ChannelHandlerContext) {
        post = .none
        silenceAlarm()
        unanswered += 1
        context.fireChannelRead(wrapInboundOut(.head(request)))
        if let body { context.fireChannelRead(wrapInboundOut(.body(body))) }
    }

    /// Answers a post when the rest of it is there.
    private func refuse(_ request: HTTPRequest, _ context: ChannelHandlerContext) {
        post = .refused(request)
        silenceAlarm()
        alarm = context.eventLoop.assumeIsolated().scheduleTask(in: Self.refusedBodyTimeout) {
            self.answer(request, context, closes: true)
        }
    }

    private func silenceAlarm() {
        alarm?.cancel()
        alarm = nil
    }

    private func answer(_ request: HTTPRequest, _ context: ChannelHandlerContext, closes: Bool = false) {
        post = .none
        silenceAlarm()
        var (head, body) = shedding.answer(to: request)
        if closes { head.headerFields[.connection] = "close" }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        // What follows would be the rest of a body that nobody reads.
        if closes { context.close(promise: nil) }
    }

    /// Whether a refusal can be written right away, and the connection used again after it.
    ///
    /// A field `Connection` may ask for another end, unless it says what holds anyway, and `Expect` for a word before the
    /// body.
    private func isSimple(_ request: HTTPRequest, _ context: ChannelHandlerContext) -> Bool {
        guard unanswered == 0, context.channel.isWritable, request.headerFields[.expect] == nil else { return false }
        guard let connection = request.headerFields[.connection] else { return true }
        return connection.lowercased() == "keep-alive"
    }
}
