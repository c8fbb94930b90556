import PurchaseCore

/// A line of NDJSON: one object with every column, `null` for what is absent.
struct NDJSONLine: RecordLine, ~Copyable {
    /// What stands before each value: the brace or the comma, the name, the colon.
    private static let names = PaidRecordsFormat.columns.enumerated().map { index, name in
        Array("\(index == 0 ? "{" : ",")\"\(name)\":".utf8)
    }

    private let names = Self.names
    private var bytes: [UInt8]
    private var column = 0

    init(bytes: consuming [UInt8]) { self.bytes = bytes }

    consuming func finish() -> [UInt8] {
        bytes.append(UInt8(ascii: "}"))
        bytes.append(0x0A)
        return bytes
    }

    mutating func text(_ value: String?) {
        begin()
        guard var value else { return null() }
        bytes.append(0x22)
        value.withUTF8 { text in
            if Self.needsEscapes(text) { escape(text) } else { bytes.append(contentsOf: text) }
        }
        bytes.append(0x22)
    }

    mutating func number(_ value: Int64?) {
        begin()
        guard let value else { return null() }
        DecimalDigits.append(value, to: &bytes)
    }

    /// A string: a JSON number would be read as floating point.
    mutating func decimal(_ value: Money?) {
        begin()
        let start = bytes.count
        bytes.append(0x22)
        guard let value, value.appendDecimalText(to: &bytes) else {
            bytes.removeLast(bytes.count - start)
            return null()
        }
        bytes.append(0x22)
    }

    mutating func instant(_ value: Instant) {
        begin()
        bytes.append(0x22)
        RFC3339.append(value, to: &bytes)
        bytes.append(0x22)
    }

    private mutating func begin() {
        bytes.append(contentsOf: names[column])
        column += 1
    }

    private mutating func null() { bytes.append(contentsOf: "null".utf8) }

    /// Whether a byte can't stand in JSON as it is; no branch for each byte, so that many are compared at once.
    private static func needsEscapes(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        text.reduce(0) { $0 | ($1 < 0x20 || $1 == 0x22 || $1 == 0x5C || $1 == 0x7F ? 1 : 0) } != 0
    }

    private mutating func escape(_ text: UnsafeBufferPointer<UInt8>) {
        for byte in text {
            switch byte {
            case 0x22, 0x5C:
                bytes.append(0x5C)
                bytes.append(byte)
            case 0x00..<0x20, 0x7F:
                bytes.append(contentsOf: #"\u00"#.utf8)
                bytes.append(contentsOf: Hexadecimal.text(CollectionOfOne(byte)).utf8)
            default: bytes.append(byte)
            }
        }
    }
}
