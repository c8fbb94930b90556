import PurchaseCore

/// Percent-encoding (RFC 3986 §2.1), read strictly.
package enum PercentEncoding {
    /// The text that is meant; `nil` for a broken `%` sequence, and for bytes that are not UTF-8.
    ///
    /// `+` stays `+`: it means a space in forms alone, and account ids come from elsewhere.
    package static func decode(_ text: Substring) -> String? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(text.utf8.count)
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "%") else {
                decoded.append(byte)
                continue
            }
            guard let high = rest.next().flatMap(Hexadecimal.value), let low = rest.next().flatMap(Hexadecimal.value)
            else { return nil }
            decoded.append(high << 4 | low)
        }
        return String(validating: decoded, as: UTF8.self)
    }
}
