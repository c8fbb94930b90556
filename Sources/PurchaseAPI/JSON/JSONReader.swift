import PurchaseCore

/// A strict reader of request bodies (RFC 8259): nothing is repaired, nothing follows the value, nesting is bounded.
///
/// Own code, since Foundation's reader lets the last of two equal names win silently, and reports one fault at a time.
package struct JSONReader {
    /// No request of the contract nests deeper than two levels.
    package static let depthMax = 16

    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Reads bytes that must be one JSON value.
    package static func value(of bytes: [UInt8]) throws(JSONSyntaxError) -> JSONValue {
        var reader = JSONReader(bytes)
        reader.skipSpace()
        let value = try reader.readValue()
        reader.skipSpace()
        guard reader.position == bytes.count else { throw reader.failure(.syntax) }
        return value
    }

    private func failure(_ kind: JSONSyntaxError.Kind) -> JSONSyntaxError {
        JSONSyntaxError(kind: kind, offset: position)
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        position += 1
        return true
    }

    private mutating func require(_ byte: UInt8) throws(JSONSyntaxError) {
        guard take(byte) else { throw failure(.syntax) }
    }

    private mutating func readValue() throws(JSONSyntaxError) -> JSONValue {
        switch current {
        case UInt8(ascii: "{"): return .object(try readObject())
        case UInt8(ascii: "["): return .array(try readArray())
        case UInt8(ascii: "\""): return .string(try readString())
        case UInt8(ascii: "t"): return try readWord("true", as: .bool(true))
        case UInt8(ascii: "f"): return try readWord("false", as: .bool(false))
        case UInt8(ascii: "n"): return try readWord("null", as: .null)
        default: return .number(try readNumber())
        }
    }

    private mutating func readWord(_ word: String, as value: JSONValue) throws(JSONSyntaxError) -> JSONValue {
        for byte in word.utf8 { try require(byte) }
        return value
    }

    private mutating func descend() throws(JSONSyntaxError) {
        guard depth < Self.depthMax else { throw failure(.depth) }
        depth += 1
        position += 1
        skipSpace()
    }

    private mutating func readObject() throws(JSONSyntaxError) -> JSONObject {
        try descend()
        defer { depth -= 1 }
        var object = JSONObject()
        if take(UInt8(ascii: "}")) { return object }
        repeat {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw failure(.syntax) }
            let name = try readString()
            skipSpace()
            try require(UInt8(ascii: ":"))
            skipSpace()
            object.append(name, try readValue())
            skipSpace()
        } while take(UInt8(ascii: ","))
        try require(UInt8(ascii: "}"))
        return object
    }

    private mutating func readArray() throws(JSONSyntaxError) -> [JSONValue] {
        try descend()
        defer { depth -= 1 }
        var items: [JSONValue] = []
        if take(UInt8(ascii: "]")) { return items }
        repeat {
            skipSpace()
            items.append(try readValue())
            skipSpace()
        } while take(UInt8(ascii: ","))
        try require(UInt8(ascii: "]"))
        return items
    }

    private mutating func readNumber() throws(JSONSyntaxError) -> String {
        let start = position
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try readDigits() }
        if take(UInt8(ascii: ".")) { try readDigits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try readDigits()
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func readDigits() throws(JSONSyntaxError) {
        let start = position
        while let byte = current, (0x30...0x39).contains(byte) { position += 1 }
        guard position > start else { throw failure(.syntax) }
    }

    private mutating func readString() throws(JSONSyntaxError) -> String {
        let start = position
        position += 1
        let plain = plainText()
        // The usual string has no escape and is taken as it stands.
        if take(UInt8(ascii: "\"")) { return try text(of: plain, from: start) }
        var text = Array(plain)
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return try self.text(of: text[...], from: start)
            case UInt8(ascii: "\\"):
                position += 1
                try readEscape(into: &text)
            case 0x00..<0x20:
                throw failure(.syntax)
            default: text += plainText()
            }
        }
        throw failure(.syntax)
    }

    /// The characters from here on that stand for themselves.
    private mutating func plainText() -> ArraySlice<UInt8> {
        let end = bytes.withUnsafeBufferPointer { ByteScan.endOfPlainJSON(in: $0, from: position) }
        defer { position = end }
        return bytes[position..<end]
    }

    private func text(of bytes: ArraySlice<UInt8>, from start: Int) throws(JSONSyntaxError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw JSONSyntaxError(kind: .encoding, offset: start)
        }
        return text
    }

    private mutating func readEscape(into text: inout [UInt8]) throws(JSONSyntaxError) {
        do {
            text.append(contentsOf: String(try JSONText.readEscape(in: bytes, at: &position)).utf8)
        } catch {
            switch error {
            case .syntax: throw failure(.syntax)
            case .encoding: throw failure(.encoding)
            }
        }
    }
}
