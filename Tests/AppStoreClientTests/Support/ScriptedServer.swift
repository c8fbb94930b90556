import NIOCore
import NIOPosix
import Synchronization

/// A server on a loopback port that answers each request with scripted bytes: also broken ones, which no HTTP
/// library would send.
final class ScriptedServer: Sendable {
    /// A request as it came.
    struct Request: Sendable {
        let method: String
        let target: String
        let headers: [String: String]
        let body: String
    }

    /// What the server does, in order, when a request has come.
    enum Step: Sendable {
        case send(String)
        case sendBytes([UInt8])
        case close
        /// Keep the connection open and say nothing more.
        case hold
    }

    typealias Script = @Sendable (_ request: Request, _ number: Int) -> [Step]

    private let channel: any Channel
    private let log: RequestLog

    private init(channel: any Channel, log: RequestLog) {
        self.channel = channel
        self.log = log
    }

    var port: Int { channel.localAddress?.port ?? 0 }
    var url: String { "http://127.0.0.1:\(port)" }
    /// All requests so far.
    var requests: [Request] { log.all }

    /// Waits until so many requests have come.
    func waitForRequests(_ count: Int) async { await log.wait(for: count) }

    /// Runs a body against a new server, and closes it afterwards.
    static func run<Value>(
        _ script: @escaping Script, body: (ScriptedServer) async throws -> Value
    ) async throws -> Value {
        let log = RequestLog()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ScriptedHandler(script: script, log: log))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let server = ScriptedServer(channel: channel, log: log)
        do {
            let value = try await body(server)
            try await channel.close()
            return value
        } catch {
            try? await channel.close()
            throw error
        }
    }

    /// The bytes of an answer with a body and its length.
    static func answer(
        _ status: String, body: String = "", headers: [String] = ["Content-Type: application/json"]
    ) -> Step {
        var lines = ["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)"]
        lines += headers
        return .send(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
    }
}

private final class RequestLog: Sendable {
    private struct State {
        var requests: [ScriptedServer.Request] = []
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var all: [ScriptedServer.Request] { state.withLock { $0.requests } }

    func append(_ request: ScriptedServer.Request) -> Int {
        state.withLock { state in
            state.requests.append(request)
            let count = state.requests.count
            for watcher in state.watchers where watcher.count <= count { watcher.continuation.resume() }
            state.watchers.removeAll { $0.count <= count }
            return count
        }
    }

    func wait(for count: Int) async {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                if state.requests.count >= count { return continuation.resume() }
                state.watchers.append((count, continuation))
            }
        }
    }
}

private final class ScriptedHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let script: ScriptedServer.Script
    private let log: RequestLog
    private var received: [UInt8] = []

    init(script: @escaping ScriptedServer.Script, log: RequestLog) {
        self.script = script
        self.log = log
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += Array(buffer: unwrapInboundIn(data))
        while let request = nextRequest() {
            let number = log.append(request)
            for step in script(request, number) {
                switch step {
                case .send(let text):
                    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
                case .sendBytes(let bytes):
                    context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
                case .close:
                    context.close(promise: nil)
                case .hold:
                    break
                }
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func nextRequest() -> ScriptedServer.Request? {
        guard let end = received.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: received[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        let first = lines.first?.split(separator: " ") ?? []
        guard first.count == 3 else { return nil }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            headers[line[..<colon].lowercased()] = String(value)
        }
        let length = headers["content-length"].flatMap(Int.init) ?? 0
        guard received.count >= end.upperBound + length else { return nil }
        let body = received[end.upperBound..<(end.upperBound + length)]
        received.removeFirst(end.upperBound + length)
        return ScriptedServer.Request(
            method: String(first[0]), target: String(first[1]), headers: headers,
            body: String(decoding: body, as: UTF8.self))
    }
}
