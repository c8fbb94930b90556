import PurchaseCore

/// How an export is written; the bytes of one row depend on the row alone.
package enum PaidRecordsFormat: Hashable, Sendable {
    /// RFC 4180, UTF-8, CRLF, always with the line of names; the byte order mark tells some spreadsheets that it is UTF-8.
    case csv(byteOrderMark: Bool)
    /// One JSON object for each row, each on a line that ends with LF.
    case ndjson

    /// The columns, in order: names of the CSV's first line, and of the JSON objects' members.
    package static let columns = [
        "rowId", "kind", "occurredAt", "recordedAt", "environment", "bundleId", "productId", "type", "transactionId",
        "originalTransactionId", "webOrderLineItemId", "quantity", "amountMilliunits", "currency", "amount",
        "storefront", "offerType", "refundPercentage",
    ]

    /// What goes before the first row.
    var prologue: [UInt8] {
        switch self {
        case .csv(let byteOrderMark):
            (byteOrderMark ? [0xEF, 0xBB, 0xBF] : []) + Array((Self.columns.joined(separator: ",") + "\r\n").utf8)
        case .ndjson: []
        }
    }

    /// Appends a row with its end of line.
    func append(_ record: PaidRecord, to bytes: inout [UInt8]) {
        switch self {
        case .csv:
            var line = CSVLine(bytes: bytes)
            bytes = []
            record.write(to: &line)
            bytes = line.finish()
        case .ndjson:
            var line = NDJSONLine(bytes: bytes)
            bytes = []
            record.write(to: &line)
            bytes = line.finish()
        }
    }
}

/// One row that is being written, cell by cell in the order of ``PaidRecordsFormat/columns``.
///
/// Noncopyable, since it holds all rows of a portion: a second owner would mean a copy of all of them for each row.
protocol RecordLine: ~Copyable {
    /// Text from Apple, or none.
    mutating func text(_ value: String?)
    /// A whole number, or none.
    mutating func number(_ value: Int64?)
    /// A decimal number, or none; exact text in every format.
    mutating func decimal(_ value: String?)
    /// An instant.
    mutating func instant(_ value: Instant)
}

extension PaidRecord {
    fileprivate func write<Line: RecordLine & ~Copyable>(to line: inout Line) {
        line.text(rowID)
        line.text(kind.rawValue)
        line.instant(occurredAt)
        line.instant(recordedAt)
        line.text(environment.rawValue)
        line.text(bundleID)
        line.text(productID)
        line.text(type)
        line.text(transactionID)
        line.text(originalTransactionID)
        line.text(webOrderLineItemID)
        line.number(quantity)
        line.number(amountMilliunits)
        line.text(currency)
        line.decimal(money?.decimalText)
        line.text(storefront)
        line.number(offerType)
        line.number(refundPercentage)
    }
}

/// A line of CSV (RFC 4180), with empty cells for what is absent.
private struct CSVLine: RecordLine, ~Copyable {
    private var bytes: [UInt8]
    private var isFirst = true

    init(bytes: consuming [UInt8]) { self.bytes = bytes }

    consuming func finish() -> [UInt8] {
        bytes.append(contentsOf: [0x0D, 0x0A])
        return bytes
    }

    /// Text that a spreadsheet would run as a formula gets an apostrophe in front; so does text that begins with one,
    /// so that taking one away always gives back what Apple signed.
    mutating func text(_ value: String?) {
        separate()
        guard var value, !value.isEmpty else { return }
        value.makeContiguousUTF8()
        let isHarmful = Self.isHarmful(value)
        let needsQuotes = isHarmful || value.utf8.contains { $0 == 0x22 || $0 == 0x2C || $0 == 0x0D || $0 == 0x0A }
        guard needsQuotes else { return bytes.append(contentsOf: value.utf8) }
        bytes.append(0x22)
        if isHarmful { bytes.append(UInt8(ascii: "'")) }
        for byte in value.utf8 {
            if byte == 0x22 { bytes.append(0x22) }
            bytes.append(byte)
        }
        bytes.append(0x22)
    }

    mutating func number(_ value: Int64?) { plain(value.map { String($0) }) }

    mutating func decimal(_ value: String?) { plain(value) }

    mutating func instant(_ value: Instant) {
        separate()
        RFC3339.append(value, to: &bytes)
    }

    /// Digits of our own making, which no spreadsheet takes for a formula; a negative number stays one.
    private mutating func plain(_ value: String?) {
        separate()
        if let value { bytes.append(contentsOf: value.utf8) }
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

/// A line of NDJSON: one object with every column, `null` for what is absent.
private struct NDJSONLine: RecordLine, ~Copyable {
    private static let names = PaidRecordsFormat.columns.map { Array("\"\($0)\":".utf8) }

    private var bytes: [UInt8]
    private var column = 0

    init(bytes: consuming [UInt8]) {
        self.bytes = bytes
        self.bytes.append(UInt8(ascii: "{"))
    }

    consuming func finish() -> [UInt8] {
        bytes.append(contentsOf: [UInt8(ascii: "}"), 0x0A])
        return bytes
    }

    mutating func text(_ value: String?) {
        begin()
        guard let value else { return null() }
        quote(value)
    }

    mutating func number(_ value: Int64?) {
        begin()
        guard let value else { return null() }
        bytes.append(contentsOf: String(value).utf8)
    }

    /// A string: a JSON number would be read as floating point.
    mutating func decimal(_ value: String?) { text(value) }

    mutating func instant(_ value: Instant) {
        begin()
        bytes.append(0x22)
        RFC3339.append(value, to: &bytes)
        bytes.append(0x22)
    }

    private mutating func begin() {
        if column > 0 { bytes.append(UInt8(ascii: ",")) }
        bytes.append(contentsOf: Self.names[column])
        column += 1
    }

    private mutating func null() { bytes.append(contentsOf: "null".utf8) }

    private mutating func quote(_ text: String) {
        bytes.append(0x22)
        for byte in text.utf8 {
            switch byte {
            case 0x22, 0x5C: bytes.append(contentsOf: [0x5C, byte])
            case 0x00..<0x20, 0x7F:
                bytes.append(contentsOf: #"\u00"#.utf8)
                bytes.append(contentsOf: Hexadecimal.text(CollectionOfOne(byte)).utf8)
            default: bytes.append(byte)
            }
        }
        bytes.append(0x22)
    }
}
