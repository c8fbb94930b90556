/// One bound parameter: a value and its PostgreSQL type; every case travels in binary format.
///
/// Types are declared to the server, never guessed: bind `text` to an enum, uuid or numeric column with a cast in
/// the SQL, as in `\(label)::my_enum`.
package enum PostgresValue: Sendable, Hashable {
    /// NULL of a type.
    case null(PostgresType)
    case bool(Bool)
    case int4(Int32)
    case int8(Int64)
    case float8(Double)
    /// UTF-8 without U+0000, which PostgreSQL refuses with 22021.
    case text(String)
    case bytea([UInt8])
    case timestamptz(PostgresTimestamp)
    /// JSON text; the server parses it (22P02 if it is none).
    case jsonb(String)
    case boolArray([Bool?])
    case int4Array([Int32?])
    case int8Array([Int64?])
    case textArray([String?])
    case byteaArray([[UInt8]?])
    case timestamptzArray([PostgresTimestamp?])
    case jsonbArray([String?])

    /// The type declared to the server.
    package var type: PostgresType {
        switch self {
        case .null(let type): type
        case .bool: .bool
        case .int4: .int4
        case .int8: .int8
        case .float8: .float8
        case .text: .text
        case .bytea: .bytea
        case .timestamptz: .timestamptz
        case .jsonb: .jsonb
        case .boolArray: .boolArray
        case .int4Array: .int4Array
        case .int8Array: .int8Array
        case .textArray: .textArray
        case .byteaArray: .byteaArray
        case .timestamptzArray: .timestamptzArray
        case .jsonbArray: .jsonbArray
        }
    }

    /// Appends the binary form; returns false for NULL, which has none.
    func encode(into bytes: inout [UInt8]) -> Bool {
        switch self {
        case .null: return false
        case .bool(let value): bytes.append(value ? 1 : 0)
        case .int4(let value): bytes.appendBigEndian(value)
        case .int8(let value): bytes.appendBigEndian(value)
        case .float8(let value): bytes.appendBigEndian(value.bitPattern)
        case .text(let value): bytes.append(contentsOf: value.utf8)
        case .bytea(let value): bytes.append(contentsOf: value)
        case .timestamptz(let value): bytes.appendBigEndian(value.wireValue)
        case .jsonb(let value): bytes.appendJSONB(value)
        case .boolArray(let values): bytes.appendArray(values, of: .bool) { $0.append($1 ? 1 : 0) }
        case .int4Array(let values): bytes.appendArray(values, of: .int4) { $0.appendBigEndian($1) }
        case .int8Array(let values): bytes.appendArray(values, of: .int8) { $0.appendBigEndian($1) }
        case .textArray(let values): bytes.appendArray(values, of: .text) { $0.append(contentsOf: $1.utf8) }
        case .byteaArray(let values): bytes.appendArray(values, of: .bytea) { $0.append(contentsOf: $1) }
        case .timestamptzArray(let values):
            bytes.appendArray(values, of: .timestamptz) { $0.appendBigEndian($1.wireValue) }
        case .jsonbArray(let values): bytes.appendArray(values, of: .jsonb) { $0.appendJSONB($1) }
        }
        return true
    }
}

extension [UInt8] {
    fileprivate mutating func appendBigEndian<Integer: FixedWidthInteger>(_ value: Integer) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    /// `jsonb` is its text behind a version byte.
    fileprivate mutating func appendJSONB(_ text: String) {
        append(1)
        append(contentsOf: text.utf8)
    }

    /// One-dimensional array: dimensions, has-nulls, element type, length, lower bound, then length-prefixed elements.
    fileprivate mutating func appendArray<Item>(
        _ elements: [Item?], of type: PostgresType, _ encode: (inout [UInt8], Item) -> Void
    ) {
        appendBigEndian(Int32(elements.isEmpty ? 0 : 1))
        appendBigEndian(Int32(elements.contains { $0 == nil } ? 1 : 0))
        appendBigEndian(type.oid)
        if elements.isEmpty { return }
        appendBigEndian(Int32(elements.count))
        appendBigEndian(Int32(1))
        for element in elements {
            guard let element else {
                appendBigEndian(Int32(-1))
                continue
            }
            let lengthAt = count
            appendBigEndian(Int32(0))
            encode(&self, element)
            let length = UInt32(count - lengthAt - 4)
            for index in 0..<4 { self[lengthAt + index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * index)) }
        }
    }
}
