import AppStoreSimulator
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An App Store that knows every transaction: it signs an answer for any id, counts, and does nothing else.
///
/// Bearer tokens are not checked: the real store does that, and this one stands on the same two cores.
final class StoreStub: Sendable {
    /// What was asked so far.
    struct Counts: Sendable {
        var calls = 0
        var transactions: Set<String> = []
    }

    private let mint: JWSMint
    private let counts = Mutex(Counts())
    /// How long every answer takes at least.
    let latency: TimeAmount

    init(keys: SimulatorKeys, latency: TimeAmount) throws {
        mint = try JWSMint(keys: keys)
        self.latency = latency
    }

    /// The body for a path, and its status.
    func answer(_ path: String) -> (status: HTTPResponseStatus, body: String) {
        if path == "/counts" {
            let counts = counts.withLock { ($0.calls, $0.transactions.count) }
            return (.ok, #"{"calls":\#(counts.0),"transactions":\#(counts.1)}"#)
        }
        let parts = path.split(separator: "/")
        guard parts.count >= 2, parts[parts.count - 2] == "transactions", let id = parts.last.map(String.init),
            let jws = try? mint.transaction(id)
        else { return (.notFound, #"{"errorCode":4040010,"errorMessage":"Transaction id not found."}"#) }
        counts.withLock { counts in
            counts.calls += 1
            counts.transactions.insert(id)
        }
        return (.ok, #"{"signedTransactionInfo":"\#(jws)"}"#)
    }

    /// Serves until the group ends; the port that it took.
    func bind(on group: MultiThreadedEventLoopGroup) async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(StoreStubHandler(self))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }
}

private final class StoreStubHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let stub: StoreStub
    private var path = ""

    init(_ stub: StoreStub) { self.stub = stub }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): path = head.uri
        case .body: break
        case .end:
            let answer = stub.answer(path)
            guard stub.latency > .zero else { return write(answer, context) }
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: stub.latency) {
                let (handler, context) = bound.value
                handler.write(answer, context)
            }
        }
    }

    private func write(_ answer: (status: HTTPResponseStatus, body: String), _ context: ChannelHandlerContext) {
        let body = ByteBuffer(string: answer.body)
        var head = HTTPResponseHead(version: .http1_1, status: answer.status)
        head.headers.add(name: "Content-Type", value: "application/json")
        head.headers.add(name: "Content-Length", value: String(body.readableBytes))
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
