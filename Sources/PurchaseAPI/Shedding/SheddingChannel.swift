package import HummingbirdCore
import Logging
import NIOCore

/// HTTP/1.1 as Hummingbird speaks it, with a ``SheddingHandler`` in each connection.
///
/// The handler stands behind the one that closes idle connections, so that refusals count as use.
struct SheddingChannel: ServerChildChannel {
    /// A connection, and where its handler leaves the places of its posts.
    struct Value: ServerChildChannelValue {
        let base: HTTP1Channel.Value
        let arrived: ArrivedPost

        var channel: any Channel { base.channel }
    }

    let base: HTTP1Channel
    let shedding: PostShedding

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        base.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let idleness = try pipeline.handler(type: HTTPConnectionStateHandler.self)
            let arrived = ArrivedPost()
            try pipeline.addHandler(SheddingHandler(shedding, arrived: arrived), position: .after(idleness))
            return Value(base: value, arrived: arrived)
        }
    }

    func handle(value: Value, logger: Logger) async {
        await ArrivedPost.$ofConnection.withValue(value.arrived) {
            await base.handle(value: value.base, logger: logger)
        }
    }
}

extension HTTPServerBuilder {
    /// A server of HTTP/1.1 that refuses posts ahead of everything while `shedding` says so.
    package static func http1(
        shedding: PostShedding, configuration: HTTP1Channel.Configuration
    ) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in
            SheddingChannel(
                base: HTTP1Channel(responder: responder, configuration: configuration), shedding: shedding)
        }
    }
}
