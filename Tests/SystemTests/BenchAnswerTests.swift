import NIOCore
import Testing

@testable import bench

@Suite("Answers as the load generator reads them")
struct BenchAnswerTests {
    private func parse(_ text: String) throws -> HTTPAnswer? {
        try HTTPAnswer.parse(ByteBuffer(string: text).readableBytesView)
    }

    @Test("an answer counts once its body is complete, however its fields are spelt")
    func complete() throws {
        let head = "HTTP/1.1 202 Accepted\r\nX: y\r\ncontent-LENGTH: 5\r\n\r\n"
        for text in ["", "HTTP/1.1 2", head, head + "hell"] { #expect(try parse(text) == nil, "\(text)") }
        #expect(try parse(head + "hello") == HTTPAnswer(status: 202, length: head.utf8.count + 5))
        #expect(try parse(head + "hello, and more") == HTTPAnswer(status: 202, length: head.utf8.count + 5))
        let empty = "HTTP/1.1 304 Not Modified\r\n\r\n"
        #expect(try parse(empty) == HTTPAnswer(status: 304, length: empty.utf8.count))
    }

    @Test("what it can not measure is refused, and not counted")
    func refused() {
        for text in [
            "HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 abc Huh\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ] { #expect(throws: BenchFailure.self, "\(text)") { try parse(text) } }
    }

    @Test("rates of parts add up as times do")
    func parts() {
        let parts = ReferenceParts(parts: [("a", 100), ("b", 100), ("c", 50)])
        #expect(abs(parts.allowed - 25) < 0.001)
    }

    @Test("draws are the same for the same seed, and inside their bound")
    func draws() {
        let (one, other) = (Draws(seed: 1), Draws(seed: 2))
        let numbers = (0..<1_000).map { one.below(10, at: $0) }
        #expect(numbers == (0..<1_000).map { one.below(10, at: $0) })
        #expect(numbers != (0..<1_000).map { other.below(10, at: $0) })
        #expect(Set(numbers) == Set(0..<10))
    }
}
