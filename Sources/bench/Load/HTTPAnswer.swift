import NIOCore

/// The head of one HTTP/1.1 answer, as far as a load generator looks at it.
///
/// Parsed by hand: a general parser would take as long as the rest of the generator together.
struct HTTPAnswer: Equatable {
    /// The status code.
    let status: Int
    /// Bytes of head and body together.
    let length: Int
    /// `Retry-After` in seconds, where it is sent.
    var retryAfterSeconds: Int? = nil

    /// The answer at the beginning of a buffer; `nil` while it is not complete.
    ///
    /// Throws ``BenchFailure`` for what no server here sends: another protocol, or a body in chunks.
    static func parse(_ bytes: ByteBufferView) throws -> HTTPAnswer? {
        guard let end = endOfHead(bytes) else { return nil }
        let head = bytes[bytes.startIndex..<end]
        guard head.count > 12, head.starts(with: "HTTP/1.1 ".utf8) else { throw BenchFailure("not an HTTP/1.1 answer") }
        let digits = head.dropFirst(9).prefix(3)
        guard let status = Int(String(decoding: digits, as: UTF8.self)) else { throw BenchFailure("no status code") }
        let headLength = end - bytes.startIndex
        let fields = try fields(of: head)
        let length = headLength + fields.bodyLength
        guard bytes.count >= length else { return nil }
        return HTTPAnswer(status: status, length: length, retryAfterSeconds: fields.retryAfterSeconds)
    }

    /// Where the empty line after the header fields ends.
    private static func endOfHead(_ bytes: ByteBufferView) -> Int? {
        var index = bytes.startIndex
        while let found = bytes[index...].firstIndex(of: UInt8(ascii: "\r")) {
            if bytes[found...].starts(with: "\r\n\r\n".utf8) { return found + 4 }
            index = found + 1
        }
        return nil
    }

    private static func fields(of head: ByteBufferView) throws -> (bodyLength: Int, retryAfterSeconds: Int?) {
        var fields = (bodyLength: 0, retryAfterSeconds: nil as Int?)
        for line in head.split(separator: UInt8(ascii: "\n")).dropFirst() {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            // Only names of these lengths are looked at: retry-after, content-length, transfer-encoding.
            switch colon - line.startIndex {
            case 11 where isName(line[..<colon], "retry-after"):
                fields.retryAfterSeconds = number(line[(colon + 1)...])
            case 14 where isName(line[..<colon], "content-length"):
                fields.bodyLength = number(line[(colon + 1)...]) ?? 0
            case 17 where isName(line[..<colon], "transfer-encoding"):
                throw BenchFailure("the body comes in chunks")
            default:
                continue
            }
        }
        return fields
    }

    private static func number(_ bytes: ByteBufferView) -> Int? {
        Int(String(decoding: bytes.filter { (0x30...0x39).contains($0) }, as: UTF8.self))
    }

    private static func isName(_ bytes: ByteBufferView, _ name: StaticString) -> Bool {
        bytes.elementsEqual("\(name)".utf8) { $0 | 0x20 == $1 | 0x20 }
    }
}
