/// A Swift type that can be bound as a statement's parameter.
package protocol PostgresEncodable {
    /// The type declared to the server, also for NULL.
    static var postgresType: PostgresType { get }
    /// The value to bind.
    var postgresValue: PostgresValue { get }
}

/// A Swift type whose arrays can be bound and read; `UInt8` makes `[UInt8]` a `bytea`.
package protocol PostgresArrayElement {
    /// The type of the whole array.
    static var postgresArrayType: PostgresType { get }
    /// The bound form of a whole array.
    static func postgresArray(_ elements: [Self]) -> PostgresValue
    /// Reads a whole array; throws `decodingFailed`.
    static func decodeArray(_ cell: PostgresCell) throws(PostgresError) -> [Self]
}

/// An array element that can also be NULL inside the array.
package protocol PostgresNullableArrayElement: PostgresArrayElement {
    /// The bound form of a whole array, NULLs included.
    static func postgresArray(_ elements: [Self?]) -> PostgresValue
    /// Reads a whole array, NULLs included; throws `decodingFailed`.
    static func decodeNullableArray(_ cell: PostgresCell) throws(PostgresError) -> [Self?]
}

extension PostgresNullableArrayElement {
    package static func postgresArray(_ elements: [Self]) -> PostgresValue {
        postgresArray(elements.map(Optional.some))
    }

    package static func decodeArray(_ cell: PostgresCell) throws(PostgresError) -> [Self] {
        var result: [Self] = []
        for element in try decodeNullableArray(cell) {
            guard let element else { throw PostgresError(.decodingFailed, message: "NULL inside an array") }
            result.append(element)
        }
        return result
    }
}

extension PostgresValue: PostgresEncodable {
    /// Never asked for on its own: each value carries its own type.
    package static var postgresType: PostgresType { .unknown }
    package var postgresValue: PostgresValue { self }
}

extension Bool: PostgresEncodable {
    package static var postgresType: PostgresType { .bool }
    package var postgresValue: PostgresValue { .bool(self) }
}

extension Int: PostgresEncodable {
    package static var postgresType: PostgresType { .int8 }
    package var postgresValue: PostgresValue { .int8(Int64(self)) }
}

extension Int64: PostgresEncodable {
    package static var postgresType: PostgresType { .int8 }
    package var postgresValue: PostgresValue { .int8(self) }
}

extension Int32: PostgresEncodable {
    package static var postgresType: PostgresType { .int4 }
    package var postgresValue: PostgresValue { .int4(self) }
}

extension Double: PostgresEncodable {
    package static var postgresType: PostgresType { .float8 }
    package var postgresValue: PostgresValue { .float8(self) }
}

extension String: PostgresEncodable {
    package static var postgresType: PostgresType { .text }
    package var postgresValue: PostgresValue { .text(self) }
}

extension PostgresTimestamp: PostgresEncodable {
    package static var postgresType: PostgresType { .timestamptz }
    package var postgresValue: PostgresValue { .timestamptz(self) }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    package static var postgresType: PostgresType { Wrapped.postgresType }
    package var postgresValue: PostgresValue { self?.postgresValue ?? .null(Wrapped.postgresType) }
}

extension Array: PostgresEncodable where Element: PostgresArrayElement {
    package static var postgresType: PostgresType { Element.postgresArrayType }
    package var postgresValue: PostgresValue { Element.postgresArray(self) }
}

/// An enum or wrapper over a bindable raw value opts in with an empty conformance.
extension PostgresEncodable where Self: RawRepresentable, RawValue: PostgresEncodable {
    package static var postgresType: PostgresType { RawValue.postgresType }
    package var postgresValue: PostgresValue { rawValue.postgresValue }
}

extension UInt8: PostgresArrayElement {
    package static var postgresArrayType: PostgresType { .bytea }
    package static func postgresArray(_ elements: [UInt8]) -> PostgresValue { .bytea(elements) }
}

extension Bool: PostgresNullableArrayElement {
    package static var postgresArrayType: PostgresType { .boolArray }
    package static func postgresArray(_ elements: [Bool?]) -> PostgresValue { .boolArray(elements) }
}

extension Int32: PostgresNullableArrayElement {
    package static var postgresArrayType: PostgresType { .int4Array }
    package static func postgresArray(_ elements: [Int32?]) -> PostgresValue { .int4Array(elements) }
}

extension Int64: PostgresNullableArrayElement {
    package static var postgresArrayType: PostgresType { .int8Array }
    package static func postgresArray(_ elements: [Int64?]) -> PostgresValue { .int8Array(elements) }
}

extension String: PostgresNullableArrayElement {
    package static var postgresArrayType: PostgresType { .textArray }
    package static func postgresArray(_ elements: [String?]) -> PostgresValue { .textArray(elements) }
}

extension PostgresTimestamp: PostgresNullableArrayElement {
    package static var postgresArrayType: PostgresType { .timestamptzArray }
    package static func postgresArray(_ elements: [PostgresTimestamp?]) -> PostgresValue { .timestamptzArray(elements) }
}

extension [UInt8]: PostgresNullableArrayElement, PostgresArrayElement {
    package static var postgresArrayType: PostgresType { .byteaArray }
    package static func postgresArray(_ elements: [[UInt8]?]) -> PostgresValue { .byteaArray(elements) }
}

extension Optional: PostgresArrayElement where Wrapped: PostgresNullableArrayElement {
    package static var postgresArrayType: PostgresType { Wrapped.postgresArrayType }
    package static func postgresArray(_ elements: [Wrapped?]) -> PostgresValue { Wrapped.postgresArray(elements) }
    package static func decodeArray(_ cell: PostgresCell) throws(PostgresError) -> [Wrapped?] {
        try Wrapped.decodeNullableArray(cell)
    }
}
