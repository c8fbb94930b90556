/// Strict base64: one text for each byte string, so that nobody can change a character without changing a byte.
///
/// Refused: white space, padding where there should be none (and its absence where there should be), the other
/// alphabet, a dangling single character, and non-zero bits after the last byte.
enum Base64 {
    /// Decodes unpadded base64url (RFC 4648 §5, as RFC 7515 §2 wants it); `nil` for anything else.
    static func decode(url text: ArraySlice<UInt8>) -> [UInt8]? { decode(text, with: urlValues) }

    /// Decodes padded standard base64 (RFC 4648 §4, as RFC 7515 §4.1.6 wants it in `x5c`); `nil` for anything else.
    static func decode(standard text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 4) else { return nil }
        let padding = text.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
        return decode(text.dropLast(padding), with: standardValues)
    }

    private static func decode(_ text: ArraySlice<UInt8>, with values: [UInt8]) -> [UInt8]? {
        guard text.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count * 3 / 4)
        var pending: UInt32 = 0
        var pendingBits: UInt32 = 0
        for character in text {
            let value = values[Int(character)]
            guard value != invalid else { return nil }
            pending = pending << 6 | UInt32(value)
            pendingBits += 6
            if pendingBits >= 8 {
                pendingBits -= 8
                bytes.append(UInt8(truncatingIfNeeded: pending >> pendingBits))
                pending &= (1 << pendingBits) - 1
            }
        }
        return pending == 0 ? bytes : nil
    }

    private static let invalid: UInt8 = 0xFF
    private static let standardValues = table(last: [UInt8(ascii: "+"), UInt8(ascii: "/")])
    private static let urlValues = table(last: [UInt8(ascii: "-"), UInt8(ascii: "_")])

    private static func table(last: [UInt8]) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8) + last
        var values = [UInt8](repeating: invalid, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }
}
