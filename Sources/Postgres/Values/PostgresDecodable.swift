/// A Swift type that can be read from a column.
package protocol PostgresDecodable {
    /// Reads one value; throws `decodingFailed` for a type that does not fit, and for NULL unless Optional.
    static func decode(_ cell: PostgresCell) throws(PostgresError) -> Self
}

extension Bool: PostgresDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Bool {
        guard cell.type == .bool else { throw cell.mismatch() }
        return try cell.integer(as: UInt8.self) != 0
    }
}

extension Int64: PostgresDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Int64 { try cell.int64() }
}

extension Int: PostgresDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Int { Int(try cell.int64()) }
}

extension Int32: PostgresDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Int32 {
        guard let value = Int32(exactly: try cell.int64()) else { throw cell.mismatch() }
        return value
    }
}

extension Double: PostgresDecodable {
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
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> String { try cell.text() }
}

extension PostgresTimestamp: PostgresDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> PostgresTimestamp {
        guard cell.type == .timestamptz || cell.type == .timestamp else { throw cell.mismatch() }
        return PostgresTimestamp(wireValue: try cell.integer(as: Int64.self))
    }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Wrapped? {
        cell.bytes == nil ? nil : try Wrapped.decode(cell)
    }
}

extension Array: PostgresDecodable where Element: PostgresArrayElement {
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> [Element] {
        try Element.decodeArray(cell)
    }
}

/// An enum or wrapper over a readable raw value opts in with an empty conformance; an unknown raw value throws.
extension PostgresDecodable where Self: RawRepresentable, RawValue: PostgresDecodable {
    package static func decode(_ cell: PostgresCell) throws(PostgresError) -> Self {
        guard let value = Self(rawValue: try RawValue.decode(cell)) else {
            throw PostgresError(.decodingFailed, message: "not a raw value of \(Self.self)")
        }
        return value
    }
}

extension UInt8 {
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
    package static func decodeNullableArray(_ cell: PostgresCell) throws(PostgresError) -> [Bool?] {
        try cell.array(of: [.bool])
    }
}

extension Int32 {
    package static func decodeNullableArray(_ cell: PostgresCell) throws(PostgresError) -> [Int32?] {
        try cell.array(of: [.int2, .int4])
    }
}

extension Int64 {
    package static func decodeNullableArray(_ cell: PostgresCell) throws(PostgresError) -> [Int64?] {
        try cell.array(of: [.int2, .int4, .int8])
    }
}

extension String {
    package static func decodeNullableArray(_ cell: PostgresCell) throws(PostgresError) -> [String?] {
        try cell.array(of: [.text, .varchar, .bpchar, .name, .jsonb, .json, .uuid, .numeric])
    }
}

extension PostgresTimestamp {
    package static func decodeNullableArray(_ cell: PostgresCell) throws(PostgresError) -> [PostgresTimestamp?] {
        try cell.array(of: [.timestamptz, .timestamp])
    }
}

extension [UInt8] {
    package static func decodeNullableArray(_ cell: PostgresCell) throws(PostgresError) -> [[UInt8]?] {
        try cell.array(of: [.bytea])
    }
}
