/// Text as a JSON string (RFC 8259, section 7), written straight into bytes.
///
/// The one place that escapes: three writers need it, of answers, of exports and of the ledger.
package enum JSONText {
    /// How control characters are written.
    package enum Controls: Sendable {
        /// `\u00` and two hexadecimal digits, DEL as well: answers and exports, whose bytes stay as they are for ever.
        case numbered
        /// Those that have a letter by it (`\n`), the others by number, DEL as it is: as Foundation writes.
        case lettered
    }

    /// Appends a string with its quotes.
    package static func append(_ text: String, controls: Controls = .numbered, to bytes: inout [UInt8]) {
        var text = text
        bytes.append(quote)
        text.withUTF8 { text in
            if needsEscapes(text) { escape(text, controls, to: &bytes) } else { bytes.append(contentsOf: text) }
        }
        bytes.append(quote)
    }

    private static let quote = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")
    private static let delete: UInt8 = 0x7F

    /// Whether a byte may have to be written in another way; no branch for each byte, so that many are compared at once.
    private static func needsEscapes(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        text.reduce(0) { $0 | ($1 < 0x20 || $1 == quote || $1 == backslash || $1 == delete ? 1 : 0) } != 0
    }

    private static func escape(_ text: UnsafeBufferPointer<UInt8>, _ controls: Controls, to bytes: inout [UInt8]) {
        for byte in text {
            switch byte {
            case quote, backslash:
                bytes.append(backslash)
                bytes.append(byte)
            case 0x00..<0x20, delete:
                switch controls {
                case .numbered: appendNumber(of: byte, to: &bytes)
                case .lettered where byte == delete: bytes.append(byte)
                case .lettered:
                    guard let letter = letter(for: byte) else {
                        appendNumber(of: byte, to: &bytes)
                        continue
                    }
                    bytes.append(backslash)
                    bytes.append(letter)
                }
            default: bytes.append(byte)
            }
        }
    }

    private static func appendNumber(of byte: UInt8, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: #"\u00"#.utf8)
        bytes.append(contentsOf: Hexadecimal.text(CollectionOfOne(byte)).utf8)
    }

    private static func letter(for byte: UInt8) -> UInt8? {
        switch byte {
        case 0x08: UInt8(ascii: "b")
        case 0x09: UInt8(ascii: "t")
        case 0x0A: UInt8(ascii: "n")
        case 0x0C: UInt8(ascii: "f")
        case 0x0D: UInt8(ascii: "r")
        default: nil
        }
    }
}
