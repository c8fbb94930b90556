import PurchaseCore

/// A strict, bounded JSON reader (RFC 8259): no recovery, no repeated names, no deep nesting, no trailing bytes.
///
/// Foundation's reader is lenient about repeated names (the last one wins silently) and turns numbers into `Double`;
/// signed evidence deserves neither.
struct JSONParser {
    private let bytes: [UInt8]
    private let limits: JSONLimits
    private var index: Int
    private var depth = 0
    private var values = 0

    private init(_ bytes: [UInt8], limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
        self.index = bytes.startIndex
    }

    /// Reads bytes that must be one JSON object and nothing else.
    static func object(_ bytes: [UInt8], limits: JSONLimits) throws(JSONFault) -> JSONObject {
        var parser = JSONParser(bytes, limits: limits)
        let value = try parser.value()
        parser.skipSpace()
        guard parser.index == bytes.endIndex, case .object(let object) = value else { throw .syntax }
        return object
    }

    private var next: UInt8? { index < bytes.endIndex ? bytes[index] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
    }

    private mutating func consume(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        index += 1
        return true
    }

    private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONFault) -> JSONValue {
        let count = text.utf8CodeUnitCount
        guard index + count <= bytes.endIndex else { throw .syntax }
        let matches = text.withUTF8Buffer { $0.elementsEqual(bytes[index..<index + count]) }
        guard matches else { throw .syntax }
        index += count
        return value
    }

    private mutating func value() throws(JSONFault) -> JSONValue {
        values += 1
        guard values <= limits.values else { throw .tooMany }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try container { parser throws(JSONFault) in try parser.members() }
        case UInt8(ascii: "["): return try container { parser throws(JSONFault) in try parser.elements() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), .some(0x30...0x39): return .number(try number())
        default: throw .syntax
        }
    }

    private mutating func container(
        _ read: (inout JSONParser) throws(JSONFault) -> JSONValue
    ) throws(JSONFault) -> JSONValue {
        depth += 1
        guard depth <= limits.depth else { throw .tooDeep }
        index += 1
        let value = try read(&self)
        depth -= 1
        return value
    }

    private mutating func members() throws(JSONFault) -> JSONValue {
        var object = JSONObject()
        skipSpace()
        if consume(UInt8(ascii: "}")) { return .object(object) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw .syntax }
            let name = try string()
            skipSpace()
            guard consume(UInt8(ascii: ":")) else { throw .syntax }
            skipSpace()
            let start = index
            let member = JSONObject.Member(value: try value(), source: start..<index)
            guard object.members.updateValue(member, forKey: name) == nil else { throw .duplicateName }
            skipSpace()
            if consume(UInt8(ascii: "}")) { return .object(object) }
            guard consume(UInt8(ascii: ",")) else { throw .syntax }
        }
    }

    private mutating func elements() throws(JSONFault) -> JSONValue {
        var elements: [JSONValue] = []
        skipSpace()
        if consume(UInt8(ascii: "]")) { return .array(elements) }
        while true {
            elements.append(try value())
            skipSpace()
            if consume(UInt8(ascii: "]")) { return .array(elements) }
            guard consume(UInt8(ascii: ",")) else { throw .syntax }
        }
    }

    private mutating func number() throws(JSONFault) -> String {
        let start = index
        _ = consume(UInt8(ascii: "-"))
        // A leading zero stands alone.
        if !consume(UInt8(ascii: "0")) { try digits() }
        if consume(UInt8(ascii: ".")) { try digits() }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            index += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { index += 1 }
            try digits()
        }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    private mutating func digits() throws(JSONFault) {
        let start = index
        while let byte = next, (0x30...0x39).contains(byte) { index += 1 }
        guard index > start else { throw .syntax }
    }

    private mutating func string() throws(JSONFault) -> String {
        index += 1
        let plain = plainText()
        // The usual string has no escape and is taken as it stands.
        if consume(UInt8(ascii: "\"")) { return try checked(plain) }
        var decoded = Array(plain)
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                index += 1
                return try checked(decoded[...])
            case UInt8(ascii: "\\"):
                index += 1
                try escape(into: &decoded)
            case 0..<0x20: throw .syntax
            default: decoded += plainText()
            }
        }
        throw .syntax
    }

    /// The characters from here on that stand for themselves.
    private mutating func plainText() -> ArraySlice<UInt8> {
        let end = bytes.withUnsafeBufferPointer { ByteScan.endOfPlainJSON(in: $0, from: index) }
        defer { index = end }
        return bytes[index..<end]
    }

    private func checked(_ bytes: ArraySlice<UInt8>) throws(JSONFault) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .encoding }
        return text
    }

    private mutating func escape(into decoded: inout [UInt8]) throws(JSONFault) {
        do {
            decoded.append(contentsOf: String(try JSONText.readEscape(in: bytes, at: &index)).utf8)
        } catch {
            switch error {
            case .syntax: throw .syntax
            case .encoding: throw .encoding
            }
        }
    }
}
