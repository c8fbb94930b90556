import HTTPTypes
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import PurchaseCore
import PurchaseService
import TestSupport
import Testing

@testable import PurchaseAPI

@Suite("Posts refused on their connection")
struct SheddingHandlerTests {
    /// A connection with the handler, and what stands behind it: the parts that came through.
    private struct Connection {
        let channel = EmbeddedChannel()
        /// Places that are free.
        let free = Box(0)
        let arrived = ArrivedPost()
        let lines = Box<[String]>([])
        let exchanges = Box<[Exchange]>([])

        init() throws {
            var configuration = APIConfiguration(
                bundleID: BundleID("com.example.app"), openAPIDocument: "", now: { Sample.now })
            configuration.admitPost = { [free] in
                guard free.value > 0 else { return nil }
                free.update { $0 -= 1 }
                return RecordingPlace { free.update { $0 += 1 } }
            }
            configuration.observe = { [exchanges] exchange in exchanges.update { $0.append(exchange) } }
            let lines = lines
            let shedding = PostShedding(
                configuration: configuration, logger: Logger(label: "edge") { _ in RecordingLog(lines: lines) })
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            try channel.pipeline.syncOperations.addHandler(SheddingHandler(shedding, arrived: arrived))
        }

        /// A request that the socket has whole.
        func send(
            _ method: HTTPRequest.Method = .post, _ path: String = "/v1/transactions", headers: HTTPFields = [:]
        ) throws {
            arrive(.head(head(method, path, headers)), .body(ByteBuffer(string: "not JSON")), .end(nil))
            try channel.throwIfErrorCaught()
        }

        func head(
            _ method: HTTPRequest.Method = .post, _ path: String = "/v1/transactions", _ headers: HTTPFields = [:]
        ) -> HTTPRequest {
            HTTPRequest(method: method, scheme: "http", authority: "localhost", path: path, headerFields: headers)
        }

        /// Parts that are read in one go, after which the socket has no more.
        func arrive(_ parts: HTTPRequestPart...) {
            for part in parts { channel.pipeline.fireChannelRead(part) }
            channel.pipeline.fireChannelReadComplete()
        }

        /// The parts that came through since the last call, a letter for each.
        func kinds() throws -> String {
            var kinds = ""
            while let part = try channel.readInbound(as: HTTPRequestPart.self) {
                switch part {
                case .head: kinds += "h"
                case .body: kinds += "b"
                case .end: kinds += "e"
                }
            }
            return kinds
        }

