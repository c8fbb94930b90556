/// A Swift type that can be read from a column.
package protocol PostgresDecodable {
    /// Reads one value; throws `decodingFailed` for a type that does not fit, and for NULL unless Optional.
    static func decode(_ cell: PostgresCell) throws(PostgresError) -> Self
}

extension Bool: PostgresDecodable {
    /// Reads `boolean`; throws `decodingFailed`.
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Bool {
        guard cell.type == .bool else { throw cell.mismatch() }
        return try cell.integer(as: UInt8.self) != 0
    }
}

extension Int64: PostgresDecodable {
    /// Reads any integer type, or a `numeric` without a fraction; throws `decodingFailed`.
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Int64 { try cell.int64() }
}

extension Int: PostgresDecodable {
    /// Reads any integer type, or a `numeric` without a fraction; throws `decodingFailed`.
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Int { Int(try cell.int64()) }
}

extension Int32: PostgresDecodable {
    /// Reads any integer type whose value fits; throws `decodingFailed`.
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Int32 {
        guard let value = Int32(exactly: try cell.int64()) else { throw cell.mismatch() }
        return value
    }
}

extension Double: PostgresDecodable {
    /// Reads any number type; throws `decodingFailed`.
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Double {
        switch cell.type {
        case .float8: return Double(bitPattern: try cell.integer(as: UInt64.self))
        case .float4: return Double(Float(bitPattern: try cell.integer(as: UInt32.self)))
        case .numeric:
            guard let value = Double(try cell.text()) else { throw cell.mismatch() }
            return value
        default: return Double(try cell.int64())
        }
    }
}

extension String: PostgresDecodable {
    /// Reads any text type, an enum, `json`, `jsonb`, `uuid` or `numeric`; throws `decodingFailed`.
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> String { try cell.text() }
}

extension PostgresTimestamp: PostgresDecodable {
    /// Reads `timestamptz`, or `timestamp` taken as UTC; throws `decodingFailed`.
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> PostgresTimestamp {
        guard cell.type == .timestamptz || cell.type == .timestamp else { throw cell.mismatch() }
        return PostgresTimestamp(wireValue: try cell.integer(as: Int64.self))
    }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    /// Reads the wrapped type, or NULL; throws `decodingFailed`.
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Wrapped? {
        cell.bytes == nil ? nil : try Wrapped.decode(cell)
    }
}

extension Array: PostgresDecodable where Element: PostgresArrayElement {
    /// Reads an array, or `bytea` for bytes; throws `decodingFailed`.
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> [Element] {
        try Element.decodeArray(cell)
    }
}

/// An enum or wrapper over a readable raw value opts in with an empty conformance; an unknown raw value throws.
extension PostgresDecodable where Self: RawRepresentable, RawValue: PostgresDecodable {
    /// Reads the raw value; throws `decodingFailed`.
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Self {
        guard let value = Self(rawValue: try RawValue.decode(cell)) else {
            throw PostgresError(.decodingFailed, message: "not a raw value of \(Self.self)")
        }
        return value
    }
}

extension UInt8 {
    /// Reads `bytea` or the 16 bytes of a `uuid`; throws `decodingFailed`.
    package static func decodeArray(_ cell: PostgresCell) throws(PostgresError) -> [UInt8] {
        guard cell.type == .bytea || cell.type == .uuid else { throw cell.mismatch() }
        return Array(try cell.requiredBytes())
    }
}

extension PostgresCell {
    /// Decodes the elements of an array one by one.
    fileprivate func array<Element: PostgresDecodable>(
        of types: Set<PostgresType>
    ) throws(PostgresError) -> [Element?] {
        var result: [Element?] = []
        for element in try elements(of: types) { result.append(try Element?.decode(element)) }
        return result
    }
}

extension Bool {
    /// Reads `boolean[]`; throws `decodingFailed`.
    package static func decodeNullableArray(_ cell: PostgresCell) throws(PostgresError) -> [Bool?] {
        try cell.array(of: [.bool])
    }
}

extension Int32 {
    /// Reads `integer[]` or `smallint[]`; throws `decodingFailed`.
    package static func decodeNullableArray(_ cell: PostgresCell) throws(PostgresError) -> [Int32?] {
        try cell.array(of: [.int2, .int4])
    }
}

extension Int64 {
    /// Reads an array of any integer type; throws `decodingFailed`.
    package static func decodeNullableArray(_ cell: PostgresCell) throws(PostgresError) -> [Int64?] {
        try cell.array(of: [.int2, .int4, .int8])
    }
}

extension String {
    /// Reads an array of any text type, `json`, `jsonb`, `uuid` or `numeric`; throws `decodingFailed`.
    package static func decodeNullableArray(_ cell: PostgresCell) throws(PostgresError) -> [String?] {
        try cell.array(of: [.text, .varchar, .bpchar, .name, .jsonb, .json, .uuid, .numeric])
    }
}

extension PostgresTimestamp {
    /// Reads `timestamptz[]` or `timestamp[]`; throws `decodingFailed`.
    package static func decodeNullableArray(_ cell: PostgresCell) throws(PostgresError) -> [PostgresTimestamp?] {
        try cell.array(of: [.timestamptz, .timestamp])
    }
}

extension [UInt8] {
    /// Reads `bytea[]`; throws `decodingFailed`.
    package static func decodeNullableArray(_ cell: PostgresCell) throws(PostgresError) -> [[UInt8]?] {
        try cell.array(of: [.bytea])
    }
}
