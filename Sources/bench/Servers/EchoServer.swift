import Hummingbird
import Logging
import NIOCore
import PurchaseAPI

/// What HTTP and JSON alone cost: the service's own server and JSON code, without middleware, keys, ledger or log.
///
/// It reads a body as strictly as the service does, and writes it out again.
enum EchoServer {
    static let path = "/echo"

    /// Serves until it is told to stop; `started` hears the port.
    static func run(started: @escaping @Sendable (Int) -> Void) async throws {
        let router = Router()
        router.post("echo") { request, _ -> Response in
            let body = try await request.body.collect(upTo: 1 << 20)
            let value = try JSONReader.value(of: Array(body.readableBytesView))
            var writer = JSONWriter()
            write(value, to: &writer)
            return Response(
                status: .ok, headers: [.contentType: "application/json; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: writer.bytes)))
        }
        var logger = Logger(label: "echo", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .error
        let application = Application(
            router: router, server: .http1(configuration: .init(idleTimeout: .seconds(60))),
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0), serverName: nil),
            onServerRunning: { channel in started(channel.localAddress?.port ?? 0) }, logger: logger)
        try await application.runService()
    }

    private static func write(_ value: JSONValue, to writer: inout JSONWriter) {
        switch value {
        case .null: writer.null()
        case .bool(let value): writer.value(value)
        case .number(let text): writer.value(Int64(text) ?? 0)
        case .string(let text): writer.value(text)
        case .array(let items): writer.array(items) { writer, item in write(item, to: &writer) }
        case .object(let object):
            writer.object { writer in
                for (name, value) in object.members { writer.member(named: name) { write(value, to: &$0) } }
            }
        }
    }
}