        /// What the router would answer.
        func answerFromBehind() throws {
            try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .ok)))
            try channel.writeOutbound(HTTPResponsePart.end(nil))
        }

        /// How many requests came through since the last call, each with its three parts.
        func passed() throws -> Int {
            var parts = 0
            while try channel.readInbound(as: HTTPRequestPart.self) != nil { parts += 1 }
            #expect(parts.isMultiple(of: 3))
            return parts / 3
        }

        /// The statuses of the answers since the last call; every head has its end.
        func statuses() throws -> [Int] {
            var (statuses, ends) = ([Int](), 0)
            while let part = try channel.readOutbound(as: HTTPResponsePart.self) {
                switch part {
                case .head(let head): statuses.append(head.status.code)
                case .body: continue
                case .end: ends += 1
                }
            }
            #expect(ends == statuses.count)
            return statuses
        }
    }

    @Test("a post in a crowd is answered at its end, and nothing of it goes on; afterwards posts go on again")
    func refused() throws {
        let connection = try Connection()
        try connection.send()
        #expect(try connection.passed() == 0)
        #expect(try connection.statuses() == [503])
        connection.free.set(1)
        try connection.send()
        #expect(try connection.passed() == 1)
        #expect(try connection.statuses() == [])
    }

    @Test("a post that came whole has a place from then on, until it is taken over or the post is answered")
    func place() throws {
        let (first, second) = (try Connection(), try Connection())
        first.free.set(1)
        try first.send()
        #expect(try first.passed() == 1)
        #expect(first.free.value == 0)
        try first.answerFromBehind()
        #expect(first.free.value == 1, "answered before anybody took it")
        #expect(try first.statuses() == [200])

        try first.send()
        var taken = first.arrived.take()
        #expect(taken != nil)
        try first.answerFromBehind()
        #expect(first.free.value == 0)
        taken = nil
        #expect(first.free.value == 1)

        second.free.set(1)
        try second.send(.get)
        #expect(second.free.value == 1, "no post")
    }

    @Test("a post that comes in pieces is held back until it is there, and takes its place then")
    func inPieces() throws {
        let connection = try Connection()
        connection.free.set(1)
        connection.arrive(.head(connection.head()))
        connection.arrive(.body(ByteBuffer(string: "not JSON")))
        #expect(try connection.kinds() == "")
        #expect(connection.free.value == 1)
        connection.arrive(.end(nil))
        #expect(try connection.kinds() == "hbe")
        #expect(connection.free.value == 0)
        connection.channel.embeddedEventLoop.advanceTime(by: SheddingHandler.holdTimeout)
        #expect(try connection.kinds() == "")
    }

    @Test("a post that is slow or large goes on without a place, and keeps nobody out")
    func trickling() throws {
        let connection = try Connection()
        connection.free.set(1)
        connection.arrive(.head(connection.head()), .body(ByteBuffer(string: "no")))
        connection.channel.embeddedEventLoop.advanceTime(by: SheddingHandler.holdTimeout)
        #expect(try connection.kinds() == "hb")
        connection.arrive(.body(ByteBuffer(string: "t JSON")))
        connection.arrive(.end(nil))
        #expect(try connection.kinds() == "be")
        try connection.answerFromBehind()

        let half = ByteBuffer(repeating: 0x20, count: SheddingHandler.heldBytesMax)
        connection.arrive(.head(connection.head()), .body(half))
        #expect(try connection.kinds() == "")
        connection.arrive(.body(half))
        #expect(try connection.kinds() == "hb")
        connection.arrive(.end(nil))
        #expect(try connection.kinds() == "e")
        #expect(connection.free.value == 1)
        #expect(connection.arrived.take() == nil)
        #expect(connection.exchanges.value.isEmpty)
        try connection.answerFromBehind()

        connection.arrive(.head(connection.head()))
        for _ in 0..<1_000 { connection.arrive(.body(ByteBuffer(string: " "))) }
        connection.arrive(.end(nil))
        #expect(try connection.kinds() == "hbe", "however many pieces, one buffer holds them")
        #expect(connection.free.value == 0)
    }

    @Test("a post that was held back is refused if there is no room any more")
    func heldTooLong() throws {
        let connection = try Connection()
        connection.free.set(1)
        connection.arrive(.head(connection.head()))
        connection.free.set(0)
        connection.channel.embeddedEventLoop.advanceTime(by: SheddingHandler.holdTimeout)
        connection.arrive(.end(nil))
        #expect(try connection.statuses() == [503])
        connection.free.set(1)
        connection.arrive(.head(connection.head()))
        connection.free.set(0)
        connection.arrive(.end(nil))
        #expect(try connection.statuses() == [503])
        #expect(try connection.kinds() == "")
    }

    @Test("a refused post is answered when the rest of its body is there, and closed when it doesn't come")
    func unfinished() throws {
        let connection = try Connection()
        connection.arrive(.head(connection.head()))
        #expect(try connection.statuses() == [])
        connection.arrive(.body(ByteBuffer(string: "not JSON")), .end(nil))
        #expect(try connection.statuses() == [503])
        connection.channel.embeddedEventLoop.advanceTime(by: SheddingHandler.refusedBodyTimeout)
        #expect(connection.channel.isActive, "it was answered in time")
        connection.arrive(.head(connection.head()))
        connection.channel.embeddedEventLoop.advanceTime(by: SheddingHandler.refusedBodyTimeout)
        #expect(try connection.statuses() == [503])
        #expect(!connection.channel.isActive)
        #expect(try connection.passed() == 0)
        #expect(connection.exchanges.value.map(\.status) == [503, 503])
    }

    @Test("a connection that ends in the middle of a post leaves nothing behind", arguments: [0, 1])
    func cutOff(places: Int) throws {
        let connection = try Connection()
        connection.free.set(places)
        connection.arrive(.head(connection.head()), .body(ByteBuffer(string: "no")))
        let seen = connection.exchanges.value.count
        connection.channel.close(promise: nil)
        connection.free.set(0)
        connection.channel.embeddedEventLoop.advanceTime(by: SheddingHandler.holdTimeout)
        connection.channel.embeddedEventLoop.advanceTime(by: SheddingHandler.refusedBodyTimeout)
        #expect(connection.exchanges.value.count == seen)
        #expect(try connection.kinds() == "")
        #expect(try connection.statuses() == [])
    }

    @Test("a post that says that the connection stays open, as it does anyway, is refused like any other")
    func keepsAlive() throws {
        let connection = try Connection()
        try connection.send(headers: [.connection: "Keep-Alive"])
        #expect(try connection.passed() == 0)
        #expect(try connection.statuses() == [503])
    }

    @Test("what is no post of a transaction goes on")
    func others() throws {
        let connection = try Connection()
        for (method, path) in [
            (HTTPRequest.Method.get, "/v1/transactions"), (.post, "/v1/notifications/apple"),
            (.post, "/v1/transactions/1/recheck"), (.post, "/v1/transactions?a=b"),
        ] {
            try connection.send(method, path)
            #expect(try connection.passed() == 1, "\(method) \(path)")
            try connection.answerFromBehind()
            #expect(try connection.statuses() == [200])
        }
        #expect(connection.exchanges.value.isEmpty)
    }

    @Test("a post that wants its connection closed, or a word before its body, goes on")
    func asksForMore() throws {
        let connection = try Connection()
        for field in [HTTPField(name: .connection, value: "close"), HTTPField(name: .expect, value: "100-continue")] {
            try connection.send(headers: [field.name: field.value])
            #expect(try connection.passed() == 1)
            try connection.answerFromBehind()
        }
    }

    @Test("behind a request without an answer a post goes on, so that answers keep their order")
    func pipelined() throws {
        let connection = try Connection()
        try connection.send(.get, "/v1/accounts/a/entitlements")
        try connection.send()
        #expect(try connection.passed() == 2)
        try connection.answerFromBehind()
        try connection.send()
        #expect(try connection.passed() == 1, "the post before is still without an answer")
        try connection.answerFromBehind()
        try connection.answerFromBehind()
        #expect(try connection.statuses() == [200, 200, 200])
        try connection.send()
        #expect(try connection.statuses() == [503])
    }

    @Test("to a peer that takes no answers a post goes on, so that none pile up")
    func unread() throws {
        let connection = try Connection()
        connection.channel.isWritable = false
        try connection.send()
        #expect(try connection.passed() == 1)
        #expect(try connection.statuses() == [])
    }

    @Test("every refusal counts at once; the log tells of all of a second in one line")
    func told() throws {
        let connection = try Connection()
        for _ in 0..<3 { try connection.send() }
        #expect(connection.exchanges.value.map(\.status) == [503, 503, 503])
        #expect(connection.exchanges.value.allSatisfy { $0.operation == .postTransaction && $0.method == "POST" })
        #expect(connection.lines.value.isEmpty)
        connection.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(connection.lines.value == ["info posts refused count=3 route=/v1/transactions status=503"])
        connection.channel.embeddedEventLoop.advanceTime(by: .seconds(5))
        #expect(connection.lines.value.count == 1)
        try connection.send()
        connection.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(connection.lines.value.last == "info posts refused count=1 route=/v1/transactions status=503")
    }
}
