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
        var isValid = false
        let bytes = [UInt8](unsafeUninitializedCapacity: text.count * 3 / 4) { output, count in
            text.withUnsafeBufferPointer { text in
                values.withUnsafeBufferPointer { values in isValid = decode(text, with: values, into: output) }
            }
            count = isValid ? output.count : 0
        }
        return isValid ? bytes : nil
    }

    /// Decodes four characters to three bytes at a time, and the two or three at the end that make one or two; false for
    /// what is no base64.
    ///
    /// `output` has room for exactly the bytes that so many characters stand for.
    private static func decode(
        _ text: UnsafeBufferPointer<UInt8>, with values: UnsafeBufferPointer<UInt8>,
        into output: UnsafeMutableBufferPointer<UInt8>
    ) -> Bool {
        // The mark of what is no character has bits that no value has.
        var seen: UInt8 = 0
        var place = 0
        var written = 0
        while place + 4 <= text.count {
            let (first, second) = (values[Int(text[place])], values[Int(text[place + 1])])
            let (third, fourth) = (values[Int(text[place + 2])], values[Int(text[place + 3])])
            seen |= first | second | third | fourth
            output[written] = first << 2 | second >> 4
            output[written + 1] = second << 4 | third >> 2
            output[written + 2] = third << 6 | fourth
            place += 4
            written += 3
        }
        if place + 2 <= text.count {
            let (first, second) = (values[Int(text[place])], values[Int(text[place + 1])])
            let third = place + 3 <= text.count ? values[Int(text[place + 2])] : nil
            seen |= first | second | (third ?? 0)
            output[written] = first << 2 | second >> 4
            if let third { output[written + 1] = second << 4 | third >> 2 }
            // Bits behind the last byte would be a second spelling of it.
            guard (third.map { $0 << 6 } ?? second << 4) == 0 else { return false }
        }
        return seen < 64
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
