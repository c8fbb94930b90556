import HTTPTypes
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import PurchaseCore
import TestSupport
import Testing

@testable import PurchaseAPI

@Suite("Posts refused on their connection")
struct SheddingHandlerTests {
    /// A connection with the handler, and what stands behind it: the parts that came through.
    private struct Connection {
        let channel = EmbeddedChannel()
        let isCrowded = Box(true)
        let lines = Box<[String]>([])
        let exchanges = Box<[Exchange]>([])

        init() throws {
            var configuration = APIConfiguration(
                bundleID: BundleID("com.example.app"), openAPIDocument: "", now: { Sample.now })
            configuration.turnsPostsAway = { [isCrowded] in isCrowded.value }
            configuration.observe = { [exchanges] exchange in exchanges.update { $0.append(exchange) } }
            let lines = lines
            let shedding = PostShedding(
                configuration: configuration, logger: Logger(label: "edge") { _ in RecordingLog(lines: lines) })
            try channel.pipeline.syncOperations.addHandler(SheddingHandler(shedding))
        }

        func send(
            _ method: HTTPRequest.Method = .post, _ path: String = "/v1/transactions", headers: HTTPFields = [:]
        ) throws {
            let head = HTTPRequest(
                method: method, scheme: "http", authority: "localhost", path: path, headerFields: headers)
            try channel.writeInbound(HTTPRequestPart.head(head))
            try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(string: "not JSON")))
            try channel.writeInbound(HTTPRequestPart.end(nil))
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
        connection.isCrowded.set(false)
        try connection.send()
        #expect(try connection.passed() == 1)
        #expect(try connection.statuses() == [])
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
