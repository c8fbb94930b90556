import PurchaseCore

/// A line of CSV (RFC 4180), with empty cells for what is absent.
struct CSVLine: RecordLine, ~Copyable {
    private var bytes: [UInt8]
    private var isFirst = true

    init(bytes: consuming [UInt8]) { self.bytes = bytes }

    consuming func finish() -> [UInt8] {
        bytes.append(0x0D)
        bytes.append(0x0A)
        return bytes
    }

    /// Text that a spreadsheet would run as a formula gets an apostrophe in front; so does text that begins with one,
    /// so that taking one away always gives back what Apple signed.
    mutating func text(_ value: String?) {
        separate()
        guard var value, !value.isEmpty else { return }
        let isHarmful = Self.isHarmful(value)
        value.withUTF8 { text in
            if isHarmful || Self.needsQuotes(text) {
                quote(text, isHarmful: isHarmful)
            } else {
                bytes.append(contentsOf: text)
            }
        }
    }

    private mutating func quote(_ text: UnsafeBufferPointer<UInt8>, isHarmful: Bool) {
        bytes.append(0x22)
        if isHarmful { bytes.append(UInt8(ascii: "'")) }
        for byte in text {
            if byte == 0x22 { bytes.append(0x22) }
            bytes.append(byte)
        }
        bytes.append(0x22)
    }

    /// Whether there is a quote, a comma or an end of line; no branch for each byte, so that many are compared at once.
    private static func needsQuotes(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        text.reduce(0) { $0 | ($1 == 0x22 || $1 == 0x2C || $1 == 0x0D || $1 == 0x0A ? 1 : 0) } != 0
    }

    /// Digits of our own making, which no spreadsheet takes for a formula; a negative number stays one.
    mutating func number(_ value: Int64?) {
        separate()
        if let value { DecimalDigits.append(value, to: &bytes) }
    }

    mutating func decimal(_ value: Money?) {
        separate()
        _ = value?.appendDecimalText(to: &bytes)
    }

    mutating func instant(_ value: Instant) {
        separate()
        RFC3339.append(value, to: &bytes)
    }

    private mutating func separate() {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
    }

    /// The beginnings that OWASP's "CSV Injection" names (read 2026-11-23), the full-width forms included; blanks in
    /// front don't hide them from a spreadsheet.
    private static func isHarmful(_ text: String) -> Bool {
        // Nearly every cell: no scalar needs to be decoded.
        switch text.utf8.first {
        case nil, (48...57)?, (65...90)?, (97...122)?: return false
        default: break
        }
        guard let first = text.unicodeScalars.first else { return false }
        switch first {
        case "=", "+", "-", "@", "\t", "\r", "\n", "'", "\u{FF1D}", "\u{FF0B}", "\u{FF0D}", "\u{FF20}": return true
        case " ", "\u{A0}":
            let rest = text.unicodeScalars.drop { $0 == " " || $0 == "\u{A0}" }
            return rest.isEmpty ? false : isHarmful(String(rest))
        default: return false
        }
    }
}
