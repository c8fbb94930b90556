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
        guard let value else { return null() }
        JSONText.append(value, to: &bytes)
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
}
