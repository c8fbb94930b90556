/// The members of one object; see ``LedgerJSONWriter``.
struct LedgerJSONObject<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let writer: LedgerJSONWriter
    var codingPath: [any CodingKey] { [] }

    func encodeNil(forKey key: Key) throws {
        writer.text.beginMember(key.stringValue)
        writer.text.appendNull()
    }

    func encode(_ value: Bool, forKey key: Key) throws {
        writer.text.beginMember(key.stringValue)
        writer.text.append(value)
    }

    func encode(_ value: String, forKey key: Key) throws {
        writer.text.beginMember(key.stringValue)
        writer.text.append(value)
    }

    func encode<Value: BinaryInteger & Encodable>(_ value: Value, forKey key: Key) throws {
        writer.text.beginMember(key.stringValue)
        writer.text.append(value)
    }

    func encode<Value: BinaryFloatingPoint & Encodable>(_ value: Value, forKey key: Key) throws {
        throw EncodingError.fraction(value)
    }

    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        writer.text.beginMember(key.stringValue)
        try writer.write(value)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type, forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> { outOfTurn() }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { outOfTurn() }

    func superEncoder() -> any Encoder { outOfTurn() }

    func superEncoder(forKey key: Key) -> any Encoder { outOfTurn() }
}

/// The elements of one list; see ``LedgerJSONWriter``.
struct LedgerJSONList: UnkeyedEncodingContainer {
    let writer: LedgerJSONWriter
    var codingPath: [any CodingKey] { [] }
    var count: Int { writer.text.elementCount }

    func encodeNil() throws {
        writer.text.beginElement()
        writer.text.appendNull()
    }

    func encode(_ value: Bool) throws {
        writer.text.beginElement()
        writer.text.append(value)
    }

    func encode(_ value: String) throws {
        writer.text.beginElement()
        writer.text.append(value)
    }

    func encode<Value: BinaryInteger & Encodable>(_ value: Value) throws {
        writer.text.beginElement()
        writer.text.append(value)
    }

    func encode<Value: BinaryFloatingPoint & Encodable>(_ value: Value) throws {
        throw EncodingError.fraction(value)
    }

    func encode<Value: Encodable>(_ value: Value) throws {
        writer.text.beginElement()
        try writer.write(value)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) -> KeyedEncodingContainer<NestedKey> { outOfTurn() }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { outOfTurn() }

    func superEncoder() -> any Encoder { outOfTurn() }
}

/// A value without members or elements of its own; see ``LedgerJSONWriter``.
struct LedgerJSONSingle: SingleValueEncodingContainer {
    let writer: LedgerJSONWriter
    var codingPath: [any CodingKey] { [] }

    func encodeNil() throws { writer.text.appendNull() }

    func encode(_ value: Bool) throws { writer.text.append(value) }

    func encode(_ value: String) throws { writer.text.append(value) }

    func encode<Value: BinaryInteger & Encodable>(_ value: Value) throws { writer.text.append(value) }

    func encode<Value: BinaryFloatingPoint & Encodable>(_ value: Value) throws {
        throw EncodingError.fraction(value)
    }

    func encode<Value: Encodable>(_ value: Value) throws { try writer.write(value) }
}

extension EncodingError {
    fileprivate static func fraction(_ value: some BinaryFloatingPoint) -> EncodingError {
        .invalidValue(value, Context(codingPath: [], debugDescription: "the ledger has no fractions"))
    }
}

private func outOfTurn() -> Never { preconditionFailure("the ledger's types write each value where it stands") }
