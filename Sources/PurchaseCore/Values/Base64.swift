/// Strict base64: one text for each byte string, so that nobody can change a character without changing a byte.
///
/// Refused: white space, padding where there should be none (and its absence where there should be), the other
/// alphabet, a dangling single character, and non-zero bits after the last byte.
package enum Base64 {
    /// Unpadded base64url of bytes (RFC 4648 §5).
    package static func url(_ bytes: some Sequence<UInt8>) -> String { url(Array(bytes)) }

    /// The same for an array: code for this very type, where other modules' calls of the generic one look up metadata.
    package static func url(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count * 4 + 2) / 3)
        var pending: UInt32 = 0
        var pendingBits: UInt32 = 0
        for byte in bytes {
            pending = pending << 8 | UInt32(byte)
            pendingBits += 8
            while pendingBits >= 6 {
                pendingBits -= 6
                text.append(urlAlphabet[Int(pending >> pendingBits & 63)])
            }
        }
        if pendingBits > 0 { text.append(urlAlphabet[Int(pending << (6 - pendingBits) & 63)]) }
        return String(decoding: text, as: UTF8.self)
    }

    /// Decodes unpadded base64url (RFC 4648 §5, as RFC 7515 §2 wants it); `nil` for anything else.
    package static func decode(url text: ArraySlice<UInt8>) -> [UInt8]? { decode(text, with: urlValues) }

    /// The same for text.
    package static func decode(url text: some StringProtocol) -> [UInt8]? { decode(url: Array(text.utf8)[...]) }

    /// Decodes padded standard base64 (RFC 4648 §4, as RFC 7515 §4.1.6 wants it in `x5c`); `nil` for anything else.
    package static func decode(standard text: ArraySlice<UInt8>) -> [UInt8]? {
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
    private static let common = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    private static let urlAlphabet = Array("\(common)-_".utf8)
    private static let standardValues = values(of: Array("\(common)+/".utf8))
    private static let urlValues = values(of: urlAlphabet)

    private static func values(of alphabet: [UInt8]) -> [UInt8] {
        var values = [UInt8](repeating: invalid, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }
}
