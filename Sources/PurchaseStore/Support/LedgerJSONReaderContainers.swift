/// The members of one object; see ``LedgerJSONReader``.
struct LedgerJSONMembers<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let document: LedgerJSONDocument
    private let object: Int
    var codingPath: [any CodingKey] { [] }

    init(_ document: LedgerJSONDocument, _ value: Int) throws {
        guard document.kind(value) == .object else { throw document.mismatch(value, [String: Any].self) }
        self.document = document
        self.object = value
    }

    var allKeys: [Key] { document.names(of: object).compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { document.member(key.stringValue, of: object) != nil }

    private func required(_ key: some CodingKey) throws -> LedgerJSONReader {
        guard let value = document.member(key.stringValue, of: object) else {
            throw DecodingError.keyNotFound(
                key, DecodingError.Context(codingPath: [], debugDescription: "no member \(key.stringValue)"))
        }
        return LedgerJSONReader(document: document, value: value)
    }

    /// `nil` for `null` as well.
    private func present(_ key: Key) -> LedgerJSONReader? {
        guard let value = document.member(key.stringValue, of: object), document.kind(value) != .null else {
            return nil
        }
        return LedgerJSONReader(document: document, value: value)
    }

    func decodeNil(forKey key: Key) throws -> Bool { try required(key).decodeNil() }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try required(key).decode(type) }

    func decode(_ type: String.Type, forKey key: Key) throws -> String { try required(key).decode(type) }

    func decode<Value: FixedWidthInteger & Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try required(key).decode(type)
    }

    func decode<Value: BinaryFloatingPoint & Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try required(key).decode(type)
    }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try Value(from: required(key))
    }

    // Without these, each optional member would be looked for three times.

    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try present(key)?.decode(type) }

    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { try present(key)?.decode(type) }

    func decodeIfPresent<Value: FixedWidthInteger & Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        try present(key)?.decode(type)
    }

    func decodeIfPresent<Value: BinaryFloatingPoint & Decodable>(
        _ type: Value.Type, forKey key: Key
    ) throws -> Value? {
        try present(key)?.decode(type)
    }

    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        guard let reader = present(key) else { return nil }
        return try Value(from: reader)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try required(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try required(key).unkeyedContainer()
    }

    func superDecoder() -> any Decoder { superDecoder(named: "super") }

    func superDecoder(forKey key: Key) -> any Decoder { superDecoder(named: key.stringValue) }

    /// `null` where there is no such member, as Foundation has it.
    private func superDecoder(named name: String) -> any Decoder {
        LedgerJSONReader(document: document, value: document.member(name, of: object) ?? document.absent)
    }
}

/// The elements of one list; see ``LedgerJSONReader``.
///
/// Small numbers, so that Swift keeps it within an existential.
struct LedgerJSONElements: UnkeyedDecodingContainer {
    private let document: LedgerJSONDocument
    private let list: Int32
    /// The token of the next element.
    private var place: Int32
    private var position: Int32 = 0
    var codingPath: [any CodingKey] { [] }

    init(_ document: LedgerJSONDocument, _ value: Int) throws {
        guard document.kind(value) == .list else { throw document.mismatch(value, [Any].self) }
        self.document = document
        list = Int32(truncatingIfNeeded: value)
        place = list + 1
    }

    var count: Int? { document.count(Int(list)) }
    var currentIndex: Int { Int(position) }
    var isAtEnd: Bool { currentIndex == document.count(Int(list)) }

    /// Reads the next element, and moves on unless that fails.
    private mutating func element<Value>(_ read: (LedgerJSONReader) throws -> Value) throws -> Value {
        let value = try read(try peek(Value.self))
        advance()
        return value
    }

    private func peek(_ type: any Any.Type) throws -> LedgerJSONReader {
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                type, DecodingError.Context(codingPath: [], debugDescription: "the list is at its end"))
        }
        return LedgerJSONReader(document: document, value: Int(place))
    }

    private mutating func advance() {
        place = Int32(truncatingIfNeeded: document.next(Int(place)))
        position += 1
    }

    mutating func decodeNil() throws -> Bool {
        guard try peek((any Decodable)?.self).decodeNil() else { return false }
        advance()
        return true
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try element { try $0.decode(type) } }

    mutating func decode(_ type: String.Type) throws -> String { try element { try $0.decode(type) } }

    mutating func decode<Value: FixedWidthInteger & Decodable>(_ type: Value.Type) throws -> Value {
        try element { try $0.decode(type) }
    }

    mutating func decode<Value: BinaryFloatingPoint & Decodable>(_ type: Value.Type) throws -> Value {
        try element { try $0.decode(type) }
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try element { try Value(from: $0) } }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try element { try $0.container(keyedBy: type) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try element { try $0.unkeyedContainer() }
    }

    mutating func superDecoder() throws -> any Decoder { try element { $0 } }
}
