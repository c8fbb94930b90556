import PurchaseCore

/// A JSON text with its tokens; what ``LedgerJSONReader`` reads values out of.
///
/// It never changes. Values are named by the index of their token.
final class LedgerJSONDocument: Sendable {
    private let bytes: [UInt8]
    private let tokens: [LedgerJSONToken]
    /// A `null` that is not part of the text: what stands where there is no value.
    let absent: Int

    /// Takes a text; throws `DecodingError.dataCorrupted` if it is no JSON, or nests deeper than
    /// ``LedgerJSONScanner/depthMax``.
    init(_ text: String) throws {
        bytes = Array(text.utf8)
        do {
            var tokens = try bytes.withUnsafeBufferPointer { bytes throws(LedgerJSONFault) in
                try LedgerJSONScanner.tokens(of: bytes)
            }
            absent = tokens.count
            tokens.append(LedgerJSONToken(kind: .null, start: 0, count: 0, next: 0))
            self.tokens = tokens
        } catch {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(codingPath: [], debugDescription: "no JSON at byte \(error.offset)"))
        }
    }

    /// What stands there.
    func kind(_ value: Int) -> LedgerJSONToken.Kind { tokens[value].kind }

    /// How many members an object has, or how many elements a list.
    func count(_ value: Int) -> Int { Int(tokens[value].count) }

    /// The first token behind a whole value: in a list the next element.
    func next(_ value: Int) -> Int { Int(tokens[value].next) }

    /// The value of an object's first member of that name.
    ///
    /// Names are compared by their bytes: a type has few members, and a walk over them is shorter than a dictionary's way.
    func member(_ name: String, of object: Int) -> Int? {
        var name = name
        return name.withUTF8 { name in
            tokens.withUnsafeBufferPointer { tokens in
                let fingerprint = LedgerJSONToken.fingerprint(of: name)
                let end = Int(tokens[object].next)
                var place = object + 1
                while place < end {
                    if tokens[place].next == fingerprint, isName(tokens[place], name) { return place + 1 }
                    place = Int(tokens[place + 1].next)
                }
                return nil
            }
        }
    }

    /// The names of an object's members, in the order of the text, each once.
    func names(of object: Int) -> [String] {
        var names: [String] = []
        names.reserveCapacity(count(object))
        var place = object + 1
        while place < next(object) {
            let name = text(place)
            if member(name, of: object) == place + 1 { names.append(name) }
            place = next(place + 1)
        }
        return names
    }

    /// A text or a name, without its escapes.
    func text(_ value: Int) -> String {
        let token = tokens[value]
        return withBytes(of: token) { bytes in
            switch token.kind {
            case .escapedText, .escapedName: Self.unescaped(bytes)
            case .text, .name, .object, .list, .integer, .fraction, .yes, .no, .null:
                String(decoding: bytes, as: UTF8.self)
            }
        }
    }

    /// A whole number; `nil` if the type can't hold it.
    func integer<Value: FixedWidthInteger>(_ value: Int, as type: Value.Type) -> Value? {
        withBytes(of: tokens[value]) { bytes in
            let isNegative = bytes.first == UInt8(ascii: "-")
            var rest: Int64 = 0
            // Downwards, since the least number is further from zero than the greatest.
            for byte in bytes.dropFirst(isNegative ? 1 : 0) {
                let (tenfold, isLarge) = rest.multipliedReportingOverflow(by: 10)
                let (sum, isLarger) = tenfold.subtractingReportingOverflow(Int64(byte &- UInt8(ascii: "0")))
                guard !isLarge, !isLarger else { return Value(String(decoding: bytes, as: UTF8.self)) }
                rest = sum
            }
            if isNegative { return Value(exactly: rest) }
            guard rest != .min else { return Value(String(decoding: bytes, as: UTF8.self)) }
            return Value(exactly: -rest)
        }
    }

    /// The characters of a string's bytes, whose escapes were found to be good.
    static func unescaped(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        var place = 0
        while place < bytes.count {
            let byte = bytes[place]
            place += 1
            var behind = place
            if byte == UInt8(ascii: "\\"), let scalar = try? JSONText.readEscape(in: bytes, at: &behind) {
                place = behind
                text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            } else {
                text.append(byte)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private func isName(_ token: LedgerJSONToken, _ name: UnsafeBufferPointer<UInt8>) -> Bool {
        withBytes(of: token) { bytes in
            token.kind == .name ? ByteScan.equal(bytes, name) : Self.unescaped(bytes).utf8.elementsEqual(name)
        }
    }

    private func withBytes<Value>(of token: LedgerJSONToken, _ body: (UnsafeBufferPointer<UInt8>) -> Value) -> Value {
        bytes.withUnsafeBufferPointer {
            body(UnsafeBufferPointer(rebasing: $0[Int(token.start)..<Int(token.start + token.count)]))
        }
    }
}
